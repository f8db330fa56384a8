# Look-ups of the benchmark.
BENCHMARK = config["benchmark"]


def named_case(case):
    return ".".join(str(case[name]) for name in ("study", "model", "patients") if name in case)


CASES = {named_case(case): case for case in BENCHMARK["fits"]}
MEASURED = [f"fit/{name}" for name in CASES]
MEASURED += [name for name in ("rstanarm", "regimes", "checks", "start", "dag") if BENCHMARK[name]]


def program(*names):
    """Files of benchmarks/, the one that is called first, and with what all of them share."""
    shared = ["rows.py", "processes.py"]
    return [os.path.relpath(Path(workflow.basedir, "benchmarks", name)) for name in (*names, *shared)]


def own_config(wildcards=None):
    """The config that the programs read: they measure the examples as the repository has them."""
    return os.path.relpath(Path(workflow.basedir, "config.yaml"))


def whole_machine(wildcards):
    """All cores, so that nothing else runs beside what is measured; under a scheduler, two of its own."""
    cores = workflow.resource_settings.cores
    return cores if cores and workflow.is_main_process else 2


def options_of_fit(wildcards):
    """The case as arguments of fit.py."""
    case = CASES[wildcards.case]
    given = {"patients": case.get("patients"), **case.get("sampling", {})}
    return " ".join([case["study"], case["model"], *(f"--{k} {v}" for k, v in given.items() if v is not None)])
