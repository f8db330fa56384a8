"""From ADaM to the tables: a small trial by hand, the CDISC pilot in five formats, faults, and what never happens."""

import datetime
import json
from pathlib import Path

import columns
import pandas as pd
import pyarrow.parquet as parquet
import pyreadstat
import pytest
import trials
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redose import adam, checks, dictionary, tables
from redose.problems import StudyError
from redose.pseudonyms import FORM


@pytest.fixture
def trial(tmp_path):
    """Writes the small trial, changed by the caller, and returns its folder."""

    def written(change=lambda mapping, datasets: None) -> Path:
        mapping, datasets = trials.mapping(), trials.datasets()
        change(mapping, datasets)
        return trials.write(tmp_path / "trial", mapping, datasets)

    return written


def rows(adapted: adam.Adapted, table: str) -> list[tuple]:
    return list(adapted.tables[table].itertuples(index=False, name=None))


def test_the_small_trial_by_hand(trial, tmp_path):
    adapted = adam.adapt(trial())
    assert rows(adapted, "patients") == [
        ("T1-01", "T1", "a1", "Quarterly", "quarterly", "NK-1", "0", "61"),
        ("T1-02", "T1", "a1", "Single", "single", "NK-1", "0", "48"),
        ("T1-03", "T1", "a2", "Single", "single", "NK-1", "9", "70"),  # nine days after the first patient
    ]
    assert rows(adapted, "intervals") == [
        ("T1-01", 1, "0", "31", "92", "progression"),
        ("T1-01", 2, "96", "214", "214", "censored"),  # redosed on 5 June; CR on 1 October is the last assessment
        ("T1-02", 1, "0", "31", "180", "death"),
        ("T1-03", 1, "0", "31", "52", "transplant"),  # nothing is known of later days
    ]
    assert rows(adapted, "infusions") == [
        ("T1-01", "0", "900000000", "NK-1", "L1"),
        ("T1-01", "96", "900000000", "NK-1", "L2"),
        ("T1-02", "0", "300000000", "NK-1", "L1"),
    ]
    assert rows(adapted, "courses") == [
        ("T1-01", "AZACITIDINE", "-5", "-3"),
        ("T1-02", "AZACITIDINE", "122", "180"),  # ongoing: until the patient was last seen
    ]
    assert rows(adapted, "mrd") == [
        ("T1-01", "-1", "NGS", "0.0012", "1e-05"),
        ("T1-01", "31", "NGS", "<lod", "1e-05"),
        ("T1-03", "21", "NGS", "<2e-05", ""),
    ]
    assert rows(adapted, "burden") == [("T1-01", "0", "42.5", "")]
    assert rows(adapted, "gvhd") == [("T1-01", "acute", "3", "50", "85")]
    assert rows(adapted, "conditions") == [("T1-02", "neutropenia", "0", "10")]
    adam.write_study(adapted, tmp_path / "out")
    verdict = checks.check(tables.read_study(tmp_path / "out/study.yaml", tmp_path / "out"))
    assert verdict.passed, verdict.text()


def test_every_record_that_is_dropped_or_altered_is_listed(trial):
    adapted = adam.adapt(trial())
    told = [(r.dataset, r.record, r.patient, r.what, r.why) for r in adapted.reports["listings"].itertuples()]
    told = [(*line[:1], None if pd.isna(line[1]) else int(line[1]), *line[2:]) for line in told]
    assert sorted(told, key=str) == sorted(
        [
            ("ADRS", 2, "T1-01", "dropped", "not evaluable"),
            ("ADEX", 4, "T1-03", "dropped", "AVAL is not above 0: no cells"),
            ("ADCM", 2, "T1-02", "altered", "no end: stops with follow-up"),
            ("ADCM", 3, "T1-99", "dropped", "the subject is not in ADSL"),
            ("ADCM", None, "", "noted", "no record of new_therapy.1 (CMCAT: SUBSEQUENT)"),
            ("ADLB", 2, "T1-01", "altered", "below its limit: the number beside it is not used"),
            ("ADLB", 3, "T1-01", "dropped", "derived, not measured (DTYPE)"),
            ("ADLB", 4, "T1-02", "dropped", "no number, and no limit that the result lies below"),
            ("ADLB", 5, "T1-02", "dropped", "ADT is no whole date"),
            ("ADAE", 1, "T1-01", "dropped", "starts with another record: the worst grade and the latest end are kept"),
            ("ADAE", 3, "T1-02", "altered", "there on day 0: starts on day 0"),
            ("ADAE", 4, "T1-03", "dropped", "over before day 0"),
        ],
        key=str,
    )
    assert list(adapted.reports["left_out"].itertuples(index=False, name=None)) == [
        ("T1-04", "SAFFL is N, not Y"),
        ("T1-05", "no TRTSDT: day 0 is not known"),
    ]
    reasons = adapted.reports["reasons"]
    assert reasons["records"].sum() == len(told)


