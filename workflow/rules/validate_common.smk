# Look-ups of the validation.
VALIDATED = [name for name, study in config["studies"].items() if "validation" in study]
SHARED_VALIDATION = config["validation"]


def validation_of(wildcards):
    return study_of(wildcards)["validation"]


def folds_of(wildcards):
    """Labels of the folds: trials, or 1 ... K."""
    own = validation_of(wildcards)
    return own.get("trials") or [str(k + 1) for k in range(own["folds"])]


def validated_models(wildcards):
    return validation_of(wildcards).get("models") or models_of(wildcards)


def predictions_of(wildcards):
    """Predictions of every model by every fold, and those of the references."""
    folder = f"results/{wildcards.study}/validation"
    by_fold = [f"{folder}/{m}/{fold}.csv" for m in validated_models(wildcards) for fold in folds_of(wildcards)]
    return [*by_fold, f"{folder}/references.csv"]


def options_of_validated(wildcards):
    """Options of every model that is judged: the landmark Cox model has the covariates of all of them."""
    return {m: options_of_model(wildcards, m) for m in validated_models(wildcards)}


def validation_results_of(wildcards):
    """Tables and figures of the validation, where a study asks for one."""
    names = ["accuracy.csv", "calibration.csv", "accuracy.svg", "calibration.svg"]
    asked = wildcards.study in VALIDATED
    return [f"results/{wildcards.study}/validation/{name}" for name in names] if asked else []
