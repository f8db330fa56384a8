"""A first `adam.yaml`, proposed from the datasets themselves: what was recognised in them, and what else is there.

Nothing is proposed that the data do not hold. Counts stand beside it, for whoever completes it.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import yaml

from redose.adam import cells, formats
from redose.adam.datasets import listed
from redose.adam.mapping import DATASETS, FREE, PROGRESSION
from redose.delimited import Unreadable
from redose.problems import StudyError

MRD = re.compile(r"\bMRD|minimal residual|measurable residual|\bVAF\b|ctDNA", re.IGNORECASE)
SUM = re.compile(r"sum of (?:the )?(?:target )?(?:lesion )?diameters|SDIAM|SUMDIAM", re.IGNORECASE)
CELLS = re.compile(r"\bcells?\b|viable", re.IGNORECASE)
GRAFT = re.compile(r"graft.versus.host|\bGVHD\b", re.IGNORECASE)
TRANSPLANT = re.compile(r"transplant|\bHSCT\b|\bHCT\b|\bSCT\b", re.IGNORECASE)
LATER = re.compile(r"subsequent|anti.?cancer|new (?:systemic )?therapy|post.?study", re.IGNORECASE)
LIMITS = ("LBLLOQ", "ALLOQ", "LLOQ", "LBLOD", "ALOD")
MOST = 12  # values listed in a remark

Read = dict[str, pd.DataFrame]


def proposal(folder: Path, name: str, title: str) -> str:
    """The text of `adam.yaml` for the datasets in `folder`, which the file will call `name`. Raises StudyError."""
    files = recognised(folder)
    if "ADSL" not in files:
        held = ", ".join(path.name for path in listed(folder)[:MOST]) or "no dataset"
        raise StudyError(
            f"{folder.as_posix()}: there is no ADSL (it holds {held}); give the folder of the ADaM datasets."
        )
    read = {dataset: read_file(path) for dataset, path in files.items()}
    parts = [heading(), *of_folder(files, name), *of_study(title, read["ADSL"]), *of_subjects(read["ADSL"])]
    parts += of_intervals(read)
    for part in (of_mrd, of_burden, of_infusions, of_gvhd, of_transplant, of_new_therapy):
        parts += part(read)
    return "\n".join(parts) + "\n"


def recognised(folder: Path) -> dict[str, Path]:
    """Dataset -> its file: of that name, or of a name that begins with it (adtte_onco), the shortest such."""
    found = {}
    for dataset in DATASETS:
        own = dataset.casefold()
        named = [p for p in listed(folder) if re.match(rf"{own}(?:_|$)", p.stem.casefold())]
        if named:
            found[dataset] = min(named, key=lambda path: (len(path.stem), "onco" not in path.stem, path.name))
    return found


def read_file(path: Path) -> pd.DataFrame:
    """A dataset with all its variables; raises StudyError where it cannot be read."""
    try:
        return formats.read(path, None, "utf-8")
    except Unreadable as fault:
        raise StudyError(f"{path.as_posix()}: {fault.message}; {fault.cure}.") from None


def heading() -> str:
    return (
        "# How the ADaM datasets of this study become its tables: docs/adam.md of redose. Proposed from the data by\n"
        "# redose new --adam: look at every line. Settings behind a # without a space are switched off."
    )


def flow(value: object) -> str:
    """A value as YAML writes it on one line."""
    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6, sort_keys=False).strip()


def counted(column: pd.Series) -> str:
    """The values of a column with their counts, the most frequent first."""
    counts = column[column != ""].value_counts()
    more = f", and {len(counts) - MOST} more" if len(counts) > MOST else ""
    return " ".join(", ".join(f"{text} {number}" for text, number in counts.head(MOST).items()).split()) + more


def of_folder(files: dict[str, Path], name: str) -> list[str]:
    other = {dataset: path.stem for dataset, path in files.items() if path.stem.casefold() != dataset.casefold()}
    lines = ["", f"folder: {flow(name).removesuffix('...').strip()} # of the datasets, within this folder"]
    lines += [f"datasets: {flow(other)} # files that do not bear the name of their dataset"] if other else []
    return lines


def of_study(title: str, adsl: pd.DataFrame) -> list[str]:
    covariates = {"age": {"label": "age", "role": "baseline", "unit": "years", "per": 10}} if "AGE" in adsl else {}
    lines = ["", "study: # what study.yaml says and ADaM does not: docs/data.md of redose"]
    lines += [f"  title: {flow(title).removesuffix('...').strip()}", "  licence: confidential"]
    lines += ["  #products:", "  #  iPSC-NK: {source: iPSC, lineage: NK, edits: [], safety_switch: false}"]
    lines += ["  covariates:", f"    age: {flow(covariates['age'])}"] if covariates else []
    return lines


def of_subjects(adsl: pd.DataFrame) -> list[str]:
    filled = {variable: int((adsl[variable] != "").sum()) for variable in ("TRTSDT", "RANDDT") if variable in adsl}
    start = next((variable for variable, number in filled.items() if number), "TRTSDT")
    told = ", ".join(f"{variable} {number}" for variable, number in filled.items())
    lines = ["", f"day_0: {start} # known of {told} of {len(adsl)} subjects"]
    flags = [v for v in ("ITTFL", "FASFL", "SAFFL", "MRDEVLFL", "EFFFL") if v in adsl and (adsl[v] == "Y").any()]
    if flags:
        held = "; ".join(f"{flag}: {counted(adsl[flag])}" for flag in flags)
        lines.append(f"population: {{{flags[0]}: Y}} # {held}")
    own = {"trial": "STUDYID", "site": "SITEID", "arm": "TRT01P" if "TRT01P" in adsl else "ARM"}
    lines.append(f"patients: {flow({key: variable for key, variable in own.items() if variable in adsl})}")
    if own["arm"] in adsl:
        lines.append(
            f"#words: {{schedule: {{...: quarterly}}}} # with patients: schedule; arms: {counted(adsl[own['arm']])}"
        )
    covariates = {name: name.upper() for name in ("age", "sex") if name.upper() in adsl}
    lines += [f"covariates: {flow(covariates)}"] if covariates else []
    return lines


def of_intervals(read: Read) -> list[str]:
    parameter = responses(read.get("ADRS"))
    times = read.get("ADTTE", pd.DataFrame())
    lines = ["", "intervals:"]
    if parameter:
        own = read["ADRS"][read["ADRS"]["PARAMCD"] == parameter]
        lines += ["  from: ADRS # recurrent, from assessments; ADTTE: one interval a patient"]
        lines += [f"  where: {{PARAMCD: {flow([parameter])}}} # responses: {counted(own['AVALC'])}"]
        lines += ["  #except: {AVISIT: [UNSCHEDULED]}"] * ("AVISIT" in own)
    else:
        lines += ["  from: ADTTE # one a patient; no assessments of response were recognised in ADRS"]
    if "PARAMCD" in times:
        kinds = times.groupby("PARAMCD")["CNSR"].agg(lambda cnsr: int((cells.values(cnsr) == 0).sum()))
        told = ", ".join(f"{name} {number}" for name, number in kinds.items())
        for key, wanted in (("pfs", "PFS"), ("os", "OS")):
            near = [name for name in kinds.index if name == wanted] or [name for name in kinds.index if wanted in name]
            if near:
                lines.append(f"  {key}: {near[0]} # of ADTTE; events: {told}")
        lines += censoring(times)
    lines.append("  #censored_at: last_seen # in place of the last assessment free of progression")
    return lines


def responses(adrs: pd.DataFrame | None) -> str:
    """PARAMCD of ADRS with most records, of those whose values hold progressions and responses; "" for none."""
    if adrs is None or not {"PARAMCD", "AVALC"} <= set(adrs):
        return ""
    found = {}
    for parameter, part in adrs.groupby("PARAMCD"):
        words = part["AVALC"].str.upper()
        single = part.groupby(list(part.columns[part.columns.isin(["USUBJID"])])).size().max() == 1
        if words.isin(PROGRESSION).any() and words.isin(FREE).any() and not single:
            found[parameter] = len(part)
    return max(found, key=lambda name: (name.startswith("OV"), found[name])) if found else ""


def censoring(times: pd.DataFrame) -> list[str]:
    """Remarks on the reasons of censoring, one for each code."""
    if not {"CNSR", "EVNTDESC"} <= set(times):
        return []
    codes = times[cells.values(times["CNSR"]) > 0]
    lines = [f"  # CNSR {code}: {counted(part['EVNTDESC'])}" for code, part in codes.groupby("CNSR")]
    return [*lines, "  #cnsr: {2: new_therapy} # reasons that are outcomes (with from: ADTTE)"]


def parameters(read: Read, names: tuple[str, ...], pattern: re.Pattern) -> list[tuple[str, str, pd.DataFrame]]:
    """(dataset, PARAMCD, its records) of the parameters whose code or text fits."""
    found = []
    for name in names:
        data = read.get(name, pd.DataFrame())
        if "PARAMCD" not in data:
            continue
        for parameter, part in data.groupby("PARAMCD"):
            text = part["PARAM"].iloc[0] if "PARAM" in part else ""
            if pattern.search(text) or pattern.search(parameter):
                found.append((name, parameter, part))
    return found


def first_of(key: str, variables: tuple[str, ...], data: pd.DataFrame) -> dict[str, str]:
    """The key with the first of the variables that the data have; nothing without any."""
    return next(({key: variable} for variable in variables if variable in data), {})


def of_mrd(read: Read) -> list[str]:
    found = parameters(read, ("ADMRD", "ADLB"), MRD)
    if not found:
        return [
            "",
            "#mrd: # no parameter of ADLB names MRD",
            "#  - {dataset: ADLB, where: {PARAMCD: MRD}, lod_from: LBLLOQ}",
        ]
    lines = ["", "mrd: # unit: fraction, percent, per_10000, per_100000, per_million or log10"]
    for name, parameter, part in found:
        text = part["PARAM"].iloc[0] if "PARAM" in part else ""
        unit = "percent" if "%" in text else "log10" if "log" in text.lower() else "fraction"
        choice = {"dataset": name, "where": {"PARAMCD": parameter}, "assay": parameter, "unit": unit}
        choice |= first_of("lod_from", LIMITS, part)
        lines.append(f"  - {flow(choice)} # {text}: {len(part)} records")
    return lines


def of_burden(read: Read) -> list[str]:
    found = parameters(read, ("ADTR",), SUM)
    lines = [
        f"  - {flow({'dataset': name, 'where': {'PARAMCD': parameter}})} # {len(part)} records"
        for name, parameter, part in found[:1]
    ]
    if not lines and "ADTR" in read and "PARAMCD" in read["ADTR"]:
        return [
            "",
            f"#burden: # ADTR holds {counted(read['ADTR']['PARAMCD'])}",
            "#  - {dataset: ADTR, where: {PARAMCD: ...}}",
        ]
    return ["", "burden:", *lines] if lines else []


def of_infusions(read: Read) -> list[str]:
    found = parameters(read, ("ADEX",), CELLS)
    if found:
        lines = []
        for name, parameter, part in found[:1]:
            text = part["PARAM"].iloc[0] if "PARAM" in part else ""
            power = re.search(r"10\^(\d+)", text)
            choice = {"dataset": name, "where": {"PARAMCD": parameter}} | (
                {"factor": 10.0 ** int(power[1])} if power else {}
            )
            choice |= first_of("lot", ("EXLOT", "LOT"), part)
            lines.append(f"  - {flow(choice)} # {text}: {len(part)} records; EXTRT {counted(part['EXTRT'])}")
        return ["", "infusions:", *lines]
    if "PARAMCD" not in read.get("ADEX", pd.DataFrame()):
        return []
    held = counted(read["ADEX"]["PARAMCD"])
    return [
        "",
        f"#infusions: # ADEX holds {held}",
        "#  - {dataset: ADEX, where: {PARAMCD: ...}, cells: AVAL, factor: 1.0e+6}",
    ]


def of_gvhd(read: Read) -> list[str]:
    events = read.get("ADAE", pd.DataFrame())
    if "AEDECOD" not in events:
        return []
    lines = []
    for term in sorted({text for text in events["AEDECOD"] if GRAFT.search(text)}):
        kind = "chronic" if "chronic" in term.lower() else "acute"
        choice = {"dataset": "ADAE", "where": {"AEDECOD": term}, "kind": kind}
        choice |= first_of("grade", ("ATOXGR", "AETOXGR"), events)
        lines.append(f"  - {flow(choice)} # {int((events['AEDECOD'] == term).sum())} records")
    return ["", "gvhd: # grades: 1-4 or I-IV for acute, mild, moderate or severe for chronic", *lines] if lines else []


def of_transplant(read: Read) -> list[str]:
    return of_words(
        read, "transplant", (("ADPR", "PRDECOD"), ("ADPR", "PRTRT"), ("ADCM", "CMDECOD")), TRANSPLANT.search
    )


def of_new_therapy(read: Read) -> list[str]:
    return of_words(read, "new_therapy", (("ADCM", "CMCAT"), ("ADCM", "CMSCAT"), ("ADCM", "CMINDC")), LATER.search)


def of_words(read: Read, key: str, places: tuple[tuple[str, str], ...], fits: Callable) -> list[str]:
    """The selection of the first variable that has words that fit."""
    for name, variable in places:
        data = read.get(name, pd.DataFrame())
        words = sorted({text for text in data[variable] if fits(text)}) if variable in data else []
        if words:
            choice = {"dataset": name, "where": {variable: words}}
            return ["", f"{key}:", f"  - {flow(choice)} # {int(data[variable].isin(words).sum())} records"]
    return []
