"""Dynamic prediction: a file of what a fit knows in general, and what it says of the days ahead."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from columns import described
from test_models import ABOUT, CONFIG, STRANDS, built, options, sample_prior, small_study
from typer.testing import CliRunner

from redose import checks, design, dynamic, history, inquiry, problems, tables
from redose.cli import app
from redose.survival import YEAR

SETTINGS = CONFIG["decision"]["dynamic"] | {"ci_prob": 0.9, "seed": 1, "draws": 60}
REGIMES = pd.DataFrame(
    {
        "regime": ["no redosing", "10^-3 every 56 d", "10^-4 every 28 d", "tenfold rise"],
        "kind": ["none", "adaptive", "adaptive", "adaptive"],
        "tau": [np.nan, -3.0, -4.0, np.nan],
        "utility": [200.0, 230.0, 220.0, 240.0],
    }
)


JSON = {
    "patient": "j1",
    "arm": "y",
    "age": 66,
    "today": 60,
    "infusions": [{"day": 0, "cells": 9e8, "product": "NK", "lot": "L1"}],
    "mrd": [{"day": 0, "assay": "flow", "mrd": 0.002}, {"day": 30, "assay": "flow", "mrd": "<lod"}],
}
DESCRIBED = {
    "title": "small",
    "units": {},
    "assays": {"flow": {"lod": 1e-4, "false_positive_rate": 0.01}, "qPCR": {"lod": 1e-5, "false_positive_rate": 0.0}},
    "products": {"NK": {"lineage": "NK"}, "memory": {"lineage": "CIML-NK"}},
    "covariates": {
        "age": {"label": "age", "role": "baseline", "unit": "years", "per": 10, "centre": 60},
        "arm": {"label": "arm", "role": "baseline", "reference": "x"},
    },
}


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """A predictor of the small study with every strand, prior draws close to each other in the place of a posterior."""
    _, model = built("joint_step", kinetics=STRANDS)
    prior = sample_prior(model, 120)
    close = {n: x.mean("draw") + 0.1 * (x - x.mean("draw")) for n, x in prior.data_vars.items()}
    path = tmp_path_factory.mktemp("predictor") / "predictor.nc"
    dynamic.write(path, "small", model.design, xr.Dataset(close), DESCRIBED, CONFIG["priors"], REGIMES, SETTINGS)
    return path


@pytest.fixture(scope="module")
def predictor(file) -> dynamic.Predictor:
    return dynamic.read(file)


def known(day: float) -> dict:
    return history.until(small_study(), options(), day)


def test_the_file_holds_what_a_fit_knows_and_nobody_of_its_trial(predictor, tmp_path):
    assert predictor.action == dynamic.Action(-3.0, "10^-3 every 56 d")  # of those with a threshold, the most useful
    assert {x.shape[-1] for x in predictor.draws.values()} == {60}
    assert not {"traits", "v", "still"} & set(predictor.draws)
    assert predictor.draws["u_lot"].shape == (2, 60)
    everything = str(predictor.words.coords) + str(predictor.words.attrs) + str(predictor.about)
    assert not [p for p in ("p1", "p2", "p3") if p in everything]
    assert dynamic.action_of(REGIMES.iloc[:1]) is None
    assert dynamic.action_of(None) is None


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a.nc").write_text("not NetCDF")
    xr.Dataset({"x": 1}).to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    for name in ("a.nc", "b.nc", "absent.nc"):
        with pytest.raises(dynamic.PredictorError, match=rf"{name} is not a predictor"):
            dynamic.read(tmp_path / name)


def test_predictions_are_probabilities_that_sum_to_one(predictor):
    table, curves = dynamic.predict(predictor, known(140))
    assert set(table["next_test_by"]) <= {"due", "latest"}
    assert table["patient"].tolist() == ["p1", "p2", "p3"]
    assert table["today"].tolist() == [140.0] * 3
    for d in SETTINGS["days"]:
        total = table[[f"free_{d}", f"progression_{d}", f"death_{d}"]].sum(axis=1)
        assert total.to_numpy() == pytest.approx(np.ones(3), abs=1e-9)
        assert (table[f"free_{d}_low"] < table[f"free_{d}"]).all()
    events = curves[curves["outcome"] != "mrd"]
    today = events[events["days"] == 0].set_index("outcome")["mean"]
    assert (today["free"] == 1.0).all()
    assert (today[["progression", "death"]] == 0.0).all()
    for (_, outcome), part in events.groupby(["patient", "outcome"]):
        change = part.sort_values("days")["mean"].diff().dropna()
        assert (change <= 0).all() if outcome == "free" else (change >= 0).all()
    level = curves[curves["outcome"] == "mrd"]
    assert level["mean"].between(level["low"], level["high"]).all()
    assert level.groupby("patient")["days"].min().tolist() == [-40.0, -140.0, -140.0]  # p1 is in its second interval
    assert table["p_above"].between(0, 1).all()
    assert table["next_test"].between(140, 140 + SETTINGS["latest"]).all()
    assert table.loc[table["patient"] == "p3", "reason"].tolist() == [dynamic.NO_SAMPLE]


def test_a_call_of_one_equals_a_call_of_all(predictor):
    together, _ = dynamic.predict(predictor, known(140))
    alone, _ = dynamic.predict(predictor, dynamic.part(known(140), ["p2"]))
    pd.testing.assert_frame_equal(
        alone, together[together["patient"] == "p2"].reset_index(drop=True), check_dtype=False, rtol=1e-9
    )


def test_patients_who_are_not_at_risk_have_a_reason_and_no_numbers(predictor):
    """p2 died and p1 was progression-free; p3's transplant ends its follow-up."""
    table, curves = dynamic.predict(predictor, small_study())
    assert table["state"].tolist() == ["progression-free", "death", "transplant"]
    assert table["reason"].tolist() == ["", "died", "transplanted: follow-up ended"]
    assert table.loc[1:, ["today", "free_91", "mrd", "next_test"]].isna().all(axis=None)
    assert set(curves["patient"]) == {"p1"}


