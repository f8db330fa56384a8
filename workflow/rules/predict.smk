# What lies ahead of the study's patients; what the fit knows of patients in general, in a file that holds nothing of any
# patient; predictions of newcomers.
include: "predict_common.smk"


rule predictor:
    input:
        design="results/{study}/{model}/design.nc",
        posterior="results/{study}/{model}/posterior.nc",
        accepted="results/{study}/{model}/accepted.json",
        about="results/{study}/tables/about.json",
        regimes=regimes_of,
    output:
        "results/{study}/{model}/predictor.nc",
    log:
        "logs/predictor/{study}.{model}.log",
    benchmark:
        "logs/predictor/{study}.{model}.tsv"
    wildcard_constraints:
        model=EVENT_MODELS,
    resources:
        mem=grown("2GB"),
        runtime=grown("10m"),
    params:
        settings=DYNAMIC,
        priors=config["priors"],
        code=digest("predictor"),
    script:
        "../scripts/predictor.py"


rule foresee:
    input:
        design="results/{study}/{model}/design.nc",
        posterior="results/{study}/{model}/posterior.nc",
        accepted="results/{study}/{model}/accepted.json",
        intervals="results/{study}/tables/intervals.parquet",
        regimes=regimes_of,
    output:
        patients="results/{study}/{model}/ahead.csv",
        curves="results/{study}/{model}/ahead_curves.csv",
    log:
        "logs/foresee/{study}.{model}.log",
    benchmark:
        "logs/foresee/{study}.{model}.tsv"
    wildcard_constraints:
        model=EVENT_MODELS,
    resources:
        mem=grown("2GB"),
        runtime=grown("10m"),
    params:
        settings=DYNAMIC,
        code=digest("foresee"),
    script:
        "../scripts/foresee.py"


rule predict_newcomers:
    input:
        predictor="results/{study}/{model}/predictor.nc",
        patients=newcomers_of,
        salt=salt_of,
    output:
        table="results/{study}/{model}/newcomers.csv",
        curves="results/{study}/{model}/newcomers_curves.csv",
    log:
        "logs/predict_newcomers/{study}.{model}.log",
    benchmark:
        "logs/predict_newcomers/{study}.{model}.tsv"
    wildcard_constraints:
        model=EVENT_MODELS,
    resources:
        mem=grown("2GB"),
        runtime=grown("1h"),
    params:
        source=lambda wildcards: study_of(wildcards)["newcomers"],
        code=digest("predict_newcomers"),
    script:
        "../scripts/predict_newcomers.py"
