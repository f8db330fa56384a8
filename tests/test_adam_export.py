"""A study's tables as ADaM and back: the same cells, the same bytes, in every format."""

from pathlib import Path

import pandas as pd
import pytest
import studies
import yaml

from redose import adam, checks, simulate, tables
from redose.adam import export
from redose.problems import StudyError

ROOT = Path(__file__).parents[1]


def checked(folder: Path, about: Path | None = None) -> tuple[dict, dict[str, pd.DataFrame]]:
    """(description, tables in the checked form) of a study on disk."""
    study = tables.read_study(about or folder / "study.yaml", folder)
    verdict = checks.check(study)
    checks.require(verdict)
    return study.about, verdict.tables


def bytes_of(made: dict[str, pd.DataFrame], folder: Path) -> dict[str, bytes]:
    tables.write_checked(made, folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def again(folder: Path, out: Path) -> tuple[dict, dict[str, pd.DataFrame]]:
    """(description, checked tables) that the ADaM of a folder makes."""
    adam.write_study(adam.adapt(folder), out)
    return checked(out)


@pytest.fixture(scope="module")
def redosable(tmp_path_factory) -> tuple[dict, dict[str, pd.DataFrame]]:
    """The example study, all 240 patients."""
    folder = tmp_path_factory.mktemp("redosable")
    protocol = yaml.safe_load((ROOT / "data/redosable/simulation.yaml").read_text())
    simulate.write(*simulate.simulate(protocol), folder)
    return checked(folder, ROOT / "data/redosable/study.yaml")


@pytest.mark.parametrize("ending", export.WRITERS)
def test_redosable_comes_back_byte_for_byte(ending, redosable, tmp_path):
    """What a fit reads, tables and description, is the same to the last bit. So is the fit: its draws depend on these,
    on the config and the seed alone."""
    about, own = redosable
    export.write(own, about, tmp_path / "adam", ending)
    back = again(tmp_path / "adam", tmp_path / "back")
    assert back[0] == about
    assert bytes_of(back[1], tmp_path / "b") == bytes_of(own, tmp_path / "a")
    assert (
        len(own["mrd"]) > 3000
        and own["mrd"]["below"].any()
        and len(own["gvhd"])
        and own["intervals"]["interval"].max() > 3
    )


def test_redosable_has_its_events_in_adtte(redosable, tmp_path):
    about, own = redosable
    export.write(own, about, tmp_path / "adam")
    endpoints = adam.adapt(tmp_path / "adam").reports["endpoints"].set_index("endpoint")
    first = own["intervals"][own["intervals"]["interval"] == 1]["outcome"]
    events = int(first.isin(["progression", "death"]).sum())
    assert endpoints.loc["PFS"].tolist() == [240, events, 240, events, events, 240]
    assert endpoints.loc["OS", "events_derived"] == (own["intervals"]["outcome"] == "death").sum()


@pytest.mark.parametrize("ending", export.WRITERS)
def test_a_study_with_every_table_comes_back(ending, tmp_path):
    about, raw = studies.about() | {"source": "invented"}, studies.tables()
    raw["patients"][0][-1], about["covariates"]["sex at birth"] = "sex at birth", about["covariates"].pop("sex")
    raw["intervals"][2][2] = "190"  # treated again, without cells, some days after the progression
    del raw["infusions"][3]
    own = checked(studies.write(tmp_path / "study", about, raw).parent)
    export.write(own[1], own[0], tmp_path / "adam", ending)
    back = again(tmp_path / "adam", tmp_path / "back")
    assert back[0] == own[0]
    assert bytes_of(back[1], tmp_path / "b") == bytes_of(own[1], tmp_path / "a")


def spoilt(tmp_path: Path, change) -> Path:
    about, raw = studies.about(), studies.tables()
    change(raw)
    about, own = checked(studies.write(tmp_path / "study", about, raw).parent)
    export.write(own, about, tmp_path / "adam")
    return tmp_path / "adam"


def redosed_at_the_end(raw: dict) -> None:
    """An infusion on the day of the last progression, with which no interval begins."""
    raw["intervals"][2][-2:] = ["402", "progression"]
    raw["infusions"].append(["001", "402", "1e9", "NK-1", ""])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw["intervals"][5].__setitem__(4, "388.5"), "end_day has fractions of days"),
        (lambda raw: raw["patients"][1].__setitem__(3, "x" * 201), "TRT01P has a text of 201 bytes"),
        (lambda raw: raw["infusions"][1].__setitem__(2, "1e80"), "AVAL has a number beyond"),
        (redosed_at_the_end, "intervals: ADaM cannot hold them"),
    ],
)
def test_what_adam_cannot_hold_is_refused_and_nothing_is_left(change, message, tmp_path):
    with pytest.raises(StudyError, match=message):
        spoilt(tmp_path, change)
    assert not (tmp_path / "adam").exists()
