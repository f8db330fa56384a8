"""The answer in sentences, composed from the numbers of the run, with the strength of their evidence."""

import math

import pandas as pd
from scipy.special import ndtri

from redose import estimand
from redose.figures import labels
from redose.report import missing, words
from redose.report.reading import Dossier, Fit, Gvhd

NUMBERED = {"all": "all intervals", "1": "first interval", "2": "second interval", "3 and later": "third and later"}
VERDICTS = {
    "prior and data in conflict": "in conflict with the data",
    "the prior dominates": "known from the prior alone",
}
CLEAR = 2.0  # standard errors of a difference in elpd beyond which one model predicts better
FEWEST = 5  # patients of whom a standard error can be told


def answer(dossier: Dossier) -> dict[str, str]:
    """The first chapter: subject -> what is known of it, or why nothing is."""
    lost = missing.missing(dossier)
    found = {"MRD thresholds": thresholds(dossier)}
    if missing.joint(dossier.config["models"]):
        found["Redosing"] = lost.get("decisions") or redosing(dossier)
        found["Who gains"] = lost.get("selection") or gains(dossier)
    found["Progression-free intervals"] = lost.get("intervals") or intervals(dossier)
    found["What moves progression"] = lost.get("hazards") or effects(dossier)
    if "gvhd" in dossier.config["models"]:
        found["GVHD"] = lost.get("gvhd") or gvhd(dossier)
    found["Patient outlook"] = lost.get("outlook") or outlook(dossier)
    found["Intercurrent events"] = intercurrent(dossier)
    found["What this rests on"] = basis(dossier)
    return found | ({"What the checks say": checks(dossier)} if dossier.accepted else {})


def interval_words(dossier: Dossier) -> str:
    return f"{100 * dossier.settings['decision']['ci_prob']:g} % credible interval"


def thresholds(dossier: Dossier) -> str:
    """What is known of MRD thresholds, or why there is none."""
    if dossier.tables["mrd"].empty:
        return "No MRD was measured in this study, hence no MRD threshold can be given."
    fits = dossier.with_thresholds
    if not fits and missing.joint(dossier.rejected):
        return missing.thresholds(dossier)
    if not fits:
        return "MRD was measured, but the config asks for no joint model, hence no MRD threshold is given."
    parts = [prognostic(dossier, fit) for fit in fits if fit.link == "step"]
    return " ".join([*parts, risk(dossier, fits[0]), *shape(dossier)])


def redosing(dossier: Dossier) -> str:
    """The regime to choose and how sure that is; that none beats no redosing, where none does."""
    fit = dossier.with_decisions[0]
    table, ahead = fit.decision["regimes"], dossier.settings["decision"]["ahead"]
    best = table.loc[table["utility"].idxmax()]
    whom = "new patients of this population" if ahead["patients"] == "new" else "the patients of this study"
    lead = f"For {whom}, over {words.days(ahead['horizon'])} and with the config's weights and costs "
    lead += f"(model {fit.model}), "
    evpi = fit.decision["information"].set_index("measure").loc["EVPI", "days"]
    if best["kind"] == "none":
        others = table[table["kind"] != "none"]
        second = others.loc[others["utility"].idxmax()]
        text = f"{lead}no regime beats {best['regime']}: the next best, {second['regime']}, loses "
        around = words.band(-second["gain_high"], -second["gain_low"], two)
        text += f"{two(-second['gain'])} quality-adjusted days ({around})"
    else:
        text = (
            f"{lead}{best['regime']} has the highest expected utility: it gains {two(best['gain'])} quality-adjusted "
        )
        text += f"days over no redosing ({words.band(best['gain_low'], best['gain_high'], two)}), "
        text += f"P(it gains) = {words.probability(best['p_gain'])}".replace("= >", ">")
    text += f". It is the best of {len(table)} regimes with probability {words.percent(best['p_best'])}; "
    text += f"knowing everything would be worth {two(evpi)} days more."
    if best["far"]:
        text += " The data hardly visited its decisions: this figure is the model's extrapolation."
    return text


