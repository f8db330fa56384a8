"""The real DAG on tiny settings: lint, dry runs, studies of one's own, faults in the input, pseudonyms, what reruns."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import columns
import leaks
import pandas as pd
import pytest
import xarray as xr
import yaml
from calls import place, run, snakemake
from smallest import EASY, ROOT
from typer.testing import CliRunner

from redose import checks, simulate, tables
from redose.adam import export
from redose.cli import app
from redose.pseudonyms import pseudonym

SALT = hashlib.sha256(b"of the tests").hexdigest()


def test_lint_is_clean():
    result = snakemake("--lint", "--workflow-profile", "none")
    assert result.returncode == 0, result.stdout + result.stderr


def test_dry_run_of_the_default_config(tmp_path):
    result = snakemake(
        "-n", "--directory", str(tmp_path), "--workflow-profile", "none", "--cores", "1", "--config", "seed=1"
    )
    assert result.returncode == 0, result.stderr
    assert "data/bladder/study.yaml" in result.stdout
    assert "results/redosable/joint_step/posterior.nc" in result.stdout


def test_dry_run_of_pbc(tmp_path):
    own = str(ROOT / "data/pbc/config.yaml")
    place = ["--directory", str(tmp_path), "--configfile", own, "--workflow-profile", "none", "--cores", "1"]
    result = snakemake("-n", *place)
    assert result.returncode == 0, result.stderr
    assert "results/pbc/report.html" in result.stdout and "bladder" not in result.stdout


def test_the_benchmark_joins_what_the_config_asks_for(tmp_path):
    """Checks of a small study, measured and joined by the rules that measure a large one; all else is left out."""
    nothing = dict.fromkeys(("rstanarm", "regimes", "start", "dag"), False)
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump({"benchmark": {"fits": [], "checks": 20, **nothing}}))
    result = run(tmp_path, path, "benchmark")
    assert result.returncode == 0, result.stderr[-4000:]
    table = pd.read_csv(tmp_path / "results/benchmark/benchmark.csv")
    assert set(table["section"]) == {"checks"} and (table["value"] > 0).all()
    assert "## Reading and checking" in (tmp_path / "results/benchmark/benchmark.md").read_text()
    assert (tmp_path / "results/benchmark/benchmark.png").stat().st_size > 1000


def test_of_a_study_whose_models_a_config_names_those_are_run(tmp_path):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())["studies"]["redosable"]
    config["models"] = {"intervals": config["models"]["intervals"]}
    path = tmp_path / "one.yaml"
    path.write_text(yaml.safe_dump({"studies": {"redosable": config}}))
    result = run(tmp_path, path, "-n")
    assert result.returncode == 0, result.stderr
    assert "results/redosable/intervals/posterior.nc" in result.stdout
    others = ("results/redosable/joint_step", "results/redosable/joint_value", "results/redosable/gvhd", "bladder")
    assert not [name for name in others if name in result.stdout]


def study_folder(folder: Path) -> Path:
    """A small valid study on disk."""
    folder.mkdir()
    (folder / "study.yaml").write_text("title: mine\nday_0: first infusion\n")
    patients = pd.DataFrame({"patient": [f"Zweig-{i:02d}" for i in range(30)], "arm": ["a", "b"] * 15})
    intervals = pd.DataFrame(
        {"patient": patients["patient"], "interval": 1, "start_day": 0, "end_day": range(40, 340, 10)}
    )
    intervals["outcome"] = ["progression", "censored", "death"] * 10
    patients.to_csv(folder / "patients.csv", index=False)
    intervals.to_csv(folder / "intervals.csv", index=False)
    return folder


def three_patients(folder: Path) -> Path:
    """A valid study of three patients, on disk: every group is too small for a curve, one patient has two intervals."""
    folder.mkdir()
    about = {"title": "three", "day_0": "first infusion", "assays": {"NGS": {"lod": 1e-5, "false_positive_rate": 0.0}}}
    about["products"] = {"NK-1": {"source": "iPSC", "lineage": "NK"}}
    about["covariates"] = {"size": {"label": "size", "role": "burden", "unit": "cm"}}
    (folder / "study.yaml").write_text(yaml.safe_dump(about))
    tables = {
        "patients": "patient,size\na,1\nb,2.5\nc,4",
        "intervals": "patient,interval,start_day,end_day,outcome\na,1,0,150,progression\na,2,150,260,censored\n"
        "b,1,0,300,censored\nc,1,0,90,death",
        "mrd": "patient,day,assay,mrd\na,0,NGS,0.01\na,60,NGS,0.001\na,140,NGS,0.003\nb,0,NGS,0.001\nb,90,NGS,<lod\n"
        "c,0,NGS,0.05\nc,60,NGS,0.1",
        "infusions": "patient,day,cells,product\na,0,9e8,NK-1\na,150,9e8,NK-1\nb,0,9e8,NK-1\nc,0,9e8,NK-1",
    }
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(re.sub("^(?=[abc],)", "Zweig-", text, flags=re.M) + "\n")
    return folder


def hazards(*covariates: str) -> dict:
    """Settings of a model whose hazards are as simple as can be, that of progression with these covariates."""
    of = {"progression": {"covariates": list(covariates), "time_dependent": []}}
    return {"baseline": "weibull", "frailty": False, **of, "death": {"covariates": [], "time_dependent": []}}


def own_config(path: Path, models: dict, limits: dict) -> Path:
    """Writes a config that names studies of the user's own, under pseudonyms: study (and its folder) -> model ->
    settings."""
    (path.parent / "salt.txt").write_text(SALT)
    estimand = {"death": "competing", "transplant": "hypothetical", "new_therapy": "hypothetical"}
    studies = {name: {"folder": name, "estimand": estimand, "models": of} for name, of in models.items()}
    sampling = {"chains": 2, "tune": 60, "draws": 60, "target_accept": 0.8, "longer": {"times": 1}}
    settings = {"studies": studies, "sampling": sampling, "acceptance": limits}
    settings["privacy"] = {"salt": "salt.txt", "fewest": 5}
    settings["decision"] = {"ahead": {"most": 8, "draws": 40, "chunk": 20}}
    path.write_text(yaml.safe_dump(settings))
    return path


def mine(folder: Path, limits: dict = EASY) -> Path:
    """A config that names one study of the user's own, with two newcomers, one of them a patient of the study."""
    newcomers = [{"patient": p, "arm": "a", "today": 30} for p in ("Zweig-03", "Zweig-new")]
    (folder / "new.json").write_text(json.dumps(newcomers))
    path = own_config(folder / "mine.yaml", {"mine": {"intervals": hazards("arm")}}, limits)
    settings = yaml.safe_load(path.read_text())
    settings["studies"]["mine"]["newcomers"] = "new.json"
    path.write_text(yaml.safe_dump(settings))
    return path


