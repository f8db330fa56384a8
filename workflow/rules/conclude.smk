# Conclusions, from accepted posteriors only.
include: "conclude_common.smk"


rule predict:
    input:
        design="results/{study}/{model}/design.nc",
        posterior="results/{study}/{model}/posterior.nc",
        accepted="results/{study}/{model}/accepted.json",
        patients="results/{study}/tables/patients.parquet",
    output:
        curves="results/{study}/{model}/curves.csv",
        lengths=report(
            "results/{study}/{model}/lengths.csv",
            category=CHAPTERS["intervals"],
            labels={"study": "{study}", "model": "{model}", "shows": "table of intervals"},
            caption="../report/table_lengths.rst",
        ),
        draws="results/{study}/{model}/lengths.draws.parquet",
    log:
        "logs/predict/{study}.{model}.log",
    benchmark:
        "logs/predict/{study}.{model}.tsv"
    wildcard_constraints:
        model=EVENT_MODELS,
    resources:
        mem=grown("2GB"),
        runtime=grown("20m"),
    params:
        decision=READ_OFF,
        seed=config["seed"],
        code=digest("predict"),
    script:
        "../scripts/predict.py"


rule follow_mrd:
    input:
        design="results/{study}/{model}/design.nc",
        posterior="results/{study}/{model}/posterior.nc",
        accepted="results/{study}/{model}/accepted.json",
    output:
        trajectories="results/{study}/{model}/trajectories.csv",
        below="results/{study}/{model}/below_lod.csv",
    log:
        "logs/follow_mrd/{study}.{model}.log",
    benchmark:
        "logs/follow_mrd/{study}.{model}.tsv"
    wildcard_constraints:
        model="joint_[a-z_]+",
    resources:
        mem=grown("2GB"),
        runtime=grown("20m"),
    params:
        ci_prob=config["decision"]["ci_prob"],
        seed=config["seed"],
        code=digest("follow_mrd"),
    script:
        "../scripts/follow_mrd.py"


rule summarise_kinetics:
    input:
        design="results/{study}/{model}/design.nc",
        prior="results/{study}/{model}/prior.nc",
        posterior="results/{study}/{model}/posterior.nc",
        accepted="results/{study}/{model}/accepted.json",
        truth=truth_of,
    output:
        report(
            "results/{study}/{model}/kinetics.csv",
            category=CHAPTERS["mrd"],
            labels={"study": "{study}", "model": "{model}", "shows": "table of kill and doubling"},
            caption="../report/table_kinetics.rst",
        ),
    log:
        "logs/summarise_kinetics/{study}.{model}.log",
    benchmark:
        "logs/summarise_kinetics/{study}.{model}.tsv"
    wildcard_constraints:
        model="joint_[a-z_]+",
    resources:
        mem=grown("2GB"),
        runtime=grown("10m"),
    params:
        ci_prob=config["decision"]["ci_prob"],
        code=digest("summarise_kinetics"),
    script:
        "../scripts/summarise_kinetics.py"


rule check_residuals:
    input:
        design="results/{study}/{model}/design.nc",
        posterior="results/{study}/{model}/posterior.nc",
        accepted="results/{study}/{model}/accepted.json",
    output:
        table=report(
            "results/{study}/{model}/residuals.csv",
            category=CHAPTERS["checking"],
            labels={"study": "{study}", "model": "{model}", "shows": "table of residuals"},
            caption="../report/table_residuals.rst",
        ),
        curves="results/{study}/{model}/residual_curves.csv",
        listed="results/{study}/{model}/residuals_by_interval.csv",
        figure=report(
            "results/{study}/{model}/residuals.svg",
            category=CHAPTERS["checking"],
            labels={"study": "{study}", "model": "{model}", "shows": "Cox-Snell residuals"},
            caption="../report/residuals.rst",
        ),
        png="results/{study}/{model}/residuals.png",
    log:
        "logs/check_residuals/{study}.{model}.log",
    benchmark:
        "logs/check_residuals/{study}.{model}.tsv"
    wildcard_constraints:
        model=EVENT_MODELS,
    resources:
        mem=grown("2GB"),
        runtime=grown("20m"),
    params:
        ci_prob=config["decision"]["ci_prob"],
        seed=config["seed"],
        code=digest("check_residuals"),
    script:
        "../scripts/check_residuals.py"


rule check_priors:
    input:
        design="results/{study}/{model}/design.nc",
        prior="results/{study}/{model}/prior.nc",
        posterior="results/{study}/{model}/posterior.nc",
        accepted="results/{study}/{model}/accepted.json",
        about="results/{study}/tables/about.json",
        patients="results/{study}/tables/patients.parquet",
        intervals="results/{study}/tables/intervals.parquet",
    output:
        table=report(
            "results/{study}/{model}/prior_sensitivity.csv",
            category=CHAPTERS["checking"],
            labels={"study": "{study}", "model": "{model}", "shows": "table of prior sensitivity"},
            caption="../report/table_prior_sensitivity.rst",
        ),
        figure=report(
            "results/{study}/{model}/prior_sensitivity.svg",
            category=CHAPTERS["checking"],
            labels={"study": "{study}", "model": "{model}", "shows": "prior sensitivity"},
            caption="../report/prior_sensitivity.rst",
        ),
        png="results/{study}/{model}/prior_sensitivity.png",
    log:
        "logs/check_priors/{study}.{model}.log",
    benchmark:
        "logs/check_priors/{study}.{model}.tsv"
    resources:
        mem=grown("2GB"),
        runtime=grown("20m"),
    params:
        decision=READ_OFF,
        seed=config["seed"],
        code=digest("check_priors"),
    script:
        "../scripts/check_priors.py"


