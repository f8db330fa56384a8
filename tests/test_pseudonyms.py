"""Pseudonyms: the hash against another computation of it, and that no key is left behind the checks."""

import base64
import hashlib
import hmac
import json
import logging
import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import leaks
import pandas as pd
import pytest
import studies
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from snakemake.iocontainers import Log
from typer.testing import CliRunner

from redose import checks, inquiry, logs, problems, pseudonyms, tables
from redose.cli import app

ROOT = Path(__file__).parents[1]
SALT = hashlib.sha256(b"a salt of the tests").hexdigest()
CROCKFORD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHJKMNPQRSTVWXYZ")
KEYS = {"001": "Zweig-0017", "002": "Ångström/2", "003": "DOE, JANE", "004": "<b>470815</b>"}


def recognisable() -> dict:
    """The tables of the small study with keys that could not stand in a file by chance, in more columns than one."""
    raw = studies.tables()
    for name, rows in raw.items():
        raw[name] = [[KEYS.get(cell, cell) for cell in row] for row in rows]
    header, *rows = raw["patients"]
    given = [["hospital_number", "initials"], *([f"81549300{k}", f"X.{k}Y."] for k in range(4))]
    raw["patients"] = [row + more for row, more in zip([header, *rows], given, strict=True)]
    raw["infusions"][1][4] = f"lot of {KEYS['001']}"
    raw["conditions"].append([KEYS["002"], "fever", "900", ""])  # a warning: after follow-up
    raw["mrd"].append([f" {KEYS['003']} ", "500", "NGS", "0.1", "1e-5"])  # another
    return raw


SECRETS = [*KEYS.values(), "Zweig", "Ångström", "JANE", "470815", "81549300", "X.1Y.", SALT]
SECRETS += [hashlib.sha256(SALT.encode()).hexdigest(), "hospital_number", "initials"]


@pytest.fixture
def study(tmp_path) -> Path:
    """study.yaml of the small study with recognisable keys, one of them in its title."""
    about = studies.about() | {"title": f"A study of {KEYS['002']} and others"}
    (tmp_path / "salt.txt").write_text(f"{SALT}\n")
    return studies.write(tmp_path / "inputs" / "mine", about, recognisable())


def checked(about: Path, salt: Path | None) -> Path:
    """Runs the script of the rule `check`; returns the folder that holds results/ and logs/."""
    folder = about.parents[2]
    place = folder / "results" / "mine" / "tables"
    place.mkdir(parents=True, exist_ok=True)
    given = SimpleNamespace(about=str(about), tables=[], salt=[] if salt is None else str(salt))
    made = SimpleNamespace(about=str(place / "about.json"), findings=str(place / "checks.csv"))
    kept = Log(fromdict={"kept": str(folder / "logs" / "check.log"), "findings": str(folder / "logs" / "check.json")})
    rule = SimpleNamespace(input=given, output=made, log=kept, wildcards=SimpleNamespace(study="mine"))
    try:
        runpy.run_path(str(ROOT / "workflow/scripts/check.py"), init_globals={"snakemake": rule})
    finally:
        for handler in logs.log.handlers:
            handler.close()
        logs.log.handlers.clear()
    return folder


def test_the_search_finds_words_in_every_kind_of_file(tmp_path):
    """Else the tests below would find nothing for another reason."""
    pd.DataFrame({"patient": ["secret"]}).to_parquet(tmp_path / "a.parquet", compression="zstd")
    tree = xr.Dataset({"x": ("patient", [1.0])}, {"patient": ["secret"]}, {"known": "hushed"})
    tree.to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    picture = base64.b64encode(b"<svg><text>secret</text></svg>").decode()
    (tmp_path / "c.html").write_text(f'<img src="data:image/svg+xml;base64,{picture}">')
    (tmp_path / "secret.log").write_text("nothing")
    (tmp_path / "d.json").write_text(json.dumps({"title": "of Ångström"}))
    (tmp_path / "e.html").write_text("&lt;b&gt;470815")
    found = leaks.places([tmp_path], ["secret", "hushed", "absent", "Ångström", "<b>470815"])
    kinds = {(name, "secret") for name in ("a.parquet", "b.nc", "c.html", "secret.log")} | {("b.nc", "hushed")}
    assert found == kinds | {("d.json", "Ångström"), ("e.html", "<b>470815")}


@given(st.text(min_size=1, max_size=40))
def test_a_pseudonym_is_the_head_of_the_hmac_in_crockfords_letters(key):
    digest = hmac.new(SALT.encode(), key.encode("utf-8"), hashlib.sha256).digest()
    assert pseudonyms.pseudonym(SALT, key) == "P-" + base64.b32encode(digest[:5]).decode().translate(CROCKFORD)
    assert pseudonyms.FORM.fullmatch(pseudonyms.pseudonym(SALT, key))


