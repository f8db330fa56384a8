"""The inverse: a study's tables as ADaM datasets, with the mapping that reads them back.

Days become dates from a day 0 of 1 January 2020 for every patient; the real dates are not known. What survives XPT:
text of up to 200 bytes without blanks at its end, whole days, and every double whose size is from 1e-78 to 1e74 bit for
bit, because the 56 bits of an IBM number hold the 53 of an IEEE one.
"""

import datetime
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.parquet as parquet
import yaml

from redose import adam, checks, contract, files
from redose.adam import cells
from redose.adam.mapping import FILE
from redose.delimited import Unreadable
from redose.problems import StudyError
from redose.tables import read_study

DAY_0 = datetime.date(2020, 1, 1)
LONGEST = 200  # bytes of a text in XPT v5
LEAST, MOST = 1e-78, 1e74  # sizes of numbers that ReadStat writes and reads as they are
LABELS = {
    "ADSL": "Subject-Level Analysis Dataset",
    "ADEX": "Exposure Analysis Dataset",
    "ADCM": "Concomitant Medication Analysis Dataset",
    "ADPR": "Procedures Analysis Dataset",
    "ADLB": "Laboratory Analysis Dataset",
    "ADTR": "Tumor Results Analysis Dataset",
    "ADRS": "Response Analysis Dataset",
    "ADTTE": "Time-to-Event Analysis Dataset",
    "ADAE": "Adverse Event Analysis Dataset",
}
TAKEN = ("STUDYID", "USUBJID", "SITEID", "SCHEDULE", "PRODUCT", "ENRLDY", "ITTFL", "SAFFL", "TRTSDT", "DTHDT", "EOSDT")
RESPONSES = {"PARAMCD": "OVR", "PARAM": "Overall Response"}
ENDPOINTS = {"PFS": "Progression Free Survival", "OS": "Overall Survival"}
Tables = dict[str, pd.DataFrame]


def write(tables: Tables, about: dict, folder: Path | str, ending: str = ".xpt") -> None:
    """Writes a study's folder with the datasets in adam/ and adam.yaml: whole or not at all.

    tables: the checked form. about: of study.yaml. ending: a key of `WRITERS`. Raises StudyError for what ADaM, or the
    format, cannot hold.
    """
    refuse_lost(tables)
    made = datasets(tables)
    with files.whole_folder(folder) as new:
        (new / "adam").mkdir()
        for name, frame in made.items():
            try:
                WRITERS[ending](frame, name, new / "adam" / f"{name.lower()}{ending}")
            except Unreadable as fault:
                raise StudyError(f"{name}{ending}: {fault.message}; {fault.cure}.") from None
        text = yaml.safe_dump(mapping(made, tables, about), sort_keys=False, allow_unicode=True, width=110)
        (new / FILE).write_text(text, encoding="utf-8")
        refuse_changed(tables, about, new)


def refuse_lost(tables: Tables) -> None:
    """Raises StudyError where a table holds what the datasets have no place for."""
    if tables["intervals"]["entry_day"].notna().any():
        raise StudyError("intervals: entry_day (delayed entry) has no place in ADaM; leave it out, or keep the tables.")
    for name, table in contract.TABLES.items():
        for column in table.columns:
            if column.name.endswith("day") and (tables[name][column.name] % 1).gt(0).any():
                raise StudyError(f"{name}: {column.name} has fractions of days, which no date holds; round them.")


def refuse_changed(tables: Tables, about: dict, folder: Path) -> None:
    """Raises StudyError where the datasets, read again, do not give the same checked tables.

    So where infusions are given after a last progression: read again they start an interval that the study has not.
    """
    with tempfile.TemporaryDirectory() as place:
        again = adam.adapt(folder)
        adam.write(again, Path(place) / "tables", Path(place) / "study.yaml", Path(place) / "adam")
        verdict = checks.check(read_study(Path(place) / "study.yaml", Path(place) / "tables"))
    checks.require(verdict)
    changed = [name for name, table in tables.items() if not table.equals(verdict.tables[name])]
    if changed:
        raise StudyError(
            f"{', '.join(changed)}: ADaM cannot hold them as they are: read again, they differ; keep the tables. "
            "Infusions after a last progression, for one, would start another interval."
        )