@pytest.fixture(scope="module")
def rejected(tmp_path_factory):
    """(folder, config, what Snakemake said) of a user's own study, without MRD, whose fit is not good enough for its
    config."""
    folder = tmp_path_factory.mktemp("own")
    study_folder(folder / "mine")
    config = mine(folder, {**EASY, "ess_bulk": 100000}).rename(folder / "strict.yaml")
    return folder, config, run(folder, config)


def test_a_rejected_fit_is_named_and_stops_what_depends_on_it(rejected):
    folder, _, result = rejected
    assert result.returncode != 0
    assert "compiling" in result.stderr  # as the tests below look for it in vain
    assert "mine/intervals: rejected by the gate." in result.stderr
    assert "rate_progression: bulk ESS" in result.stderr
    assert "Traceback" not in result.stderr
    assert {p.name for p in (folder / "results").iterdir() if p.is_dir()} == {"mine"}  # and not the examples
    assert "rejected by the gate" in (folder / "results/index.html").read_text()
    left = {p.name for p in (folder / "results/mine/intervals").iterdir()}
    assert {"posterior.nc", "diagnostics.csv", "chains.svg", "priors.svg"} <= left  # it can be looked at
    assert not left & {"accepted.json", "loo.csv", "curves.csv"}
    assert not (folder / "results/mine/selection").exists()


