# Are posteriors as wide as they say? Small trials with known parameters, fitted in chunks: `snakemake calibration`.
include: "calibration_common.smk"


wildcard_constraints:
    chunk=r"\d+",


rule calibration:
    input:
        "results/calibration/verdict.csv",


rule draw_parameters:
    input:
        protocol=calibration_file("simulation.yaml"),
        about=calibration_file("study.yaml"),
    output:
        "results/calibration/parameters.nc",
    log:
        "logs/draw_parameters/calibration.log",
    benchmark:
        "logs/draw_parameters/calibration.tsv"
    resources:
        mem=grown("2GB"),
        runtime=grown("10m"),
    params:
        config=CALIBRATION_NEEDS,
        code=digest("draw_parameters"),
    script:
        "../scripts/draw_parameters.py"


rule calibrate:
    input:
        protocol=calibration_file("simulation.yaml"),
        about=calibration_file("study.yaml"),
        parameters="results/calibration/parameters.nc",
    output:
        "results/calibration/chunks/{chunk}.csv",
    log:
        "logs/calibrate/{chunk}.log",
    benchmark:
        "logs/calibrate/{chunk}.tsv"
    resources:
        mem=grown("3GB"),
        runtime=grown("1h"),
    params:
        config=CALIBRATION_NEEDS,
        code=digest("calibrate"),
    script:
        "../scripts/calibrate.py"


rule judge_calibration:
    input:
        expand("results/calibration/chunks/{chunk}.csv", chunk=CHUNKS),
    output:
        ranks="results/calibration/ranks.csv",
        verdict=report(
            "results/calibration/verdict.csv",
            category=CHAPTERS["checking"],
            labels={"study": "simulated", "model": CALIBRATION["model"], "shows": "table of tests"},
            caption="../report/table_calibration.rst",
        ),
        text="results/calibration/verdict.txt",
        figure=report(
            "results/calibration/ecdf.svg",
            category=CHAPTERS["checking"],
            labels={"study": "simulated", "model": CALIBRATION["model"], "shows": "ranks of true values"},
            caption="../report/calibration.rst",
        ),
        png="results/calibration/ecdf.png",
    log:
        "logs/judge_calibration/calibration.log",
    benchmark:
        "logs/judge_calibration/calibration.tsv"
    resources:
        mem=grown("1GB"),
        runtime=grown("10m"),
    params:
        level=CALIBRATION["level"],
        seed=config["seed"],
        code=digest("judge_calibration"),
    script:
        "../scripts/judge_calibration.py"