def test_nobody_at_risk_is_no_error(predictor):
    table, curves = dynamic.predict(predictor, dynamic.part(small_study(), ["p2"]))
    assert table["state"].tolist() == ["death"]
    assert curves.empty


def test_a_planned_infusion_lowers_the_level_and_the_risk(predictor):
    tables_ = dynamic.part(known(140), ["p2"])
    planned = tables_["infusions"].tail(1).assign(day=147.0, cells=1.5e9)
    given = tables_ | {"infusions": pd.concat([tables_["infusions"], planned], ignore_index=True)}
    (without, level), (treated, lowered) = (dynamic.predict(predictor, x) for x in (tables_, given))
    at = [c[(c["outcome"] == "mrd") & (c["days"] == 365)]["mean"].item() for c in (level, lowered)]
    assert at[1] < at[0] - 0.1
    assert treated["progression_365"].item() < without["progression_365"].item()


@pytest.fixture(scope="module")
def constant(tmp_path_factory) -> dynamic.Predictor:
    """Constant hazards of progression and death, 1.2 and 0.4 a year, and nothing else: no refit could say otherwise."""
    wanted = options(frailty=False) | {"progression": {"covariates": []}, "death": {"covariates": []}}
    data = design.build(small_study(), ABOUT, "intervals", wanted | {"pooled": []}, CONFIG["priors"])
    same = {"rate_progression": 1.2, "shape_progression": 1.0, "rate_death": 0.4, "shape_death": 1.0}
    posterior = xr.Dataset({n: (("chain", "draw"), np.full((1, 60), v)) for n, v in same.items()})
    for cause in ("progression", "death"):
        posterior[f"beta_{cause}"] = (("chain", "draw", f"{cause}_covariate"), np.zeros((1, 60, 0)))
    path = tmp_path_factory.mktemp("constant") / "predictor.nc"
    dynamic.write(path, "small", data, posterior, ABOUT, CONFIG["priors"], None, SETTINGS)
    return dynamic.read(path)


def test_constant_hazards_are_foretold_by_their_formula(constant):
    table, curves = dynamic.predict(constant, known(140))
    assert "mrd" not in table
    for d in SETTINGS["days"]:
        assert table[f"free_{d}"].to_numpy() == pytest.approx(np.exp(-1.6 * d / YEAR), rel=1e-9)
        assert table[f"death_{d}"].to_numpy() == pytest.approx(0.25 * -np.expm1(-1.6 * d / YEAR), rel=1e-9)
    assert set(curves["outcome"]) == {"free", "progression", "death"}


