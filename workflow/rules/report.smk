# Figures and the dossier.
include: "report_common.smk"
include: "report_graph.smk"


rule draw_data:
    input:
        patients="results/{study}/tables/patients.parquet",
        flow="results/{study}/data/flow.csv",
        histories="results/{study}/data/histories.csv",
        sampling="results/{study}/data/sampling.csv",
    output:
        flow=report(
            "results/{study}/data/flow.svg",
            category=CHAPTERS["data"],
            labels={"study": "{study}", "model": "all", "shows": "flow of patients"},
            caption="../report/flow.rst",
        ),
        swimmer=report(
            "results/{study}/data/swimmer.svg",
            category=CHAPTERS["data"],
            labels={"study": "{study}", "model": "all", "shows": "histories of patients"},
            caption="../report/swimmer.rst",
        ),
        sampling=report(
            "results/{study}/data/sampling.svg",
            category=CHAPTERS["data"],
            labels={"study": "{study}", "model": "all", "shows": "sampling"},
            caption="../report/sampling.rst",
        ),
        png=expand("results/{{study}}/data/{name}.png", name=["flow", "swimmer", "sampling"]),
    log:
        "logs/draw_data/{study}.log",
    benchmark:
        "logs/draw_data/{study}.tsv"
    resources:
        mem=grown("1GB"),
        runtime=grown("5m"),
    params:
        code=digest("draw_data"),
    script:
        "../scripts/draw_data.py"


rule draw_fit:
    input:
        about="results/{study}/tables/about.json",
        patients="results/{study}/tables/patients.parquet",
        curves="results/{study}/{model}/curves.csv",
        effects="results/{study}/selection/{model}.effects.csv",
        outlook="results/{study}/selection/{model}.csv",
    output:
        free=report(
            "results/{study}/{model}/free.svg",
            category=CHAPTERS["intervals"],
            labels={"study": "{study}", "model": "{model}", "shows": "alive and progression-free"},
            caption="../report/free.rst",
        ),
        incidence=report(
            "results/{study}/{model}/incidence.svg",
            category=CHAPTERS["intervals"],
            labels={"study": "{study}", "model": "{model}", "shows": "cumulative incidence"},
            caption="../report/incidence.rst",
        ),
        effects=report(
            "results/{study}/selection/{model}.effects.svg",
            category=CHAPTERS["hazards"],
            labels={"study": "{study}", "model": "{model}", "shows": "hazard ratios"},
            caption="../report/effects.rst",
        ),
        outlook=report(
            "results/{study}/selection/{model}.svg",
            category=CHAPTERS["outlook"],
            labels={"study": "{study}", "model": "{model}", "shows": "outlook of patients"},
            caption="../report/outlook.rst",
        ),
        png=expand("results/{{study}}/{{model}}/{name}.png", name=["free", "incidence"])
        + expand("results/{{study}}/selection/{{model}}{name}.png", name=[".effects", ""]),
    log:
        "logs/draw_fit/{study}.{model}.log",
    benchmark:
        "logs/draw_fit/{study}.{model}.tsv"
    wildcard_constraints:
        model=EVENT_MODELS,
    resources:
        mem=grown("2GB"),
        runtime=grown("10m"),
    params:
        horizons=config["decision"]["horizons"],
        clock=clock_of,
        code=digest("draw_fit"),
    script:
        "../scripts/draw_fit.py"


rule draw_mrd:
    input:
        about="results/{study}/tables/about.json",
        trajectories="results/{study}/{model}/trajectories.csv",
        below="results/{study}/{model}/below_lod.csv",
        curve="results/{study}/threshold/{model}.curve.csv",
        table="results/{study}/threshold/{model}.csv",
        kinetics="results/{study}/{model}/kinetics.csv",
        prior="results/{study}/{model}/prior.nc",
        posterior="results/{study}/{model}/posterior.nc",
    output:
        threshold=report(
            "results/{study}/threshold/{model}.svg",
            category=CHAPTERS["mrd"],
            labels={"study": "{study}", "model": "{model}", "shows": "risk and thresholds"},
            caption="../report/threshold.rst",
        ),
        trajectories=report(
            "results/{study}/{model}/trajectories.svg",
            category=CHAPTERS["mrd"],
            labels={"study": "{study}", "model": "{model}", "shows": "MRD of single patients"},
            caption="../report/trajectories.rst",
        ),
        below=report(
            "results/{study}/{model}/below_lod.svg",
            category=CHAPTERS["checking"],
            labels={"study": "{study}", "model": "{model}", "shows": "share below the LOD"},
            caption="../report/below_lod.rst",
        ),
        kinetics=report(
            "results/{study}/{model}/kinetics.svg",
            category=CHAPTERS["mrd"],
            labels={"study": "{study}", "model": "{model}", "shows": "kill and doubling"},
            caption="../report/kinetics.rst",
        ),
        png=expand("results/{{study}}/{{model}}/{name}.png", name=["trajectories", "below_lod", "kinetics"])
        + ["results/{study}/threshold/{model}.png"],
    log:
        "logs/draw_mrd/{study}.{model}.log",
    benchmark:
        "logs/draw_mrd/{study}.{model}.tsv"
    wildcard_constraints:
        model="joint_[a-z_]+",
    resources:
        mem=grown("2GB"),
        runtime=grown("10m"),
    params:
        decision=READ_OFF,
        code=digest("draw_mrd"),
    script:
        "../scripts/draw_mrd.py"


