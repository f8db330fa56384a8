# redose: from trial tables to posterior MRD thresholds, monitoring and patient selection.
# The includes read as the analysis: data in, models fitted and judged, conclusions drawn, dossier written.
from snakemake.utils import min_version, validate

min_version("9.20")


configfile: f"{workflow.basedir}/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/names.smk"


refuse_unknown_names(config, f"{workflow.basedir}/workflow/schemas/config.schema.yaml")
validate(config, schema="workflow/schemas/config.schema.yaml")


include: "workflow/rules/cuts_common.smk"


# one environment for all rules, because it is one package; read only with `--software-deployment-method apptainer`
container: "docker://redose:0.1.0"


report: "workflow/report/workflow.rst"


wildcard_constraints:
    study=alternatives(config["studies"]),
    model=f"{EVENT_MODELS}|gvhd",


localrules:
    all,
    accept,
    benchmark,
    calibration,
    compare,
    confirm,
    describe,
    draw_comparison,
    draw_pareto,
    draw_workflow,
    index,
    judge,
    record,
    validation,


include: "workflow/rules/data.smk"
include: "workflow/rules/fit.smk"
include: "workflow/rules/conclude.smk"
include: "workflow/rules/decide.smk"
include: "workflow/rules/predict.smk"
include: "workflow/rules/validate.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/record.smk"
include: "workflow/rules/calibration.smk"
include: "workflow/rules/benchmark.smk"


rule all:
    default_target: True
    input:
        "results/index.html",
        DOSSIERS,
        of_every_study("results/{study}/dictionary.csv"),
        of_every_study("results/{study}/provenance.json"),
        PREDICTIONS,
        "results/verdicts.csv",


onsuccess:
    write_run_times()


onerror:
    write_run_times()
