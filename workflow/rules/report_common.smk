# Look-ups of the figures and the dossier.
SAMPLER_FIGURES = ["priors", "chains", "energy", "pairs", "convergence"]
CAPTIONS = Path(workflow.basedir, "workflow", "report")


def settings_of(wildcards):
    """Everything in the config that bears on one study: what its dossier prints, and a digest of it."""
    return {**config, "studies": {wildcards.study: study_of(wildcards)}}


def captions_of(wildcards):
    return {f.stem: f.read_text(encoding="utf-8") for f in sorted(CAPTIONS.glob("*.rst"))}


def pages_of(wildcards):
    """Digest of the dossier's templates: they are part of the package, but no Python."""
    pages = [f for f in sorted((PACKAGE / "templates").rglob("*")) if f.is_file()]
    return hashlib.sha256(b"\x1f".join(f.read_bytes() for f in pages)).hexdigest()[:16]


def clock_of(wildcards):
    return study_of(wildcards)["models"][wildcards.model].get("clock", "gap")


def fits_of(wildcards):
    """What there is of every fit, accepted or not: draws, diagnostics, and their figures."""
    every = ["posterior.nc", "diagnostics.csv", "sampler.json", *(f"{name}.svg" for name in SAMPLER_FIGURES)]
    found = expand("results/{{study}}/{model}/{name}", model=study_of(wildcards)["models"], name=every)
    return found + expand("results/{{study}}/{model}/prior_predictive.svg", model=models_of(wildcards))


def concluded_from(model):
    """Look-up of the tables and figures that are concluded from a model, where a study has it and the gate accepted it."""
    every = ["{model}/lengths.csv", "{model}/loo.csv", "selection/{model}.csv", "selection/{model}.effects.csv"]
    every += ["{model}/ahead.csv", "{model}/ahead_curves.csv", "{model}/curves.csv"]
    every += ["{model}/free.svg", "{model}/incidence.svg", "{model}/residuals.svg", "{model}/residuals.csv"]
    every += ["selection/{model}.svg", "selection/{model}.effects.svg"]
    if model.startswith("joint"):
        every += ["threshold/{model}.csv", "threshold/{model}.svg", "{model}/trajectories.svg"]
        every += ["{model}/below_lod.svg", "{model}/below_lod.csv"]
        every += ["{model}/kinetics.csv", "{model}/kinetics.svg"]
    if model == "gvhd":
        every = [f"gvhd/{name}" for name in ("incidence.csv", "counts.csv", "risk.csv")]
        every += [f"gvhd/{name}" for name in ("incidence.svg", "counts.svg", "risk.svg")]
    every += ["{model}/accepted.json", "{model}/prior_sensitivity.svg", "{model}/prior_sensitivity.csv"]

    def conclusions(wildcards):
        asked = model in study_of(wildcards)["models"] and accepted(wildcards.study, model)
        return expand([f"results/{{{{study}}}}/{name}" for name in every], model=model) if asked else []

    return conclusions


def decided_from(model):
    """Look-up of the tables and figures of the decision layer, where regimes can be simulated with a model."""
    return lambda wildcards: decisions_of(wildcards, model) if decides(wildcards.study, model) else []


# one look-up for each model: what is concluded from one need not wait for the verdict on another
CONCLUSIONS = {f"from_{model}": concluded_from(model) for model in [*EVENT_MODELS.split("|"), "gvhd"]}
CONCLUSIONS |= {f"decided_from_{model}": decided_from(model) for model in EVENT_MODELS.split("|")}


def data_of(wildcards):
    """Tables and figures of the study's data."""
    names = ["flow.csv", "baseline.csv", "assays.csv", "missing.csv", "flow.svg", "swimmer.svg", "sampling.svg"]
    return [f"results/{wildcards.study}/data/{name}" for name in names]


def adam_of(wildcards):
    """The record of the derivation, of a study that came from ADaM."""
    came = study_of(wildcards).get("source", "tables") == "adam"
    return expand("results/{study}/adam/{name}.csv", study=wildcards.study, name=ADAM) if came else []


def joint_of(wildcards):
    return [m for m in models_of(wildcards) if m.startswith("joint")]


def holdings_of(wildcards):
    """What of all that redose writes a study has, in the words of `redose.codebook.NEEDS`."""
    study = study_of(wildcards)
    has = {
        "source": study.get("source", "tables") != "tables",
        "adam": study.get("source", "tables") == "adam",
        "joint": joint_of(wildcards),
        "regimes": with_regimes(study),
        "gvhd": "gvhd" in study["models"],
        "validation": "validation" in study,
        "newcomers": "newcomers" in study,
        "cuts": wildcards.study in CUTS,
    }
    return [name for name, found in has.items() if found]


def comparison_of(wildcards):
    """The comparison of accepted models, where there is any; it has a figure where there is something to compare."""
    count = len(accepted_of(wildcards))
    names = ["compare.csv", "pareto.svg", *(["compare.svg"] if count > 1 else [])] if count else []
    return [f"results/{wildcards.study}/{name}" for name in names]


def calibration_of(wildcards):
    """What the calibration left, where the config says that a dossier shows it: not where it happens to be there, or a
    dossier would depend on what else was run before it."""
    names = ["verdict.csv", "verdict.txt", "ecdf.svg"] if study_of(wildcards).get("calibration") else []
    return [f"results/calibration/{name}" for name in names]


def judged_of(wildcards):
    """The gate's verdicts on a study, all of them known: what else runs hangs on them, and so does its drawing."""
    for model in study_of(wildcards)["models"]:
        accepted(wildcards.study, model)  # whoever asks too early is asked again
    return verdicts_of(wildcards)


def validation_of_accepted(wildcards):
    """The validation, where a study asks for one and the gate accepted a model that it is of."""
    if wildcards.study not in VALIDATED:
        return []
    models = set(validated_models(wildcards))
    return validation_results_of(wildcards) if models & set(accepted_of(wildcards)) else []


VERDICTS = of_every_study("results/{study}/{model}/verdict.json", of_models=True)
DOSSIERS = of_every_study("results/{study}/report.html")
