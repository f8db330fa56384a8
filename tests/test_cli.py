"""`redose new` and `redose check`: what they write, print and exit with, and that the rule `check` says the same."""

import io
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pytest
import studies
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rich.console import Console
from typer.testing import CliRunner, Result

from redose import about, checks, contract, design, findings, onsets, problems, starter, tables
from redose.cli import app, check, new

ROOT = Path(__file__).parents[1]
FILES = {"study.yaml", "config.yaml", "README.md", *(f"{table}.csv" for table in contract.TABLES)}


def redose(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def process(*command: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    clean = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "GITHUB_ACTIONS")}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, env=clean | environment, capture_output=True, text=True, timeout=120
    )


def switched_on(text: str) -> str:
    """A YAML template with every setting in use."""
    return re.sub(r"(?m)^( *)#(?=\S)", r"\1", text)


def texts(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def faulty(tmp_path, monkeypatch) -> Path:
    """A study of five errors and a warning, in the working directory; file names as people leave them."""
    monkeypatch.chdir(tmp_path)
    description, raw = studies.about(), studies.tables()
    raw["mrd"][3][3] = "2e-7"
    raw["intervals"][2][2] = "175"
    raw["gvhd"][1][2] = "7"
    raw["infusions"][5][0] = "[bold]33[/bold]"
    raw["patients"][3][6] = ""
    raw["conditions"].append(["002", "rash", "150", ""])
    studies.write(Path("trial"), description, raw)
    Path("trial/burden.csv").rename("trial/burden.CSV")
    Path("trial/.mrd.csv").write_text("left by an editor\n")
    return Path("trial")


@pytest.fixture
def sound(tmp_path) -> Path:
    return studies.write(tmp_path / "sound", studies.about(), studies.tables()).parent


@pytest.fixture
def warned(tmp_path) -> Path:
    raw = studies.tables()
    raw["conditions"].append(["002", "rash", "150", ""])
    return studies.write(tmp_path / "warned", studies.about(), raw).parent


def verdict_on(folder: Path) -> checks.Verdict:
    return checks.check(tables.read_study(folder / "study.yaml", folder))


# redose new


@pytest.mark.parametrize("example", [False, True])
def test_new_writes_every_file_with_the_header_of_the_contract(example, tmp_path):
    folder = tmp_path / "deep" / "mine"
    result = redose("new", folder, *["--example"] * example)
    assert result.exit_code == 0 and "README.md" in result.stdout
    assert {path.name for path in folder.iterdir()} == FILES
    for name, table in contract.TABLES.items():
        frame, faults = tables.read_table(folder / f"{name}.csv")
        assert not faults and bool(len(frame)) == example
        covariates = list(starter.ABOUT["covariates"]) if example and name == "patients" else []
        assert frame.columns.tolist() == [column.name for column in table.columns if not column.derived] + covariates
    page = (folder / "README.md").read_text()
    for table in contract.TABLES.values():
        assert all(f"| `{column.name}` |" in page and column.meaning in page for column in table.raw)


def test_the_example_passes_without_a_warning_and_uses_every_table(tmp_path):
    redose("new", tmp_path / "mine", "--example")
    result = redose("check", tmp_path / "mine", "--strict")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("study mine: no errors, no warnings; passed (rows: patients 6,")
    verdict = verdict_on(tmp_path / "mine")
    assert all(len(table) for table in verdict.tables.values())
    assert set(verdict.tables["intervals"]["outcome"]) == set(contract.OUTCOMES)


def test_templates_name_what_is_still_to_fill_in(tmp_path):
    redose("new", tmp_path / "mine")
    assert tables.read_about(tmp_path / "mine/study.yaml")["title"] == "mine"
    result = redose("check", tmp_path / "mine")
    assert result.exit_code == 1
    *found, _ = result.stdout.splitlines()
    assert len(found) == 2 and all(line.endswith("[table_empty]") for line in found)


def test_study_yaml_explains_every_key_of_the_contract(tmp_path):
    redose("new", tmp_path / "mine")
    path = tmp_path / "mine" / "study.yaml"
    text = path.read_text()
    for keys in (about.STUDY, *about.PARTS.values()):
        for name, key in keys.items():
            need = "required" if key.required else "optional"
            assert f"# {key.meaning} ({need})" in text
            assert re.search(rf"(?m)^ *#?{name}: ?", text)
    path.write_text(switched_on(text))
    described = tables.read_about(path)
    assert described["covariates"].keys() == starter.ABOUT["covariates"].keys()
    assert set(about.STUDY) == set(described)
    for part, keys in about.PARTS.items():
        assert set().union(*described[part].values()) == set(keys)


@pytest.mark.parametrize("example", [False, True])
def test_the_config_keeps_the_schema_with_every_setting_in_use(example, tmp_path):
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    study = {**schema["$defs"]["study"], "$defs": schema["$defs"]}
    redose("new", tmp_path / "my_study.2", *["--example"] * example)
    text = (tmp_path / "my_study.2" / "config.yaml").read_text()
    for written in (text, switched_on(text)):
        (name,) = named = yaml.safe_load(written)["studies"]
        assert re.fullmatch(schema["properties"]["studies"]["propertyNames"]["pattern"], name)
        Draft202012Validator(study).validate(named[name])
        assert named[name]["folder"] == (tmp_path / "my_study.2").as_posix()
    assert set(yaml.safe_load(switched_on(text))["studies"]["my-study-2"]["models"]) > {"intervals", "gvhd"}


def test_every_model_of_the_config_finds_its_data_in_the_example(tmp_path):
    redose("new", tmp_path / "mine", "--example")
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    study = yaml.safe_load(switched_on((tmp_path / "mine/config.yaml").read_text()))["studies"]["mine"]
    description, checked = tables.read_about(tmp_path / "mine/study.yaml"), verdict_on(tmp_path / "mine").tables
    defaults = {"clock": "gap", "baseline": "weibull", "frailty": True, "pooled": [], "recurrent": True}
    defaults |= {"windows": {"acute": [100], "chronic": [100]}}
    for model, own in study["models"].items():
        options = {**config["model"], "estimand": study["estimand"], **defaults, **own}
        if model == "gvhd":
            data = onsets.build(checked, description, options)
        else:
            data = design.build(checked, description, model, options, config["priors"])
        assert data.sizes["patient"] == 6


def test_a_dry_run_of_the_workflow_accepts_the_new_study(tmp_path):
    redose("new", tmp_path / "mine", "--example")
    own = ["--configfile", str(tmp_path / "mine/config.yaml"), "--directory", str(tmp_path)]
    place = ["--snakefile", str(ROOT / "Snakefile"), "--workflow-profile", "none", "--cores", "1"]
    result = process("snakemake", "-n", *place, *own)
    assert result.returncode == 0, result.stderr
    assert "results/mine/report.html" in result.stdout and "bladder" not in result.stdout


def test_a_folder_in_the_repository_is_named_relative_to_it():
    assert starter.place(ROOT / "data" / "mine") == "data/mine"
    assert starter.run(ROOT / "data" / "my study") == "./run --configfile 'data/my study/config.yaml'"


@pytest.mark.parametrize("existing", [{}, {"patients.csv": "mine"}, {".hidden": ""}])
def test_new_overwrites_nothing(existing, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, text in existing.items():
        (folder / name).write_text(text)
    before = texts(tmp_path)
    result = redose("new", folder)
    if not existing:
        assert result.exit_code == 0 and {path.name for path in folder.iterdir()} == FILES
        assert redose("new", folder).exit_code == 2
        return
    assert result.exit_code == 2 and not result.stdout
    assert re.search(
        r"mine is not empty \(it holds \S+\), and nothing is overwritten; give a new folder", result.stderr
    )
    assert texts(tmp_path) == before


def test_new_refuses_what_is_no_place_for_a_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert "is a file, and nothing is overwritten" in redose("new", tmp_path / "file").stderr
    assert "not a directory" in redose("new", tmp_path / "file" / "mine").stderr.casefold()
    assert "leads nowhere" in redose("new", tmp_path / "link").stderr
    assert "has no letter or digit" in redose("new", tmp_path / "---").stderr
    assert "example study of config.yaml" in redose("new", tmp_path / "bladder").stderr
    assert "cannot be printed" in redose("new", tmp_path / "mine\udcff").stderr
    assert texts(tmp_path) == {"file": b"x"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]


@pytest.mark.parametrize("existed", [False, True])
@pytest.mark.parametrize("broken", ["write_text", "rename"])
def test_new_writes_all_or_nothing(existed, broken, tmp_path, monkeypatch):
    folder = tmp_path / "deep" / "mine"
    if existed:
        folder.mkdir(parents=True)
    whole, calls = getattr(Path, broken), []

    def refuse(path, *arguments, **options):
        calls.append(path)
        if len(calls) > (3 if existed or broken == "write_text" else 0):
            raise PermissionError(13, "Permission denied", str(path))
        return whole(path, *arguments, **options)

    monkeypatch.setattr(Path, broken, refuse)
    result = redose("new", folder)
    assert result.exit_code == 2
    assert "Permission denied" in result.stderr and "check the path, its permissions" in result.stderr
    assert list(tmp_path.rglob("*")) == ([folder.parent, folder] if existed else [])


def test_new_does_not_take_the_place_of_a_file_that_comes_meanwhile(tmp_path):
    (tmp_path / "b").write_text("theirs")
    with pytest.raises(FileExistsError):
        new.write({"a": "ours", "b": "ours"}, tmp_path)
    assert texts(tmp_path) == {"b": b"theirs"}


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=20))
def test_any_name_gives_a_study_that_reads_back_or_a_reason(name):
    folder = Path("/nowhere") / name
    try:
        study = starter.study_name(folder)
    except starter.NameTaken as fault:
        assert str(fault)
        return
    assert re.fullmatch("[A-Za-z0-9][A-Za-z0-9-]*", study)
    written = starter.files(study, folder, example=False)
    assert yaml.safe_load(written["config.yaml"])["studies"][study]["folder"] == starter.place(folder)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "study.yaml"
        path.write_text(written["study.yaml"], encoding="utf-8")
        assert tables.read_about(path)["title"] == study