def test_ten_thousand_keys_have_ten_thousand_pseudonyms_and_other_salts_others():
    keys = [f"{trial}-{k:04d}" for trial in ("alder", "birch") for k in range(5000)]
    found = pseudonyms.pseudonyms(SALT, keys)
    assert len(set(found.values())) == 10_000
    other = pseudonyms.pseudonyms(SALT[::-1], keys)
    assert not set(found.values()) & set(other.values())
    assert abs(pd.Series(found).rank().corr(pd.Series(range(10_000), index=keys))) < 0.05  # no order is left


def test_two_patients_never_share_a_pseudonym(monkeypatch):
    monkeypatch.setattr(pseudonyms, "LENGTH", 1)
    with pytest.raises(pseudonyms.SaltError, match="two of 33 patients have the same pseudonym"):
        pseudonyms.pseudonyms(SALT, [str(k) for k in range(33)])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no such file; make a salt: python -c"),
        (b"", "holds nothing, but a salt is one line"),
        (b"\n \n", "holds nothing, but a salt is one line"),
        (b"patient,arm\n001,A\n", "holds 2 lines, but a salt is one line"),
        (b"hunter2\n", "the salt has 7 characters, 7 of them different; it needs at least 32 and 8"),
        (b"0101" * 20, "the salt has 80 characters, 2 of them different"),
        (SALT.encode("utf-16"), "the salt is not UTF-8 text"),
    ],
)
def test_a_salt_that_will_not_do_is_named_and_not_shown(content, words, tmp_path):
    path = tmp_path / "salt.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(pseudonyms.SaltError) as fault:
        pseudonyms.read_salt(path)
    assert str(path) in str(fault.value) and words in str(fault.value)
    assert "hunter2" not in str(fault.value) and "python -c" in str(fault.value)


def test_the_documented_command_makes_a_salt_whatever_the_ends_of_its_lines(tmp_path):
    path = tmp_path / "salt.txt"
    for end in ("\n", "\r\n", ""):
        path.write_text(f"\ufeff{SALT}{end}", encoding="utf-8", newline="")
        assert pseudonyms.read_salt(path) == SALT
    assert pseudonyms.MAKE in (ROOT / "docs/privacy.md").read_text(encoding="utf-8")


def test_nothing_behind_the_check_holds_a_key(study, capsys):
    folder = checked(study, study.parents[2] / "salt.txt")
    behind = [folder / "results", folder / "logs"]
    assert {f.name for f in behind[0].rglob("*") if f.is_file()} > {"patients.parquet", "checks.csv", "about.json"}
    assert not leaks.places(behind, SECRETS)
    for file in (folder / "results/mine/tables/checks.csv", folder / "logs/check.log"):
        assert not re.search(r"\brow \d", file.read_text(encoding="utf-8"))  # it says which patient of the file it is
    found = pd.read_csv(folder / "results/mine/tables/checks.csv")
    names = {key: pseudonyms.pseudonym(SALT, key) for key in KEYS.values()}
    assert set(found["patient"]) == {names[KEYS["002"]], names[KEYS["003"]]} and found["row"].isna().all()
    kept = tables.read_checked(folder / "results/mine/tables")
    assert kept["infusions"]["lot"].tolist().count(f"lot of {names[KEYS['001']]}") == 1
    for table in kept.values():
        assert set(table["patient"]) <= set(names.values()) and table["patient"].is_monotonic_increasing
    said = capsys.readouterr().err
    assert "mrd.csv row 11" in said and not [word for word in SECRETS if word in said]


def test_only_names_differ_from_a_check_without_pseudonyms(study):
    with_keys = tables.read_checked(checked(study, None) / "results/mine/tables")
    assert KEYS["003"] in set(with_keys["patients"]["patient"]) and "initials" in with_keys["patients"]
    folder = checked(study, study.parents[2] / "salt.txt")
    hidden, renamed = tables.read_checked(folder / "results/mine/tables"), pseudonyms.of_checked(with_keys, SALT)
    renamed["patients"] = renamed["patients"].drop(columns=["hospital_number", "initials"])
    renamed["infusions"]["lot"] = renamed["infusions"]["lot"].str.replace(
        KEYS["001"], pseudonyms.pseudonym(SALT, KEYS["001"])
    )
    for name, table in hidden.items():
        pd.testing.assert_frame_equal(table, renamed[name])
    again = pseudonyms.of_checked(hidden, SALT)
    assert all(again[name].equals(hidden[name]) for name in hidden)


def test_a_study_that_fails_says_on_the_screen_which_row_and_keeps_no_key(study, capsys):
    path = study.parent / "intervals.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines.insert(3, lines[2])  # the same interval twice
    lines[1] = lines[1].replace("170", KEYS["004"].replace("<b>", "").replace("</b>", ""))
    lines.append(f"{KEYS['003']},2,111,,too,many,cells")
    lines.append("Nobody-0042,1,0,,30,censored")
    path.write_text("\n".join(lines), encoding="utf-8")
    (study.parent / f"{KEYS['001']}.csv").write_text("patient\n")  # no table has that name
    with pytest.raises(SystemExit):
        checked(study, study.parents[2] / "salt.txt")
    said, folder = capsys.readouterr().err, study.parents[2]
    name = pseudonyms.pseudonym(SALT, "Nobody-0042")
    assert f"intervals.csv row 9 (patient {name}" in said
    assert not [word for word in [*KEYS.values(), "Nobody-0042"] if word in said]
    kept = (folder / "logs/check.log").read_text(encoding="utf-8")
    assert name in kept and not re.search(r"\brow \d", kept)
    assert not leaks.places([folder / "results", folder / "logs"], [*SECRETS, "Nobody-0042"])