def gains(dossier: Dossier) -> str:
    """How many patients are selected for redosing; that none is, where none is."""
    fit, decision = dossier.with_decisions[0], dossier.settings["decision"]
    of, horizon = decision["gain"], words.days(decision["ahead"]["horizon"])
    number = fit.gain["verdict"].value_counts()
    selected, undecided, declined = (int(number.get(v, 0)) for v in ("selected", "undecided", "not selected"))
    lead = f"Regime {of['regime']} against {of['against']}, over {horizon} "
    lead += f"(model {fit.model}): "
    rule = f"P(more than {words.days(of['smallest'])} alive and progression-free gained)"
    whole = words.counted(len(fit.gain), "patient")
    if not selected:
        text = f"{lead}on these data none of {whole} should be selected; {rule} is nowhere {of['selected']} or more"
        return f"{text}. {declined} are not selected, {undecided} are undecided."
    text = (
        f"{lead}of {whole} {selected} are selected, {rule} being {of['selected']} or more, {declined} are not (it is "
    )
    text += f"{of['declined']} or less), and for {undecided} the data do not decide. The mean gain of all is "
    return f"{text}{words.counted(round(fit.gain['gain'].mean()), 'day')}."


def prognostic(dossier: Dossier, fit: Fit) -> str:
    """tau, its truth where known, and how much the data narrowed it."""
    row = fit.threshold[fit.threshold["threshold"].str.startswith("prognostic")].iloc[0]
    if not str(row["verdict"]).startswith("10^"):
        return f"Prognostic threshold (model {fit.model}): {row['verdict']}."
    found = f"Prognostic threshold (model {fit.model}): the hazard of progression steps up at an MRD of "
    found += f"{words.mrd(row['median'])}, {interval_words(dossier)} {words.band(row['low'], row['high'], words.power)}"
    if dossier.simulated and not pd.isna(row["truth"]):
        found += f"; the truth of the simulation is {words.power(row['truth'])}"
    prior = dossier.settings["priors"]["tau"]
    tail = ndtri((1 + dossier.settings["decision"]["ci_prob"]) / 2) / ndtri(0.975)
    times = 2 * (prior["upper"] - prior["median"]) * tail / (row["high"] - row["low"])
    strength = (
        "strong evidence" if times >= 4 else "moderate evidence" if times >= 2 else "weak evidence, mostly the prior"
    )
    return f"{found} ({strength}: the interval is {times:.1f} times narrower than that of the prior)."


def risk(dossier: Dossier, fit: Fit) -> str:
    """The MRD at which the risk of progression reaches the levels of the config."""
    decision = dossier.settings["decision"]
    rows = fit.threshold[fit.threshold["threshold"].str.startswith("risk")]
    usable, others = [], []
    for level, row in zip(decision["risks"], rows.to_dict("records"), strict=True):
        if str(row["verdict"]).startswith("10^"):
            around = words.band(row["low"], row["high"], words.power)
            usable.append(
                f"{words.percent(level)} at an MRD of {words.mrd(row['median'])}, {around}{unseen(dossier, row)}"
            )
        else:
            others.append(f"for {words.percent(level)}, {row['verdict']}")
    text = f"Risk thresholds (model {fit.model}): "
    if usable:
        text += f"the probability of progression within {words.days(decision['risk_horizon'])} reaches "
        text += "; ".join(usable)
    else:
        text += f"for progression within {words.days(decision['risk_horizon'])}, "
    return text + ("; " if usable and others else "") + "; ".join(others) + "."


def unseen(dossier: Dossier, row: dict) -> str:
    """A remark where a threshold lies below the LOD of an assay: that assay cannot tell who is above it."""
    assays = dossier.about["assays"].items()
    blind = [name for name, assay in assays if math.log10(assay.get("lod", 1e-99)) > row["median"]]
    return f" (below the LOD of {words.listed(blind)})" if blind else ""


def shape(dossier: Dossier) -> list[str]:
    """Whether the risk steps up at tau or rises steadily, where both were fitted."""
    table = dossier.compare[dossier.compare["model"].isin(["joint_step", "joint_value"])]
    if len(table) < 2:
        return []
    a, b = (dossier.fits[m].loo["elpd"] for m in table["model"])
    gap, se = float((a - b).sum()), math.sqrt(len(a)) * float((a - b).std(ddof=1))
    words_of = {"joint_step": "a step at τ", "joint_value": "a steady rise with log10 MRD"}
    first, second = (words_of[m] for m in table["model"])
    text = f"{first[0].upper()}{first[1:]} predicts the events better than {second}, {firmly(gap, se, len(a))}"
    return [f"{text} (elpd difference {gap:.1f}, SE {se:.1f})."]