rule draw_gvhd:
    input:
        incidence="results/{study}/gvhd/incidence.csv",
        counts="results/{study}/gvhd/counts.csv",
        risk="results/{study}/gvhd/risk.csv",
    output:
        incidence=report(
            "results/{study}/gvhd/incidence.svg",
            category=CHAPTERS["gvhd"],
            labels={"study": "{study}", "model": "gvhd", "shows": "cumulative incidence of GVHD"},
            caption="../report/gvhd_incidence.rst",
        ),
        counts=report(
            "results/{study}/gvhd/counts.svg",
            category=CHAPTERS["checking"],
            labels={"study": "{study}", "model": "gvhd", "shows": "GVHD episodes, observed and replicated"},
            caption="../report/gvhd_counts.rst",
        ),
        risk=report(
            "results/{study}/gvhd/risk.svg",
            category=CHAPTERS["gvhd"],
            labels={"study": "{study}", "model": "gvhd", "shows": "risk after infusions"},
            caption="../report/gvhd_risk.rst",
        ),
        png=expand("results/{{study}}/gvhd/{name}.png", name=["incidence", "counts", "risk"]),
    log:
        "logs/draw_gvhd/{study}.log",
    benchmark:
        "logs/draw_gvhd/{study}.tsv"
    resources:
        mem=grown("2GB"),
        runtime=grown("10m"),
    params:
        decision=READ_OFF,
        code=digest("draw_gvhd"),
    script:
        "../scripts/draw_gvhd.py"


rule draw_sampler:
    input:
        about="results/{study}/tables/about.json",
        patients="results/{study}/tables/patients.parquet",
        diagnostics="results/{study}/{model}/diagnostics.csv",
        prior="results/{study}/{model}/prior.nc",
        posterior="results/{study}/{model}/posterior.nc",
        truth=truth_of,
    output:
        priors=report(
            "results/{study}/{model}/priors.svg",
            category=CHAPTERS["checking"],
            labels={"study": "{study}", "model": "{model}", "shows": "prior against posterior"},
            caption="../report/priors.rst",
        ),
        chains=report(
            "results/{study}/{model}/chains.svg",
            category=CHAPTERS["checking"],
            labels={"study": "{study}", "model": "{model}", "shows": "chains"},
            caption="../report/chains.rst",
        ),
        energy=report(
            "results/{study}/{model}/energy.svg",
            category=CHAPTERS["checking"],
            labels={"study": "{study}", "model": "{model}", "shows": "energy and BFMI"},
            caption="../report/energy.rst",
        ),
        pairs=report(
            "results/{study}/{model}/pairs.svg",
            category=CHAPTERS["checking"],
            labels={"study": "{study}", "model": "{model}", "shows": "hardest parameters, in pairs"},
            caption="../report/pairs.rst",
        ),
        convergence=report(
            "results/{study}/{model}/convergence.svg",
            category=CHAPTERS["checking"],
            labels={"study": "{study}", "model": "{model}", "shows": "R-hat and ESS of all parameters"},
            caption="../report/convergence.rst",
        ),
        png=expand("results/{{study}}/{{model}}/{name}.png", name=SAMPLER_FIGURES),
    log:
        "logs/draw_sampler/{study}.{model}.log",
    benchmark:
        "logs/draw_sampler/{study}.{model}.tsv"
    resources:
        mem=grown("2GB"),
        runtime=grown("10m"),
    params:
        priors=config["priors"],
        limits=config["acceptance"],
        code=digest("draw_sampler"),
    script:
        "../scripts/draw_sampler.py"


