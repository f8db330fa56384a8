# How well are patients predicted whom a fit has not seen? Refits without a part of them, one job a fold and model.
include: "validate_common.smk"


wildcard_constraints:
    fold=r"[^/]+",


rule validation:
    input:
        expand("results/{study}/validation/accuracy.csv", study=VALIDATED),


rule validate:
    input:
        tables=expand("results/{{study}}/tables/{table}.parquet", table=TABLES),
        about="results/{study}/tables/about.json",
    output:
        "results/{study}/validation/{model}/{fold}.csv",
    log:
        "logs/validate/{study}.{model}.{fold}.log",
    benchmark:
        "logs/validate/{study}.{model}.{fold}.tsv"
    wildcard_constraints:
        model=EVENT_MODELS,
    threads: threads_of_fit
    resources:
        mem=mem_of_fit,
        runtime=grown("1h"),
    params:
        options=options_of,
        priors=config["priors"],
        sampling=sampling_of,
        limits=config["acceptance"],
        own=validation_of,
        shared=SHARED_VALIDATION,
        seed=config["seed"],
        code=digest("validate"),
    script:
        "../scripts/validate.py"


rule refer:
    input:
        tables=expand("results/{{study}}/tables/{table}.parquet", table=TABLES),
        about="results/{study}/tables/about.json",
    output:
        predictions="results/{study}/validation/references.csv",
        outcomes="results/{study}/validation/outcomes.csv",
    log:
        "logs/refer/{study}.log",
    benchmark:
        "logs/refer/{study}.tsv"
    resources:
        mem=grown("2GB"),
        runtime=grown("20m"),
    params:
        models=options_of_validated,
        shared=SHARED_VALIDATION,
        priors=config["priors"],
        own=validation_of,
        seed=config["seed"],
        code=digest("refer"),
    script:
        "../scripts/refer.py"


rule judge_validation:
    input:
        predictions=predictions_of,
        outcomes="results/{study}/validation/outcomes.csv",
    output:
        accuracy=report(
            "results/{study}/validation/accuracy.csv",
            category=CHAPTERS["validation"],
            labels={"study": "{study}", "model": "all", "shows": "table of accuracy"},
            caption="../report/table_accuracy.rst",
        ),
        calibration="results/{study}/validation/calibration.csv",
        figure=report(
            "results/{study}/validation/accuracy.svg",
            category=CHAPTERS["validation"],
            labels={"study": "{study}", "model": "all", "shows": "accuracy"},
            caption="../report/accuracy.rst",
        ),
        calibration_figure=report(
            "results/{study}/validation/calibration.svg",
            category=CHAPTERS["validation"],
            labels={"study": "{study}", "model": "all", "shows": "predicted against observed"},
            caption="../report/validation.rst",
        ),
        png=expand("results/{{study}}/validation/{name}.png", name=["accuracy", "calibration"]),
    log:
        "logs/judge_validation/{study}.log",
    benchmark:
        "logs/judge_validation/{study}.tsv"
    resources:
        mem=grown("2GB"),
        runtime=grown("20m"),
    params:
        shared=SHARED_VALIDATION,
        ci_prob=config["decision"]["ci_prob"],
        seed=config["seed"],
        code=digest("judge_validation"),
    script:
        "../scripts/judge_validation.py"
