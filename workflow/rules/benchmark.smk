# How fast is it? Fits, regimes, checks and start-up, one after the other: `snakemake benchmark`. docs/speed.md.
include: "benchmark_common.smk"


wildcard_constraints:
    case=alternatives(CASES),


rule benchmark:
    input:
        "results/benchmark/benchmark.csv",


rule measure_fit:
    input:
        program=program("fit.py", "one_fit.py", "prepared.py", "gradient.py", "floor.py"),
        config=own_config(),
    output:
        "results/benchmark/fit/{case}.csv",
    log:
        "logs/measure_fit/{case}.log",
    threads: whole_machine
    resources:
        mem=grown("4GB"),
        runtime=grown("2h"),
    params:
        options=options_of_fit,
        code=[digest("check"), digest("design"), digest("fit"), digest("diagnose")],
    shell:
        "python {input.program[0]} {params.options} --cores {threads} --table {output} > {log} 2>&1"


rule measure_rstanarm:
    input:
        program=program("rstanarm.py", "rstanarm.R", "fit.py", "prepared.py"),
        config=own_config(),
    output:
        "results/benchmark/rstanarm.csv",
    log:
        "logs/measure_rstanarm/benchmark.log",
    threads: whole_machine
    resources:
        mem=grown("2GB"),
        runtime=grown("2h"),
    params:
        options=BENCHMARK["rstanarm"],
        code=[digest("check"), digest("diagnose")],
    shell:
        "python {input.program[0]} --chains {params.options[chains]} --iterations {params.options[iterations]}"
        " --table {output} > {log} 2>&1"


rule measure_regimes:
    input:
        program=program("decisions.py", "crowds.py", "floor.py", "path_counts.py"),
        config=own_config(),
    output:
        "results/benchmark/regimes.csv",
    log:
        "logs/measure_regimes/benchmark.log",
    threads: whole_machine
    resources:
        mem=grown("2GB"),
        runtime=grown("1h"),
    params:
        options=BENCHMARK["regimes"],
        code=digest("simulate_regimes"),
    shell:
        "python {input.program[0]} speed {params.options[draws]} {params.options[patients]}"
        " {params.options[regimes]} {output} > {log} 2>&1"


rule measure_checks:
    input:
        program=program("checks.py"),
    output:
        "results/benchmark/checks.csv",
    log:
        "logs/measure_checks/benchmark.log",
    threads: whole_machine
    resources:
        mem=grown("3GB"),
        runtime=grown("30m"),
    params:
        patients=BENCHMARK["checks"],
        code=digest("check"),
    shell:
        "python {input.program[0]} {params.patients} --table {output} > {log} 2>&1"


rule measure_start:
    input:
        program=program("start.py", "one_fit.py", "prepared.py", "gradient.py", "floor.py"),
        config=own_config(),
    output:
        "results/benchmark/start.csv",
    log:
        "logs/measure_start/benchmark.log",
    threads: whole_machine
    resources:
        mem=grown("3GB"),
        runtime=grown("1h"),
    params:
        options=BENCHMARK["start"],
        code=[digest("report"), digest("fit")],
    shell:
        "python {input.program[0]} --patients {params.options[patients]} --repeats {params.options[repeats]}"
        " --table {output} > {log} 2>&1"


rule measure_dag:
    input:
        program=program("dag.py"),
        config=own_config(),
    output:
        "results/benchmark/dag.csv",
    log:
        "logs/measure_dag/benchmark.log",
    threads: whole_machine
    resources:
        mem=grown("2GB"),
        runtime=grown("1h"),
    params:
        options=BENCHMARK["dag"],
    shell:
        "python {input.program[0]} --studies {params.options[studies]} --repeats {params.options[repeats]}"
        " --table {output} > {log} 2>&1"


rule join_benchmark:
    input:
        tables=expand("results/benchmark/{name}.csv", name=MEASURED),
        program=program("join.py"),
    output:
        table="results/benchmark/benchmark.csv",
        text="results/benchmark/benchmark.md",
        figure="results/benchmark/benchmark.svg",
        png="results/benchmark/benchmark.png",
    log:
        "logs/join_benchmark/benchmark.log",
    resources:
        mem=grown("1GB"),
        runtime=grown("10m"),
    params:
        code=digest("judge_calibration"),  # what that imports of the package, the program does too
    shell:
        "python {input.program[0]} $(dirname {output.table}) {input.tables} > {log} 2>&1"