def firmly(gap: float, se: float, patients: int) -> str:
    """How clearly a model predicts better by a difference in elpd, as the end of a sentence."""
    if patients < FEWEST:
        return f"but {words.counted(patients, 'patient')} are too few to say how clearly"
    return "clearly so" if gap > CLEAR * se else "not clearly so"


def intervals(dossier: Dossier) -> str:
    """P(free) of the first intervals by group, at the longest horizon that a group reaches."""
    table = dossier.best.lengths
    first = table[(table["interval"] == "1") & table["quantity"].str.startswith("free_")]
    reached = set(first["quantity"])
    days = [d for d in sorted(dossier.settings["decision"]["horizons"]) if f"free_{d}" in reached]
    if not days:
        return "No group was followed long enough for a progression-free probability at the horizons of the config."
    at = first[first["quantity"] == f"free_{days[-1]}"].sort_values("mean", ascending=False)
    levels = set(dossier.tables["patients"][dossier.group])
    parts = []
    for r in at.itertuples():
        name = f" under {r.group}" if len(levels) > 1 else ""
        parts.append(f"{words.percent(r.mean)} ({words.band(r.low, r.high, words.percent)}){name}")
    text = f"Alive and progression-free {words.days(days[-1])} into the first interval: {words.listed(parts)}"
    short = sorted(levels - set(at["group"]))
    left = f"; too few followed so long under {words.listed(short)}" if short else ""
    return f"{text}{left} (model {dossier.best.model}, {interval_words(dossier)}s)."


def effects(dossier: Dossier) -> str:
    """What burden and schedule or arm do to the hazard of progression; the clearest effects where there is neither."""
    about = dossier.about["covariates"]
    burden = chosen(dossier, lambda c: about.get(c.partition("[")[0], {}).get("role") == "burden")
    planned = chosen(dossier, lambda c: c.startswith(("schedule[", "arm[")))
    if burden or planned:
        return " ".join(summary(dossier, *found) for found in (burden, planned) if found)
    table = dossier.best.effects[dossier.best.effects["cause"] == "progression"]
    clearest = table.sort_values("probability", ascending=False, kind="stable").head(2)
    if clearest.empty:
        return "No covariate enters the hazard of progression."
    return "The models hold neither tumour burden nor schedule. " + summary(
        dossier, dossier.best, clearest, "Clearest hazard ratios"
    )


def chosen(dossier: Dossier, wanted) -> tuple[Fit, pd.DataFrame] | None:
    """The best model with covariates of progression that `wanted` accepts, and their effects."""
    for fit in dossier.fits.values():
        table = fit.effects[fit.effects["cause"] == "progression"]
        rows = table[table["covariate"].map(wanted).astype(bool)]
        if len(rows):
            return fit, rows
    return None


def summary(dossier: Dossier, fit: Fit, rows: pd.DataFrame, lead: str = "Hazard ratios") -> str:
    """Hazard ratios in one sentence, each with its probability of direction and the strength of its evidence."""
    parts = []
    for r in rows.itertuples():
        name = labels.covariate(r.covariate, dossier.about, dossier.tables["patients"])
        ratio = f"{two(r.ratio)} ({words.band(r.low, r.high, two)})"
        certain = f"P({r.direction} it) = {words.probability(r.probability)}".replace("= >", ">")
        parts.append(f"{name}, {ratio}, {certain}, {words.evidence(r.probability)}")
    return f"{lead} of progression (model {fit.model}): {'; '.join(parts)}."


def two(value: float) -> str:
    return words.number(value, 2)


def gvhd(dossier: Dossier) -> str:
    """How often GVHD was seen, and the risk of the acute kind that one infusion brings, with the prior's beside it."""
    seen = dossier.gvhd.counts.set_index(["kind", "grade"])["observed"]
    patients = words.counted(len(dossier.tables["patients"]), "patient")
    parts = [words.counted(int(seen[kind, "any"]), f"{kind} episode") for kind in ("acute", "chronic")]
    text = f"GVHD in {patients}: {words.listed(parts)}."
    dose = dossier.settings["model"]["reference_cells"]
    for product, table in dossier.gvhd.risk.groupby("product", sort=True):
        one = table[(table["infusions"] == 1) & ((table["cells"] / dose - 1).abs() < 1e-9)].set_index("given")
        risk, before = one.loc["posterior"], one.loc["prior"]
        text += f" One infusion of {dose:.1e} cells of {product} brings acute GVHD with probability "
        text += f"{words.small_percent(risk['mean'])} ({words.band(risk['low'], risk['high'], words.small_percent)})"
        text += f"; the prior alone says {words.small_percent(before['mean'])}."
    return text


