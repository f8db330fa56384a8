"""The answer in three sentences: at which MRD to redose, how often to test, who gains; and what would change it."""

import math
from dataclasses import dataclass

import pandas as pd

from redose.report import answer, missing, words
from redose.report.reading import Dossier, Fit

SURE = ((0.9, "strong evidence"), (0.7, "moderate evidence"), (0.5, "weak evidence"))  # P(the choice is the best)
OPEN = "open: nothing is the best in most draws"
MOST = 4  # changes that are named
REASONS = (
    "Reasons for a dose that were not recorded: the answer supposes that infusions followed MRD, covariates and GVHD "
    "as modelled."
)


@dataclass(frozen=True)
class Point:
    """One of the three sentences: what is asked, and the answer with the strength of its evidence."""

    question: str
    answer: str


def sureness(p: float) -> str:
    """The probability that a choice is the best, in words as the dossier defines them."""
    return next((text for least, text in SURE if p >= least), OPEN)


def lead(dossier: Dossier) -> list[Point]:
    """The three sentences, in order. A study without regimes says why, and what it can answer instead."""
    if dossier.with_decisions:
        return [
            Point("At which MRD should the next dose be given?", threshold(dossier)),
            Point("How often should MRD be tested?", testing(dossier)),
            Point("Who gains from redosing?", gaining(dossier)),
        ]
    why, lost = f"Not answered by this study: {without(dossier)}.{hazard_step(dossier)}", missing.missing(dossier)
    return [
        Point("At which MRD to redose, how often to test, who gains?", why),
        Point("How long do patients stay progression-free?", lost.get("intervals") or answer.intervals(dossier)),
        Point("What moves progression?", lost.get("hazards") or answer.effects(dossier)),
    ]


def best(fit: Fit) -> pd.Series:
    """The regime of the highest expected utility."""
    table = fit.decision["regimes"]
    return table.loc[table["utility"].idxmax()]


def without(dossier: Dossier) -> str:
    """Why a study has no regimes to choose from."""
    if dossier.tables["mrd"].empty:
        return "no MRD was measured in this study"
    rejected = missing.joint(dossier.rejected)
    if not dossier.with_thresholds and rejected:
        return f"the gate rejected {missing.models(rejected)}"
    if dossier.with_thresholds and "gvhd" in dossier.rejected:
        return f"{missing.WEIGHED} {missing.models(['gvhd'])}"
    if not dossier.with_thresholds:
        return "the config asks for no joint model of MRD and progression"
    return "no regimes were simulated, as the study has no infusions or the config asks for none"


def threshold(dossier: Dossier) -> str:
    """The action threshold of the best regime, with how sure it is and what a regime of another kind would lose; what
    is known instead where no threshold is chosen."""
    fit = dossier.with_decisions[0]
    row = best(fit)
    if row["kind"] == "none":
        return f"At none: on these data no regime is better than no redosing.{hazard_step(dossier)}"
    if not pd.isna(row["tau"]):
        lead = f"At {words.mrd(row['tau'])}, with tests every {row['every']:g} days"
    elif row["kind"] == "adaptive":
        lead = f"By the config's rule {row['regime']}, which is no cell of the grid of thresholds"
    else:
        lead = f"At none: {row['regime']}, which does not follow MRD, is the best regime"
    gain = words.band(row["gain_low"], row["gain_high"], two)
    certain = f"P(it gains) = {words.probability(row['p_gain'])}".replace("= >", ">")
    text = f"{lead}. It gains {two(row['gain'])} quality-adjusted days over no redosing ({gain}), {certain}, "
    text += f"and is the best of all {len(fit.decision['regimes'])} regimes {chosen(row['p_best'])}"
    return f"{text}{of_such_tests(fit, row)}{rival(fit, row)}.{hazard_step(dossier)}"


def of_such_tests(fit: Fit, row: pd.Series) -> str:
    """How sure the threshold is, given the days between tests; empty where the choice is no cell of the grid."""
    if pd.isna(row["tau"]):
        return ""
    within = fit.decision["best"].query("within == @name", local_dict={"name": f"every {row['every']:g} d"})
    p = float(within.loc[within["tau"] == row["tau"], "p"].iloc[0])
    return f"; of the thresholds for such tests it is the best with probability {words.percent(p)}"