# redose check


def test_a_study_without_faults_passes(sound):
    result = redose("check", sound)
    assert result.exit_code == 0
    assert result.stdout.startswith("study sound: no errors, no warnings; passed (rows: patients 4, infusions 5, ")
    assert not result.stderr


def test_warnings_pass_unless_strict(warned):
    result, strict = redose("check", warned), redose("check", warned, "--strict")
    assert (result.exit_code, strict.exit_code) == (0, 1)
    assert result.stdout.startswith("warning: ") and "study warned: 1 warning; passed" in result.stdout
    assert "1 warning; not passed, as warnings fail with --strict" in strict.stdout


def test_all_findings_one_line_each_errors_first(faulty):
    result = redose("check", faulty)
    assert result.exit_code == 1
    *found, summary = result.stdout.splitlines()
    assert [line.split(":")[0] for line in found] == ["error"] * 5 + ["warning"]
    assert summary.startswith("study trial: 5 errors, 1 warning; not passed")
    assert (
        'error: trial/mrd.csv row 4 (patient 001, day 90): mrd 2e-7 lies below its own LOD 2e-05; give it as "<lod" or '
        "correct the LOD. [below_own_lod, column mrd, value 2e-7]"
    ) in found
    assert any("patient [bold]33[/bold]" in line for line in found)