def written(folder, value) -> str:
    path = folder / "patient.json"
    path.write_text(json.dumps(value))
    return str(path)


def test_json_and_tables_of_the_same_patient_are_predicted_alike(predictor, tmp_path):
    by_json = inquiry.read(written(tmp_path, JSON), DESCRIBED).tables
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "patients.csv").write_text("patient,arm,age\nj1,y,66\n")
    (folder / "intervals.csv").write_text("patient,interval,start_day,end_day,outcome\nj1,1,0,60,censored\n")
    (folder / "infusions.csv").write_text("patient,day,cells,product,lot\nj1,0,9e8,NK,L1\n")
    (folder / "mrd.csv").write_text("patient,day,assay,mrd\nj1,0,flow,0.002\nj1,30,flow,<lod\n")
    by_tables = inquiry.read(folder, DESCRIBED).tables
    for name in by_json:
        pd.testing.assert_frame_equal(by_json[name], by_tables[name])
    table, _ = dynamic.predict(predictor, by_json)
    assert table["samples"].tolist() == [2]
    assert table["today"].tolist() == [60.0]


def test_a_list_of_patients(tmp_path):
    given = [{"day": 0, "cells": 9e8, "product": "NK"}, {"day": 67, "cells": 1.5e9, "product": "NK"}]
    first = {"interval": 1, "start_day": 0, "end_day": 20, "outcome": "progression"}
    second = {"interval": 2, "start_day": 20, "end_day": 90, "outcome": "censored"}
    other = {"patient": "j2", "arm": "x", "age": 50, "intervals": [first, second]}
    verdict = inquiry.read(written(tmp_path, [JSON | {"infusions": given}, other]), DESCRIBED)
    found = verdict.tables
    assert found["patients"]["patient"].tolist() == ["j1", "j2"]
    assert found["infusions"]["day"].tolist() == [0.0, 67.0]
    assert "day 67 lies after the end of follow-up" in verdict.text()  # said, and taken as planned
    assert found["intervals"]["outcome"].tolist() == ["censored", "progression", "censored"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1], "entry 1 is no object with a key `patient`"),
        ({"patient": "j1", "arm": "x", "age": 50}, "give `today`"),
        (JSON | {"mdr": []}, "no table is called 'mdr'"),
        (JSON | {"mrd": [3]}, "mrd must be a list of objects"),
        (JSON | {"mrd": {"day": 0}}, "mrd must be a list of objects"),
        (JSON | {"infusions": None}, "infusions must be a list of objects"),
        (JSON | {"gvhd": "none"}, "gvhd must be a list of objects"),
        (JSON | {"intervals": []}, "`today` or `intervals`, not both"),
        (JSON | {"today": 0}, "day 0 itself: give 0.5"),
        ([], "holds no patient"),
        (JSON | {"age": None}, "age is missing"),
        (JSON | {"mrd": [{"day": 10, "assay": "NGS", "mrd": 0.1}]}, "assay 'NGS'|assay NGS"),
        (JSON | {"infusions": [{"day": 0, "cells": -1, "product": "NK"}]}, "cells"),
        (JSON | {"infusions": [{"day": 0, "cells": 9e8, "product": "CAR-T"}]}, "product CAR-T is not described"),
    ],
)
def test_faulty_histories_are_refused_with_a_sentence(value, message, tmp_path):
    with pytest.raises(problems.StudyError, match=message):
        checks.require(inquiry.read(written(tmp_path, value), DESCRIBED))