def test_counts_lead_from_the_datasets_to_the_tables(trial):
    adapted = adam.adapt(trial())
    counts = adapted.reports["counts"].set_index(["table", "step"])["records"]
    assert counts["patients", "subjects"] == 5 and counts["patients", "kept"] == 3
    assert counts["mrd", "selected"] == 6 and counts["courses", "of patients kept"] == 2
    for name, table in adapted.tables.items():
        assert counts[name, "kept" if name == "patients" else "rows of the table"] == len(table), name
    endpoints = adapted.reports["endpoints"].set_index("endpoint")
    assert endpoints.loc["PFS"].tolist() == [3, 2, 3, 2, 2, 3]
    assert endpoints.loc["OS"].tolist() == [3, 1, 3, 1, 1, 3]
    units = adapted.reports["conversions"].set_index("table")
    assert units.loc["mrd", ["unit", "factor", "example"]].tolist() == ["percent", "0.01", "0.12 -> 0.0012"]
    assert units.loc["infusions", "example"] == "900 -> 900000000"


def test_a_first_interval_that_is_not_pfs_of_adtte_is_noted(trial):
    def change(mapping, datasets):
        datasets["ADTTE"][1][4:7] = ["2024-06-02", "94", "0"]

    listings = adam.adapt(trial(change)).reports["listings"]
    noted = listings[(listings["what"] == "noted") & (listings["dataset"] == "ADTTE")]
    assert noted["patient"].tolist() == ["T1-01"]
    assert noted["value"].tolist() == ["ADTTE: event on day 93; interval: progression on day 92"]


def test_deaths_without_a_usable_date_are_noted(trial):
    def change(mapping, datasets):
        flags, deaths = ("DTHFL", "Y", "Y", "Y", "", ""), {1: "2024", 3: "2024-03-01"}
        for number, (row, flag) in enumerate(zip(datasets["ADSL"], flags, strict=True)):
            row.append(flag)
            row[7] = deaths.get(number, row[7])
        del datasets["ADTTE"]  # and nothing is compared with it

    adapted = adam.adapt(trial(change))
    listings = adapted.reports["listings"]
    noted = listings[listings["dataset"] == "ADSL"]
    assert list(noted[["patient", "why", "value"]].itertuples(index=False, name=None)) == [
        ("T1-01", "DTHFL is Y, but there is no whole date of death", ""),
        ("T1-03", "the date of death lies before day 0: not used", "-9"),
    ]
    assert [row[5] for row in rows(adapted, "intervals")] == ["progression", "censored", "death", "transplant"]
    assert adapted.reports["endpoints"].empty


def test_without_pfs_in_adtte_there_is_nothing_to_compare(trial):
    def change(mapping, datasets):
        datasets["ADTTE"] = [row for row in datasets["ADTTE"] if row[2] != "PFS"]

    adapted = adam.adapt(trial(change))
    assert adapted.reports["endpoints"]["endpoint"].tolist() == ["OS"]


def test_an_assay_without_a_name_is_its_parameter(trial):
    found = adam.adapt(trial(lambda mapping, datasets: mapping["mrd"][0].pop("assay"))).tables["mrd"]
    assert set(found["assay"]) == {"MRD"}


def test_one_interval_a_patient_from_adtte(trial):
    def change(mapping, datasets):
        mapping["intervals"] = {"from": "ADTTE", "cnsr": {2: "transplant"}}

    assert rows(adam.adapt(trial(change)), "intervals") == [
        ("T1-01", 1, "0", "", "92", "progression"),
        ("T1-02", 1, "0", "", "180", "death"),
        ("T1-03", 1, "0", "", "52", "transplant"),
    ]


