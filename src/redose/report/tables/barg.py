"""The Bayesian Analysis Reporting Guidelines (Kruschke 2021, Nature Human Behaviour 5:1282), filled from the run.

Item by item: whether the dossier meets it, what it says, and where. What a run does not meet is said plainly.
"""

import pandas as pd

from redose.report import missing, words
from redose.report.reading import Dossier
from redose.report.tables.cells import Cell, Table, place

YES, PART, NO, NONE = "yes", "in part", "no", "does not apply"
SOFTWARE = ("redose", "pymc", "pytensor", "nutpie", "numba", "arviz")
ROPE, MODEL_ODDS, BAYES = "limits of equivalence (ROPE)", "Bayes factors, model probabilities", "Bayes-factor threshold"
DEFAULTS = "Without a source: LKJ(2) of the correlations of traits, uniform shares of grades; they were not varied."


def barg(dossier: Dossier) -> Table:
    """A row per item of the guidelines."""
    steps = {
        "Preamble": preamble(dossier),
        "1 Explain the model": model(dossier),
        "2 Report details of the computation": computation(dossier),
        "3 Describe the posterior distribution": posterior(dossier),
        "4 Report decisions and their criteria": decisions(dossier),
        "5 Report sensitivity analysis": sensitivity(dossier),
        "6 Make it reproducible": reproducible(dossier),
    }
    rows = []
    for step, items in steps.items():
        for letter, (item, met, said, chapter) in zip("ABCDEFG", items, strict=False):
            rows.append([Cell(f"{step}: {letter}"), Cell(item), Cell(met), Cell(said), place(chapter)])
    return Table("Bayesian analysis reporting guidelines", ["step", "item", "met", "what is said", "where"], rows)


def worst(dossier: Dossier, column: str, end: str) -> float:
    """The largest (end "max") or smallest ("min") diagnostic of the population parameters over all models."""
    tables = [f.diagnostics[f.diagnostics["level"] == "population"] for f in dossier.judged.values()]
    return float(pd.concat([t[column] for t in tables]).agg(end))


def preamble(dossier: Dossier) -> list[tuple]:
    why = "Conclusions are probabilities, of thresholds, of gains, of regimes being best; patients, samples and "
    why += "events are modelled at once, with published figures as priors."
    goals = "How long progression-free intervals are, and what moves their hazard"
    goals += "; at which MRD the risk rises" if dossier.with_thresholds else ""
    goals += "; which regime of tests and infusions to choose, and who gains" if dossier.with_decisions else ""
    return [("why Bayesian", YES, why, "methods"), ("goals of the analysis", YES, f"{goals}.", "answer")]


def model(dossier: Dossier) -> list[tuple]:
    t = dossier.tables
    predicted = [words.counted(len(t["intervals"]), "interval")]
    predicted += [words.counted(len(t["mrd"]), "MRD sample")] if dossier.with_thresholds else []
    predicted += [words.counted(len(t["gvhd"]), "GVHD episode")] if dossier.gvhd else []
    patients = words.counted(len(t["patients"]), "patient")
    data = f"Predicted: {words.listed(predicted)} of {patients}. Predictors: table of models, under methods."
    letters = f"Equations of {words.listed(dossier.judged)}, symbols; what patients, trials and sites share."
    given = f"For {words.listed([m for m in dossier.judged if m != 'gvhd'])}, beside published ranges"
    given += "; for gvhd only the risk that its priors give to infusions" if dossier.gvhd else ""
    return [
        ("data variables", YES, data, "data"),
        ("likelihood and parameters", YES, letters, "methods"),
        ("prior distribution", PART, "Quantiles, meaning and source of every prior but the defaults (5C).", "methods"),
        ("formal specification", YES, "In symbols, which are those of the code.", "methods"),
        ("prior predictive check", PART if dossier.gvhd else YES, f"{given}.", "checking"),
    ]


def computation(dossier: Dossier) -> list[tuple]:
    made, limits = next(iter(dossier.judged.values())).made_by, dossier.settings["acceptance"]
    used = ", ".join(f"{name} {made[name]}" for name in SOFTWARE if name in made)
    divergent = sum(fit.sampler["divergences"] for fit in dossier.judged.values())
    derived = "Of quantities derived from parameters none is given."
    chains = f"Largest R-hat {words.number(worst(dossier, 'rhat', 'max'), 4)} (limit {limits['rhat']:g}), {divergent} "
    chains += "divergent draws; chains, ranks, energy, pairs, and all parameters in one figure. " + derived
    chains += f" The gate rejected {missing.models(list(dossier.rejected))}." if dossier.rejected else ""
    fine = f"Smallest ESS {worst(dossier, 'ess_bulk', 'min'):.0f} in the bulk (limit {limits['ess_bulk']:g}) and "
    fine += (
        f"{worst(dossier, 'ess_tail', 'min'):.0f} in the tails (limit {limits['ess_tail']:g}). For quantities derived "
    )
    fine += "from parameters no ESS is given."
    return [
        ("software", YES, f"NUTS (the no-U-turn sampler): {used}.", "provenance"),
        ("convergence of chains", PART, chains, "checking"),
        ("resolution of chains", PART, fine, "checking"),
        ("if not MCMC", NONE, "Every posterior was sampled by MCMC (Markov chain Monte Carlo).", "methods"),
    ]


