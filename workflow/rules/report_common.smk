# Look-ups of the figures and the dossier.
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


def joint_of(wildcards):
    return [m for m in models_of(wildcards) if m.startswith("joint")]


def gvhd_of(wildcards):
    """Tables, draws and figures of the model gvhd, where a study has it."""
    names = ["incidence.csv", "counts.csv", "risk.csv", "diagnostics.csv", "sampler.json", "accepted.json"]
    names += ["prior_sensitivity.csv", "prior_sensitivity.svg", "counts.svg"]
    names += ["posterior.nc", "incidence.svg", "risk.svg", "priors.svg", "chains.svg"]
    names += ["energy.svg", "pairs.svg", "convergence.svg"]
    asked = "gvhd" in study_of(wildcards)["models"]
    return [f"results/{wildcards.study}/gvhd/{name}" for name in names] if asked else []


def conclusions_of(wildcards):
    """Tables, draws and figures of every model of a study."""
    every = ["{model}/lengths.csv", "{model}/diagnostics.csv", "{model}/loo.csv", "{model}/sampler.json"]
    every += ["{model}/accepted.json", "{model}/posterior.nc", "selection/{model}.csv", "selection/{model}.effects.csv"]
    every += ["{model}/free.svg", "{model}/incidence.svg", "{model}/priors.svg", "{model}/chains.svg"]
    every += ["{model}/ahead.csv", "{model}/ahead_curves.csv"]
    every += ["{model}/energy.svg", "{model}/pairs.svg", "{model}/convergence.svg", "{model}/curves.csv"]
    every += ["{model}/prior_sensitivity.svg", "{model}/prior_sensitivity.csv"]
    every += ["{model}/prior_predictive.svg", "{model}/residuals.svg", "{model}/residuals.csv"]
    every += ["selection/{model}.svg", "selection/{model}.effects.svg"]
    joint = ["threshold/{model}.csv", "threshold/{model}.svg", "{model}/trajectories.svg", "{model}/below_lod.svg"]
    joint += ["{model}/below_lod.csv"]
    folder = f"results/{wildcards.study}/"
    found = expand([folder + f for f in every], model=models_of(wildcards))
    found += expand([folder + f for f in joint], model=joint_of(wildcards))
    found += [f"{folder}pareto.svg", f"{folder}workflow.svg"]
    return found + gvhd_of(wildcards) + decisions_of(wildcards) + validation_results_of(wildcards)


def holdings_of(wildcards):
    """What of all that redose writes a study has, in the words of `redose.codebook.NEEDS`."""
    study = study_of(wildcards)
    has = {
        "source": study.get("source", "tables") != "tables",
        "joint": joint_of(wildcards),
        "regimes": with_regimes(study),
        "gvhd": "gvhd" in study["models"],
        "validation": "validation" in study,
        "newcomers": "newcomers" in study,
    }
    return [name for name, found in has.items() if found]


def comparison_of(wildcards):
    """The comparison has a figure where there is something to compare."""
    return f"results/{wildcards.study}/compare.svg" if len(models_of(wildcards)) > 1 else []


def calibration_of(wildcards):
    """What the calibration left, where the config says that a dossier shows it: not where it happens to be there, or a
    dossier would depend on what else was run before it."""
    names = ["verdict.csv", "verdict.txt", "ecdf.svg"] if study_of(wildcards).get("calibration") else []
    return [f"results/calibration/{name}" for name in names]