def rival(fit: Fit, row: pd.Series) -> str:
    """What the best regime loses that does not follow MRD, or that does where the choice does not."""
    table = fit.decision["regimes"]
    follows = row["kind"] == "adaptive"
    others = table[(table["kind"] == "adaptive") != follows]
    if others.empty:
        return ""
    second = others.loc[others["utility"].idxmax()]
    kind = "that does not follow MRD" if follows else "that follows MRD"
    return (
        f"; the best regime {kind}, {second['regime']}, loses {two(row['utility'] - second['utility'])} of these days"
    )


def two(value: float) -> str:
    return words.number(value, 2)


def chosen(p: float) -> str:
    """The probability that a choice is the best, and what it is worth as evidence."""
    return f"with probability {words.percent(p)} ({sureness(p)})"


def hazard_step(dossier: Dossier) -> str:
    """Where the hazard steps up, in a sentence; empty without a step that is known."""
    found = step_of(dossier)
    if found is None or not str(found[1]["verdict"]).startswith("10^"):
        return ""
    fit, row = found
    band, best_of_all = words.band(row["low"], row["high"], words.power), fit is dossier.best
    doubt = "" if best_of_all else f", which predicts worse than {dossier.best.model}"
    return f" The hazard of progression steps up at {words.mrd(row['median'])}, {band} (model {fit.model}{doubt})."


def step_of(dossier: Dossier) -> tuple[Fit, pd.Series] | None:
    """(model, row of its prognostic threshold) of the best model that has one; None without."""
    for fit in dossier.with_thresholds:
        found = fit.threshold[fit.threshold["threshold"].str.startswith("prognostic")]
        if len(found):
            return fit, found.iloc[0]
    return None


def testing(dossier: Dossier) -> str:
    """The days between tests of the best pair of threshold and days, beside the next best number of days."""
    fit = dossier.with_decisions[0]
    cells = fit.decision["regimes"].dropna(subset=["tau", "every"])
    if cells.empty:
        return "Not answered: the config's regimes hold no threshold with a number of days between tests."
    pairs = fit.decision["best"].query("within == 'all pairs'")
    top = cells.loc[cells.groupby("every")["utility"].idxmax()].sort_values("utility", ascending=False)
    first = top.iloc[0]
    p = float(pairs.loc[pairs["every"] == first["every"], "p"].sum())
    text = f"Every {first['every']:g} days, the best of those looked at {chosen(p)}"
    if best(fit)["kind"] != "adaptive":
        text = f"If doses are to follow MRD at all: every {first['every']:g} days {chosen(p)}"
    if len(top) > 1:
        second = top.iloc[1]
        text += f"; every {second['every']:g} days would lose {two(first['gain'] - second['gain'])} of the expected "
        text += f"{two(first['gain'])} quality-adjusted days"
    return text + "."


def gaining(dossier: Dossier) -> str:
    """How many patients are selected, the best rule that is known before treatment, and what the regime of which this
    is said is worth by the criterion of the other two sentences."""
    fit, of = dossier.with_decisions[0], dossier.settings["decision"]["gain"]
    counts = fit.gain["verdict"].value_counts()
    selected, declined = int(counts.get("selected", 0)), int(counts.get("not selected", 0))
    undecided = len(fit.gain) - selected - declined
    text = f"P(more than {of['smallest']:g} days alive and progression-free are gained by {of['regime']} against "
    text += f"{of['against']}), judged with all that was seen of a patient and without costs, is {of['selected']:g} or "
    text += (
        f"more in {selected} of {words.counted(len(fit.gain), 'patient')}, {of['declined']:g} or less in {declined}, "
    )
    text += f"and does not decide in {undecided}. Known before treatment, "
    rule = fit.rules.loc[fit.rules["net"].idxmax()]
    return f"{text}the best rule {chosen(rule['p_best'])} is to treat {rule['rule']}.{worth(fit, of['regime'])}"