def test_what_follows_a_transplant_is_the_next_interval_where_more_is_known(trial):
    def change(mapping, datasets):
        mapping["intervals"]["censored_at"] = "last_seen"

    found = [row for row in rows(adam.adapt(trial(change)), "intervals") if row[0] == "T1-03"]
    assert found == [("T1-03", 1, "0", "31", "52", "transplant"), ("T1-03", 2, "52", "", "296", "censored")]


@pytest.mark.parametrize(("rule", "end", "left"), [("half_day", "0.5", 2), ("leave_out", None, 3)])
def test_an_interval_without_length(rule, end, left, trial):
    def change(mapping, datasets):
        mapping["intervals"]["zero_length"] = rule
        del datasets["ADRS"][7], mapping["transplant"], datasets["ADPR"]

    adapted = adam.adapt(trial(change))
    found = [row for row in rows(adapted, "intervals") if row[0] == "T1-03"]
    assert found == ([("T1-03", 1, "0", "", end, "censored")] if end else [])
    assert len(adapted.reports["left_out"]) == left


def test_units_and_limits(trial):
    def change(mapping, datasets):
        own = {"dataset": "ADLB", "where": {"PARAMCD": "LG"}, "assay": "flow", "unit": "log10", "lod": -4}
        mapping["mrd"].append(own)
        datasets["ADLB"] += [["T1", "T1-02", "LG", "log10", "2024-04-01", "-3", "", "", "WEEK 4", ""]]
        datasets["ADLB"] += [["T1", "T1-02", "LG", "log10", "2024-05-01", "", "Not Detected", "", "WEEK 8", ""]]

    found = [row for row in rows(adam.adapt(trial(change)), "mrd") if row[2] == "flow"]
    assert found == [("T1-02", "31", "flow", "0.001", "0.0001"), ("T1-02", "61", "flow", "<lod", "0.0001")]


# what is wrong -> (change, rule's sentence in part, file, row, patient)
FAULTS = {
    "key": (lambda m, d: m.update(medrol=1), "medrol: is no key", "adam.yaml"),
    "key of a selection": (lambda m, d: m["mrd"][0].update(assayy="x"), "mrd.1.assayy", "adam.yaml"),
    "value": (lambda m, d: m["mrd"][0].update(unit="ppm"), "is not one of fraction, percent", "adam.yaml"),
    "no title": (lambda m, d: m["study"].pop("title"), "study: has no title", "adam.yaml"),
    "study key": (lambda m, d: m["study"].update(titel="x"), "study.titel", "adam.yaml"),
    "words": (lambda m, d: m["words"].update(armm={"a": "b"}), "words: armm is no column", "adam.yaml"),
    "no kind": (lambda m, d: m["gvhd"][0].pop("kind"), "gvhd.1: says no kind", "adam.yaml"),
    "dataset": (lambda m, d: d.pop("ADRS"), "there is no adrs", "adam"),
    "variable": (lambda m, d: m["mrd"][0].update(lod_from="LLOQ"), "did you mean LBLLOQ", "adlb.csv"),
    "parameter": (lambda m, d: m["mrd"][0].update(where={"PARAMCD": "MRDD"}), "did you mean MRD", "adlb.csv"),
    "response": (
        lambda m, d: d["ADRS"][3].__setitem__(4, "RELAPSE?"),
        "RELAPSE? is none",
        "adrs.csv row 4 (patient T1-01)",
    ),
    "censoring": (
        lambda m, d: d["ADTTE"][2].__setitem__(6, "-1"),
        "CNSR of PFS is -1",
        "adtte.csv row 3 (patient T1-02)",
    ),
    "second PFS": (lambda m, d: d["ADTTE"].append(d["ADTTE"][1]), "second record", "adtte.csv row 8 (patient T1-01)"),
    "second subject": (lambda m, d: d["ADSL"].append(d["ADSL"][1]), "second record", "adsl.csv row 7 (patient T1-01)"),
    "no subject": (lambda m, d: d["ADSL"][2].__setitem__(1, ""), "USUBJID is empty", "adsl.csv row 3"),
    "contradiction": (
        lambda m, d: d["ADLB"].append([*d["ADLB"][1][:5], "0.2", "0.2", *d["ADLB"][1][7:]]),
        "mrd 0.002 contradicts 0.0012 of row 2",
        "adlb.csv row 8 (patient T1-01, day -1)",
    ),
    "ragged": (lambda m, d: d["ADEX"][2].append("x"), "the row has 8 cells, the header 7", "adex.csv row 3"),
    "nobody": (lambda m, d: m.update(population={"SAFFL": "X"}), "no patient is left", ""),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_with_its_place(name, trial):
    change, message, place = FAULTS[name]
    with pytest.raises(StudyError) as fault:
        adam.adapt(trial(change))
    assert message in str(fault.value) and place in str(fault.value)


def test_several_faults_are_told_at_once(trial):
    def change(mapping, datasets):
        mapping["medrol"] = 1
        mapping["mrd"][0]["unit"] = "ppm"

    with pytest.raises(StudyError, match=r"(?s)2 errors.*medrol.*ppm"):
        adam.adapt(trial(change))


@pytest.mark.parametrize("folder", ["..", "../other", "/"])
def test_the_datasets_lie_in_the_studys_folder(folder, trial, tmp_path):
    (tmp_path / "other").mkdir()
    with pytest.raises(StudyError, match="outside the study's folder"):
        adam.adapt(trial(lambda m, d: m.update(folder=folder)))


def test_a_link_out_of_the_studys_folder_is_not_followed(trial, tmp_path):
    folder = trial()
    (folder / "adam/adlb.csv").rename(tmp_path / "elsewhere.csv")
    (folder / "adam/adlb.csv").symlink_to(tmp_path / "elsewhere.csv")
    with pytest.raises(StudyError, match="outside the study's folder"):
        adam.adapt(folder)


def test_aliases_that_grow_without_end_are_refused(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 9)]
    (tmp_path / "adam.yaml").write_text("\n".join(lines))
    with pytest.raises(StudyError, match="every alias counted in full"):
        adam.adapt(tmp_path)


