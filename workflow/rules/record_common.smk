# Look-ups of the record of a run.
from snakemake.io import is_flagged

WORKFLOW = [Path(workflow.basedir, "Snakefile"), *sorted(Path(workflow.basedir, "workflow").glob("*/*"))]
WORKFLOW = [os.path.relpath(f) for f in WORKFLOW if f.suffix in ("", ".smk", ".py", ".yaml")]
ELSEWHERE = "(elsewhere)"  # in the place of a folder beyond those of the run and of the workflow


def files_of(study):
    """What a run makes of a study: the dossier, its dictionary, predictors and predictions."""
    models = [m for m in config["studies"][study]["models"] if m != "gvhd"]
    predicted = [f for m in models for f in predicted_from(study, m)(None)]
    return [f"results/{study}/report.html", f"results/{study}/dictionary.csv", *predicted]


@cache
def behind(study):
    """Of all files behind a study's results: those that are given, but for the salt, and file -> rule of those made and
    kept. Known when every model is judged: until then inputs lack what hangs on a verdict, and nothing is kept here."""
    judged_of(Wildcards(fromdict={"study": study}))
    jobs = jobs_to(*files_of(study))
    given = {f for files in jobs.values() for f in files if maker_of(f) is None and f != salt_file(study)}
    made = {f: name for name, known in jobs for f in outputs_of(name, known) if not is_flagged(f, "temp")}
    return sorted(given), {str(f): made[f] for f in sorted(made)}


def outputs_of(name, known):
    return workflow.get_rule(name).expand_output(Wildcards(fromdict=dict(known)))[0]


def given_of(wildcards):
    return behind(wildcards.study)[0]


def results_of(wildcards):
    return list(behind(wildcards.study)[1])


def makers_of(wildcards):
    return list(behind(wildcards.study)[1].values())


def modules_of(wildcards):
    """Rule -> modules of the package behind its script."""
    scripts = sorted(set(makers_of(wildcards)))
    return {name: [str(f.relative_to(PACKAGE)) for f in modules(name)] for name in scripts}


def placed(file):
    """A file by its place in the folder of the run or of the workflow; of any other no more than the name."""
    for folder in (Path.cwd(), Path(workflow.basedir)):
        if Path(file).resolve().is_relative_to(folder.resolve()):
            return Path(file).resolve().relative_to(folder.resolve()).as_posix()
    return f"{ELSEWHERE}/{Path(file).name}"


def names_of(wildcards):
    return [placed(file) for file in given_of(wildcards)]


def configs_of(wildcards):
    """Config files of the run, each going before the ones before it; and what its command line said besides."""
    own = workflow.config_settings
    return {"files": [placed(f) for f in own.configfiles], "set": dict(own.config)}