def test_the_rule_says_the_same(faulty, monkeypatch):
    """The log of the rule `check`, in a real run of the workflow, holds the lines of the command, and its JSON."""
    config = yaml.safe_load(starter.config_yaml("trial", faulty, example=False))
    config["studies"]["trial"]["folder"] = "trial"
    Path("mine.yaml").write_text(yaml.safe_dump(config))
    place = ["--snakefile", str(ROOT / "Snakefile"), "--workflow-profile", "none", "--cores", "1"]
    target = "results/trial/tables/patients.parquet"
    result = process("snakemake", target, *place, "--configfile", "mine.yaml", cwd=Path.cwd())
    assert result.returncode != 0
    log = Path("logs/check/trial.log").read_text().splitlines()
    assert redose("check", faulty).stdout.splitlines()[:-1] == log[1:]
    assert log[0].endswith("study trial: 5 errors, 1 warning")
    assert json.loads(Path("logs/check/trial.json").read_text()) == json.loads(
        redose("check", faulty, "--json", "-").stdout
    )


def test_the_listing_is_not_cut(tmp_path):
    raw = studies.tables()
    raw["mrd"] += [["001", str(day), "NGS", "1e-7", "1e-5"] for day in range(100, 350) if day != 180]
    folder = studies.write(tmp_path / "long", studies.about(), raw).parent
    assert redose("check", folder).stdout.count("lies below its own LOD") == 249 > problems.SHOWN


