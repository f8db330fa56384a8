# The jobs on the way to a dossier: which feeds which, and how long each took.
import csv

from snakemake.iocontainers import Wildcards

TIMES = {"s": "wall_s", "max_rss": "peak_mb", "cpu_time": "cpu_s", "mean_load": "load_percent"}


def maker_of(file):
    """The rule that makes a file, None for a file that is given."""
    return next((r for r in workflow.rules if any(made.match(file) for made in r.output)), None)


def jobs_to(*targets):
    """(job, files that it reads) of every job on the way to some files, a job being (rule, wildcards): from the rules'
    own inputs, because a script sees no more of the workflow than its own job."""
    todo, found = list(targets), {}
    while todo:
        maker = maker_of(file := todo.pop())
        if maker is None:
            continue
        known = maker.get_wildcards(file)
        job = (maker.name, tuple(sorted(known.items())))
        if job not in found:
            found[job] = [str(f) for f in maker.expand_input(Wildcards(fromdict=known))[0]]
            todo += found[job]
    return found


def graph_of(wildcards):
    """Rules on the way to a study's dossier with the number of their jobs, and which feeds which. Known, and looked for,
    when every model is judged."""
    judged_of(wildcards)
    found = jobs_to(f"results/{wildcards.study}/report.html")
    names = [name for name, _ in found]
    edges = {(maker.name, name) for (name, _), read in found.items() for maker in map(maker_of, read) if maker}
    return {"jobs": {name: names.count(name) for name in sorted(set(names))}, "edges": sorted(map(list, edges))}


def run_times(study):
    """Wall time, peak memory (MiB), CPU time and load (% of a core) of every job behind a dossier that left its times."""
    rows = []
    for name, known in sorted(jobs_to(f"results/{study}/report.html")):
        file = workflow.get_rule(name).expand_benchmark(Wildcards(fromdict=dict(known)))
        if file and Path(file).exists():
            with open(file, newline="") as lines:
                found = list(csv.DictReader(lines, delimiter="\t"))
            job = ".".join(value for key, value in known if key != "study")
            for row in found[:1]:  # none where the job was killed
                rows.append({"rule": name, "job": job, **{new: row.get(old, "") for old, new in TIMES.items()}})
    return rows


def write_run_times():
    """Leaves run_times.csv beside every dossier. It is no part of it, because times differ between two runs of the same
    results; and no rule makes it, because a benchmark file that is an input and was lost asks for its fit again."""
    for study, own in config["studies"].items():
        # what a dossier is made of is known when every model is judged
        judged = {f"results/{study}/{model}/verdict.json" for model in own["models"]}
        known = judged <= workflow.checkpoints.created_output and Path(f"results/{study}/report.html").exists()
        rows = run_times(study) if known else []
        if rows:
            with open(f"results/{study}/run_times.csv", "w", newline="") as file:
                table = csv.DictWriter(file, rows[0], lineterminator="\n")
                table.writeheader()
                table.writerows(rows)
