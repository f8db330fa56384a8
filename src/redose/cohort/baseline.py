"""Table 1: characteristics at baseline by group, without tests, as CONSORT advises."""

import numpy as np
import pandas as pd

from redose import contract
from redose.cohort.groups import ALL, grouped_by, groups

LEVELS = 12  # of a category; rarer ones are pooled
STATED = ("trial", "site", "arm", "schedule", "product")  # of the contract, shown where they vary within a group
COLUMNS = ["covariate", "label", "unit", "kind", "category", "group", "patients", "missing", "count", "share"]
COLUMNS += ["median", "q1", "q3", "low", "high", "difference"]


def baseline(tables: dict, about: dict) -> pd.DataFrame:
    """A row per covariate, category and group (all patients first): columns as in COLUMNS.

    kind: number (median, quartiles, range), flag (count and share of 1) or category (of each level). Shares are of the
    patients whose value is known. difference: standardised difference between the groups, on the rows of all patients,
    where there are two groups (Yang & Dalton 2012).
    """
    patients, known = with_burden(tables), about.get("covariates", {})
    rows = []
    for column in covariates(patients):
        described = known.get(column, {})
        same = {"covariate": column, "label": described.get("label", column.replace("_", " "))}
        same["unit"] = described.get("unit", about.get("units", {}).get(column, ""))
        rows += [same | row for row in of_covariate(patients, column)]
    return pd.DataFrame(rows, columns=COLUMNS)


def covariates(patients: pd.DataFrame) -> list[str]:
    """Columns to describe: every covariate in the order of the table, then what varies of STATED."""
    own = {column.name for column in contract.TABLES["patients"].columns}
    of_group = patients.groupby(grouped_by(patients))
    # not what the group says already, such as an arm that has one schedule
    stated = [c for c in STATED if of_group[c].nunique().max() > 1]
    return [*(c for c in patients.columns if c not in own), *stated]


def with_burden(tables: dict) -> pd.DataFrame:
    """The patients with `burden`, the last one measured by the start of the first interval (one below its limit counts
    as the limit), where the study has a table of that name."""
    patients, measured = tables["patients"].reset_index(drop=True), tables["burden"]
    if measured.empty or "burden" in patients:
        return patients
    first = tables["intervals"].groupby("patient")["start_day"].min()
    size = measured["burden"].where(~measured["below"].astype(bool), measured["lod"])
    early = measured.assign(burden=size)[(measured["day"] <= measured["patient"].map(first)).to_numpy()]
    last = early.sort_values("day", kind="stable").groupby("patient")["burden"].last()
    return patients.assign(burden=patients["patient"].map(last).astype(float))


def of_covariate(patients: pd.DataFrame, column: str) -> list[dict]:
    """Rows of one covariate, by level and group."""
    values = patients.set_index("patient")[column]
    if pd.api.types.is_numeric_dtype(values):
        kind = "flag" if set(values.dropna()) <= {0.0, 1.0} else "number"
        levels = [""]
    else:
        values, kind = pooled(values.astype(object).where(values.notna() & (values != ""))), "category"
        levels = sorted(values.dropna().unique())
    different = difference(values, patients, kind)
    rows = []
    for level in levels:
        for name, members in groups(patients).items():
            mine = values[members]
            row = {"kind": kind, "category": level, "group": name, "patients": len(mine)}
            row |= {"missing": int(mine.isna().sum()), "difference": different if name == ALL else np.nan}
            rows.append(row | summary(mine.dropna(), kind, level))
    return rows


def pooled(values: pd.Series) -> pd.Series:
    """The values, all but the LEVELS - 1 commonest levels under one name where there are more."""
    common = values.value_counts().sort_index().sort_values(ascending=False, kind="stable").index
    if len(common) <= LEVELS:
        return values
    rest = common[LEVELS - 1 :]
    return values.mask(values.isin(rest), f"any of {len(rest)} others")


def summary(values: pd.Series, kind: str, level: str) -> dict:
    """Count and share, or median, quartiles and range, of known values."""
    if kind == "number":
        found = values.quantile([0.5, 0.25, 0.75, 0.0, 1.0]).to_numpy()
        return dict(zip(("median", "q1", "q3", "low", "high"), found, strict=True))
    count = int((values == (1.0 if kind == "flag" else level)).sum())
    return {"count": count, "share": count / len(values) if len(values) else np.nan}


def difference(values: pd.Series, patients: pd.DataFrame, kind: str) -> float:
    """Standardised difference of known values between two groups; NaN where there are not two, or no spread at all.

    Of numbers and flags the difference of means over the root of the mean variance; of a category the Mahalanobis
    distance between the shares of its levels, infinite where a level tells the groups apart.
    """
    members = list(groups(patients).values())[1:]
    parts = [values[m].dropna() for m in members]
    if len(parts) != 2 or min(len(p) for p in parts) < 2:
        return np.nan
    if kind == "number":
        gap, spread = parts[0].mean() - parts[1].mean(), np.sqrt((parts[0].var() + parts[1].var()) / 2)
        return float(abs(gap) / spread) if spread > 0 else np.inf if gap else np.nan
    levels = sorted(values.dropna().unique())[1:]
    if not levels:
        return np.nan
    shares = [np.array([(p == level).mean() for level in levels]) for p in parts]
    spread = sum(np.diag(s) - np.outer(s, s) for s in shares) / 2
    gap = shares[0] - shares[1]
    known = np.linalg.pinv(spread)
    outside = np.abs(gap - spread @ known @ gap).max() > 1e-9  # a direction in which neither group varies
    return float(np.inf if outside else np.sqrt(gap @ known @ gap))