def test_the_dossiers_are_written_beside_a_rejected_fit(rejected):
    folder, _, result = rejected
    page = (folder / "results/mine/report.html").read_text()
    assert page.count("The gate rejected model intervals: nothing is concluded from it.") == 2
    assert "No hazard ratio is given: the gate rejected model intervals" in page
    last = result.stderr[result.stderr.index("The gate rejected 1 of 1 model.") :]
    assert "mine/intervals" in last and "results/mine/report.html" in last
    assert "rule report" not in last  # said when all else is done


@pytest.fixture(scope="module")
def few(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """(folder, what Snakemake said) of a study of three patients, analysed with a joint model and regimes."""
    folder = tmp_path_factory.mktemp("few")
    three_patients(folder / "three")
    joint = hazards() | {"kinetics": {"level": [], "growth": [], "kill": []}}
    return folder, run(folder, own_config(folder / "three.yaml", {"three": {"joint_step": joint}}, EASY))


def test_a_study_of_three_patients_has_its_dossier(few):
    """All infusions are of the reference dose, no hazard has a covariate, no group is large enough for a curve."""
    folder, result = few
    assert result.returncode == 0, result.stderr[-4000:]
    found = folder / "results/three"
    for name in ("decision/joint_step/regimes.csv", "selection/joint_step.gain.csv", "threshold/joint_step.csv"):
        assert len(pd.read_csv(found / name)) >= 3, name
    assert len(pd.read_csv(found / "joint_step/lengths.csv")) == 0
    page = (found / "report.html").read_text()
    assert "No group has 5 intervals of the same number" in page and "The gate rejected" not in page


def test_a_second_call_says_so_again_without_refitting(rejected):
    folder, config, _ = rejected
    again = run(folder, config)
    assert again.returncode != 0
    assert "mine/intervals: rejected by the gate." in again.stderr and "compiling" not in again.stderr
    assert "rule report" not in again.stderr


def test_a_conclusion_from_a_rejected_fit_is_not_made_when_asked_for_by_name(rejected):
    folder, config, _ = rejected
    wanted = "results/mine/selection/intervals.csv"
    result = run(folder, config, wanted)
    assert result.returncode != 0
    assert "mine/intervals: rejected by the gate." in result.stderr and "rate_progression: bulk ESS" in result.stderr
    assert not (folder / wanted).exists()


@pytest.fixture(scope="module")
def analysed(rejected):
    """(folder, config) of that study, analysed to the end without another fit: its config has come to accept it."""
    folder, *_ = rejected
    config = mine(folder)
    result = run(folder, config)
    assert result.returncode == 0, result.stderr[-4000:]
    assert "compiling" not in result.stderr
    assert (folder / "results/verdicts.csv").read_text() == "study,model,verdict\nmine,intervals,accepted\n"
    return folder, config


def test_run_times_stand_beside_the_dossier_and_not_in_it(analysed):
    folder, config = analysed
    times = pd.read_csv(folder / "results/mine/run_times.csv")
    assert {"fit", "design", "diagnose", "draw_sampler", "report"} <= set(times["rule"])
    assert list(times.columns) == ["rule", "job", "wall_s", "peak_mb", "cpu_s", "load_percent"]
    assert (times["wall_s"] > 0).all()
    page = (folder / "results/mine/report.html").read_bytes()
    (folder / "logs/fit/mine.intervals.tsv").unlink()  # a lost log asks for nothing
    assert "Nothing to be done" in (again := run(folder, config)).stdout + again.stderr
    result = run(folder, config, "--force", "results/mine/report.html")
    assert result.returncode == 0, result.stderr[-4000:]
    assert (folder / "results/mine/report.html").read_bytes() == page
    assert "fit" not in set(pd.read_csv(folder / "results/mine/run_times.csv")["rule"])


def test_the_record_of_a_run_verifies(analysed):
    """Settings are put together from the config files as Snakemake did, and the dossier prints the same digest."""
    folder, config = analysed
    results = folder / "results/mine"
    known = json.loads((results / "provenance.json").read_text())
    assert known["settings"]["sha256"] in (results / "report.html").read_text()
    assert known["settings"]["files"] == [config.name] and known["settings"]["shown"]["privacy"]["salt"] != "salt.txt"
    assert {"mine/study.yaml", "mine/intervals.csv", "new.json"} <= set(known["inputs"])
    assert {"report.html", "intervals/posterior.nc", "intervals/newcomers.csv"} <= set(known["results"])
    result = CliRunner().invoke(app, ["verify", str(results)])
    assert (result.exit_code, result.stdout.splitlines()[-1].split("; ")[1]) == (0, "all as recorded"), result.output


def test_a_lost_record_is_made_again_by_the_call_that_verify_names(analysed):
    folder, config = analysed
    record = folder / "results/mine/provenance.json"
    before = record.read_bytes()
    record.unlink()
    result = CliRunner().invoke(app, ["verify", str(record.parent)])
    wanted = re.search(r"\./run (\S+) makes it", result.stderr).group(1)
    again = snakemake(wanted, *place(folder, config))
    assert again.returncode == 0, again.stderr[-4000:]
    assert "rule record:" in again.stderr and "rule report:" not in again.stderr
    assert record.read_bytes() == before
    assert CliRunner().invoke(app, ["verify", str(record.parent)]).exit_code == 0


def test_the_rules_on_the_way_to_a_dossier_are_drawn(analysed):
    folder, _ = analysed
    picture = (folder / "results/mine/workflow.svg").read_text()
    shown = set(re.findall(r">([^<>]+)</text>", picture))
    assert {"check", "design", "fit", "accept", "score", "report"} <= shown
    assert "derive" not in shown and "simulate" not in shown  # this study has tables of its own


@pytest.mark.parametrize("asked", [True, False])
def test_a_calibration_belongs_to_a_dossier_where_the_config_says_so(asked, tmp_path):
    study_folder(tmp_path / "mine")
    config = mine(tmp_path)
    known = yaml.safe_load(config.read_text())
    known["studies"]["mine"]["calibration"] = asked
    config.write_text(yaml.safe_dump(known))
    (tmp_path / "results/calibration").mkdir(parents=True)
    (tmp_path / "results/calibration/verdict.csv").write_text("")  # that it happens to be there changes nothing
    result = run(tmp_path, config, "-n")
    assert result.returncode == 0, result.stderr
    assert ("rule judge_calibration:" in result.stdout) == asked


def test_no_patient_key_is_left_in_results_and_logs(analysed, few):
    folder, _ = analysed
    assert (few[0] / "results/three/decision").exists()  # also behind a joint model and its regimes
    behind = [root / name for root in (folder, few[0]) for name in ("results", "logs")]
    kinds = {f.suffix for f in behind[0].rglob("*") if f.is_file()}
    assert {".parquet", ".nc", ".csv", ".json", ".svg", ".html"} <= kinds
    assert not leaks.places(behind, ["Zweig", SALT, hashlib.sha256(SALT.encode()).hexdigest()])
    patients = pd.read_parquet(folder / "results/mine/tables/patients.parquet")["patient"].tolist()
    assert patients == sorted(pseudonym(SALT, f"Zweig-{i:02d}") for i in range(30))
    predicted = pd.read_csv(folder / "results/mine/intervals/newcomers.csv")["patient"]
    assert set(predicted) == {pseudonym(SALT, "Zweig-03"), pseudonym(SALT, "Zweig-new")}
    page = (folder / "results/mine/report.html").read_text(encoding="utf-8")
    assert patients[0] in page and "Patients have pseudonyms" in page
    assert leaks.places([folder / "mine"], ["Zweig"]), "the search finds what is there"


def test_a_study_from_adam_has_the_posterior_of_its_tables(analysed, tmp_path):
    """The same study as XPT datasets: the tables are the same bytes and the draws the same bits, the dossier tells of
    the derivation, and what is kept of it names no patient."""
    folder, config = analysed
    study = tables.read_study(folder / "mine/study.yaml", folder / "mine")
    export.write(checks.check(study).tables, study.about, tmp_path / "mine")
    for name in ("salt.txt", "new.json"):
        shutil.copy(folder / name, tmp_path / name)
    settings = yaml.safe_load(config.read_text())
    settings["studies"]["mine"]["source"] = "adam"
    (tmp_path / "adam.yaml").write_text(yaml.safe_dump(settings))
    result = run(tmp_path, tmp_path / "adam.yaml")
    assert result.returncode == 0, result.stderr[-4000:]
    mine, theirs = tmp_path / "results/mine", folder / "results/mine"
    for table in sorted((theirs / "tables").glob("*.parquet")):
        assert (mine / "tables" / table.name).read_bytes() == table.read_bytes(), table.name
    own, other = (
        xr.open_datatree(f / "intervals/posterior.nc", engine="h5netcdf")["posterior"] for f in (mine, theirs)
    )
    assert set(own.data_vars) == set(other.data_vars)
    assert all(own[name].to_numpy().tobytes() == other[name].to_numpy().tobytes() for name in own.data_vars)
    assert columns.against_dictionary(mine) == ([], [])
    endpoints = pd.read_csv(mine / "adam/endpoints.csv").set_index("endpoint")
    assert endpoints.loc["PFS", "events_derived"] == endpoints.loc["PFS", "events_adtte"] == 20
    assert "Endpoints, beside those of ADTTE" in (mine / "report.html").read_text()
    shutil.rmtree(mine / "source")  # which holds keys, as docs/privacy.md says
    assert not leaks.places([tmp_path / "results", tmp_path / "logs"], ["Zweig"])


@pytest.mark.parametrize("made", [False, True])
def test_a_salt_that_is_missing_is_asked_for_before_any_job(made, tmp_path, request):
    """Also where results stand already: they would be taken as they are, with the keys that they hold."""
    folder, config = request.getfixturevalue("analysed") if made else (tmp_path, None)
    if not made:
        study_folder(folder / "mine")
        config = mine(folder)
        (folder / "salt.txt").unlink()
    settings = yaml.safe_load(config.read_text())
    other = folder / "other.yaml"
    other.write_text(yaml.safe_dump(settings | {"privacy": {"salt": "absent.txt", "fewest": 5}}))
    result = run(folder, other, "-n")
    assert result.returncode != 0
    words = "config: privacy.salt: there is no file 'absent.txt' (study mine); make it: python -c"
    assert words in result.stdout + result.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_five_faults_stop_before_sampling_and_leave_the_results(analysed):
    folder, config = analysed
    before = contents(folder / "results")
    table = pd.read_csv(folder / "mine/intervals.csv", dtype=str)
    table.loc[2, "outcome"] = "dead"
    table.loc[5, "end_day"] = "-3"
    table.loc[7, "patient"] = "Zweig-99"
    table.loc[11, "start_day"] = "zero"
    table.loc[13, "interval"] = "2"
    table.to_csv(folder / "mine/intervals.csv", index=False)
    result = run(folder, config)
    assert result.returncode != 0
    for row, number in ((4, "02"), (7, "05"), (9, "99"), (13, "11"), (15, "13")):
        whom = pseudonym(SALT, f"Zweig-{number}")
        lines = [line for line in result.stderr.splitlines() if f"intervals.csv row {row} " in line and whom in line]
        assert lines, (row, whom, result.stderr[-3000:])
    assert "Zweig" not in result.stderr
    assert "compiling" not in result.stderr
    assert "Traceback" not in result.stderr
    assert contents(folder / "results") == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"acceptance": {"rhat": 1.01}}, None),
        ({"sampling": {"chains": 1}}, "chains"),
        ({"priors": {"doubling": {"scale": "positiv"}}}, "'positiv' is not one of"),
        ({"studies": {"x": {"folder": "x"}}}, "estimand"),
        ({"studies": {"bladder": {"models": {"cox": {}}}}}, "cox"),
        ({"studies": {"bladder": {"estimand": {"death": "treatment_policy"}}}}, "treatment_policy"),
        ({"studies": {"bladder": {"models": {"intervals": {"robust": 1.5}}}}}, "robust"),
        ({"decision": {"regimes": [{"name": "x", "kind": "fixed"}]}}, "'every' is a required property"),
        ({"decision": {"regimes": [{"name": "x", "kind": "none", "every": 28}]}}, "'every' is not one of"),
        ({"decision": {"regimes": [{"name": "x", "kind": "fixed", "every": 91, "spacing": -7}]}}, "-7 is less than"),
        ({"decision": {"limits": {"stop": {"acute": "5"}}}}, "'5' is not one of"),
    ],
)
def test_the_config_is_validated_before_any_job(change, words, tmp_path):
    path = tmp_path / "faulty.yaml"
    path.write_text(yaml.safe_dump(change))
    result = snakemake("-n", "--configfile", str(path), "--workflow-profile", "none", "--cores", "1")
    if words is None:  # a partial section is completed from the defaults
        assert result.returncode == 0, result.stderr
    else:
        assert result.returncode != 0
        assert words in result.stdout + result.stderr


