# Which regime to choose: outcomes simulated ahead of patients by chunks of draws, then gathered and weighed.
include: "decide_common.smk"


rule simulate_regimes:
    input:
        design="results/{study}/{model}/design.nc",
        posterior="results/{study}/{model}/posterior.nc",
        accepted="results/{study}/{model}/accepted.json",
        patients="results/{study}/tables/patients.parquet",
        about="results/{study}/tables/about.json",
        gvhd=gvhd_fit_of,
    output:
        temp("results/{study}/decision/{model}/chunks/{chunk}.nc"),
    log:
        "logs/simulate_regimes/{study}.{model}.{chunk}.log",
    benchmark:
        "logs/simulate_regimes/{study}.{model}.{chunk}.tsv"
    wildcard_constraints:
        model="joint_[a-z_]+",
    resources:
        mem=grown("2GB"),
        runtime=grown("30m"),
    params:
        decision=decision_of,
        seed=config["seed"],
        code=digest("simulate_regimes"),
    script:
        "../scripts/simulate_regimes.py"


rule decide:
    input:
        chunks=chunks_of_draws,
        design="results/{study}/{model}/design.nc",
        prior="results/{study}/{model}/prior.nc",
        posterior="results/{study}/{model}/posterior.nc",
        accepted="results/{study}/{model}/accepted.json",
        tables=expand("results/{{study}}/tables/{table}.parquet", table=TABLES),
        about="results/{study}/tables/about.json",
        gvhd=gvhd_fit_of,
    output:
        **{name: f"results/{{study}}/decision/{{model}}/{name}.csv" for name in DECIDED},
        outcomes="results/{study}/decision/{model}/outcomes.parquet",
        draws="results/{study}/decision/{model}/regimes.draws.parquet",
        regimes=report(
            "results/{study}/decision/{model}/regimes.csv",
            category=CHAPTERS["decisions"],
            labels={"study": "{study}", "model": "{model}", "shows": "table of regimes"},
            caption="../report/table_regimes.rst",
        ),
        information=report(
            "results/{study}/decision/{model}/information.csv",
            category=CHAPTERS["decisions"],
            labels={"study": "{study}", "model": "{model}", "shows": "table of the value of information"},
            caption="../report/table_information.rst",
        ),
    log:
        "logs/decide/{study}.{model}.log",
    benchmark:
        "logs/decide/{study}.{model}.tsv"
    wildcard_constraints:
        model="joint_[a-z_]+",
    resources:
        mem=grown("2GB"),
        runtime=grown("20m"),
    params:
        decision=decision_of,
        seed=config["seed"],
        code=digest("decide"),
    script:
        "../scripts/decide.py"


rule gain:
    input:
        design="results/{study}/{model}/design.nc",
        posterior="results/{study}/{model}/posterior.nc",
        accepted="results/{study}/{model}/accepted.json",
        patients="results/{study}/tables/patients.parquet",
        about="results/{study}/tables/about.json",
        gvhd=gvhd_fit_of,
    output:
        table=report(
            "results/{study}/selection/{model}.gain.csv",
            category=CHAPTERS["selection"],
            labels={"study": "{study}", "model": "{model}", "shows": "table of gains"},
            caption="../report/table_gain.rst",
        ),
        figure=report(
            "results/{study}/selection/{model}.gain.svg",
            category=CHAPTERS["selection"],
            labels={"study": "{study}", "model": "{model}", "shows": "gain of every patient"},
            caption="../report/gain.rst",
        ),
        draws="results/{study}/selection/{model}.gain.draws.parquet",
        rules=report(
            "results/{study}/selection/{model}.rules.csv",
            category=CHAPTERS["selection"],
            labels={"study": "{study}", "model": "{model}", "shows": "table of rules"},
            caption="../report/table_rules.rst",
        ),
        curve="results/{study}/selection/{model}.rules_curve.csv",
        uplift="results/{study}/selection/{model}.uplift.csv",
        rules_figure=report(
            "results/{study}/selection/{model}.rules.svg",
            category=CHAPTERS["selection"],
            labels={"study": "{study}", "model": "{model}", "shows": "net benefit of rules"},
            caption="../report/rules.rst",
        ),
        png=expand("results/{{study}}/selection/{{model}}.{name}.png", name=["gain", "rules"]),
    log:
        "logs/gain/{study}.{model}.log",
    benchmark:
        "logs/gain/{study}.{model}.tsv"
    wildcard_constraints:
        model="joint_[a-z_]+",
    resources:
        mem=grown("2GB"),
        runtime=grown("20m"),
    params:
        decision=decision_of,
        seed=config["seed"],
        code=digest("gain"),
    script:
        "../scripts/gain.py"


rule draw_decision:
    input:
        about="results/{study}/tables/about.json",
        information="results/{study}/decision/{model}/information.csv",
        tables=expand("results/{{study}}/decision/{{model}}/{name}.csv", name=["regimes", *DECIDED]),
    output:
        utility=report(
            "results/{study}/decision/{model}/utility.svg",
            category=CHAPTERS["decisions"],
            labels={"study": "{study}", "model": "{model}", "shows": "utility by threshold and interval"},
            caption="../report/utility.rst",
        ),
        frontier=report(
            "results/{study}/decision/{model}/frontier.svg",
            category=CHAPTERS["decisions"],
            labels={"study": "{study}", "model": "{model}", "shows": "tests, delay, infusions, false triggers"},
            caption="../report/frontier.rst",
        ),
        boundary=report(
            "results/{study}/decision/{model}/boundary.svg",
            category=CHAPTERS["decisions"],
            labels={"study": "{study}", "model": "{model}", "shows": "suppression boundary"},
            caption="../report/boundary.rst",
        ),
        patient=report(
            "results/{study}/decision/{model}/patient.svg",
            category=CHAPTERS["decisions"],
            labels={"study": "{study}", "model": "{model}", "shows": "one patient under three regimes"},
            caption="../report/patient.rst",
        ),
        weights=report(
            "results/{study}/decision/{model}/weights.svg",
            category=CHAPTERS["decisions"],
            labels={"study": "{study}", "model": "{model}", "shows": "how the choice moves with costs"},
            caption="../report/weights.rst",
        ),
        png=expand("results/{{study}}/decision/{{model}}/{name}.png", name=DECISION_FIGURES),
    log:
        "logs/draw_decision/{study}.{model}.log",
    benchmark:
        "logs/draw_decision/{study}.{model}.tsv"
    wildcard_constraints:
        model="joint_[a-z_]+",
    resources:
        mem=grown("1GB"),
        runtime=grown("10m"),
    params:
        decision=decision_of,
        code=digest("draw_decision"),
    script:
        "../scripts/draw_decision.py"
