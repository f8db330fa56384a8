# Look-ups of the gate.
import json


def accepted(study, model):
    """Whether the gate accepted the fit of a model. Whoever asks before it was judged is asked again afterwards."""
    with checkpoints.judge.get(study=study, model=model).output[0].open() as verdict:
        return json.load(verdict)["accepted"]


def accepted_of(wildcards):
    """Models of progression and death that the gate accepted."""
    return [model for model in models_of(wildcards) if accepted(wildcards.study, model)]


def verdicts_of(wildcards):
    """The verdict on every model of a study: named beside what hangs on them, so that all fits may run at once."""
    return expand("results/{{study}}/{model}/verdict.json", model=study_of(wildcards)["models"])