def test_all_unknown_names_of_a_config_are_listed_with_the_nearest_known_ones(tmp_path):
    regime = {"name": "x", "kind": "fixed", "evry": 91}
    unknown = {"priors": {"doublings": {"median": 1}, "tau": {"medain": 1}}, "decision": {"regimes": [regime]}}
    path = tmp_path / "faulty.yaml"
    path.write_text(yaml.safe_dump(unknown | {"colour": 1}))
    result = snakemake("-n", "--configfile", str(path), "--workflow-profile", "none", "--cores", "1")
    assert result.returncode != 0
    for words in (
        "config: top level: unknown name 'colour'",
        "config: priors: unknown name 'doublings'; did you mean 'doubling'?",
        "config: priors.tau: unknown name 'medain'; did you mean 'median'?",
        "config: decision.regimes.0: unknown name 'evry'; did you mean 'every'?",
    ):
        assert words in result.stdout + result.stderr


def test_a_dry_run_of_the_calibration_has_a_job_for_every_chunk(tmp_path):
    """Also where the user's config names no example study."""
    study_folder(tmp_path / "mine")
    result = run(tmp_path, mine(tmp_path), "-n", "calibration")
    assert result.returncode == 0, result.stderr
    chunk = yaml.safe_load((ROOT / "config.yaml").read_text())["calibration"]
    jobs = next(line.split() for line in result.stdout.splitlines() if line.startswith("calibrate "))
    assert int(jobs[-1]) == chunk["simulations"] // chunk["chunk"]


