# Interim data cuts: each is a study of its own, STUDY-CUT, to which every rule applies as it is.
KEPT = ["folder", "estimand", "models", "regimes", "privacy"]  # of the study's entry; refits for validation are not


def cut_of(study, cut):
    """The entry of the study that a cut is analysed as: a folder delivered then, or what was known by a calendar day."""
    kept = {key: value for key, value in config["studies"][study].items() if key in KEPT}
    return {**kept, **({"folder": cut["folder"]} if "folder" in cut else {"source": "cut", "of": study, **cut})}


# study -> cut -> the study that it is analysed as, in the order of the config
CUTS = {s: {c: f"{s}-{c}" for c in entry["cuts"]} for s, entry in config["studies"].items() if "cuts" in entry}
for study, cuts in CUTS.items():
    for cut, name in cuts.items():
        if name in config["studies"]:
            raise WorkflowError(f"config: studies.{study}.cuts.{cut}: {name} is a study already; rename the cut")
        config["studies"][name] = cut_of(study, config["studies"][study]["cuts"][cut])


def once_known(study):
    """The study; a data cut only when it was made: jobs that hang on it are planned then, by what it is then."""
    if config["studies"][study].get("source") == "cut":
        checkpoints.cut.get(study=study)
    return study


def of_every_study(pattern, of_models=False):
    """Look-up of a file of every study, or of every model of it."""

    def found(wildcards):
        studies = [once_known(study) for study in config["studies"]]
        if not of_models:
            return expand(pattern, study=studies)
        return [pattern.format(study=s, model=m) for s in studies for m in config["studies"][s]["models"]]

    return found


def whole_of(wildcards):
    """The checked tables of the study that is cut."""
    return expand("results/{of}/tables/{table}.parquet", of=study_of(wildcards)["of"], table=TABLES)


def about_of_whole(wildcards):
    return f"results/{study_of(wildcards)['of']}/tables/about.json"


def day_of_cut(wildcards):
    return study_of(wildcards)["day"]


def cuts_of(wildcards):
    """The cuts of a study in their order, and the study itself: name, study, and day of the cut where it has one."""
    own = study_of(wildcards)["cuts"]
    found = [{"cut": c, "study": s, "day": own[c].get("day")} for c, s in CUTS[wildcards.study].items()]
    return [*found, {"cut": "all data", "study": wildcards.study, "day": None}]


def compared_over_cuts(wildcards):
    """What is compared: tables of every cut, and what was concluded from the models that the gate accepted."""
    found = []
    for study in map(once_known, [*CUTS[wildcards.study].values(), wildcards.study]):
        found += [f"results/{study}/tables/{table}.parquet" for table in ("patients", "intervals", "mrd")]
        for model in [m for m in config["studies"][study]["models"] if m != "gvhd" and accepted(study, m)]:
            found.append(f"results/{study}/{model}/lengths.csv")
            found += [f"results/{study}/threshold/{model}.csv"] * model.startswith("joint")
            found += [f"results/{study}/selection/{model}.gain.csv"] * decides(study, model)
    return found


def cuts_results_of(wildcards):
    """The comparison of a study's cuts, where the config names any."""
    return [f"results/{wildcards.study}/{name}" for name in ("cuts.csv", "cuts.svg")] if wildcards.study in CUTS else []
