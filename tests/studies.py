"""A small study without faults, as text, for tests to copy, spoil and write."""

import csv
from pathlib import Path

import yaml

ABOUT = {
    "title": "A small study",
    "day_0": "first infusion",
    "units": {"day": "days"},
    "assays": {"NGS": {"lod": 1e-5, "false_positive_rate": 0.002}, "flow": {}},
    "products": {"NK-1": {"source": "iPSC", "lineage": "NK", "edits": ["CD38"], "safety_switch": True}},
    "covariates": {
        "age": {"label": "age", "role": "baseline", "unit": "years", "per": 10},
        "sex": {"label": "sex", "role": "baseline", "reference": "female"},
    },
}

TABLES = {
    "patients": """
        patient,trial,site,arm,schedule,product,age,sex
        001,A,a1,redosed,quarterly,NK-1,61,female
        002,A,a1,redosed,adaptive,NK-1,48,male
        003,A,a2,single,single,NK-1,70,male
        004,A,a2,control,none,none,55,female""",
    "infusions": """
        patient,day,cells,product,lot
        001,0,1e9,NK-1,L1
        001,91,1e9,NK-1,L2
        001,182,1e9,NK-1,
        002,0,9e8,NK-1,L1
        003,0,9e8,NK-1,L1""",
    "courses": """
        patient,agent,start_day,stop_day
        001,chemotherapy,-5,-3
        003,nivolumab,14,98""",
    "mrd": """
        patient,day,assay,mrd,lod
        001,-7,NGS,0.02,1e-5
        001,28,NGS,<lod,1e-5
        001,90,NGS,0.0003,2e-5
        001,180,NGS,0,
        002,0,flow,0.1,1e-4
        002,30,NGS,,
        002,60,flow,<1e-4,
        003,28,NGS,0.004,1e-5
        003,84,NGS,0.04,1e-5""",
    "burden": """
        patient,day,burden,lod
        001,-7,12.5,
        003,28,30,""",
    "intervals": """
        patient,interval,start_day,last_free_day,end_day,outcome
        001,1,0,170,182,progression
        001,2,182,,402,censored
        002,1,0,,120,transplant
        003,1,0,84,111,death
        004,1,0,,388,censored""",
    "gvhd": """
        patient,kind,grade,onset_day,end_day
        001,acute,II,20,45
        002,chronic,mild,100,
        003,acute,,30,""",
    "conditions": """
        patient,condition,onset_day,end_day
        002,neutropenia,0,17""",
}


def about() -> dict:
    """`study.yaml` of the small study, free to be changed."""
    return yaml.safe_load(yaml.safe_dump(ABOUT))


def tables() -> dict[str, list[list[str]]]:
    """The tables of the small study as rows of cells, header first: row N of the file is `[N - 1]`."""
    return {name: [line.strip().split(",") for line in text.strip().splitlines()] for name, text in TABLES.items()}


def write(folder: Path, about: dict, tables: dict[str, list[list[str]]]) -> Path:
    """Writes `study.yaml` and the tables as CSV into `folder`; returns the path of `study.yaml`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.yaml").write_text(yaml.safe_dump(about, sort_keys=False), encoding="utf-8")
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as lines:
            csv.writer(lines).writerows(rows)
    return folder / "study.yaml"
