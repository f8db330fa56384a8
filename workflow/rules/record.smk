# What made the results of a study, for whoever has to show that they are those of these data, settings and programs.
include: "record_common.smk"


rule record:
    input:
        verdicts=judged_of,
        given=given_of,
        results=results_of,
        workflow=WORKFLOW,
        lock=os.path.relpath(Path(workflow.basedir, "requirements.lock")),
    output:
        "results/{study}/provenance.json",
    log:
        "logs/record/{study}.log",
    resources:
        mem=grown("1GB"),
        runtime=grown("10m"),
    params:
        settings=settings_of,
        configs=configs_of,
        names=names_of,
        made_by=makers_of,
        rules=modules_of,
        code=digest("record"),
    script:
        "../scripts/record.py"
