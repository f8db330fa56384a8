"""The patients of a study before any model: their flow, baseline, histories, samples, and what is missing.

Everything is read from the checked tables, as recorded: no estimand and no model has left anything out.
"""

import pandas as pd

from redose.cohort import baseline, flow, histories, missing, visits


def describe(tables: dict, about: dict, estimand: dict) -> dict[str, pd.DataFrame]:
    """Every table of the cohort by name, as the rule `describe_patients` writes them. tables: checked; about:
    study.yaml; estimand: outcome -> word, for the rows that it leaves out."""
    return {
        "flow": flow.flow(tables),
        "baseline": baseline.baseline(tables, about),
        "histories": histories.histories(tables),
        "assays": visits.assays(tables),
        "sampling": visits.sampling(tables),
        "missing": missing.missing(tables, estimand),
    }
