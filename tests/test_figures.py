"""Figures: not empty, the same bytes twice, names shown as they are, and the marks that their captions promise."""

import xml.etree.ElementTree as ElementTree

import dossiers
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from redose.figures import (
    checking,
    clinical,
    comparison,
    effects,
    gvhd,
    intervals,
    labels,
    mrd,
    patients,
    priors,
    residuals,
    style,
    thresholds,
)

PEOPLE = dossiers.tables(False)["patients"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return dossiers.write(tmp_path_factory.mktemp("run"), ["joint_step", "intervals", "gvhd"])


def texts(path) -> str:
    return "\n".join("".join(e.itertext()) for e in ElementTree.parse(path).iter() if e.tag.endswith("text"))


def test_every_figure_is_written_as_svg_and_png_and_is_not_blank(folder):
    drawn = sorted(folder.rglob("*.svg"))
    assert len(drawn) == 12 + 9 + 1 + 6 + 7  # joint model, intervals model, comparison, GVHD, decisions
    for path in drawn:
        picture = imread(path.with_suffix(".png"))
        assert 0.01 < (picture[..., :3] < 0.9).any(axis=-1).mean() < 0.9, path.name
        assert ElementTree.parse(path).getroot().tag.endswith("svg")


@pytest.mark.parametrize("cause", labels.CAUSES)
def test_every_parameter_of_every_cause_has_a_prior_and_a_name(cause):
    """phi_death once had no prior by that name, and the figure of a model with frailty could not be drawn."""
    for kind in ("rate", "shape", "smooth", "alpha", "beta", *["phi"] * (cause != "progression")):
        assert checking.key(f"{kind}_{cause}", "value") in dossiers.CONFIG["priors"]
        assert f"{kind}_{cause}" in labels.PARAMETERS
    assert cause in style.CAUSES


def test_the_same_numbers_give_the_same_bytes(folder, tmp_path):
    dossiers.conclude(tmp_path, "joint_step", False)
    dossiers.draw(tmp_path, "joint_step", PEOPLE, dossiers.about())
    again = sorted([*tmp_path.rglob("*.svg"), *tmp_path.rglob("*.png")])
    assert len(again) == 2 * 12
    for path in again:
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes(), path.name


def test_an_svg_names_no_date_and_no_program(folder):
    text = (folder / "joint_step" / "free.svg").read_text()
    assert "<dc:date>" not in text
    assert "Matplotlib" not in text


def test_names_of_any_script_are_text_in_the_svg(folder):
    assert dossiers.CHINESE in texts(folder / "joint_step" / "free.svg")
    assert dossiers.EVIL in texts(folder / "joint_step" / "trajectories.svg")
    assert "$" not in labels.short("no mathematics")
    figure = mrd.trajectories(dossiers.trajectories().replace(dossiers.EVIL, "$\\frac{1}$"))
    assert figure.axes[0].get_title() == "$\\frac{1}$"


def test_a_group_without_enough_intervals_says_so():
    figure = intervals.free(dossiers.curves(), "gap")
    said = [t.get_text() for axis in figure.axes for t in axis.texts]
    assert said == ["fewer than\n5 intervals"]  # the group that has no second interval


def test_curves_start_with_everyone_free():
    figure = intervals.free(dossiers.curves(), "gap")
    for axis in figure.axes[:3]:
        x, y = axis.lines[0].get_data()
        assert (x[0], y[0]) == (0.0, 1.0)


def test_a_long_name_keeps_both_its_ends_within_36_letters():
    name = "a" * 100 + "b" * 100
    short = labels.short(name)
    assert len(short) == 36
    assert short.startswith("aaa")
    assert short.endswith("bbb")


@pytest.mark.parametrize(("level", "text"), [(-3.0, "10⁻³"), (-3.5, "10⁻³·⁵"), (0.0, "10⁰"), (-0.04, "10⁰")])
def test_levels_of_mrd_are_powers_of_ten(level, text):
    assert labels.power(level) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("interval", "each further interval"),
        ("gvhd_severe", "severe GVHD, while active"),
        ("platelet_recovery", "platelet recovery, from its onset"),
        ("age", "age of the patient, +10 years"),
        ("count", "tumours at randomisation, +1"),
        ("fab", "FAB grade 4 or 5"),
        ("group[AML]", "disease group: AML against MDS"),
        ("arm[B]", "arm: B against A"),
    ],
)
def test_covariates_in_words(name, text):
    people = pd.DataFrame({"age": [1.0], "count": [1.0], "fab": [0.0], "group": ["AML"], "arm": ["A"]})
    known = {
        "age": {"label": "age of the patient", "unit": "years", "per": 10},
        "count": {"label": "tumours at randomisation", "unit": "tumours (8 = 8 or more)"},
        "fab": {"label": "FAB grade 4 or 5"},
        "group": {"label": "disease group", "reference": "MDS"},
    }
    assert labels.covariate(name, {"covariates": known}, people) == text


def test_ticks_of_days_stand_at_whole_months():
    figure = Figure()
    axis = figure.subplots()
    style.in_months(axis, 730.5, 4)
    assert [t.get_text() for t in axis.get_xticklabels()] == [
        "0\n(0)",
        "183\n(6)",
        "365\n(12)",
        "548\n(18)",
        "730\n(24)",
    ]


def test_samples_below_their_lod_are_open_triangles_at_the_lod():
    axis = mrd.trajectories(dossiers.trajectories()).axes[0]
    open_ones = [x for x in axis.lines if x.get_marker() == "v"]
    assert [list(map(float, x.get_ydata())) for x in open_ones] == [[-4.0]]
    assert open_ones[0].get_markerfacecolor() == "none"