def outlook(dossier: Dossier) -> str:
    """How many patients have an outlook, and its range."""
    table, day = dossier.best.outlook, dossier.settings["decision"]["horizons"][0]
    values = table[f"free_{day}"].dropna()
    everyone = words.counted(len(table), "patient")
    if values.empty:
        return f"None of {everyone} was alive and progression-free at the end of follow-up, so none has an outlook."
    text = f"{len(values)} of {everyone} were alive and progression-free at the end of follow-up and have an outlook: "
    text += f"the probability of staying so for {words.days(day)} without a further infusion runs from "
    text += f"{words.percent(values.min())} to {words.percent(values.max())}, median {words.percent(values.median())}"
    return f"{text} (model {dossier.best.model})."


def intercurrent(dossier: Dossier) -> str:
    """The estimand in a sentence for each intercurrent event."""
    intervals = dossier.tables["intervals"]
    parts = []
    for event, word in dossier.config["estimand"].items():
        name = labels.CAUSES[event]
        meaning = estimand.counts_as(event, word, intervals)
        parts.append(f"{name[0].upper()}{name[1:]} without progression: {meaning}.")
    return " ".join(parts)


def basis(dossier: Dossier) -> str:
    """Which model the answer rests on, and how clearly it is the best."""
    rejected = f"The gate rejected {missing.models(list(dossier.rejected))}" if dossier.rejected else ""
    if not dossier.fits:
        why = missing.no_fit(dossier)
        return f"There is no model of progression and death for an answer to rest on: {why}."
    best = dossier.best.model
    if len(dossier.fits) == 1:
        others = missing.of_events(dossier)
        other = f"it rejected {missing.models(others)}" if others else "no other model was asked for"
        return f"All of this rests on one model, {best}, which the gate accepted; {other}."
    second = dossier.compare.iloc[1]
    gap = f"elpd {-second['difference']:.1f} above {second['model']}, SE {second['difference_se']:.1f}"
    firm = firmly(-second["difference"], second["difference_se"], int(second["patients"]))
    text = f"Model for outlook and intervals: {best}, which of {len(dossier.fits)} models predicts the events of "
    text += f"left-out patients best, {firm} ({gap})"
    fits = dossier.with_thresholds
    rest = f"; model for the risk thresholds: {fits[0].model}" if fits and fits[0].model != best else ""
    return f"{text}{rest}. {rejected or 'The gate accepted all models'}."


def checks(dossier: Dossier) -> str:
    """What residuals and prior sensitivity say, of every model to which something is to be said."""
    parts = [described(fit) for fit in dossier.fits.values()]
    return " ".join([*parts, *(moved(dossier, fit) for fit in dossier.accepted.values())])


def described(fit: Fit) -> str:
    """The verdicts on the residuals of a model."""
    found = []
    for verdict in ("not described", "doubtful"):
        of = fit.residuals[fit.residuals["verdict"] == verdict]
        named = [f"{labels.CAUSES[r.cause]} ({NUMBERED[r.interval]})" for r in of.itertuples()]
        found += [f"{verdict}: {words.listed(named)}"] * bool(named)
    return f"Residuals, model {fit.model}: {'; '.join(found) or 'every cause comes when the model expects it'}."


def moved(dossier: Dossier, fit: Fit | Gvhd) -> str:
    """What the priors of a model move: quantities that decisions rest on, and the parameters with a strong verdict."""
    table, people = fit.sensitivity, dossier.tables["patients"]
    rests = table[table["kind"] == "decision"]
    named = [labels.decision(q, dossier.settings["decision"]) for q in rests.loc[rests["moved_by"].notna(), "quantity"]]
    parts = [f"they move {len(named)} of {len(rests)} quantities that decisions rest on"]
    parts[0] += f" ({words.listed(named)})" if named else ""
    for verdict, text in VERDICTS.items():
        mine = table[(table["kind"] == "parameter") & (table["verdict"] == verdict)]
        given = [labels.parameter(q, dossier.about, people, fit.link) for q in mine["quantity"]]
        parts += [f"{text}: {words.listed(given)}"] * bool(given)
    return f"Priors, model {fit.model}: {'; '.join(parts)}."