@pytest.mark.parametrize("width", [60, 80])
def test_at_a_terminal_a_table_that_holds_every_word(width, faulty):
    found = verdict_on(faulty).problems
    screen = Console(file=io.StringIO(), force_terminal=True, width=width, color_system="standard", highlight=False)
    check.show(found, screen)
    text = screen.file.getvalue()
    assert "\x1b[" in text
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert max(map(len, plain.splitlines())) <= width and "…" not in plain
    letters = re.sub(r"\W", "", plain)
    for problem in found.to_dict("records"):
        assert f"in {problem['file']}" in plain and f" {problem['row']} " in plain
        for cell in ("patient", "column", "value", "at"):
            assert all(word in plain or re.sub(r"\W", "", word) in letters for word in problem[cell].split())
        for word in f"{problem['message']} {problem['cure']} {problem['rule']}".split():
            assert word in plain or re.sub(r"\W", "", word) in letters


def test_a_narrow_terminal_gets_lines(faulty):
    found = verdict_on(faulty).problems
    screen = Console(file=io.StringIO(), force_terminal=True, width=40, highlight=False)
    check.show(found, screen)
    assert screen.file.getvalue().splitlines() == findings.lines(found)


def test_a_pipe_gets_neither_colour_nor_line_ends(faulty):
    """As a shell starts it, with a narrow terminal of another encoding around it; and it loads no model."""
    surroundings = {
        "COLUMNS": "40",
        "TERM": "xterm-256color",
        "PYTHONIOENCODING": "ascii",
        "PYTHONPROFILEIMPORTTIME": "1",
    }
    result = process("redose", "check", "trial", cwd=Path.cwd(), **surroundings)
    assert result.returncode == 1 and "redose:" not in result.stderr
    assert "\x1b" not in result.stdout
    imported = {line.split("|")[-1].strip() for line in result.stderr.splitlines()}
    assert "redose.checks" in imported and not {"pymc", "arviz", "matplotlib"} & imported
    assert result.stdout.splitlines() == redose("check", faulty).stdout.splitlines()


def test_json_to_standard_output_and_nothing_else(faulty):
    result = redose("check", faulty, "--json", "-")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert list(told) == [
        "redose", "study", "folder", "strict", "passed", "errors", "warnings", "findings", "not_read"
    ]  # fmt: skip
    assert (told["study"], told["folder"], told["errors"], told["warnings"]) == ("trial", "trial", 5, 1)
    assert told["passed"] is False and told["strict"] is False
    back = pd.DataFrame(told["findings"], columns=problems.COLUMNS).astype({"row": "Int64"})
    pd.testing.assert_frame_equal(back, verdict_on(faulty).problems)
    assert result.stderr.startswith("study trial: 5 errors, 1 warning; not passed")


def test_json_to_a_file_beside_the_listing(warned, tmp_path):
    (warned / "mrd.csv").rename(warned / "mrd.xlsx")
    file = tmp_path / "out" / "findings.json"
    result = redose("check", warned, "--json", file)
    assert result.exit_code == 0 and result.stdout == redose("check", warned).stdout
    told = json.loads(file.read_text())
    assert told["passed"] is True and told["not_read"] == [f"{warned}/mrd.xlsx"]
    assert "mrd.xlsx was not read: a table is a CSV or a Parquet file; save it as mrd.csv." in result.stderr


def test_json_of_a_fault_of_a_whole_file_has_no_row(sound):
    (sound / "patients.csv").unlink()
    told = json.loads(redose("check", sound, "--json", "-").stdout)
    assert told["findings"][0]["row"] is None and told["findings"][0]["rule"] == "file_missing"


def test_json_never_takes_the_place_of_data(sound, tmp_path):
    before = texts(sound)
    assert "is a file of the study" in redose("check", sound, "--json", sound / "mrd.csv").stderr
    assert "is a folder" in redose("check", sound, "--json", tmp_path).stderr
    result = redose("check", sound, "--json", sound / "mrd.csv" / "x.json")
    assert result.exit_code == 2 and "failed: " in result.stderr
    assert texts(sound) == before