def posterior(dossier: Dossier) -> list[tuple]:
    if not dossier.accepted:
        none = "Nothing is described: the gate accepted no model."
        return [
            (item, NO, none, "checking") for item in ("posterior predictive check", "summaries of the posterior")
        ] + [(MODEL_ODDS, NONE, none, "checking")]
    seen = ["Curves of events", "Cox-Snell residuals"] if dossier.fits else []
    seen += ["share of samples below the LOD"] if dossier.with_thresholds else []
    seen += ["incidence and grades of GVHD"] if dossier.gvhd else []
    prob = f"{100 * dossier.settings['decision']['ci_prob']:g} %"
    said = f"Mean (median of thresholds, hazard ratios, kinetics and latent MRD), with equal tails that hold {prob}."
    several = len(dossier.fits) > 1
    odds = "Not given: models are compared by how they predict patients left out." if several else "There is one model."
    return [
        ("posterior predictive check", YES, f"{words.listed(seen)}.", "checking"),
        ("summaries of the posterior", YES, said, "intervals"),
        (MODEL_ODDS, NO if several else NONE, odds, "comparison"),
    ]


def decisions(dossier: Dossier) -> list[tuple]:
    config = dossier.settings["decision"]
    estimates = ("estimates beside decisions", YES, "Every verdict stands beside its estimate and interval.", "answer")
    if not dossier.with_decisions:
        none = "Nothing is decided: no model of this study simulates regimes."
        none = missing.regimes(dossier, "Nothing is decided") if dossier.rejected else none
        return [*((item, NONE, none, "answer") for item in ("why decisions", "loss function", ROPE, BAYES)), estimates]
    utility, gain = config["utility"], config["gain"]
    loss = f"{words.counted(len(utility['weights']), 'weight')} and {words.counted(len(utility['costs']), 'cost')}, "
    loss += f"and {words.number(utility['willingness'], 6)} paid for a quality-adjusted year: assumptions."
    rope = f"Selected from P(gain > {gain['smallest']:g} days) = {gain['selected']}, not selected up to "
    rope += f"{gain['declined']}; there is a threshold τ from a hazard ratio of {config['smallest_step']:g}."
    return [
        ("why decisions", YES, "A regime of tests and infusions is to be chosen, and patients for it.", "decisions"),
        ("loss function", YES, loss, "decisions"),
        (ROPE, YES, rope, "selection"),
        (BAYES, NONE, "No decision rests on a Bayes factor.", "decisions"),
        estimates,
    ]


def sensitivity(dossier: Dossier) -> list[tuple]:
    rests = [fit.sensitivity[fit.sensitivity["kind"] == "decision"] for fit in dossier.accepted.values()]
    count, moved = sum(map(len, rests)), sum(int(table["moved_by"].notna().sum()) for table in rests)
    scaled = "Powers of all priors and of each alone were scaled: of "
    scaled += f"{count} quantities that decisions rest on they move {moved}."
    scaled = scaled if dossier.accepted else "No posterior was accepted whose priors could be scaled."
    decided, where = (PART, "decisions") if dossier.with_decisions else (NONE, "checking")
    again = "By weights, costs and willingness to pay; the choice was not repeated under other priors."
    return [
        ("broad priors", YES if dossier.accepted else NO, scaled, "checking"),
        ("informed priors", PART, "Scaled as the others; no fit was repeated with another source's prior.", "checking"),
        ("default priors", PART, DEFAULTS, "methods"),
        (MODEL_ODDS, NONE, "None is given.", "comparison"),
        ("decisions", decided, again if dossier.with_decisions else "Nothing is decided.", where),
    ]


def reproducible(dossier: Dossier) -> list[tuple]:
    data = "The workflow, and the config below. " + (
        "The data are simulated by the run itself."
        if dossier.simulated
        else "Of the data the digests; whether they are public is for their owner to say."
    )
    draws = f"Seed {dossier.settings['seed']}: the same inputs, settings and versions give the same draws, bit for bit."
    where = "provenance"
    return [
        ("software and installation", YES, "Versions by model; requirements.lock pins every package.", where),
        ("script and data", YES if dossier.simulated else PART, data, where),
        ("readable script", YES, "A rule for every step, drawn below; code with the letters of the equations.", where),
        ("auxiliary files", YES, "Tables as CSV, figures as SVG and PNG, posteriors as NetCDF.", where),
        ("runs as posted", YES, "One command runs from the tables to this page.", where),
        ("reproducible MCMC", YES, draws, where),
        ("high-resolution figures", YES, "SVG, and PNG beside it.", where),
    ]