def datasets(tables: Tables) -> dict[str, pd.DataFrame]:
    """The datasets that a study's tables make, those with records; text, numbers, and dates or None."""
    made = {
        "ADSL": subjects(tables),
        "ADEX": exposures(tables),
        "ADCM": medications(tables),
        "ADPR": transplants(tables),
        "ADLB": samples(tables),
        "ADTR": measurements(tables),
        "ADRS": responses(tables),
        "ADTTE": times(tables),
        "ADAE": events(tables),
    }
    trial = tables["patients"].set_index("patient")["trial"]
    for name, frame in made.items():
        frame.insert(0, "STUDYID", frame["USUBJID"].map(trial))
        if name != "ADSL":
            frame["TRTSDT"] = DAY_0
    return {name: frame.reset_index(drop=True) for name, frame in made.items() if len(frame)}


def dates(days: pd.Series) -> pd.Series:
    """Dates of days since day 0, None where there is none."""
    known = {day: DAY_0 + datetime.timedelta(days=int(day)) for day in days.dropna().unique()}
    return pd.Series([known.get(day) for day in days], index=days.index, dtype=object)


def covariates(tables: Tables) -> dict[str, str]:
    """Covariate -> variable of ADSL: its own name where that is a name of SAS and free, else COV01, COV02, ..."""
    known = {column.name for column in contract.TABLES["patients"].columns}
    found: dict[str, str] = {}
    for place, name in enumerate((name for name in tables["patients"] if name not in known), start=1):
        own = name.upper()
        free = name.isascii() and name.isalpha() and len(name) <= 8 and own not in {*TAKEN, *found.values()}
        found[name] = own if free else f"COV{place:02d}"
    return found


def subjects(tables: Tables) -> pd.DataFrame:
    patients, intervals = tables["patients"], tables["intervals"]
    last = intervals.groupby("patient")["end_day"].max()
    died = intervals[intervals["outcome"] == "death"].set_index("patient")["end_day"]
    frame = pd.DataFrame(
        {
            "USUBJID": patients["patient"],
            "SITEID": patients["site"],
            "TRT01P": patients["arm"],
            "SCHEDULE": patients["schedule"],
            "PRODUCT": patients["product"],
            "ENRLDY": patients["enrolled_day"],
            "ITTFL": "Y",
            "SAFFL": "Y",
            "TRTSDT": DAY_0,
            "DTHDT": dates(patients["patient"].map(died)),
            "EOSDT": dates(patients["patient"].map(last)),
        }
    )
    return frame.assign(**{variable: patients[name] for name, variable in covariates(tables).items()})


def exposures(tables: Tables) -> pd.DataFrame:
    """Infusions, and as RETREAT the starts of next intervals after a progression on days without an infusion."""
    infusions, intervals = tables["infusions"], tables["intervals"]
    frame = pd.DataFrame(
        {
            "USUBJID": infusions["patient"],
            "PARAMCD": "CELLS",
            "PARAM": "Number of cells infused",
            "AVAL": infusions["cells"],
            "EXTRT": infusions["product"],
            "EXLOT": infusions["lot"],
            "ASTDT": dates(infusions["day"]),
        }
    )
    before = intervals.groupby("patient")["outcome"].shift()
    starts = intervals[before == "progression"]
    given = set(zip(infusions["patient"], infusions["day"], strict=True))
    keys = zip(starts["patient"], starts["start_day"], strict=True)
    starts = starts[pd.Series([key not in given for key in keys], index=starts.index, dtype=bool)]
    again = pd.DataFrame({"USUBJID": starts["patient"], "PARAMCD": "RETREAT", "PARAM": "Retreatment"})
    again = again.assign(AVAL=np.nan, EXTRT="", EXLOT="", ASTDT=dates(starts["start_day"]))
    return stacked(frame, again)


def medications(tables: Tables) -> pd.DataFrame:
    courses, new = tables["courses"], ended(tables, "new_therapy")
    frame = pd.DataFrame({"USUBJID": courses["patient"], "CMCAT": "CONCOMITANT", "CMDECOD": courses["agent"]})
    frame = frame.assign(ASTDT=dates(courses["start_day"]), AENDT=dates(courses["stop_day"]))
    later = pd.DataFrame({"USUBJID": new["patient"], "CMCAT": "SUBSEQUENT", "CMDECOD": "NEW THERAPY"})
    return stacked(frame, later.assign(ASTDT=dates(new["end_day"]), AENDT=None))


def transplants(tables: Tables) -> pd.DataFrame:
    found = ended(tables, "transplant")
    return pd.DataFrame({"USUBJID": found["patient"], "PRDECOD": "TRANSPLANT", "ASTDT": dates(found["end_day"])})


def ended(tables: Tables, outcome: str) -> pd.DataFrame:
    return tables["intervals"][tables["intervals"]["outcome"] == outcome]


