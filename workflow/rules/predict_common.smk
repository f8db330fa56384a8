# Look-ups of dynamic prediction.
DYNAMIC = {**config["decision"]["dynamic"], "ci_prob": config["decision"]["ci_prob"], "seed": config["seed"]}


def regimes_of(wildcards):
    """The table of regimes, which says the action threshold, where the model has regimes."""
    asked = wildcards.model in with_regimes(study_of(wildcards))
    return f"results/{wildcards.study}/decision/{wildcards.model}/regimes.csv" if asked else []


def newcomers_of(wildcards):
    """Files of the patients to predict: all tables of a folder, or one JSON file."""
    source = Path(study_of(wildcards)["newcomers"])
    return sorted(str(f) for f in source.iterdir() if f.suffix in (".csv", ".parquet")) if source.is_dir() else source


# what `all` asks for: the predictor of every model of progression, and predictions where a study has newcomers
PREDICTED = [(s, m) for s, study in config["studies"].items() for m in study["models"] if m != "gvhd"]
PREDICTIONS = [f"results/{s}/{m}/predictor.nc" for s, m in PREDICTED]
PREDICTIONS += [f"results/{s}/{m}/newcomers.csv" for s, m in PREDICTED if "newcomers" in config["studies"][s]]