def worth(fit: Fit, regime: str) -> str:
    """What a regime gains with weights and costs, where it is not the one chosen; empty where it was not simulated."""
    table = fit.decision["regimes"]
    row = table[table["regime"] == regime]
    if row.empty or best(fit)["regime"] == regime:
        return ""
    r = row.iloc[0]
    band = words.band(r["gain_low"], r["gain_high"], two)
    return (
        f" With weights and costs {regime} gains {two(r['gain'])} quality-adjusted days ({band}): it is not the choice."
    )


def changes(dossier: Dossier) -> list[str]:
    """What would change the answer, as far as the run knows it."""
    if not dossier.with_decisions:
        return []
    fit = dossier.with_decisions[0]
    found = [prices(fit), knowledge(fit), *edges(fit), *other_models(dossier), *far(fit), REASONS]
    return [text for text in found if text]


def prices(fit: Fit) -> str:
    """Weights and prices that move the choice."""
    table = fit.decision["sensitivity"]
    moving = table[table["same"].astype(str) != "True"]
    if moving.empty:
        return "No weight or price, changed alone, moves the choice."
    named = [f"{price(r.changed)} × {r.factor:g} ({r.regime})" for r in moving.head(MOST).itertuples()]
    more = len(moving) - len(named)
    shown = f"{'; '.join(named)}{f'; and {more} more in the chapter on decisions' if more else ''}"
    return f"Weights and prices: {len(moving)} of {len(table)} changes move the choice, to the regimes given: {shown}."


def price(name: str) -> str:
    """A weight or price of the config in words: costs.infusion is the cost of infusion."""
    kind, _, of = name.partition(".")
    return f"{kind.removesuffix('s')} of {of.replace('_', ' ')}" if of else name


def knowledge(fit: Fit) -> str:
    """What knowing more is worth."""
    days = fit.decision["information"].set_index("measure")["days"]
    evpi = float(days["EVPI"]) if "EVPI" in days else math.nan
    return (
        ""
        if math.isnan(evpi)
        else f"More data: knowing everything would be worth {two(evpi)} quality-adjusted days a patient."
    )


def edges(fit: Fit) -> list[str]:
    """A remark where the chosen pair lies at an edge of what was simulated."""
    row, cells = best(fit), fit.decision["regimes"].dropna(subset=["tau", "every"])
    if pd.isna(row["tau"]) or cells.empty:
        return []
    sides = [("lowest", "threshold", row["tau"] == cells["tau"].min())]
    sides.append(("highest", "threshold", row["tau"] == cells["tau"].max()))
    sides.append(("fewest", "days between tests", row["every"] == cells["every"].min()))
    sides.append(("most", "days between tests", row["every"] == cells["every"].max()))
    named = [f"{which} {what}" for which, what, there in sides if there]
    return [f"Beyond the grid: the choice is the {words.listed(named)} that was simulated."] * bool(named)


def other_models(dossier: Dossier) -> list[str]:
    """What the other models with decisions would choose, and what the choice is worth to them."""
    found, first = [], dossier.with_decisions[0]
    choice = best(first)["regime"]
    for fit in dossier.with_decisions[1:]:
        table = fit.decision["regimes"]
        row, ours = best(fit), table[table["regime"] == choice]
        if row["regime"] == choice:
            says = f"makes the same choice, which gains {amounts(row)}"
        else:
            says = f"chooses {row['regime']} ({two(row['gain'])} days)"
            says += f"; to it {choice} is worth {amounts(ours.iloc[0])}" if len(ours) else ""
        found.append(f"Another model: {fit.model}, of elpd {apart(dossier, first, fit)}, {says}.")
    return found


def amounts(row: pd.Series) -> str:
    """Gain over no redosing with its band."""
    return f"{two(row['gain'])} quality-adjusted days ({words.band(row['gain_low'], row['gain_high'], two)})"


def apart(dossier: Dossier, first: Fit, other: Fit) -> str:
    """How much better or worse another model predicts."""
    elpd = dossier.compare.set_index("model")["elpd"]
    gap = elpd[other.model] - elpd[first.model]
    return f"{two(abs(gap))} {'above' if gap > 0 else 'below'} that of {first.model}"


def far(fit: Fit) -> list[str]:
    """A remark where the data hardly visited the chosen regime."""
    if str(best(fit)["far"]) != "True":
        return []
    return ["Data: the decisions of the chosen regime were hardly taken in this study; the answer extrapolates."]