@pytest.mark.slow
def test_two_simulations_are_fitted_ranked_and_judged(tmp_path):
    config = tmp_path / "two.yaml"
    few = {"simulations": 2, "chunk": 1, "patients": 20, "ranked": 19, "acceptance": EASY}
    few["sampling"] = {"chains": 2, "tune": 60, "draws": 60, "target_accept": 0.8, "longer": {"times": 1}}
    config.write_text(yaml.safe_dump({"calibration": few}))
    result = run(tmp_path, config, "calibration")
    assert result.returncode == 0, result.stderr[-4000:]
    folder = tmp_path / "results/calibration"
    table = pd.read_csv(folder / "ranks.csv")
    wanted = yaml.safe_load((ROOT / "config.yaml").read_text())["calibration"]["quantities"]
    assert table["quantity"].tolist() == 2 * wanted
    assert table["pit"].between(0, 1).all()
    assert len(pd.read_csv(folder / "verdict.csv")) == 4 * len(wanted)
    assert "calibration: 2 simulations" in (folder / "verdict.txt").read_text()
    assert (folder / "ecdf.svg").stat().st_size > 10_000
    config.write_text(yaml.safe_dump({"calibration": few | {"level": 0.1}}))
    planned = run(tmp_path, config, "-n", "calibration")
    assert "judge_calibration" in planned.stdout
    assert not [line for line in planned.stdout.splitlines() if line.startswith("calibrate ")]