rule draw_pareto:
    input:
        scores=scores_of,
        verdicts=verdicts_of,
    output:
        report(
            "results/{study}/pareto.svg",
            category=CHAPTERS["comparison"],
            labels={"study": "{study}", "model": "all", "shows": "Pareto k of every patient"},
            caption="../report/pareto.rst",
        ),
        "results/{study}/pareto.png",
    log:
        "logs/draw_pareto/{study}.log",
    benchmark:
        "logs/draw_pareto/{study}.tsv"
    resources:
        mem=grown("1GB"),
        runtime=grown("5m"),
    params:
        code=digest("draw_pareto"),
    script:
        "../scripts/draw_pareto.py"


rule draw_comparison:
    input:
        "results/{study}/compare.csv",
    output:
        report(
            "results/{study}/compare.svg",
            category=CHAPTERS["comparison"],
            labels={"study": "{study}", "model": "all", "shows": "difference in elpd"},
            caption="../report/comparison.rst",
        ),
        "results/{study}/compare.png",
    log:
        "logs/draw_comparison/{study}.log",
    benchmark:
        "logs/draw_comparison/{study}.tsv"
    resources:
        mem=grown("1GB"),
        runtime=grown("5m"),
    params:
        code=digest("draw_comparison"),
    script:
        "../scripts/draw_comparison.py"


rule describe:
    input:
        about="results/{study}/tables/about.json",
        patients="results/{study}/tables/patients.parquet",
    output:
        "results/{study}/dictionary.csv",
    log:
        "logs/describe/{study}.log",
    benchmark:
        "logs/describe/{study}.tsv"
    resources:
        mem=grown("1GB"),
        runtime=grown("5m"),
    params:
        has=holdings_of,
        code=digest("describe"),
    script:
        "../scripts/describe.py"


rule draw_workflow:
    input:
        judged_of,
    output:
        report(
            "results/{study}/workflow.svg",
            category=CHAPTERS["provenance"],
            labels={"study": "{study}", "model": "all", "shows": "rules of the workflow"},
            caption="../report/rulegraph.rst",
        ),
        "results/{study}/workflow.png",
    log:
        "logs/draw_workflow/{study}.log",
    benchmark:
        "logs/draw_workflow/{study}.tsv"
    resources:
        mem=grown("1GB"),
        runtime=grown("5m"),
    params:
        graph=graph_of,
        code=digest("draw_workflow"),
    script:
        "../scripts/draw_workflow.py"


rule report:
    input:
        **CONCLUSIONS,
        tables=expand("results/{{study}}/tables/{table}.parquet", table=TABLES),
        about="results/{study}/tables/about.json",
        checks="results/{study}/tables/checks.csv",
        data=data_of,
        adam=adam_of,
        verdicts=verdicts_of,
        fits=fits_of,
        comparison=comparison_of,
        cuts=cuts_results_of,
        validation=validation_of_accepted,
        calibration=calibration_of,
        graph="results/{study}/workflow.svg",
    output:
        dossier=report(
            "results/{study}/report.html",
            category=CHAPTERS["answer"],
            labels={"study": "{study}", "model": "all", "shows": "the dossier"},
            caption="../report/dossier.rst",
        ),
        tables=directory("results/{study}/report"),
        summary="results/{study}/summary.json",
        answer=report(
            "results/{study}/answer.html",
            category=CHAPTERS["answer"],
            labels={"study": "{study}", "model": "all", "shows": "the answer on one page"},
            caption="../report/table_answer.rst",
        ),
        figure=report(
            "results/{study}/answer.svg",
            category=CHAPTERS["answer"],
            labels={"study": "{study}", "model": "all", "shows": "the answer in one figure"},
            caption="../report/answer.rst",
        ),
        png="results/{study}/answer.png",
    log:
        "logs/report/{study}.log",
    benchmark:
        "logs/report/{study}.tsv"
    resources:
        mem=grown("2GB"),
        runtime=grown("10m"),
    params:
        settings=settings_of,
        captions=captions_of,
        pages=pages_of,
        code=digest("report"),
    script:
        "../scripts/report.py"


rule index:
    input:
        of_every_study("results/{study}/summary.json"),
    output:
        "results/index.html",
    log:
        "logs/index/index.log",
    resources:
        mem=grown("1GB"),
        runtime=grown("5m"),
    params:
        pages=pages_of,
        code=digest("index"),
    script:
        "../scripts/index.py"


# ends a run with an error where the gate rejected a model, after everything else was written
rule confirm:
    input:
        *PREDICTIONS,
        verdicts=VERDICTS,
        dossiers=DOSSIERS,
        index="results/index.html",
    output:
        "results/verdicts.csv",
    log:
        "logs/confirm/all.log",
    params:
        code=digest("confirm"),
    script:
        "../scripts/confirm.py"
