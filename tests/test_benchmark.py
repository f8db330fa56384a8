"""The pure parts of the benchmark suite: rows, joining, the figure, what is counted. Nothing here asserts a time."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import pytest
from columns import described
from pytensor.graph.op import Op

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import decisions
import fit
import floor
import gradient
import join
import prepared
import processes
import rows
import rstanarm
import start
from rows import Measure


def of_fit(case: str, wall: float, ess: float) -> pd.DataFrame:
    """The rows of a fit that took `wall` seconds, half of them for sampling."""
    parts = {name: wall * share for name, share in zip(join.PARTS, (0.2, 0.2, 0.5, 0.1), strict=True)}
    measures = [Measure(name, x, "s") for name, x in parts.items()]
    measures += [Measure(join.WALL, wall, "s", "load 0.1"), Measure(join.EACH, ess / wall, "1/s")]
    return rows.table("fit", case, [*measures, Measure(join.ALONE, ess / wall * 2, "1/s")])


@pytest.fixture
def joined() -> pd.DataFrame:
    parts = [
        rows.table("start", "process", [Measure("imports of judge, processor time", 0.8, "s", "without PyMC")]),
        of_fit("redosable joint_step 240", 80.0, 800.0),
        of_fit("redosable joint_step 60", 10.0, 600.0),
        of_fit("pbc joint_value", 20.0, 500.0),
        rows.table("rstanarm", "pbc stan_jm", []),
    ]
    return join.joined(parts)


def test_sections_are_joined_in_their_order_and_each_row_names_machine_and_versions(joined):
    assert list(joined["section"].unique()) == ["fit", "start"]
    assert list(joined["case"].unique())[:2] == ["redosable joint_step 240", "redosable joint_step 60"]
    assert joined["machine"].str.contains(r"cores$").all() and joined["versions"].str.contains("pymc ").all()
    assert described({"../benchmark/benchmark.csv": list(joined)}) == ([], [])


def test_a_section_without_a_title_is_refused():
    with pytest.raises(ValueError, match="no title for section speed"):
        join.joined([rows.table("speed", "x", [Measure("wall time", 1.0, "s")])])


def test_the_text_has_a_column_a_case_and_the_notes_below(joined):
    text = join.markdown(joined)
    lines = text.splitlines()
    assert "| measure | redosable joint_step 240 | redosable joint_step 60 | pbc joint_value |" in lines
    assert f"| {join.WALL} (s) | 80 | 10 | 20 |" in lines
    assert "- process, imports of judge, processor time: without PyMC" in lines
    assert "rstanarm" not in text


def test_the_figure_says_how_time_grows_and_shows_every_bar(joined):
    """From 10 to 80 s while patients grow fourfold: log 8 / log 4 = 1.5."""
    made = join.figure(joined)
    made.draw_without_rendering()
    by_second, growth, spent = made.axes
    ticks = [t for axis in made.axes for t in (*axis.get_xticklabels(which="both"), *axis.get_yticklabels())]
    assert not [t for t in ticks if "$" in t.get_text()]  # mathematics is not set
    assert growth.get_title() == "grows as patients^1.50"
    assert [t.get_text() for t in by_second.get_yticklabels()][-2:] == ["redose, all", "redose, sampling"]
    widths = [bar.get_width() for bar in by_second.patches]
    assert widths == pytest.approx([270 / 21, 95 / 21, 25.0, 50.0])
    assert len(spent.patches) == 4 * 3
    ends = max(bar.get_x() + bar.get_width() for bar in spent.patches)
    assert ends == pytest.approx(80.0)


def test_a_figure_without_fits_says_so(joined):
    said = [text.get_text() for axis in join.figure(joined[joined["section"] == "start"]).axes for text in axis.texts]
    assert said == ["pbcseq was not fitted", "nothing was fitted", "nothing was fitted"]


def test_what_is_written_is_the_joined_table(joined, tmp_path):
    joined[joined["section"] == "fit"].to_csv(tmp_path / "fit.csv", index=False)
    rows.table("rstanarm", "pbc stan_jm", []).to_csv(tmp_path / "none.csv", index=False)
    join.main(tmp_path / "out", [str(tmp_path / "none.csv"), str(tmp_path / "fit.csv")])
    assert {f.name for f in (tmp_path / "out").iterdir()} == {f"benchmark.{x}" for x in ("csv", "md", "svg", "png")}
    assert len(pd.read_csv(tmp_path / "out/benchmark.csv")) == (joined["section"] == "fit").sum()


def test_efficiency_names_the_parameter_that_limits_it():
    population = pd.DataFrame({"parameter": ["a", "b"], "ess_bulk": [900.0, 300.0], "rhat": [1.02, 1.0]})
    found = {m.name: (m.value, m.note) for m in fit.efficiency(population, wall=60.0, within=20.0)}
    assert found["smallest bulk ESS"] == (300.0, "b")
    assert found["ESS a second, whole process"][0] == 5.0
    assert found["ESS a second, sampling alone"][0] == 15.0
    assert found["largest R-hat"] == (1.02, "a")


def test_a_chain_that_never_moved_is_the_least_efficient():
    population = pd.DataFrame({"parameter": ["a", "b"], "ess_bulk": [900.0, np.nan], "rhat": [1.02, np.nan]})
    found = {m.name: (m.value, m.note) for m in fit.efficiency(population, wall=60.0, within=20.0)}
    assert found["smallest bulk ESS"] == (0.0, "b") and found["largest R-hat"] == (np.inf, "b")


def test_exponentials_are_counted_at_the_size_of_the_data():
    """exp(x) 7 times and, as it is its own derivative, no more; softplus an exp and a log1p each; its derivative, a
    sigmoid, one more exp."""
    with pm.Model() as model:
        x = pm.Flat("x", shape=7)
        pm.Potential("p", pt.exp(x).sum() + pt.softplus(3 * x).sum())
    assert gradient.counted(model) == {"exp": 21, "log1p": 7}
    assert floor.floor_time(gradient.counted(model)) > 0


def test_evaluations_of_paths_are_counted_by_step():
    """One share a step without GVHD; six random numbers a step and patient, shared by two regimes; two causes at one
    node of the marker or three. With GVHD two onsets and three sets of hazards a step, and more for those who leave."""
    without, with_gvhd = decisions.evaluations(2)
    assert (without["share"], without["random_number"]) == (1.0, 3.0) and 2 < without["link"] < 6
    assert with_gvhd["share"] > 5 and with_gvhd["random_number"] == 3.0 and with_gvhd["link"] > without["link"]
    assert floor.floor_time(without, **decisions.OF_PATHS) > 0


class Doubled(Op):
    """An operation of somebody else's."""

    __props__ = ()
    itypes, otypes = [pt.dscalar], [pt.dscalar]

    def perform(self, node, inputs, outputs):
        outputs[0][0] = np.asarray(2 * inputs[0])

    def pullback(self, inputs, outputs, cotangents):
        return [2 * cotangents[0]]


