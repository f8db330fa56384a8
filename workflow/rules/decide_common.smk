# Look-ups of the decision layer.
DECIDED = ["best", "sensitivity", "preferred", "acceptability", "subgroups", "support", "overlaps"]
DECIDED += ["suppression", "worked"]
DECISION_FIGURES = ["utility", "frontier", "boundary", "patient", "weights"]


def decision_of(wildcards):
    """The config's section `decision`, with the regimes that only this study knows."""
    own = study_of(wildcards).get("regimes", [])
    return {**config["decision"], "regimes": [*config["decision"]["regimes"], *own]}


def gvhd_fit_of(wildcards):
    """Design, posterior and verdict of the model gvhd, where the study has it."""
    names = ["design.nc", "posterior.nc", "accepted.json"]
    asked = "gvhd" in study_of(wildcards)["models"]
    return [f"results/{wildcards.study}/gvhd/{name}" for name in names] if asked else []


def chunks_of_draws(wildcards):
    """One file for every chunk of the draws that regimes are simulated under."""
    sampling = sampling_of(wildcards)
    total = [sampling["chains"] * sampling["draws"]]
    if "gvhd" in study_of(wildcards)["models"]:
        own = {**config["sampling"], **study_of(wildcards)["models"]["gvhd"].get("sampling", {})}
        total.append(own["chains"] * own["draws"])
    ahead = config["decision"]["ahead"]
    count = -(-min(ahead["draws"], *total) // ahead["chunk"])
    folder = f"results/{wildcards.study}/decision/{wildcards.model}/chunks"
    return [f"{folder}/{chunk}.nc" for chunk in range(count)]


def with_regimes(study):
    """Joint models whose marker infusions move: those that regimes can be simulated with."""
    kinetics = {m: o["kinetics"] for m, o in study["models"].items() if m.startswith("joint")}
    return [m for m, o in kinetics.items() if o.get("trajectory", "infusions") == "infusions"]


def decides(study, model):
    """Whether regimes are simulated with a model: not where the gate rejected it, or the model of the GVHD that they
    bring about."""
    known = config["studies"][study]
    rests_on = [model, *(["gvhd"] if "gvhd" in known["models"] else [])]
    return model in with_regimes(known) and all(accepted(study, m) for m in rests_on)


def decisions_of(wildcards, model):
    """Tables and figures of the decision layer of a model."""
    tables = ["regimes.csv", "information.csv", *(f"{name}.csv" for name in DECIDED)]
    names = tables + [f"{name}.svg" for name in DECISION_FIGURES]
    gains, folder = ["gain.csv", "gain.svg", "rules.csv", "rules.svg"], f"results/{wildcards.study}"
    return [f"{folder}/selection/{model}.{n}" for n in gains] + [f"{folder}/decision/{model}/{n}" for n in names]