def test_what_is_no_study_is_refused_with_a_cure(sound, tmp_path):
    (tmp_path / "bare").mkdir()
    for argument, words in {
        tmp_path / "soud": "there is no such folder; did you mean",
        tmp_path / "elsewhere" / "x": "there is no such folder; correct the path",
        sound / "mrd.csv": "is a file, not a folder; give the folder that holds it",
        tmp_path / "bare": "is no study's folder: it holds neither study.yaml nor a table",
        tmp_path: f"below it are {sound}",
    }.items():
        result = redose("check", argument)
        assert result.exit_code == 2 and not result.stdout
        assert words in result.stderr, result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert redose("check").exit_code == 2


def test_a_part_of_a_study_is_checked(sound):
    (sound / "study.yaml").unlink()
    result = redose("check", sound)
    assert result.exit_code == 1 and "study.yaml: there is no such file" in result.stdout


def test_permission_denied_is_a_sentence(sound, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    result = redose("check", sound)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"redose: reading {sound} failed: Permission denied")


@pytest.mark.parametrize(
    ("description", "samples", "words"),
    [
        (b"title: [unclosed", b"PK\x03\x04\x14\x00\x06\x00", ("is not YAML", "is a spreadsheet, not CSV")),
        (None, None, ("cannot be read (Is a directory)",) * 2),
        (b"title: T\nday_0: d", b"patient;day;assay;mrd\n", ("mrd.csv row 1: has no commas",)),
        (b"title: T\nday_0: d", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ("mrd.csv: is a spreadsheet, not CSV",)),
    ],
)
def test_files_that_cannot_be_read_are_findings(description, samples, words, sound):
    for name, content in (("study.yaml", description), ("mrd.csv", samples)):
        (sound / name).unlink()
        (sound / name).mkdir() if content is None else (sound / name).write_bytes(content)
    result = redose("check", sound)
    assert result.exit_code == 1
    assert result.stdout.count("[file_unreadable]") == len(words)
    assert all(word in result.stdout for word in words)


def test_a_file_that_may_not_be_read(sound, monkeypatch):
    """Root may read everything: the refusal is the file system's, put on."""
    opened = io.open

    def refuse(path, *arguments, **options):
        if Path(path).name in ("study.yaml", "mrd.csv"):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **options)

    monkeypatch.setattr(io, "open", refuse)
    result = redose("check", sound)
    assert result.exit_code == 1
    assert result.stdout.count("cannot be read (Permission denied); check the path and its permissions.") == 2


TEXT = st.text(max_size=30)  # of any characters, half a surrogate pair included


@settings(deadline=None)
@given(TEXT, TEXT, TEXT, TEXT, st.none() | st.integers(1, 10**6))
def test_any_finding_is_one_printable_line_and_whole_in_json(file, patient, value, message, row):
    found = problems.remark("gvhd_grade", file, message, "cure", patient=patient, value=value, row=row)
    (line,) = findings.lines(found)
    assert line.isprintable() and line.encode()
    back = json.loads(findings.as_json(Path(file), checks.Verdict("trial", found, {}), []))["findings"]
    assert back == [{**found.to_dict("records")[0], "row": row}]


# the command itself


def test_help_answers_without_the_models_and_names_the_exit_codes():
    heavy = {"pymc", "arviz", "matplotlib", "pandas", "xarray"}
    code = "import sys; from redose.cli import app; app(['--help'], standalone_mode=False); "
    code += f"sys.exit(bool({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "new" in result.stdout and "check" in result.stdout
    for command in ("new", "check"):
        words = " ".join(redose(command, "--help").stdout.replace("│", " ").split())
        assert "Exit code: 0" in words and "STUDY_FOLDER" in words


def test_version():
    assert re.fullmatch(r"redose \d+\.\d+\.\d+\n", redose("--version").stdout)


def test_the_page_of_the_command_names_every_command_option_and_key(sound):
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for command in app.registered_commands:
        argument = {
            "predict": "PREDICTOR",
            "pseudonym": "--salt FILE",
            "verify": "RESULTS",
            "compare": "RESULTS1 RESULTS2",
        }.get(command.name, "STUDY_FOLDER")
        assert f"`redose {command.name} {argument}" in page
    told = json.loads(redose("check", sound, "--json", "-").stdout)
    for key in (*told, *problems.COLUMNS):
        assert f"| `{key}` |" in page
    options = ["--example", "--json", "--strict", "--version", "--day", "--threshold", "--csv", "--curves", "--figure"]
    assert all(option in page for option in [*options, "--patient", "--salt", "--of", "--configfile", "--workflow"])