def test_what_nobody_has_counted_is_refused():
    with pm.Model() as model:
        pm.Potential("p", Doubled()(pm.Flat("x")))
    with pytest.raises(RuntimeError, match="the exponentials of Doubled cannot be counted"):
        gradient.counted(model)


def test_a_process_is_measured_with_what_it_holds():
    assert processes.timed("-c", "x = b'1' * 400_000_000").peak > 0.35


def test_a_command_that_fails_ends_the_benchmark():
    with pytest.raises(SystemExit, match="ended with 3"):
        processes.timed("-c", "raise SystemExit(3)")


def test_a_rule_that_judges_needs_no_pymc():
    assert start.imports_of("judge") == "import pandas as pd\nfrom redose import acceptance, files, logs"
    assert not start.with_pymc(start.imports_of("judge"))
    assert start.with_pymc("import pymc")


def test_the_report_needs_neither_checks_nor_splines():
    """Each takes a tenth of a second and more to import."""
    asks = "import sys; assert not {'pandera', 'scipy.interpolate', 'scipy.optimize'} & {*sys.modules}"
    processes.timed("-c", f"{start.imports_of('report')}\n{asks}")  # ends the test where that fails


def test_rstanarm_sees_the_patients_samples_and_events_of_the_published_trial(tmp_path):
    """312 patients, 140 deaths and 29 transplants, 1,945 visits (help page of survival::pbcseq)."""
    rstanarm.write_data(tmp_path)
    samples, patients = pd.read_csv(tmp_path / "samples.csv"), pd.read_csv(tmp_path / "patients.csv")
    assert (len(samples), len(patients), patients["died"].sum()) == (1945, 312, 169)
    assert set(samples["sex"]) == {"female", "male"} and samples["year"].min() == 0


def test_a_fit_is_prepared_with_the_number_of_patients_and_draws_that_were_asked_for(tmp_path):
    prepared.prepare("redosable", "joint_step", 20, {"draws": 50, "tune": None}, tmp_path)
    given = prepared.files.read_json(tmp_path / "fit.json")
    of_config = prepared.settings_of("redosable")["studies"]["redosable"]["models"]["joint_step"]["sampling"]["tune"]
    assert (given["sampling"]["draws"], given["sampling"]["tune"]) == (50, of_config)
    assert prepared.files.read_dataset(tmp_path / "design.nc").sizes["patient"] == 20