def samples(tables: Tables) -> pd.DataFrame:
    mrd = tables["mrd"]
    frame = pd.DataFrame(
        {"USUBJID": mrd["patient"], "PARAMCD": "MRD", "PARAM": "Measurable residual disease (fraction)"}
    )
    frame = frame.assign(LBMETHOD=mrd["assay"], AVAL=mrd["mrd"], AVALC=below(mrd), LBLLOQ=mrd["lod"])
    return frame.assign(ADT=dates(mrd["day"]))


def measurements(tables: Tables) -> pd.DataFrame:
    burden = tables["burden"]
    frame = pd.DataFrame({"USUBJID": burden["patient"], "PARAMCD": "BURDEN", "PARAM": "Tumour burden"})
    frame = frame.assign(AVAL=burden["burden"], AVALC=below(burden), TRLLOQ=burden["lod"])
    return frame.assign(ADT=dates(burden["day"]))


def below(frame: pd.DataFrame) -> pd.Series:
    """`<limit` for values below it, else nothing."""
    return ("<" + cells.of_numbers(frame["lod"])).where(frame["below"], "")


def responses(tables: Tables) -> pd.DataFrame:
    """PD where an interval ended in progression, SD on its last day free of it."""
    intervals = tables["intervals"]
    parts = []
    for days, response in ((intervals["last_free_day"], "SD"), (ended(tables, "progression")["end_day"], "PD")):
        known = days.dropna()
        frame = pd.DataFrame({"USUBJID": intervals["patient"].loc[known.index], **RESPONSES, "AVALC": response})
        parts.append(frame.assign(ADT=dates(known)))
    return stacked(*parts).sort_values(["USUBJID", "ADT"], kind="stable")


def times(tables: Tables) -> pd.DataFrame:
    """PFS of interval 1, and OS: durations in days, the first of them day 1."""
    first = tables["intervals"][tables["intervals"]["interval"] == 1].set_index("patient")
    ends = tables["intervals"].groupby("patient").tail(1).set_index("patient")
    parts = []
    for parameter, frame, events in (("PFS", first, ("progression", "death")), ("OS", ends, ("death",))):
        event = frame["outcome"].isin(events)
        rows = {
            "USUBJID": frame.index,
            "PARAMCD": parameter,
            "PARAM": ENDPOINTS[parameter],
            "AVAL": frame["end_day"] + 1,
        }
        rows |= {"CNSR": (~event).astype(float), "EVNTDESC": frame["outcome"].str.upper().where(event, "CENSORED")}
        parts.append(pd.DataFrame(rows).assign(STARTDT=DAY_0, ADT=dates(frame["end_day"])))
    return stacked(*parts)


def events(tables: Tables) -> pd.DataFrame:
    gvhd, others = tables["gvhd"], tables["conditions"]
    frame = pd.DataFrame({"USUBJID": gvhd["patient"], "AECAT": "GVHD"})
    frame = frame.assign(AEDECOD=gvhd["kind"].str.capitalize() + " graft versus host disease", ATOXGR=gvhd["grade"])
    frame = frame.assign(ASTDT=dates(gvhd["onset_day"]), AENDT=dates(gvhd["end_day"]))
    rest = pd.DataFrame(
        {"USUBJID": others["patient"], "AECAT": "CONDITION", "AEDECOD": others["condition"], "ATOXGR": ""}
    )
    rest = rest.assign(ASTDT=dates(others["onset_day"]), AENDT=dates(others["end_day"]))
    return stacked(frame, rest)


def stacked(*parts: pd.DataFrame) -> pd.DataFrame:
    """The parts that have rows, one below the other."""
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else parts[0]


def mapping(made: dict[str, pd.DataFrame], tables: Tables, about: dict) -> dict:
    """The content of `adam.yaml` that reads the datasets back."""
    own = {"site": "SITEID", "arm": "TRT01P", "schedule": "SCHEDULE", "product": "PRODUCT"}
    own |= {"enrolled_day": "ENRLDY"}
    said = {key: value for key, value in about.items() if value not in ("", {})}
    found = {"folder": "adam", "study": said, "day_0": "TRTSDT", "patients": {"trial": "STUDYID"} | own}
    found |= {"covariates": covariates(tables), "last_seen": "EOSDT"}
    found["intervals"] = {"from": "ADRS", "censored_at": "last_seen"}
    records = {
        "infusions": ("ADEX", {"PARAMCD": "CELLS"}, {"lot": "EXLOT"}),
        "retreatment": ("ADEX", {"PARAMCD": "RETREAT"}, {}),
        "courses": ("ADCM", {"CMCAT": "CONCOMITANT"}, {}),
        "new_therapy": ("ADCM", {"CMCAT": "SUBSEQUENT"}, {}),
        "transplant": ("ADPR", {"PRDECOD": "TRANSPLANT"}, {}),
        "mrd": ("ADLB", {"PARAMCD": "MRD"}, {"assay_from": "LBMETHOD", "lod_from": "LBLLOQ"}),
        "burden": ("ADTR", {"PARAMCD": "BURDEN"}, {"lod_from": "TRLLOQ"}),
        "conditions": ("ADAE", {"AECAT": "CONDITION"}, {}),
    }
    for key, (name, where, further) in records.items():
        if holds(made, name, where):
            found[key] = [{"dataset": name, "where": where} | further]
    for kind in contract.GRADES:
        where = {"AECAT": "GVHD", "AEDECOD": f"{kind.capitalize()} graft versus host disease"}
        if holds(made, "ADAE", where):
            found.setdefault("gvhd", []).append({"dataset": "ADAE", "where": where, "kind": kind, "grade": "ATOXGR"})
    return found


