"""Tables of methods: priors, estimand, options."""

from redose import estimand as strategy
from redose.figures import checking
from redose.markers import HALF_LIVES
from redose.report.reading import Dossier, Fit, Gvhd
from redose.report.tables.cells import OUTCOMES, Cell, Table, count


def priors(dossier: Dossier) -> Table:
    """The priors that this study's models use."""
    used = {name for fit in dossier.judged.values() for name in named_priors(dossier, fit)}
    rows = []
    for name, p in dossier.settings["priors"].items():
        if name in used:
            median, unit = p.get("median"), p.get("unit", "")
            low = Cell("–", 0.0) if median is None else Cell(f"{median:g} {unit}".strip(), float(median))
            high = Cell(f"{p['upper']:g} {unit}".strip(), float(p["upper"]))
            rows.append([Cell(name), Cell(p["meaning"]), low, high, Cell(p["source"])])
    return Table("Priors as beliefs", ["prior", "meaning", "median", "97.5th percentile", "source"], rows)


def named_priors(dossier: Dossier, fit: Fit | Gvhd) -> set[str]:
    """Names, in the config, of the priors of a model's population parameters."""
    found, products = set(), dossier.about["products"]
    parameters = fit.diagnostics.loc[fit.diagnostics["level"] == "population", "parameter"]
    for stem, _, index in (name.partition("[") for name in parameters):
        lineage = products.get(index.removesuffix("]"), {}).get("lineage", "none")
        pieces = stem.startswith("weights_") and dossier.config["models"][fit.model].get("baseline") == "piecewise"
        own = HALF_LIVES[lineage] if stem == "half_life" else "piece" if pieces else checking.key(stem, fit.link)
        found.add(own)
    return found


def estimand(dossier: Dossier) -> Table:
    """Intercurrent events, how often each met, and its strategy in the words of ICH E9(R1)."""
    intervals = dossier.tables["intervals"]
    rows = []
    for event, word in dossier.config["estimand"].items():
        times, _ = strategy.followed_on(intervals, event)
        meaning = Cell(strategy.counts_as(event, word, intervals))
        rows.append([Cell(f"{OUTCOMES[event]} without progression"), count(times), meaning])
    kept = "counted as it happened (treatment-policy strategy)"
    infusions = dossier.tables["infusions"]
    if len(infusions):
        further = len(infusions) - infusions["patient"].nunique()
        rows.append([Cell("infusion after a patient's first"), count(further), Cell(kept)])
    if len(dossier.tables["gvhd"]):
        text = "a time-dependent covariate where a model names it, else " + kept
        rows.append([Cell("GVHD"), count(len(dossier.tables["gvhd"])), Cell(text)])
    return Table("Intercurrent events and their strategies", ["event", "times", "counts as"], rows)


def options(dossier: Dossier) -> Table:
    """What the config asks of every model."""
    rows = []
    causes = ["progression", *strategy.competing(dossier.config["estimand"])]
    for model in (m for m in dossier.judged if m != "gvhd"):
        entry = dossier.config["models"][model]
        hazards = [entry.get(cause, {"covariates": []}) for cause in causes]
        named = [
            ", ".join([*h["covariates"], *(f"{c} ({lasting(c)})" for c in h.get("time_dependent", []))]) or "–"
            for h in hazards
        ]
        kinetics = entry.get("kinetics", {})
        frailty = "yes" if entry.get("frailty", True) else "no"
        row = [Cell(model), Cell(entry.get("clock", "gap")), Cell(entry.get("baseline", "")), Cell(frailty)]
        row += [Cell(text) for text in named]
        rows.append([*row, *(Cell(", ".join(kinetics.get(k, [])) or "–") for k in ("level", "kill"))])
    columns = ["model", "clock", "baseline", "frailty", *(f"{OUTCOMES[c]} depends on" for c in causes)]
    return Table("Models asked for in the config", [*columns, "MRD level depends on", "kill depends on"], rows)


def lasting(name: str) -> str:
    """How long a time-dependent covariate keeps its value."""
    return "last measured" if name == "burden" else "while active"