def test_short_keys_and_numbers_are_replaced_where_they_stand_as_patients_alone():
    raw = studies.tables()  # keys 001 to 004, and sites, lots and days that hold such digits
    names = pseudonyms.pseudonyms(SALT, ["001", "002", "003", "004"])
    write = pseudonyms.replacer(names)
    assert write("interval 001 of 002 on day 003") == "interval 001 of 002 on day 003"
    assert pseudonyms.replacer({"A-17": "P-X"})("lot A-17/2, A-170, BA-17, a-17") == "lot P-X/2, A-170, BA-17, P-X"
    frame = pd.DataFrame(raw["mrd"][1:], columns=raw["mrd"][0], dtype=object)
    renamed = pseudonyms.renamed(frame, names, write)
    assert set(renamed["patient"]) <= set(names.values())
    pd.testing.assert_frame_equal(renamed.drop(columns="patient"), frame.drop(columns="patient"))


def test_keys_in_other_letters_are_replaced_too():
    write = pseudonyms.replacer({"DOE_01": "P-00000001", "Straße7": "P-00000002"})
    assert (
        write("see doe_01, Doe_01; STRASSE7 and xdoe_01x stay")
        == "see P-00000001, P-00000001; STRASSE7 and xdoe_01x stay"
    )
    assert write("straße7") == "P-00000002"


def test_newcomers_have_the_pseudonyms_of_the_study(study, tmp_path):
    about = tables.read_about(study)
    one = {"patient": KEYS["002"], "age": 61, "sex": "male", "product": "none", "today": 30}
    path = tmp_path / "newcomers.json"
    path.write_text(json.dumps([one, one | {"patient": "New-0099"}]), encoding="utf-8")
    verdict = inquiry.read(path, about, SALT)
    checks.require(verdict)
    wanted = {pseudonyms.pseudonym(SALT, key) for key in (KEYS["002"], "New-0099")}
    assert set(verdict.tables["patients"]["patient"]) == set(verdict.tables["intervals"]["patient"]) == wanted
    folder = checked(study, study.parents[2] / "salt.txt")
    same = inquiry.read(folder / "results/mine/tables", about, SALT).tables["patients"]["patient"]
    assert set(same) == {pseudonyms.pseudonym(SALT, key) for key in KEYS.values()}


@pytest.mark.parametrize("content", ['{"patient": "New-0099"}', '[{"New-0099": 1, "New-0099": 2}]', "New-0099"])
def test_newcomers_that_cannot_be_read_are_not_quoted(content, study, tmp_path):
    path = tmp_path / "newcomers.json"
    path.write_text(content)
    with pytest.raises(problems.StudyError, match="redose predict") as fault:
        inquiry.read(path, tables.read_about(study), SALT)
    assert "New-0099" not in str(fault.value)
    assert fault.value.__suppress_context__


def test_what_only_the_screen_shows_is_not_in_the_log(tmp_path, capsys):
    logs.start(tmp_path / "a.log")
    try:
        logs.say("kept", on_screen="shown")
        logs.say("both")
    finally:
        for handler in logs.log.handlers:
            handler.close()
        logs.log.handlers.clear()
        logs.log.setLevel(logging.NOTSET)
    kept, said = (tmp_path / "a.log").read_text(), capsys.readouterr().err
    assert "kept" in kept and "shown" not in kept and "both" in kept
    assert said.splitlines() == ["shown", "both"]


def redose(*arguments: object):
    return CliRunner().invoke(app, ["pseudonym", *map(str, arguments)])


def test_the_command_finds_a_patient_again(study, tmp_path):
    salt = study.parents[2] / "salt.txt"
    folder = checked(study, salt)
    kept = tables.read_checked(folder / "results/mine/tables")["patients"]["patient"]
    result = redose("--salt", salt, KEYS["002"], "nobody")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == f"{pseudonyms.pseudonym(SALT, KEYS['002'])}  {KEYS['002']}"
    every = dict(line.split("  ", 1) for line in redose("--salt", salt, "--of", study.parent).stdout.splitlines())
    assert set(every) == set(kept) and set(every.values()) == set(KEYS.values())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--salt", "none.txt", "017"], "none.txt: there is no such file; make a salt"),
        (["--salt", "salt.txt"], "no patient is named"),
        (["--salt", "salt.txt", "--of", "elsewhere"], "elsewhere: there is no such folder"),
    ],
)
def test_the_command_says_what_it_lacks(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "salt.txt").write_text(SALT)
    result = redose(*arguments)
    assert result.exit_code == 2 and words in result.stderr
