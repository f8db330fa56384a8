"""Single faults of a whole study, as instruments, spreadsheet programs and people make them: each is found with its
file, row and patient, nothing is executed, and nothing but a verdict comes out. Valid studies raise no alarm.
"""

import json
import os
import pickle
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import studies
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from redose import checks, contract, findings, problems, simulate, tables
from redose.cli import app

ROOT = Path(__file__).parents[1]


def told(folder: Path) -> dict:
    """What `redose check --json` says of a folder."""
    result = CliRunner().invoke(app, ["check", str(folder), "--json", "-"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    said = json.loads(result.stdout)
    assert result.exit_code == (0 if said["passed"] else 1)
    return said


def found_in(said: dict, rule: str) -> list[dict]:
    return [finding for finding in said["findings"] if finding["rule"] == rule]


@pytest.fixture
def sound(tmp_path) -> Path:
    return studies.write(tmp_path / "sound", studies.about(), studies.tables()).parent


# faults of a cell: every column of every table, in every way that cells go wrong


NUMBERS = {"2026-03-11": "calendar_date", "1,5": "decimal_comma", "1e999": "infinite", "abc": "not_a_number"}


def spoilt_cells() -> list[tuple[str, str, str, str]]:
    """(table, column, text, rule) for every column of the small study and faults that its kind can have."""
    found = []
    for name, table in contract.TABLES.items():
        header = studies.tables()[name][0]
        for place, column in enumerate(column for column in table.raw if column.name in header):
            if column.kind == "text":
                wrong = {"=1+1": "formula"}
                wrong |= {"sort of": "unknown_word"} if column.words else {}
            else:  # two of the four faults of a number, in turn
                wrong = dict(list(NUMBERS.items())[place % 3 : place % 3 + 2])
                wrong |= {"20260311": "implausible_day"} if column.unit == contract.DAYS else {}
            wrong |= {} if column.empty else {" ": "missing_value"}
            found += [(name, column.name, text, rule) for text, rule in wrong.items()]
    return found


CELLS = spoilt_cells()


@pytest.mark.parametrize("name", contract.TABLES)
def test_a_spoilt_cell_of_any_column_is_found_in_its_row(name, sound):
    assert len(CELLS) >= 60
    for _, column, text, rule in (fault for fault in CELLS if fault[0] == name):
        raw = studies.tables()
        row = len(raw[name])  # the last one
        cells = raw[name][row - 1]
        patient = text.strip() if column == "patient" else cells[0]
        cells[raw[name][0].index(column)] = text
        studies.write(sound, studies.about(), raw)
        said = told(sound)
        where = (f"{sound}/{name}.csv", row, patient)
        assert where in {(f["file"], f["row"], f["patient"]) for f in found_in(said, rule)}, (column, text, said)
        assert said["passed"] is False


# faults of a file


@dataclass(frozen=True)
class FileFault:
    """A change to the files of the small study, and where it must be found."""

    what: str
    rule: str
    spoil: Callable[[Path], object]
    file: str
    row: int | None = None
    patient: str = ""
    value: str | None = None


def rewritten(name: str, change: Callable[[str], str | bytes]) -> Callable[[Path], None]:
    """A spoiler that writes a file anew."""

    def spoil(folder: Path) -> None:
        new = change((folder / name).read_text(encoding="utf-8"))
        (folder / name).write_bytes(new if isinstance(new, bytes) else new.encode("utf-8"))

    return spoil


def replaced(name: str, old: str, new: str) -> Callable[[Path], None]:
    return rewritten(name, lambda text: text.replace(old, new, 1))


def linked(name: str, target: str) -> Callable[[Path], None]:
    """A spoiler that puts a link in the place of a file; the file itself moves to `target`, relative to the folder."""

    def spoil(folder: Path) -> None:
        (folder / target).parent.mkdir(exist_ok=True)
        (folder / name).rename(folder / target)
        (folder / name).symlink_to(folder / target)

    return spoil


def instead(name: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
    """A spoiler that puts something else in the place of a file."""

    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return spoil


class Bomb:
    """What a pickle may hold: it would make a file when it is opened."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return Path.touch, (self.mark,)


def pickled(name: str, protocol: int) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / "mrd.csv").unlink()
        (folder / name).write_bytes(pickle.dumps(Bomb(folder / "executed"), protocol))

    return spoil


def laughs(depth: int) -> str:
    """YAML of a few lines that stands for 9 ** depth values."""
    lines = ["title: T", "day_0: d", "a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, depth)]
    return "\n".join(lines) + "\n"


def merges(depth: int) -> str:
    """YAML whose merges (<<) would make 2 ** depth keys on the way."""
    lines = ["title: T", "day_0: d", "a0: &a0 {x: 1}"]
    lines += [f"a{k}: &a{k} {{<<: [*a{k - 1}, *a{k - 1}]}}" for k in range(1, depth)]
    return "\n".join(lines) + "\n"


def bytes_in(name: str, content: bytes) -> Callable[[Path], None]:
    return instead(name, lambda path: path.write_bytes(content))


def first_in_yaml(line: str) -> Callable[[Path], None]:
    return rewritten("study.yaml", lambda text: f"{line}\n{text}")


def in_latin_1(word: str, mark: bytes = b"") -> Callable[[Path], None]:
    return rewritten("courses.csv", lambda text: mark + text.replace("nivolumab", word).encode("latin-1"))


TAG = "source: !!python/object/apply:os.getcwd []"
TITLE = "Listing 16.2.6 MRD,,,,\nData cut 2026-06-30,,,,\n"

FILES = [
    FileFault("UTF-16", "file_unreadable", rewritten("mrd.csv", lambda text: text.encode("utf-16")), "mrd.csv"),
    FileFault("no mark", "file_unreadable", rewritten("mrd.csv", lambda text: text.encode("utf-16-le")), "mrd.csv", 1),
    FileFault("Latin-1", "file_unreadable", in_latin_1("Müller"), "courses.csv", 3, "003", "Müller"),
    FileFault(
        "Latin-1 after a mark", "file_unreadable", in_latin_1("é", b"\xef\xbb\xbf"), "courses.csv", 3, "003", "é"
    ),
    FileFault("NUL bytes", "file_unreadable", replaced("mrd.csv", "0.004", "0.0\x004"), "mrd.csv", 9),
    FileFault("semicolons", "file_unreadable", rewritten("mrd.csv", lambda text: text.replace(",", ";")), "mrd.csv", 1),
    FileFault("tabs", "file_unreadable", rewritten("gvhd.csv", lambda text: text.replace(",", "\t")), "gvhd.csv", 1),
    FileFault("a comma too many", "ragged_row", replaced("burden.csv", "12.5,", "12,5,"), "burden.csv", 2, "001"),
    FileFault(
        "a row cut off", "ragged_row", replaced("mrd.csv", "003,28,NGS,0.004,1e-5", "003,28"), "mrd.csv", 9, "003"
    ),
    FileFault("an open quote", "file_unreadable", replaced("mrd.csv", "0.0003", '"0.0003'), "mrd.csv", 10),
    FileFault("title rows", "header_missing", rewritten("mrd.csv", lambda text: TITLE + text), "mrd.csv", 1),
    FileFault("a blank first row", "header_missing", rewritten("mrd.csv", lambda text: "\n" + text), "mrd.csv", 1),
    FileFault("no header", "header_missing", rewritten("mrd.csv", lambda text: text.split("\n", 1)[1]), "mrd.csv", 1),
    FileFault("an empty file", "file_unreadable", rewritten("mrd.csv", lambda text: ""), "mrd.csv"),
    FileFault("a file of blanks", "file_unreadable", rewritten("mrd.csv", lambda text: " \n,,\n"), "mrd.csv"),
    FileFault("no rows", "table_empty", rewritten("intervals.csv", lambda text: text.split("\n")[0]), "intervals.csv"),
    FileFault("a column twice", "column_twice", replaced("mrd.csv", "lod", "day"), "mrd.csv", 1),
    FileFault("no name", "column_unnamed", replaced("mrd.csv", "mrd,lod", "mrd,"), "mrd.csv", 1, "", "1e-5"),
    FileFault("capitals", "column_case", replaced("mrd.csv", "patient,day", "PATIENT,Day"), "mrd.csv", 1),
    FileFault("capitals twice", "column_unknown", replaced("mrd.csv", "lod", "DAY"), "mrd.csv", 1),
    FileFault("a spreadsheet", "file_unreadable", bytes_in("mrd.csv", b"PK\x03\x04\0"), "mrd.csv"),
    FileFault("Parquet", "file_unreadable", bytes_in("mrd.csv", b"PAR1\x15"), "mrd.csv"),
    FileFault("a web page", "file_unreadable", bytes_in("mrd.csv", b"<html>,"), "mrd.csv"),
    FileFault("a folder", "file_unreadable", instead("mrd.csv", Path.mkdir), "mrd.csv"),
    FileFault("a pipe", "file_unreadable", instead("mrd.csv", os.mkfifo), "mrd.csv"),
    FileFault("a pipe of YAML", "file_unreadable", instead("study.yaml", os.mkfifo), "study.yaml"),
    FileFault("a dead link", "file_unreadable", instead("mrd.csv", lambda path: path.symlink_to("no.csv")), "mrd.csv"),
    FileFault("a ring", "file_unreadable", instead("mrd.csv", lambda path: path.symlink_to(path)), "mrd.csv"),
    FileFault("a link out", "file_outside", linked("mrd.csv", "../elsewhere.csv"), "mrd.csv"),
    FileFault("study.yaml a link out", "file_outside", linked("study.yaml", "../elsewhere.yaml"), "study.yaml"),
    FileFault("a pickle .parquet", "file_unreadable", pickled("mrd.parquet", 5), "mrd.parquet"),
    FileFault("a pickle .csv", "file_unreadable", pickled("mrd.csv", 4), "mrd.csv"),
    FileFault("a pickle in letters", "header_missing", pickled("mrd.csv", 0), "mrd.csv", 1),
    FileFault("a tag of Python", "file_unreadable", first_in_yaml(TAG), "study.yaml", 1),
    FileFault("an unknown tag", "file_unreadable", first_in_yaml("source: !secret x"), "study.yaml", 1),
    FileFault("a bomb", "file_unreadable", rewritten("study.yaml", lambda text: laughs(12)), "study.yaml"),
    FileFault("a bomb of merges", "file_unreadable", rewritten("study.yaml", lambda text: merges(40)), "study.yaml"),
    FileFault("it holds itself", "file_unreadable", first_in_yaml("source: &x [*x]"), "study.yaml"),
    FileFault("a deep nest", "file_unreadable", bytes_in("study.yaml", b"[" * 5000), "study.yaml"),
    FileFault("a huge study.yaml", "file_unreadable", first_in_yaml("# long\n" * 10**5), "study.yaml"),
    FileFault("YAML in Latin-1", "file_unreadable", bytes_in("study.yaml", "title: é".encode("latin-1")), "study.yaml"),
    FileFault("YAML a pickle", "file_unreadable", bytes_in("study.yaml", pickle.dumps({})), "study.yaml"),
    FileFault("an unknown file", "table_unknown", lambda folder: (folder / "MRD2.csv").write_text("x"), "MRD2.csv"),
]


@pytest.mark.parametrize("fault", FILES, ids=lambda fault: fault.what)
def test_a_spoilt_file_is_found_where_it_is_spoilt(fault, sound):
    fault.spoil(sound)
    said = told(sound)
    found = found_in(said, fault.rule)
    assert [Path(f["file"]) for f in found][:1] == [sound / fault.file], said["findings"]
    assert (found[0]["row"], found[0]["patient"]) == (fault.row, fault.patient)
    assert fault.value is None or found[0]["value"] == fault.value
    assert not (sound / "executed").exists()


def test_a_pickle_would_have_run(sound):
    """The bomb of the tests above is a live one."""
    pickled("mrd.csv", 4)(sound)
    pickle.loads((sound / "mrd.csv").read_bytes())
    assert (sound / "executed").exists()


def test_a_link_within_the_folder_is_read(sound):
    linked("mrd.csv", "data/mrd of June.csv")(sound)
    assert told(sound)["findings"] == []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("mrd.csv", lambda text: b"\xef\xbb\xbf" + text.encode()),  # byte order mark
        ("mrd.csv", lambda text: text.replace("\n", " \n").replace("NGS", " NGS\u00a0")),  # blanks around cells
        ("mrd.csv", lambda text: text.replace("\r\n", "\r")),  # line ends of an old Macintosh
        ("gvhd.csv", lambda text: text.replace("\r\n", ",,\r\n")),  # empty columns behind the last
        ("gvhd.csv", lambda text: text + ",,,,\n\n , \n"),  # empty rows below the last
        ("patients.csv", lambda text: text.replace("redosed", '"re\u2028dosed\x0b, again"')),  # no line ends of CSV
    ],
)
def test_what_spreadsheet_programs_leave_behind_is_no_fault(name, change, sound):
    rewritten(name, change)(sound)
    assert told(sound)["findings"] == []


def test_capitals_are_read_as_meant_and_said(sound):
    before = checks.check(tables.read_study(sound / "study.yaml", sound)).tables
    for name in contract.TABLES:
        rewritten(f"{name}.csv", lambda text: text.replace(text.split("\n")[0], text.split("\n")[0].title()))(sound)
    rewritten("patients.csv", lambda text: text.replace("Age,Sex", "age,sex"))(sound)
    verdict = checks.check(tables.read_study(sound / "study.yaml", sound))
    assert verdict.passed and set(verdict.problems["rule"]) == {"column_case"}
    for name, table in before.items():
        pd.testing.assert_frame_equal(table, verdict.tables[name])


# no false alarms


def test_twenty_simulated_studies_raise_no_alarm(tmp_path):
    """Other seeds, sizes and schedules of the protocol; a sample after the end of follow-up is a warning, and true."""
    protocol = yaml.safe_load((ROOT / "data/redosable/simulation.yaml").read_text(encoding="utf-8"))
    schedules = list(protocol["schedules"])
    for seed in range(20):
        protocol["patients"]["count"] = 5 + seed // 2
        protocol["follow_up"] |= {"earliest": 100 + 10 * seed, "latest": 300 + 25 * seed}
        for place, schedule in enumerate(schedules):
            protocol["schedules"][schedule]["share"] = 1 + (seed + place) % 3
        protocol["visits"]["missing"] = 0.04 * (seed % 5)
        simulated, truth = simulate.simulate(protocol | {"seed": seed})
        simulate.write(simulated, truth, tmp_path / str(seed))
        verdict = checks.check(tables.read_study(ROOT / "data/redosable/study.yaml", tmp_path / str(seed)))
        assert verdict.text().endswith("no errors, no warnings"), verdict.text()


# anything at all


LIKELY = st.sampled_from(
    ["", "patient", "day", "Day", "mrd", "001", "=1+1", "<lod", "\0", '"', "\r", "1e400", "2026-01-01"]
)
CELL = LIKELY | st.text(st.characters(codec="utf-8"), max_size=6)
ROWS = st.lists(st.lists(CELL, max_size=5), max_size=6)
COLUMN = st.sampled_from([
    [1, None, 3], [True, False, None], ["a", None, "b"], [b"a", b"\xff", None], [[1], [2], None],
    [{"x": 1}, None, {"x": 2}], [float("inf"), float("nan"), -0.0], [2**63 - 1, -(2**63), 0],
    pd.to_datetime(["2026-01-01", None, "1500-01-01"], errors="coerce"), pd.to_timedelta([1, 2, None], unit="D"),
    pd.Categorical(["x", None, "y"]), pd.period_range("2026-01", periods=3, freq="M").astype(str),
])  # fmt: skip
ANYTHING = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


def verdict_or_study_error(folder: Path) -> checks.Verdict:
    """The verdict; only a StudyError may come of requiring it."""
    study = tables.read_study(folder / "study.yaml", folder)
    verdict = checks.check(study)
    json.loads(findings.as_json(folder, verdict, []))
    try:
        checks.require(verdict)
    except problems.StudyError:
        assert not verdict.passed
    else:
        assert verdict.passed
    return verdict


@pytest.fixture(scope="module")
def shared() -> Path:
    with tempfile.TemporaryDirectory() as folder:
        yield studies.write(Path(folder), studies.about(), studies.tables()).parent


def cleared(folder: Path) -> Path:
    """The folder without the files of the example before."""
    for path in folder.iterdir():
        path.unlink()
    return folder


@ANYTHING
@given(st.sampled_from(sorted(contract.TABLES)), ROWS)
def test_any_rows_give_a_verdict(shared, name, rows):
    few = {table: studies.tables()[table] for table in ("patients", "intervals")}
    studies.write(cleared(shared), studies.about(), few | {name: rows})
    verdict_or_study_error(shared)


@ANYTHING
@given(
    st.sampled_from(sorted(contract.TABLES)),
    st.dictionaries(LIKELY.filter(bool) | st.sampled_from(["lod", "patient"]), COLUMN, max_size=4),
)
def test_any_parquet_gives_a_verdict(shared, name, columns):
    few = {table: studies.tables()[table] for table in ("patients", "intervals") if table != name}
    studies.write(cleared(shared), studies.about(), few)
    pd.DataFrame(columns).to_parquet(shared / f"{name}.parquet")
    verdict_or_study_error(shared)


@ANYTHING
@given(st.sampled_from(["study.yaml", "patients.csv", "mrd.csv", "mrd.parquet"]), st.data())
def test_any_bytes_and_any_damage_give_a_verdict(shared, name, data):
    """Bytes of any kind, and a whole file of which some were changed or cut off."""
    few = {table: studies.tables()[table] for table in ("patients", "intervals", "mrd")}
    studies.write(cleared(shared), studies.about(), few)
    if name == "mrd.parquet":
        pd.read_csv(shared / "mrd.csv", dtype=str).to_parquet(shared / name)
        (shared / "mrd.csv").unlink()
    whole = bytearray((shared / name).read_bytes())
    for _ in range(data.draw(st.integers(0, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    (shared / name).write_bytes(data.draw(st.sampled_from([bytes(whole), damaged]) | st.binary(max_size=40)))
    verdict_or_study_error(shared)
