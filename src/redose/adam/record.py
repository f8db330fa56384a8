"""The record of a derivation: what was read and kept at each step, what was dropped, altered and converted."""

import pandas as pd

LISTING = ["dataset", "record", "patient", "table", "what", "why", "value"]
DROPPED, ALTERED, NOTED = "dropped", "altered", "noted"


class Record:
    """Collects counts, listings and conversions; its properties are the tables that are written."""

    def __init__(self) -> None:
        self.lines: list[tuple] = []
        self.steps: list[tuple] = []
        self.units: list[tuple] = []

    def each(self, dataset: str, records: pd.DataFrame, table: str, what: str, why: str, value: str = "") -> None:
        """Lists records (index: their number; column `patient`). value: the column with the text that shows why."""
        shown = records[value] if value else [""] * len(records)
        self.lines += [
            (dataset, int(number), patient, table, what, why, str(text))
            for number, patient, text in zip(records.index, records["patient"], shown, strict=True)
        ]

    def note(self, dataset: str, patient: str, table: str, what: str, why: str, value: object = "") -> None:
        """Lists what belongs to a patient and not to one record."""
        self.lines.append((dataset, None, patient, table, what, why, str(value)))

    def count(self, table: str, dataset: str, step: str, records: int, patients: int) -> None:
        """One more step on the way from a dataset to a table."""
        self.steps.append((table, dataset, step, records, patients))

    def unit(
        self, table: str, dataset: str, parameter: str, unit: str, factor: str, records: int, example: str
    ) -> None:
        """How the unit of a parameter became that of the table. example: such as 0.12 -> 0.0012."""
        self.units.append((table, dataset, parameter, unit, factor, records, example))

    @property
    def listings(self) -> pd.DataFrame:
        """Every record that was dropped or altered, and every remark on a patient."""
        return pd.DataFrame(self.lines, columns=LISTING).astype({"record": "Int64"})

    @property
    def counts(self) -> pd.DataFrame:
        """Records and patients left after each step, in the order of the steps."""
        return pd.DataFrame(self.steps, columns=["table", "dataset", "step", "records", "patients"])

    @property
    def conversions(self) -> pd.DataFrame:
        """Units of measurements and doses, and what became of them."""
        columns = ["table", "dataset", "parameter", "unit", "factor", "records", "example"]
        return pd.DataFrame(self.units, columns=columns)

    @property
    def reasons(self) -> pd.DataFrame:
        """How many records and patients of a dataset were dropped or altered, by reason."""
        lines = self.listings
        keys = ["dataset", "table", "what", "why"]
        if lines.empty:
            return pd.DataFrame(columns=[*keys, "records", "patients"])
        grouped = lines.groupby(keys, sort=False)
        return grouped.agg(records=("patient", "size"), patients=("patient", "nunique")).reset_index()