def test_no_patient_with_samples_is_said():
    figure = mrd.trajectories(dossiers.trajectories().iloc[:0])
    assert figure.axes[0].texts[0].get_text() == "no patient has two samples"


def test_infinite_thresholds_draw_no_dot():
    link = {"prior": dossiers.draws("joint_value", 1, 2), "posterior": dossiers.draws("joint_value", 4, 1)}
    table = dossiers.threshold("joint_value", False)
    figure = thresholds.thresholds(dossiers.risk_curve(), table, link, [0.1, 0.2, 0.3], 90, {})
    dots = [x for x in figure.axes[0].lines if x.get_marker() == "o"]
    assert [float(x.get_xdata()[0]) for x in dots] == [-4.0, -3.0]
    assert len(figure.axes) == 1  # no tau in this model


def test_truth_of_a_simulation_is_a_line_beside_tau():
    both = {"prior": dossiers.draws("joint_step", 1, 2), "posterior": dossiers.draws("joint_step", 4, 1)}
    table = dossiers.threshold("joint_step", True)
    axis = thresholds.thresholds(dossiers.risk_curve(), table, both, [0.1, 0.2, 0.3], 90, {}).axes[1]
    assert [x.get_xdata()[0] for x in axis.lines if x.get_label() == "truth of the simulation"] == [-3.0]


def test_a_density_reflected_at_zero_holds_all_its_mass():
    values = np.abs(np.random.default_rng(1).standard_normal(4000))
    grid = np.linspace(0, 6, 601)
    assert np.trapezoid(checking.density(values, grid, True), grid) == pytest.approx(1, abs=0.01)


def test_chains_show_the_least_effective_parameter_first():
    table = dossiers.diagnostics("intervals")
    figure = checking.chains(dossiers.draws("intervals", 4, 1), table, dossiers.about(), PEOPLE, "none")
    assert "omega_v" in figure.axes[0].get_title(loc="left")


def test_a_model_without_covariates_says_so():
    figure = effects.hazard_ratios(dossiers.moved("intervals").iloc[:0], dossiers.about(), PEOPLE)
    assert figure.axes[0].texts[0].get_text() == "this model has no covariate"


def test_residuals_are_drawn_against_the_diagonal_with_their_counts():
    table, curves = dossiers.residual_tables()
    axis = residuals.residuals(curves, table).axes[0]
    assert axis.lines[0].get_xydata().tolist() == [[0, 0], [2, 2]]
    named = [line.get_label() for line in axis.lines if not line.get_label().startswith("_")]
    assert named == ["all: 4 events, 4.2 expected", "first: 3 events, 3.0 expected"]


def test_sensitivities_are_drawn_by_kind_with_a_ring_only_where_it_can_be_told_from_noise():
    table = dossiers.prior_sensitivity("intervals")
    table.loc[1, "likelihood_noise"] = 0.3
    figure = priors.sensitivity(table, dossiers.about(), PEOPLE, "none", dossiers.CONFIG["decision"])
    decisions, parameters = figure.axes
    assert decisions.get_yticklabels()[0].get_text() == "P(progression-free 180 days on), mean of patients"
    rings = next(x for x in parameters.lines if x.get_label() == "to the likelihood").get_xdata()
    assert np.isnan(rings).tolist() == [True, False]
    assert [t.get_text() for t in parameters.texts] == ["the prior dominates", "robust to the prior"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gvhd_after[1 of NK]", "P(acute GVHD), 1 infusion of NK"),
        ("risk_threshold_0.1", "MRD at which P(progression in 90 d) is 10 %"),
        ("death_1y", "P(death within a year), reference patient"),
    ],
)
def test_what_decisions_rest_on_in_words(name, words):
    assert labels.decision(name, dossiers.CONFIG["decision"]) == words


def test_counts_of_gvhd_are_dots_on_what_the_model_replicates():
    axis = gvhd.counts(dossiers.gvhd_tables()["counts"]).axes[0]
    assert [t.get_text() for t in axis.get_xticklabels()] == ["any", "1", "4"]
    seen = next(x for x in axis.lines if x.get_label() == "observed")
    assert seen.get_ydata().tolist() == [4, 1, 3]


def test_certainty_is_never_claimed():
    assert effects.probability(1.0) == "> 0.99"
    assert effects.probability(0.9625) == "= 0.96"


def test_patients_are_coloured_by_burden_then_by_arm():
    assert patients.shade(PEOPLE, dossiers.about()) == ("size", "burden <b>, cm")
    assert patients.shade(PEOPLE, {"covariates": {}}) == ("arm", "arm")
    figure = patients.outlook(dossiers.outlook(), PEOPLE, {"covariates": {}}, 180)
    assert "2 patients" in figure.axes[0].get_xlabel()


def test_outlook_of_nobody_is_said():
    nobody = dossiers.outlook().assign(free_180=np.nan)
    figure = patients.outlook(nobody, PEOPLE, dossiers.about(), 180)
    assert figure.axes[0].texts[0].get_text().startswith("no patient was alive")


def test_the_best_model_has_no_bar_of_its_own():
    axis = comparison.differences(dossiers.compare(["joint_step", "intervals"])).axes[0]
    assert [round(b.get_width(), 6) for b in axis.patches] == [0.0, -12.0]
    assert axis.get_yticklabels()[0].get_text() == "joint_step (best)"


def test_prior_draws_beside_published_ranges_with_medians_beyond_the_axis():
    figure = clinical.prior_predictive(*dossiers.prior_predictive("joint_step"))
    first, *_, kill = [axis for axis in figure.axes if axis.get_visible()]
    assert first.get_xlabel().endswith("to > 20 years)")
    assert kill.get_xscale() == "log"
    assert {line.get_label() for line in kill.lines} >= {"published, one figure"}