rule score:
    input:
        design="results/{study}/{model}/design.nc",
        posterior="results/{study}/{model}/posterior.nc",
        accepted="results/{study}/{model}/accepted.json",
    output:
        "results/{study}/{model}/loo.csv",
    log:
        "logs/score/{study}.{model}.log",
    benchmark:
        "logs/score/{study}.{model}.tsv"
    wildcard_constraints:
        model=EVENT_MODELS,
    resources:
        mem=grown("2GB"),
        runtime=grown("30m"),
    params:
        seed=config["seed"],
        code=digest("score"),
    script:
        "../scripts/score.py"


rule compare:
    input:
        scores=scores_of,
        verdicts=verdicts_of,
    output:
        report(
            "results/{study}/compare.csv",
            category=CHAPTERS["comparison"],
            labels={"study": "{study}", "model": "all", "shows": "table of comparison"},
            caption="../report/table_comparison.rst",
        ),
    log:
        "logs/compare/{study}.log",
    benchmark:
        "logs/compare/{study}.tsv"
    resources:
        mem=grown("1GB"),
        runtime=grown("5m"),
    params:
        code=digest("compare"),
    script:
        "../scripts/compare.py"


rule threshold:
    input:
        design="results/{study}/{model}/design.nc",
        posterior="results/{study}/{model}/posterior.nc",
        accepted="results/{study}/{model}/accepted.json",
        truth=truth_of,
    output:
        table=report(
            "results/{study}/threshold/{model}.csv",
            category=CHAPTERS["mrd"],
            labels={"study": "{study}", "model": "{model}", "shows": "table of thresholds"},
            caption="../report/table_thresholds.rst",
        ),
        curve="results/{study}/threshold/{model}.curve.csv",
        draws="results/{study}/threshold/{model}.draws.parquet",
    log:
        "logs/threshold/{study}.{model}.log",
    benchmark:
        "logs/threshold/{study}.{model}.tsv"
    wildcard_constraints:
        model="joint_[a-z_]+",
    resources:
        mem=grown("2GB"),
        runtime=grown("20m"),
    params:
        decision=READ_OFF,
        seed=config["seed"],
        code=digest("threshold"),
    script:
        "../scripts/threshold.py"


rule select:
    input:
        design="results/{study}/{model}/design.nc",
        posterior="results/{study}/{model}/posterior.nc",
        accepted="results/{study}/{model}/accepted.json",
        intervals="results/{study}/tables/intervals.parquet",
    output:
        patients=report(
            "results/{study}/selection/{model}.csv",
            category=CHAPTERS["outlook"],
            labels={"study": "{study}", "model": "{model}", "shows": "table of patients"},
            caption="../report/table_outlook.rst",
        ),
        effects=report(
            "results/{study}/selection/{model}.effects.csv",
            category=CHAPTERS["hazards"],
            labels={"study": "{study}", "model": "{model}", "shows": "table of hazard ratios"},
            caption="../report/table_effects.rst",
        ),
    log:
        "logs/select/{study}.{model}.log",
    benchmark:
        "logs/select/{study}.{model}.tsv"
    wildcard_constraints:
        model=EVENT_MODELS,
    resources:
        mem=grown("2GB"),
        runtime=grown("20m"),
    params:
        decision=READ_OFF,
        code=digest("select"),
    script:
        "../scripts/select.py"


rule predict_gvhd:
    input:
        design="results/{study}/gvhd/design.nc",
        prior="results/{study}/gvhd/prior.nc",
        posterior="results/{study}/gvhd/posterior.nc",
        accepted="results/{study}/gvhd/accepted.json",
        patients="results/{study}/tables/patients.parquet",
    output:
        incidence="results/{study}/gvhd/incidence.csv",
        counts=report(
            "results/{study}/gvhd/counts.csv",
            category=CHAPTERS["checking"],
            labels={"study": "{study}", "model": "gvhd", "shows": "table of GVHD episodes"},
            caption="../report/table_gvhd_counts.rst",
        ),
        risk=report(
            "results/{study}/gvhd/risk.csv",
            category=CHAPTERS["gvhd"],
            labels={"study": "{study}", "model": "gvhd", "shows": "table of risks after infusions"},
            caption="../report/table_gvhd_risk.rst",
        ),
    log:
        "logs/predict_gvhd/{study}.log",
    benchmark:
        "logs/predict_gvhd/{study}.tsv"
    resources:
        mem=grown("2GB"),
        runtime=grown("10m"),
    params:
        decision=READ_OFF,
        seed=config["seed"],
        code=digest("predict_gvhd"),
    script:
        "../scripts/predict_gvhd.py"


rule compare_cuts:
    input:
        compared_over_cuts,
    output:
        table=report(
            "results/{study}/cuts.csv",
            category=CHAPTERS["cuts"],
            labels={"study": "{study}", "model": "all", "shows": "table of data cuts"},
            caption="../report/table_cuts.rst",
        ),
        figure=report(
            "results/{study}/cuts.svg",
            category=CHAPTERS["cuts"],
            labels={"study": "{study}", "model": "all", "shows": "data cuts"},
            caption="../report/cuts.rst",
        ),
        png="results/{study}/cuts.png",
    log:
        "logs/compare_cuts/{study}.log",
    benchmark:
        "logs/compare_cuts/{study}.tsv"
    wildcard_constraints:
        study=alternatives(CUTS),
    resources:
        mem=grown("1GB"),
        runtime=grown("5m"),
    params:
        cuts=cuts_of,
        horizons=config["decision"]["horizons"],
        code=digest("compare_cuts"),
    script:
        "../scripts/compare_cuts.py"