def test_no_json_and_no_folder(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(problems.StudyError, match="is no JSON"):
        inquiry.read(tmp_path / "x.json", DESCRIBED)
    (tmp_path / "x.json").write_text('{"patient": 1, "age": 3, "age": 4}')
    with pytest.raises(problems.StudyError, match="the key 'age' is given twice"):
        inquiry.read(tmp_path / "x.json", DESCRIBED)
    (tmp_path / "x.json").write_text(json.dumps(JSON | {"infusions": []}), encoding="utf-8-sig")  # as Notepad writes it
    assert inquiry.read(tmp_path / "x.json", DESCRIBED).tables["infusions"].empty
    with pytest.raises(problems.StudyError, match="no such folder or file"):
        inquiry.read(tmp_path / "absent", DESCRIBED)
    (tmp_path / "empty").mkdir()
    with pytest.raises(problems.StudyError, match=r"intervals\.csv.*no such file"):
        checks.require(inquiry.read(tmp_path / "empty", DESCRIBED))


def test_inputs_stay_as_they_are(tmp_path):
    path = written(tmp_path, JSON)
    before = (tmp_path / "patient.json").read_bytes()
    inquiry.read(path, DESCRIBED)
    assert (tmp_path / "patient.json").read_bytes() == before


def test_a_few_patients_need_not_have_the_reference_level(tmp_path):
    written(tmp_path, JSON)
    study = inquiry.from_json(tmp_path / "patient.json", DESCRIBED)
    assert not checks.check(study).passed  # nobody is in arm x
    assert checks.check(study, every_level=False).passed


def redose(*arguments) -> object:
    return CliRunner().invoke(app, ["predict", *map(str, arguments)], catch_exceptions=False)


def test_the_command_prints_and_writes_what_the_function_says(file, predictor, tmp_path):
    made = {name: tmp_path / name for name in ("table.csv", "curves.csv", "told.json", "one.svg")}
    outputs = ["--csv", made["table.csv"], "--curves", made["curves.csv"], "--json", made["told.json"]]
    result = redose(file, written(tmp_path, JSON), *outputs, "--figure", made["one.svg"])
    assert result.exit_code == 0
    table, curves = dynamic.predict(predictor, inquiry.read(tmp_path / "patient.json", DESCRIBED).tables)
    saved = pd.read_csv(made["table.csv"], keep_default_na=False)
    assert saved["free_365"].to_numpy() == pytest.approx(table["free_365"].to_numpy())
    assert len(pd.read_csv(made["curves.csv"])) == len(curves)
    told = json.loads(made["told.json"].read_text())
    assert told["action"] == {"log10": -3.0, "regime": "10^-3 every 56 d"}
    assert told["patients"][0]["next_test"] == table["next_test"].item()
    assert "j1: day 60, MRD" in result.stdout
    assert re.search(rf"next test (on|at the latest on) day {table['next_test'].item():g}\n", result.stdout)
    assert max(map(len, result.stdout.splitlines())) < 120
    assert made["one.svg"].exists()
    assert made["one.svg"].with_suffix(".png").exists()


def test_a_threshold_of_ones_own(file, tmp_path):
    told = json.loads(redose(file, written(tmp_path, JSON), "--threshold", "1e-9", "--json", "-").stdout)
    assert told["action"]["log10"] == pytest.approx(-9.0)
    assert told["patients"][0]["p_above"] > 0.9


def test_an_interval_longer_than_any_of_the_trial_is_said(file, tmp_path):
    result = redose(file, written(tmp_path, JSON | {"today": 500}))
    assert "note: day 500 of its interval, beyond all 300 of the trial" in result.stdout


def test_a_covariate_beyond_the_trial_is_said(file, tmp_path):
    result = redose(file, written(tmp_path, JSON | {"age": 95}))
    assert result.exit_code == 0
    assert "note: extrapolated from the trial: age 95 beyond 50 to 75" in result.stdout


def test_far_from_the_trial_nothing_is_foretold(file, tmp_path):
    told = json.loads(
        redose(file, written(tmp_path, [JSON, JSON | {"patient": "j2", "age": 1e300}]), "--json", "-").stdout
    )
    near, far = told["patients"]
    assert (near["state"], far["state"]) == ("progression-free", dynamic.TOO_FAR)
    assert "age 1e+300 beyond 50 to 75" in far["reason"]
    assert far["free_365"] is None
    assert far["p_above"] is None


def test_a_reading_that_the_model_takes_as_false_is_said(file, tmp_path):
    days = [{"day": d, "assay": "flow", "mrd": "<lod"} for d in (10, 20, 30, 40, 59, 60)]
    result = redose(file, written(tmp_path, JSON | {"mrd": [*days, {"day": 50, "assay": "flow", "mrd": 0.3}]}))
    assert "day 50 reads 3.0e-01 where" in result.stdout
    assert "a false positive with probability" in result.stdout
    assert "false positive" not in redose(file, written(tmp_path, JSON)).stdout


def test_other_doses_and_trials_are_said(file, tmp_path):
    given = [{"day": 0, "cells": 9, "product": "NK"}]
    result = redose(file, written(tmp_path, JSON | {"infusions": given, "trial": "alder"}))
    assert "an infusion of 9 cells, beyond 3e+08 to 1.5e+09 of the trial" in result.stdout
    assert "trial alder is new to the fit" in result.stdout
    assert "new to the fit" not in redose(file, written(tmp_path, JSON | {"trial": "A"})).stdout


def test_the_key_changes_no_number(file, tmp_path):
    told = [json.loads(redose(file, written(tmp_path, JSON | {"patient": key}), "--json", "-").stdout) for key in "ab"]
    one, other = (t["patients"][0] | {"patient": ""} for t in told)
    assert one == other


@pytest.mark.parametrize("option", ["--csv", "--curves", "--json"])
def test_no_input_is_overwritten(option, file, tmp_path):
    path = Path(written(tmp_path, JSON))
    for target in (path, file):
        before = target.read_bytes()
        result = redose(file, path, option, target)
        assert (result.exit_code, "would take the place of a file that is read" in result.stderr) == (2, True)
        assert target.read_bytes() == before
    twice = redose(file, path, "--csv", tmp_path / "a", "--curves", tmp_path / "a")
    assert (twice.exit_code, "name the same file" in twice.stderr) == (2, True)


def test_tables_of_a_run_are_read_as_they_are(predictor, tmp_path):
    written(tmp_path, JSON)
    found = inquiry.read(tmp_path / "patient.json", DESCRIBED).tables
    tables.write_checked(found, tmp_path / "s" / "tables")
    (tmp_path / "s" / "tables" / "checks.csv").write_text("")
    again = inquiry.read(tmp_path / "s" / "tables", DESCRIBED)
    assert again.passed
    (one, curves), (other, _) = (dynamic.predict(predictor, x) for x in (found, again.tables))
    pd.testing.assert_frame_equal(one, other)
    assert described({f"joint_step/newcomers{x}.csv": t for x, t in (("", one), ("_curves", curves))}) == ([], [])


@pytest.mark.parametrize(
    ("value", "more", "code", "message"),
    [
        (JSON | {"age": None}, [], 1, "age is missing"),
        (JSON | {"arm": "z"}, [], 1, "a level that the fit has not seen; give one of x, y"),
        (JSON, ["--threshold", "3"], 2, "--threshold 3 is no fraction"),
        (JSON, ["--figure", "x.pdf"], 2, "ends in .svg"),
        (JSON, ["--patient", "j9", "--figure", "x.svg"], 2, "there is no prediction of that patient"),
        (JSON, ["--day", "80"], 1, "1 of 1 patients are not at risk on day 80"),
    ],
)
def test_what_cannot_be_predicted_ends_with_a_sentence(file, value, more, code, message, tmp_path):
    result = redose(file, written(tmp_path, value), *more)
    assert result.exit_code == code
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_files_that_are_not_there_or_no_predictor(file, tmp_path):
    missing = redose(tmp_path / "p.nc", written(tmp_path, JSON))
    assert (missing.exit_code, "no such file" in missing.stderr) == (2, True)
    wrong = redose(tmp_path / "patient.json", tmp_path / "patient.json")
    assert (wrong.exit_code, "is not a predictor" in wrong.stderr) == (2, True)


def test_today_is_the_end_of_follow_up_whatever_was_assessed_last(file, tmp_path):
    """A sample between the last assessment and today counts, and today is not the assessment."""
    interval = {"interval": 1, "start_day": 0, "end_day": 60, "last_free_day": 20, "outcome": "censored"}
    given = {n: x for n, x in JSON.items() if n != "today"} | {"intervals": [interval]}
    told, plain = (json.loads(redose(file, written(tmp_path, x), "--json", "-").stdout) for x in (given, JSON))
    assert told["patients"] == plain["patients"]
    later = JSON | {"mrd": [*JSON["mrd"], {"day": 70, "assay": "flow", "mrd": 0.3}]}
    result = redose(file, written(tmp_path, later), "--json", "-")
    assert json.loads(result.stdout)["patients"] == plain["patients"]
    assert "mrd of patient j1 on day 70: not read: it comes after today" in result.stderr


def test_a_history_is_cut_at_a_day(file, tmp_path):
    """What was known on day 20: one sample of two, and the state of that day."""
    told = json.loads(redose(file, written(tmp_path, JSON), "--day", "20", "--json", "-").stdout)
    assert (told["patients"][0]["samples"], told["patients"][0]["today"]) == (1, 20.0)