def holds(made: dict[str, pd.DataFrame], name: str, where: dict[str, str]) -> bool:
    """Whether a dataset has a record with these values."""
    if name not in made:
        return False
    keep = pd.Series(True, index=made[name].index)
    for variable, word in where.items():
        keep &= made[name][variable] == word
    return bool(keep.any())


def write_csv(frame: pd.DataFrame, name: str, path: Path) -> None:
    frame.to_csv(path, index=False, lineterminator="\n")


def write_parquet(frame: pd.DataFrame, name: str, path: Path) -> None:
    parquet.write_table(arrow.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None), path)


def write_xpt(frame: pd.DataFrame, name: str, path: Path) -> None:
    """XPT v5, what authorities take."""
    import pyreadstat

    for column in frame.select_dtypes("object"):
        longest = max((len(text.encode()) for text in frame[column] if isinstance(text, str)), default=0)
        if longest > LONGEST:
            message = f"{column} has a text of {longest} bytes, and XPT holds {LONGEST}"
            raise Unreadable(message, "shorten it, or export CSV, Parquet or Dataset-JSON")
    for column in frame.select_dtypes("number"):
        size = frame[column].abs()
        if (size.gt(MOST) | (size.lt(LEAST) & size.gt(0))).any():
            message = f"{column} has a number beyond {LEAST:g} and {MOST:g}, which XPT does not hold"
            raise Unreadable(message, "export CSV, Parquet or Dataset-JSON")
    # dates as numbers of our own: pyreadstat tells the type of a column by its first cell, which may be empty
    days = {column: sas_days(frame[column]) for column in frame if kind_of(frame[column]) == "date"}
    about = {"file_label": LABELS[name], "table_name": name, "variable_format": dict.fromkeys(days, "DATE9.")}
    pyreadstat.write_xport(frame.assign(**days), str(path), file_format_version=5, **about)


def sas_days(dates: pd.Series) -> pd.Series:
    """Dates as days since 1 January 1960; NaN for none."""
    days = [(date - cells.EPOCH).days if isinstance(date, datetime.date) else np.nan for date in dates]
    return pd.Series(days, index=dates.index, dtype=float)


def write_json(frame: pd.DataFrame, name: str, path: Path) -> None:
    """CDISC Dataset-JSON 1.1."""
    kinds = {column: kind_of(frame[column]) for column in frame}
    columns = [
        {"itemOID": f"IT.{name}.{column}", "name": column, "label": column, "dataType": kind}
        for column, kind in kinds.items()
    ]
    rows = [[plain(value) for value in row] for row in frame.itertuples(index=False)]
    content = {"datasetJSONCreationDateTime": f"{DAY_0}T00:00:00", "datasetJSONVersion": "1.1.0"}
    content |= {"itemGroupOID": f"IG.{name}", "records": len(rows), "name": name, "label": LABELS[name]}
    path.write_text(json.dumps(content | {"columns": columns, "rows": rows}, ensure_ascii=False), encoding="utf-8")


def kind_of(column: pd.Series) -> str:
    """The dataType of a column."""
    if column.dtype.kind == "f":
        return "double"
    if column.dtype.kind in "iu":
        return "integer"
    return "date" if any(isinstance(value, datetime.date) for value in column) else "string"


def plain(value: object) -> object:
    """A value as JSON has it; None for a missing one."""
    if value is None or value != value:
        return None
    return value.isoformat() if isinstance(value, datetime.date) else value


WRITERS: dict[str, Callable[[pd.DataFrame, str, Path], None]] = {
    ".xpt": write_xpt,
    ".csv": write_csv,
    ".parquet": write_parquet,
    ".json": write_json,
}