def test_yaml_makes_no_objects(trial, tmp_path):
    folder = trial()
    made = tmp_path / "made"
    tag = f'!!python/object/apply:os.mkdir ["{made}"]'
    (folder / "adam.yaml").write_text(f"folder: adam\nstudy: {{title: {tag}}}\n")
    with pytest.raises(StudyError, match="is not YAML"):
        adam.adapt(folder)
    assert not made.exists()


def test_a_dataset_in_two_formats_must_be_chosen(trial):
    folder = trial()
    pd.read_csv(folder / "adam/adlb.csv", dtype=str).to_parquet(folder / "adam/ADLB.parquet")
    with pytest.raises(StudyError, match="ADLB is there more than once"):
        adam.adapt(folder)
    mapping = trials.mapping() | {"datasets": {"ADLB": "adlb.CSV"}}
    (folder / "adam.yaml").write_text(yaml.safe_dump(mapping))
    assert len(adam.adapt(folder).tables["mrd"]) == 3


def test_the_inputs_stay_as_they_are(trial):
    folder = trial()
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}
    adam.adapt(folder)
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()} == before


def test_under_a_salt_the_reports_name_no_patient(trial, tmp_path):
    adapted = adam.hidden(adam.adapt(trial()), "0123456789abcdef" * 4)
    adam.write(adapted, tmp_path / "source", tmp_path / "study.yaml", tmp_path / "reports")
    for path in [tmp_path / "study.yaml", *(tmp_path / "reports").iterdir()]:
        assert "T1-0" not in path.read_text(), path.name
    listings = adapted.reports["listings"]
    assert set(listings["patient"].map(lambda key: bool(FORM.fullmatch(key)) or key)) == {True, ""}
    assert listings["record"].isna().all()
    assert "T1-0" not in adam.text(adapted)


def test_every_column_of_the_reports_is_in_the_codebook(trial):
    reports = adam.adapt(trial()).reports
    assert columns.described({f"adam/{name}.csv": list(table) for name, table in reports.items()}) == ([], [])


