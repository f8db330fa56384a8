# Look-ups of dynamic prediction.
DYNAMIC = {**config["decision"]["dynamic"], "ci_prob": config["decision"]["ci_prob"], "seed": config["seed"]}


def regimes_of(wildcards):
    """The table of regimes, which says the action threshold, where regimes are simulated with the model. With a model
    that the gate rejected nothing is asked for but its acceptance, which says why."""
    study, model = wildcards.study, wildcards.model
    return f"results/{study}/decision/{model}/regimes.csv" if decides(study, model) else []


def newcomers_of(wildcards):
    """Files of the patients to predict: all tables of a folder, or one JSON file."""
    source = Path(study_of(wildcards)["newcomers"])
    return sorted(str(f) for f in source.iterdir() if f.suffix in (".csv", ".parquet")) if source.is_dir() else source


def predicted_from(study, model):
    """Look-up of what `all` asks for: the predictor of an accepted model of progression, and predictions where the study
    has newcomers."""
    names = ["predictor.nc", *(["newcomers.csv"] if "newcomers" in config["studies"][study] else [])]

    def predictions(wildcards):
        return [f"results/{study}/{model}/{n}" for n in names] if accepted(once_known(study), model) else []

    return predictions


PREDICTIONS = [predicted_from(s, m) for s, study in config["studies"].items() for m in study["models"] if m != "gvhd"]