def test_of_two_data_cuts_only_what_changed_is_fitted_again(tmp_path):
    """A death after the cut: the study is fitted again, the cut is not. A progression before it, moved: the cut too."""
    shutil.copytree(ROOT / "data" / "redosable", tmp_path / "mine")
    protocol = yaml.safe_load((tmp_path / "mine/simulation.yaml").read_text())
    protocol["patients"]["count"] = 40
    simulate.write(*simulate.simulate(protocol), tmp_path / "mine")
    sampling = {"chains": 2, "tune": 60, "draws": 60, "target_accept": 0.8, "longer": {"times": 1}}
    model = {"clock": "gap", "baseline": "weibull", "frailty": False, "pooled": [], "sampling": sampling}
    model |= {"progression": {"covariates": [], "time_dependent": []}, "death": {"covariates": []}}
    estimand = yaml.safe_load((ROOT / "config.yaml").read_text())["studies"]["bladder"]["estimand"]
    study = {"folder": "mine", "estimand": estimand, "models": {"intervals": model}, "cuts": {"interim": {"day": 700}}}
    config = tmp_path / "mine.yaml"
    config.write_text(yaml.safe_dump({"studies": {"mine": study}, "sampling": sampling, "acceptance": EASY}))
    result = run(tmp_path, config, "--", "results/mine/cuts.csv")
    assert result.returncode == 0, result.stderr[-4000:]
    held = pd.read_csv(tmp_path / "results/mine/cuts.csv").query("quantity == 'patients'").set_index("cut")["value"]
    patients = pd.read_csv(tmp_path / "mine/patients.csv").set_index("patient")["enrolled_day"]
    assert held.to_dict() == {"interim": (patients < 700).sum(), "all data": 40}
    intervals = pd.read_csv(tmp_path / "mine/intervals.csv")
    ended = intervals["end_day"] + intervals["patient"].map(patients)
    censored = intervals["outcome"] == "censored"
    draws = {name: tmp_path / f"results/{name}/intervals/posterior.nc" for name in ("mine", "mine-interim")}
    before = {name: path.stat().st_mtime_ns for name, path in draws.items()}
    intervals.loc[intervals.index[censored & (ended > 700)][0], "outcome"] = "death"
    intervals.to_csv(tmp_path / "mine/intervals.csv", index=False)
    result = run(tmp_path, config, "--", "results/mine/cuts.csv")
    assert result.returncode == 0, result.stderr[-4000:]
    assert {name for name, path in draws.items() if path.stat().st_mtime_ns != before[name]} == {"mine"}
    intervals.loc[intervals.index[intervals["outcome"].eq("progression") & (ended < 700)][0], "end_day"] -= 1
    intervals.to_csv(tmp_path / "mine/intervals.csv", index=False)
    assert run(tmp_path, config, "--", "results/mine-interim/source/study.yaml").returncode == 0
    assert "rule fit" in run(tmp_path, config, "-n", "--", "results/mine-interim/intervals/posterior.nc").stdout


def test_dry_run_of_the_example_of_data_cuts(tmp_path):
    """What hangs on a cut is planned when the cut was made: a dry run names the cuts, and the fits of the study."""
    result = run(tmp_path, ROOT / "data/redosable/cuts.yaml", "-n")
    assert result.returncode == 0, result.stderr
    assert all(f"results/redosable-interim{k}/source/study.yaml" in result.stdout for k in (1, 2))
    assert "results/redosable/joint_step/posterior.nc" in result.stdout


def test_a_data_cut_takes_the_name_of_no_other_study(tmp_path):
    study = yaml.safe_load((ROOT / "config.yaml").read_text())["studies"]["bladder"]
    config = tmp_path / "two.yaml"
    config.write_text(yaml.safe_dump({"studies": {"mine-a": study, "mine": study | {"cuts": {"a": {"day": 1}}}}}))
    result = run(tmp_path, config, "-n")
    assert result.returncode != 0
    assert "studies.mine.cuts.a: mine-a is a study already; rename the cut" in result.stdout + result.stderr
