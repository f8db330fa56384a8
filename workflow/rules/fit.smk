# One dataset per model, the prior, the posterior, and the gate that decides whether it is believed.
include: "fit_common.smk"


rule design:
    input:
        tables=expand("results/{{study}}/tables/{table}.parquet", table=TABLES),
        about="results/{study}/tables/about.json",
    output:
        "results/{study}/{model}/design.nc",
    log:
        "logs/design/{study}.{model}.log",
    benchmark:
        "logs/design/{study}.{model}.tsv"
    resources:
        mem=grown("1GB"),
        runtime=grown("10m"),
    params:
        options=options_of,
        priors=config["priors"],
        code=digest("design"),
    script:
        "../scripts/design.py"


rule sample_prior:
    input:
        "results/{study}/{model}/design.nc",
    output:
        "results/{study}/{model}/prior.nc",
    log:
        "logs/sample_prior/{study}.{model}.log",
    benchmark:
        "logs/sample_prior/{study}.{model}.tsv"
    resources:
        mem=grown("2GB"),
        runtime=grown("10m"),
    params:
        priors=config["priors"],
        seed=config["seed"],
        code=digest("sample_prior"),
    script:
        "../scripts/sample_prior.py"


rule predict_prior:
    input:
        design="results/{study}/{model}/design.nc",
        prior="results/{study}/{model}/prior.nc",
    output:
        table=report(
            "results/{study}/{model}/prior_predictive.csv",
            category=CHAPTERS["checking"],
            labels={"study": "{study}", "model": "{model}", "shows": "table of the prior in clinical terms"},
            caption="../report/table_prior_predictive.rst",
        ),
        figure=report(
            "results/{study}/{model}/prior_predictive.svg",
            category=CHAPTERS["checking"],
            labels={"study": "{study}", "model": "{model}", "shows": "prior in clinical terms"},
            caption="../report/prior_predictive.rst",
        ),
        png="results/{study}/{model}/prior_predictive.png",
    log:
        "logs/predict_prior/{study}.{model}.log",
    benchmark:
        "logs/predict_prior/{study}.{model}.tsv"
    wildcard_constraints:
        model=EVENT_MODELS,
    resources:
        mem=grown("2GB"),
        runtime=grown("10m"),
    params:
        evidence=config["evidence"],
        code=digest("predict_prior"),
    script:
        "../scripts/predict_prior.py"


rule fit:
    input:
        "results/{study}/{model}/design.nc",
    output:
        "results/{study}/{model}/posterior.nc",
    log:
        "logs/fit/{study}.{model}.log",
    benchmark:
        "logs/fit/{study}.{model}.tsv"
    threads: threads_of_fit
    resources:
        mem=mem_of_fit,
        runtime=grown("1h"),
    params:
        priors=config["priors"],
        sampling=sampling_of,
        seed=config["seed"],
        code=digest("fit"),
    script:
        "../scripts/fit.py"


rule diagnose:
    input:
        "results/{study}/{model}/posterior.nc",
    output:
        table=report(
            "results/{study}/{model}/diagnostics.csv",
            category=CHAPTERS["checking"],
            labels={"study": "{study}", "model": "{model}", "shows": "diagnostics"},
            caption="../report/table_diagnostics.rst",
        ),
        sampler="results/{study}/{model}/sampler.json",
    log:
        "logs/diagnose/{study}.{model}.log",
    benchmark:
        "logs/diagnose/{study}.{model}.tsv"
    resources:
        mem=grown("2GB"),
        runtime=grown("10m"),
    params:
        ci_prob=config["decision"]["ci_prob"],
        code=digest("diagnose"),
    script:
        "../scripts/diagnose.py"


# writes its verdict whatever it is: a dossier tells of a rejected fit too, so what it needs hangs on the verdict
checkpoint judge:
    input:
        table="results/{study}/{model}/diagnostics.csv",
        sampler="results/{study}/{model}/sampler.json",
    output:
        "results/{study}/{model}/verdict.json",
    log:
        "logs/judge/{study}.{model}.log",
    params:
        limits=config["acceptance"],
        code=digest("judge"),
    script:
        "../scripts/judge.py"


# the gate: fails on a rejected fit, and with it everything that would conclude from it
rule accept:
    input:
        "results/{study}/{model}/verdict.json",
    output:
        "results/{study}/{model}/accepted.json",
    log:
        "logs/accept/{study}.{model}.log",
    params:
        code=digest("accept"),
    script:
        "../scripts/accept.py"
