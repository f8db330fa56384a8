"""Figures: not empty, the same bytes twice, names shown as they are, and the marks that their captions promise."""

import xml.etree.ElementTree as ElementTree

import dossiers
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.layout_engine import ConstrainedLayoutEngine

from redose.figures import (
    checking,
    clinical,
    comparison,
    effects,
    flow,
    gvhd,
    intervals,
    kinetics,
    labels,
    mrd,
    patients,
    priors,
    residuals,
    sampler,
    style,
    swimmer,
    thresholds,
    workflow,
)

VERMILLION = to_rgb(style.VERMILLION)
PEOPLE = dossiers.tables(False)["patients"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return dossiers.write(tmp_path_factory.mktemp("run"), ["joint_step", "intervals", "gvhd"])


def texts(path) -> str:
    return "\n".join("".join(e.itertext()) for e in ElementTree.parse(path).iter() if e.tag.endswith("text"))


def test_every_figure_is_written_as_svg_and_png_and_is_not_blank(folder):
    drawn = sorted(folder.rglob("*.svg"))
    # joint model, intervals model, comparison, GVHD, decisions, of the sampler by model, Pareto k and rules, data
    assert len(drawn) == 13 + 9 + 1 + 6 + 7 + 3 * 3 + 2 + 3
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
    assert len(again) == 2 * 16
    for path in again:
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes(), path.name


class Unsteady(ConstrainedLayoutEngine):
    """A layout whose last digits are others at each call, as those of its solver are from run to run."""

    calls = 0

    def execute(self, figure: Figure) -> None:
        super().execute(figure)
        Unsteady.calls += 1
        for axis in figure.axes:
            axis.set_position([x + 1e-15 * Unsteady.calls for x in axis.get_position(original=True).bounds])


def test_last_digits_of_the_layout_are_not_seen(tmp_path):
    for name in ("one", "other"):
        figure, _ = style.panels(3, 2, 1.0)
        figure.set_layout_engine(Unsteady())
        style.save(figure, tmp_path / f"{name}.svg")
    assert Unsteady.calls == 2
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()


@pytest.mark.parametrize("dpi", [150, 600])  # of the PNG; letters as wide as a reader of the SVG draws them
@pytest.mark.parametrize("size", [6, 7, 7.5])
def test_long_names_stay_within_the_figure(tmp_path, size, dpi):
    with mpl.rc_context(style.RC):
        figure = Figure(figsize=(style.WIDTH, 2))
    axis = figure.subplots()
    axis.set_yticks(range(3), ["hazard ratio of progression: suppressiv…, +1 sd of the score"] * 3, fontsize=size)
    axis.text(1.02, 0.5, "prior and data both matter", transform=axis.transAxes, fontsize=size)
    style.save(figure, tmp_path / "names.svg")
    figure.set_dpi(dpi)
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height


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


def fit_of(model: str = "joint_step"):
    return dossiers.tree(dossiers.draws(model, 4, 1), 4)


def test_energy_shows_the_bfmi_of_every_chain_against_the_limit():
    tree = fit_of()
    energies = tree["sample_stats"]["energy"].to_numpy()
    figure = sampler.energy(tree, 0.3)
    left, right = figure.axes
    shown = np.concatenate([c.get_offsets()[:, 0] for c in left.collections if len(c.get_offsets()) == 4])
    by_hand = (np.diff(energies, axis=1) ** 2).mean(1) / energies.var(1)
    assert shown.tolist() == pytest.approx(by_hand.tolist(), rel=0.02)
    assert [t.get_text() for t in left.get_yticklabels()] == ["chain 1", "chain 2", "chain 3", "chain 4"]
    assert [t.get_text() for t in right.get_legend().get_texts()] == ["of a draw", "change to the next draw"]


def test_pairs_show_the_hardest_and_the_most_correlated_parameters():
    draws, table = dossiers.draws("joint_step", 4, 1), dossiers.diagnostics("joint_step")
    draws["sigma"] = 0.01 * draws["tau"] + 0.5  # as correlated as can be; both have many effective draws
    scales = sampler.scales_of(draws, dossiers.CONFIG["priors"], "step")
    assert scales["rate_progression"] is np.log and scales["tau"] is not np.log
    found = sampler.hardest(table, draws, scales)
    assert found[0] == "omega_v"  # the highest R-hat, and the fewest effective draws
    assert {"tau", "sigma"} <= set(found)
    assert len(found) == sampler.SHOWN


def test_divergent_draws_are_marked_in_every_pair():
    tree, table = fit_of(), dossiers.diagnostics("joint_step")
    figure = sampler.pairs(tree, table, dossiers.CONFIG["priors"], dossiers.about(), PEOPLE, "step")
    crosses = [c for a in figure.axes for c in a.collections if np.allclose(c.get_facecolor()[:, :3], VERMILLION)]
    assert len(crosses) == 10  # pairs of five parameters
    assert {len(c.get_offsets()) for c in crosses} == {1}
    names = [t.get_text() for a in figure.axes for t in a.texts]
    assert "log of rate of\nprogression per\npatient-year" in names and "sd of the frailty" in names


def test_all_parameters_stand_against_the_limits_of_the_gate():
    table = dossiers.diagnostics("intervals")
    figure = sampler.convergence(table, dossiers.CONFIG["acceptance"])
    assert [len(line.get_xdata()) for axis in figure.axes for line in axis.lines] == [4, 4, 4]
    assert figure.axes[0].get_yticklabels()[0].get_text() == "shared by\npatients\n(4)"
    assert len(figure.axes[0].get_yticks()) == 1  # a model without traits of patients has no strip for them
    both = pd.concat([table, table.assign(parameter="v[a]", level="patient", rhat=1.04)])
    strips = sampler.convergence(both, dossiers.CONFIG["acceptance"]).axes
    limits = [[round(float(c.get_segments()[0][0][0]), 3) for c in a.collections] for a in strips]
    assert limits == [[1.01, 1.05], [400], [400]]  # the gate judges patients by R-hat alone


def test_patients_above_the_limit_of_pareto_k_are_named():
    known = pd.DataFrame({"patient": dossiers.PATIENTS, "pareto_k": [0.1, 0.8, 0.2, 1.3, 0.5, np.nan]})
    calm = known.assign(pareto_k=[0.1, 0.2, 0.4, 0.0, 0.1, 0.1])
    first, second = comparison.pareto({"joint_step": known, "intervals": calm}).axes
    assert {t.get_text() for t in first.texts} == {"002", "Ω-π"}
    assert [t.get_text() for t in second.texts] == ["NA"]  # nobody is above it: the highest
    assert first.get_title(loc="left") == "joint_step: 2 of 6 above 0.7"


def test_rules_are_drawn_in_layers_without_implied_edges():
    edges = [("check", "fit"), ("fit", "accept"), ("check", "accept"), ("accept", "report"), ("draw", "report")]
    assert workflow.needed(edges) == set(edges) - {("check", "accept")}
    layers, chains = workflow.layered(["accept", "check", "draw", "fit", "report"], workflow.needed(edges))
    assert [sorted(layer) for layer in layers] == [["check"], ["fit"], ["accept", "draw"], ["report"]]
    assert sorted(map(len, chains)) == [2, 2, 2, 2]
    figure = workflow.workflow({"check": 1, "fit": 3}, [["check", "fit"]])
    assert [t.get_text() for t in figure.axes[0].texts] == ["check", "fit × 3"]
    assert len(figure.axes[0].patches) == 1


def test_an_edge_that_passes_a_layer_has_a_place_in_it():
    edges = {("a", "b"), ("b", "c"), ("a", "d"), ("d", "e"), ("e", "f"), ("c", "f"), ("x", "f"), ("a", "x")}
    layers, chains = workflow.layered(list("abcdefx"), edges)
    assert sorted(map(str, layers[2])) == ["('x', 'f', 2)", "c", "e"]
    assert ["x", ("x", "f", 2), "f"] in chains


@pytest.mark.parametrize(
    "draw", [lambda t: intervals.free(t, "gap"), lambda t: intervals.incidence(t, "gap"), gvhd.incidence]
)
def test_where_no_group_is_large_enough_a_figure_says_so_without_axes(draw):
    columns = ["group", "interval", "quantity", "kind", "patients", "day", "observed", "mean", "low", "high"]
    (axis,) = draw(pd.DataFrame(columns=columns)).axes
    assert axis.texts[0].get_text().startswith("no group has 5") and not axis.axison


def test_chains_that_never_moved_are_drawn():
    table = dossiers.diagnostics("intervals")
    table[["rhat", "ess_bulk", "ess_tail"]] = np.nan
    about, people = dossiers.about(), dossiers.tables(False)["patients"]
    figure = checking.chains(dossiers.draws("intervals", 4, 1), table, about, people, "none")
    assert len(figure.axes) == 2 * len(table)


def test_the_risk_of_infusions_of_one_dose_is_a_bar():
    table = dossiers.gvhd_tables()["risk"]
    (left, _) = gvhd.risk(table, 100).axes
    assert len(left.lines) == 2 and all(len(line.get_xdata()) == 1 for line in left.lines)
    low, high = left.get_xlim()
    assert low < 9e8 < high


def drawn_boxes(figure: Figure) -> list:
    """(text, its place on the page) of every text of a figure."""
    figure.canvas.draw()
    shown = [t for axis in figure.axes for t in axis.texts if t.get_text()]
    return [(t.get_text(), t.get_window_extent().padded(-1.5)) for t in shown]  # neighbouring lines may touch


def enrolled(groups: dict) -> pd.DataFrame:
    """A flow of one interval each, all ended by progression. groups: name -> patients."""
    rows = [(g, *r, n) for g, n in groups.items() for r in (("enrolled", ""), ("interval 1", ""))]
    rows += [(g, "interval 1", "progression", n) for g, n in groups.items()]
    return pd.DataFrame(rows, columns=["group", "step", "outcome", "count"])


@pytest.mark.filterwarnings("ignore:Glyph")
def test_names_of_200_letters_do_not_run_into_the_numbers_of_the_flow():
    names = [dossiers.LONG, 60 * dossiers.CHINESE, dossiers.GREEK, "a platform trial's arm of many words " * 5, "x"]
    found = drawn_boxes(flow.flow(enrolled({"all patients": 5 * 9999} | dict.fromkeys(names, 9999))))
    for k, (_, one) in enumerate(found):
        assert not [t for t, other in found[k + 1 :] if one.overlaps(other)]


def test_of_many_arms_the_largest_have_a_column_and_the_others_are_pooled():
    groups = {"all patients": 210} | {f"arm {k}": k for k in range(1, 21)}
    shown = flow.columns(enrolled(groups))
    assert list(shown) == ["arm 17", "arm 18", "arm 19", "arm 20", "the 16 other groups"]
    pooled = shown["the 16 other groups"].set_index(["step", "outcome"])["count"]
    assert pooled["interval 1", "progression"] == 210 - 17 - 18 - 19 - 20


def test_a_swimmer_tells_samples_below_their_lod_apart_and_says_how_many_patients_it_shows():
    people = pd.DataFrame({"patient": [f"p{k:03d}" for k in range(90)], "schedule": "none", "arm": ["a", "b"] * 45})
    spans = people[["patient"]].assign(kind="interval", start=0.0, end=100.0, label="1")
    points = spans.assign(kind=["above", "below", "infusion"] * 30, start=50.0, end=50.0, label="flow")
    axis = swimmer.swimmer(pd.concat([spans, points], ignore_index=True), people).axes[0]
    assert axis.get_title(loc="left").startswith("60 of 90 patients, evenly spaced")
    assert len(axis.get_yticks()) == 60
    dots = [x for x in axis.lines if x.get_marker() == "o"]
    assert {x.get_markerfacecolor() for x in dots} == {"white", style.BLACK}
    assert sum(len(x.get_xdata()) for x in dots) < 60  # infusions are ticks


def test_of_many_lots_those_with_most_infusions_are_drawn():
    lots = pd.DataFrame({"quantity": "kill_lot", "of": [f"lot {k}" for k in range(30)], "infusions": range(30)})
    table = pd.concat([dossiers.marker_moves(False).iloc[:1], lots], ignore_index=True)
    table = table.fillna({"median": 1.0, "low": 0.8, "high": 1.2})
    figure = kinetics.kinetics(table.fillna({"prior_low": 0.3, "prior_high": 3.0}), dossiers.about())
    names = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert len(names) == 1 + kinetics.LOTS
    assert "kill of lot lot 29" in names
    assert "kill of lot lot 9" not in names


@pytest.mark.parametrize(("kill", "text"), [(0.5, "68 %"), (1.0, "90 %"), (2.5, "99.7 %"), (4.0, "99.99 %")])
def test_a_share_killed_never_reads_as_all(kill, text):
    assert kinetics.share(kill) == text