def test_the_workflow_knows_the_reports_and_the_formats():
    text = (Path(__file__).parents[1] / "workflow/rules/common.smk").read_text()
    scope = {}
    lines = [line for line in text.splitlines() if line.startswith(("ADAM ", "DATASETS "))]
    exec("\n".join(lines), scope)
    assert set(scope["DATASETS"]) == set(adam.formats.READERS)
    assert scope["ADAM"] == adam.REPORTS


# the pilot: each dataset written anew, by other means than redose's own


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Without moments, which not every format has."""
    return frame.drop(columns=[name for name in frame if str(frame[name].dtype).startswith("datetime")])


def as_xpt(version: int):
    def write(frame: pd.DataFrame, path: Path) -> None:
        frame = plain(frame).copy()
        dated = [n for n in frame if any(isinstance(value, datetime.date) for value in frame[n])]
        for name in dated:
            frame[name] = (pd.to_datetime(frame[name]) - pd.Timestamp(1960, 1, 1)).dt.days.astype(float)
        for name in frame.select_dtypes("object"):
            frame[name] = frame[name].fillna("")
        shown = dict.fromkeys(dated, "DATE9.")
        path = path.with_suffix(".xpt")
        pyreadstat.write_xport(frame, str(path), file_format_version=version, variable_format=shown)

    return write


def as_parquet(frame: pd.DataFrame, path: Path) -> None:
    plain(frame).to_parquet(path.with_suffix(".parquet"))


def as_csv(frame: pd.DataFrame, path: Path) -> None:
    plain(frame).to_csv(path.with_suffix(".csv"), index=False)


def as_json(frame: pd.DataFrame, path: Path) -> None:
    frame = plain(frame)
    kinds = {"f": "float", "i": "integer"}
    about = [
        {"itemOID": f"IT.{name}", "name": name, "label": name, "dataType": kinds.get(frame[name].dtype.kind, "string")}
        for name in frame
    ]
    lines = [
        [None if pd.isna(v) else v.isoformat() if isinstance(v, datetime.date) else v for v in row]
        for row in frame.astype(object).itertuples(index=False)
    ]
    content = {"datasetJSONVersion": "1.1.0", "records": len(lines), "name": path.stem, "columns": about, "rows": lines}
    path.with_suffix(".json").write_text(json.dumps(content))


def as_ndjson(frame: pd.DataFrame, path: Path) -> None:
    as_json(frame, path)
    content = json.loads(path.with_suffix(".json").read_text())
    rows_of = content.pop("rows")
    path.with_suffix(".json").unlink()
    path.with_suffix(".ndjson").write_text("".join(json.dumps(line) + "\n" for line in [content, *rows_of]))


FORMATS = {
    "xpt5": as_xpt(5),
    "xpt8": as_xpt(8),
    "parquet": as_parquet,
    "csv": as_csv,
    "json": as_json,
    "ndjson": as_ndjson,
}


@pytest.fixture(scope="module")
def pilot(tmp_path_factory) -> dict[str, adam.Adapted]:
    """The pilot as the wheel has it ("wheel"), and read back from each format."""
    frames = {name: parquet.read_table(trials.pilot_file(name)).to_pandas() for name in trials.PILOT_FILES}
    frames["adlb"] = frames["adlb"].iloc[:, [*range(8), *range(58, 80)]]  # of 115 variables: for speed
    found = {}
    for form in ("wheel", *FORMATS):
        folder = trials.write(tmp_path_factory.mktemp("pilot") / form, trials.PILOT, {})
        for name, frame in frames.items():
            if form == "wheel":
                (folder / "adam" / f"{name}.parquet").write_bytes(trials.pilot_file(name).read_bytes())
            else:
                FORMATS[form](frame, folder / "adam" / name.upper())
        found[form] = adam.adapt(folder)
    return found


def test_the_pilot_has_306_subjects_and_the_events_of_its_adtte(pilot):
    adapted = pilot["wheel"]
    counts = adapted.reports["counts"].set_index(["table", "step"])["records"]
    assert counts["patients", "subjects"] == 306
    assert len(adapted.tables["patients"]) + len(adapted.reports["left_out"]) == 306
    assert set(adapted.reports["left_out"]["reason"]) == {"no RANDDT: day 0 is not known"}  # screen failures
    times = parquet.read_table(trials.pilot_file("adtte_onco")).to_pandas()
    events = {name: int((part["CNSR"] == 0).sum()) for name, part in times.groupby("PARAMCD")}
    endpoints = adapted.reports["endpoints"].set_index("endpoint")
    for name in ("PFS", "OS"):
        assert endpoints.loc[name, "events_derived"] == endpoints.loc[name, "events_adtte"] == events[name]
    assert endpoints.loc["PFS", "dates_equal"] == (times["PARAMCD"] == "PFS").sum()
    outcomes = adapted.tables["intervals"]["outcome"].value_counts()
    assert outcomes["progression"] + outcomes["death"] == events["PFS"]
    assert outcomes["death"] == events["OS"]  # nobody died after a progression


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_tables(form, pilot):
    mine, other = pilot[form].tables, pilot["wheel"].tables
    assert list(mine) == list(other) == ["patients", "courses", "mrd", "burden", "intervals", "conditions"]
    for name, table in other.items():
        assert mine[name].to_csv(index=False) == table.to_csv(index=False), name
    for name in ("counts", "reasons", "listings", "left_out", "endpoints", "adherence"):
        assert pilot[form].reports[name].equals(pilot["wheel"].reports[name]), name


def test_the_pilot_passes_the_checks(pilot, tmp_path):
    adam.write_study(pilot["wheel"], tmp_path / "pilot")
    verdict = checks.check(tables.read_study(tmp_path / "pilot/study.yaml", tmp_path / "pilot"))
    assert verdict.passed, verdict.text()
    assert set(verdict.problems["rule"]) <= {"after_follow_up"}


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(sorted(adam.mapping.STUDY)) | TEXT


def derived_or_refused(folder: Path) -> None:
    """Adapts a study: refused by its name, or its tables know the same patients, each with intervals that last."""
    try:
        found = adam.adapt(folder).tables
    except StudyError as fault:
        assert str(fault).startswith(f"study {folder.name}: ")
        return
    everyone = set(found["patients"]["patient"])
    assert everyone == set(found["intervals"]["patient"])
    assert all(set(table["patient"]) <= everyone for table in found.values())
    start, end = (found["intervals"][day].astype(float) for day in ("start_day", "end_day"))
    assert (end > start).all()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changed=st.dictionaries(KEYS, VALUES, max_size=3), part=st.dictionaries(KEYS, VALUES, max_size=3))
def test_any_mapping_ends_in_a_study_or_in_our_own_error(tmp_path_factory, changed, part):
    mapping = trials.mapping() | changed
    mapping["mrd"] = [trials.mapping()["mrd"][0] | part, mapping["mrd"]] if part else mapping["mrd"]
    folder = trials.write(tmp_path_factory.mktemp("any") / "trial", mapping, trials.datasets())
    derived_or_refused(folder)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_cells_end_in_a_study_or_in_our_own_error(tmp_path_factory, data):
    datasets = trials.datasets()
    for _ in range(3):
        name = data.draw(st.sampled_from(sorted(datasets)))
        row = data.draw(st.integers(1, len(datasets[name]) - 1))
        column = data.draw(st.integers(0, len(datasets[name][0]) - 1))
        odd = st.sampled_from(
            ["", "1e400", "-0", "nan", "9" * 400, "2024-13-45", "<", "<.", "<1e-5", "1e-5", "99999999"]
        )
        datasets[name][row][column] = data.draw(odd | TEXT.filter(lambda text: not set(text) & set(',"\r\n')))
    folder = trials.write(tmp_path_factory.mktemp("any") / "trial", trials.mapping(), datasets)
    derived_or_refused(folder)


PAGE = Path(__file__).parents[1] / "docs" / "adam.md"


def test_the_page_is_up_to_date():
    page = PAGE.read_text(encoding="utf-8")
    assert dictionary.filled(page) == page, "run: python -m redose.dictionary docs/adam.md"
    for name in dictionary.of_adam():
        assert f"<!-- begin {name} -->" in page
    assert all(f"`{name}.csv`" in page for name in adam.REPORTS)


def test_the_mapping_of_the_page_is_one(tmp_path):
    (tmp_path / "adam.yaml").write_text(PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0])
    assert adam.mapping.read(tmp_path)["infusions"][0]["factor"] == 1e6
