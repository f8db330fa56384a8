"""Everything that a dossier says, read from the folder of a study's results."""

import base64
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from redose import contract, digests, files
from redose.acceptance import Verdict
from redose.cohort.groups import grouped_by
from redose.design import LINKS
from redose.figures.reading import read as read_table

FIGURES = {  # name -> file below the study's folder
    "free": "{model}/free.svg",
    "incidence": "{model}/incidence.svg",
    "effects": "selection/{model}.effects.svg",
    "prior_predictive": "{model}/prior_predictive.svg",
    "priors": "{model}/priors.svg",
    "chains": "{model}/chains.svg",
    "energy": "{model}/energy.svg",
    "pairs": "{model}/pairs.svg",
    "convergence": "{model}/convergence.svg",
    "outlook": "selection/{model}.svg",
    "gain": "selection/{model}.gain.svg",
    "rules": "selection/{model}.rules.svg",
    "trajectories": "{model}/trajectories.svg",
    "below_lod": "{model}/below_lod.svg",
    "kinetics": "{model}/kinetics.svg",
    "residuals": "{model}/residuals.svg",
    "prior_sensitivity": "{model}/prior_sensitivity.svg",
    "threshold": "threshold/{model}.svg",
    "utility": "decision/{model}/utility.svg",
    "frontier": "decision/{model}/frontier.svg",
    "boundary": "decision/{model}/boundary.svg",
    "patient": "decision/{model}/patient.svg",
    "weights": "decision/{model}/weights.svg",
}
DECISION = ("regimes", "best", "information", "sensitivity", "subgroups", "overlaps")  # tables, where there are regimes
GVHD_FIGURES = {
    "gvhd_incidence": "gvhd/incidence.svg",
    "gvhd_counts": "gvhd/counts.svg",
    "prior_sensitivity": "gvhd/prior_sensitivity.svg",
    "gvhd_risk": "gvhd/risk.svg",
    "priors": "gvhd/priors.svg",
    "chains": "gvhd/chains.svg",
    "energy": "gvhd/energy.svg",
    "pairs": "gvhd/pairs.svg",
    "convergence": "gvhd/convergence.svg",
}
STUDY_FIGURES = {"comparison": "compare.svg", "pareto": "pareto.svg", "rulegraph": "workflow.svg"}
LEAST = {"comparison": 2, "pareto": 1}  # models of progression that such a figure takes
REJECTED = ("prior_predictive", "priors", "convergence", "chains", "energy", "pairs")  # figures of a rejected fit
CALIBRATION = "calibration"  # folder beside those of the studies
COHORT = ("flow", "baseline", "assays", "missing")  # tables of the data, and their figures
ADAM = ("counts", "reasons", "endpoints", "conversions", "left_out")  # of the record of a study that came from ADaM
COHORT_FIGURES = {name: f"{name}.svg" for name in ("flow", "swimmer", "sampling")}
CUTS_FIGURES = {"cuts": "cuts.svg"}
VALIDATION_FIGURES = {"accuracy": "accuracy.svg", "validation": "calibration.svg"}


@dataclass(frozen=True)
class Fit:
    """One accepted model of the study: the tables of its conclusions, its figures (name -> data URI), and versions.
    curves: observed and replicated, below: shares of samples below their LOD, None without MRD. decision: tables of the
    decision layer by name, gain: of every patient, rules: of whom to treat; None where there are no regimes."""

    model: str
    curves: pd.DataFrame
    below: pd.DataFrame | None
    lengths: pd.DataFrame
    effects: pd.DataFrame
    outlook: pd.DataFrame
    ahead: pd.DataFrame
    ahead_curves: pd.DataFrame
    diagnostics: pd.DataFrame
    loo: pd.DataFrame
    residuals: pd.DataFrame
    sensitivity: pd.DataFrame
    sampler: dict
    threshold: pd.DataFrame | None
    kinetics: pd.DataFrame | None
    figures: dict
    made_by: dict
    decision: dict | None
    gain: pd.DataFrame | None
    rules: pd.DataFrame | None

    @property
    def link(self) -> str:
        """How the hazards depend on MRD: none, value or step."""
        return LINKS[self.model]


@dataclass(frozen=True)
class Gvhd:
    """The accepted model of GVHD: tables of its conclusions, figures (name -> data URI), and versions."""

    incidence: pd.DataFrame
    counts: pd.DataFrame
    risk: pd.DataFrame
    diagnostics: pd.DataFrame
    sensitivity: pd.DataFrame
    sampler: dict
    figures: dict
    made_by: dict
    model: str = "gvhd"
    link: str = "none"


@dataclass(frozen=True)
class Rejected:
    """A model that the gate rejected: its verdict and what shows why, and nothing that would be concluded from it."""

    model: str
    verdict: Verdict
    diagnostics: pd.DataFrame
    sampler: dict
    figures: dict
    made_by: dict

    @property
    def link(self) -> str:
        """How the hazards depend on MRD; none in the model of GVHD."""
        return LINKS.get(self.model, "none")


@dataclass(frozen=True)
class Cohort:
    """The data of the study before any model: tables by name, and figures (name -> data URI)."""

    tables: dict
    figures: dict
    model: str = ""


@dataclass(frozen=True)
class Cuts:
    """What every data cut said: the table, and figures (name -> data URI)."""

    table: pd.DataFrame
    figures: dict
    model: str = ""


@dataclass(frozen=True)
class Validation:
    """How well patients left out were predicted: the table of accuracy, and figures (name -> data URI)."""

    accuracy: pd.DataFrame
    figures: dict
    model: str = ""


@dataclass(frozen=True)
class Calibration:
    """Simulation-based calibration of a model: tests of its ranks, the verdict in words, and the figure (data URI)."""

    model: str
    verdict: pd.DataFrame
    text: str
    figures: dict


@dataclass(frozen=True)
class Dossier:
    """A study with its accepted fits, best predicting first; gvhd: its model of GVHD, cuts: data cuts, validation: of
    patients left out, calibration: by simulation, adam: tables of its derivation from ADaM, by name: None where it has
    none; compare: None without an accepted fit; rejected: the models that the gate rejected, by name. figures: of the
    study as a whole (name -> data URI). settings: the config, `studies` narrowed to this one."""

    study: str
    settings: dict
    about: dict
    checks: pd.DataFrame
    tables: dict
    cohort: Cohort
    adam: dict | None
    compare: pd.DataFrame | None
    figures: dict
    fits: dict
    gvhd: Gvhd | None
    rejected: dict
    cuts: Cuts | None
    validation: Validation | None
    calibration: Calibration | None
    digests: dict
    captions: dict

    @property
    def config(self) -> dict:
        """The study's own entry in the config."""
        return self.settings["studies"][self.study]

    @property
    def privacy(self) -> dict:
        """What results do not say of patients: the study's own entries before those of all studies."""
        return {**self.settings["privacy"], **self.config.get("privacy", {})}

    @property
    def fewest(self) -> int:
        """Patients, intervals or events below which counts of subgroups are not shown; 0: all are."""
        return self.privacy["fewest"]

    @property
    def accepted(self) -> dict:
        """Every model that passed the gate, by name."""
        return self.fits | ({self.gvhd.model: self.gvhd} if self.gvhd else {})

    @property
    def judged(self) -> dict:
        """Every model, accepted ones first: what diagnostics, equations, priors and versions are told of."""
        return self.accepted | self.rejected

    @property
    def simulated(self) -> bool:
        return self.config.get("source") == "simulate"

    @property
    def best(self) -> Fit:
        """The model that predicts best: of the patient outlook and, where it holds them, of the effects."""
        return next(iter(self.fits.values()))

    @property
    def with_thresholds(self) -> list[Fit]:
        """Fits that hold MRD thresholds, best predicting first."""
        return [f for f in self.fits.values() if f.threshold is not None]

    @property
    def with_decisions(self) -> list[Fit]:
        """Fits whose regimes were simulated, best predicting first."""
        return [f for f in self.fits.values() if f.decision is not None]

    @property
    def group(self) -> str:
        """Column of patients by which intervals are compared, as overlay.label chooses it."""
        return grouped_by(self.tables["patients"])


def read(folder: Path, settings: dict, captions: dict) -> Dossier:
    """The dossier of the study whose results stand in `folder`.

    settings: the config, `studies` narrowed to this one. captions: figure name -> text of its caption, a template.
    """
    (study, entry), *_ = settings["studies"].items()
    verdicts = {m: Verdict.of(files.read_json(folder / m / "verdict.json")) for m in entry["models"]}
    stands = [m for m, verdict in verdicts.items() if verdict.accepted]  # files of others may be left of earlier runs
    compare = read_table(folder / "compare.csv") if set(stands) - {"gvhd"} else None
    order = [m for m in compare["model"] if m in stands] if compare is not None else []
    names = list(contract.TABLES)
    drawn = {n: folder / file for n, file in STUDY_FIGURES.items() if len(order) >= LEAST.get(n, 0)}
    decided = (
        [m for m in order if with_regimes(entry["models"], m)] if "gvhd" not in verdicts or "gvhd" in stands else []
    )
    validated = entry.get("validation", {}).get("models", order) if "validation" in entry else []
    return Dossier(
        study=study,
        settings=settings,
        about=files.read_json(folder / "tables" / "about.json"),
        checks=read_table(folder / "tables" / "checks.csv"),
        tables={name: pd.read_parquet(folder / "tables" / f"{name}.parquet") for name in names},
        cohort=read_cohort(folder / "data"),
        adam=read_adam(folder / "adam") if entry.get("source") == "adam" else None,
        compare=compare,
        figures={n: embedded(path) for n, path in drawn.items() if path.exists()},
        fits={model: read_fit(folder, model, model in decided) for model in order},
        gvhd=read_gvhd(folder) if "gvhd" in stands else None,
        rejected={m: read_rejected(folder, verdict) for m, verdict in verdicts.items() if not verdict.accepted},
        cuts=read_cuts(folder) if "cuts" in entry else None,
        validation=read_validation(folder / "validation") if set(validated) & set(order) else None,
        calibration=read_calibration(folder.parent / CALIBRATION, settings) if entry.get("calibration") else None,
        digests={name: digests.of_file(folder / "tables" / f"{name}.parquet") for name in names},
        captions=captions,
    )


def with_regimes(models: dict, model: str) -> bool:
    """Whether regimes are simulated with a model: of the joint ones with those whose marker infusions move, as the
    workflow chooses them. Folders of a model that had another trajectory in an earlier run may be left."""
    moved = models[model].get("kinetics", {}).get("trajectory", "infusions") == "infusions"
    return LINKS[model] != "none" and moved


def read_fit(folder: Path, model: str, decided: bool) -> Fit:
    """What the run concluded from one model; decided: whether regimes could be simulated with it."""
    joint = LINKS[model] != "none"
    drawn = {name: folder / place.format(model=model) for name, place in FIGURES.items()}
    own, curves = folder / "decision" / model, read_table(folder / model / "curves.csv")
    if curves.empty:  # no group is large enough
        drawn = {name: path for name, path in drawn.items() if name not in ("free", "incidence")}
    return Fit(
        model=model,
        curves=curves,
        below=read_table(folder / model / "below_lod.csv") if joint else None,
        lengths=read_table(folder / model / "lengths.csv"),
        effects=read_table(folder / "selection" / f"{model}.effects.csv"),
        outlook=read_table(folder / "selection" / f"{model}.csv"),
        ahead=read_table(folder / model / "ahead.csv"),
        ahead_curves=read_table(folder / model / "ahead_curves.csv"),
        diagnostics=read_table(folder / model / "diagnostics.csv"),
        loo=read_table(folder / model / "loo.csv"),
        residuals=read_table(folder / model / "residuals.csv"),
        sensitivity=read_table(folder / model / "prior_sensitivity.csv"),
        sampler=files.read_json(folder / model / "sampler.json"),
        threshold=read_table(folder / "threshold" / f"{model}.csv") if joint else None,
        kinetics=read_table(folder / model / "kinetics.csv") if joint else None,
        figures={name: embedded(path) for name, path in drawn.items() if path.exists()},
        made_by=dict(files.read_tree(folder / model / "posterior.nc")["posterior"].attrs),
        decision={n: read_table(own / f"{n}.csv") for n in DECISION} if decided else None,
        gain=read_table(folder / "selection" / f"{model}.gain.csv") if decided else None,
        rules=read_table(folder / "selection" / f"{model}.rules.csv") if decided else None,
    )


def read_gvhd(folder: Path) -> Gvhd:
    """What the run concluded from the model of GVHD."""
    own, names = folder / "gvhd", ("incidence", "counts", "risk", "diagnostics")
    table = {name: read_table(own / f"{name}.csv") for name in names}
    few = {"gvhd_incidence"} if table["incidence"].empty else set()  # no group is large enough
    return Gvhd(
        **table,
        sensitivity=read_table(own / "prior_sensitivity.csv"),
        sampler=files.read_json(own / "sampler.json"),
        figures={name: embedded(folder / place) for name, place in GVHD_FIGURES.items() if name not in few},
        made_by=dict(files.read_tree(own / "posterior.nc")["posterior"].attrs),
    )


def read_rejected(folder: Path, verdict: Verdict) -> Rejected:
    """What there is of a fit that the gate rejected."""
    own = folder / verdict.model
    drawn = {name: own / f"{name}.svg" for name in REJECTED}
    return Rejected(
        model=verdict.model,
        verdict=verdict,
        diagnostics=read_table(own / "diagnostics.csv"),
        sampler=files.read_json(own / "sampler.json"),
        figures={name: embedded(path) for name, path in drawn.items() if path.exists()},
        made_by=dict(files.read_tree(own / "posterior.nc")["posterior"].attrs),
    )


def read_cohort(folder: Path) -> Cohort:
    """What the run says of the data themselves."""
    drawn = {name: embedded(folder / place) for name, place in COHORT_FIGURES.items()}
    return Cohort({name: read_table(folder / f"{name}.csv") for name in COHORT}, drawn)


def read_adam(folder: Path) -> dict:
    """What the run says of the ADaM datasets that the study came from: table by name."""
    return {name: read_table(folder / f"{name}.csv") for name in ADAM}


def read_cuts(folder: Path) -> Cuts:
    """What the run found at the data cuts of the study."""
    drawn = {name: embedded(folder / place) for name, place in CUTS_FIGURES.items()}
    return Cuts(read_table(folder / "cuts.csv"), drawn)


def read_validation(folder: Path) -> Validation:
    """What the run found of patients left out."""
    drawn = {name: embedded(folder / place) for name, place in VALIDATION_FIGURES.items()}
    return Validation(read_table(folder / "accuracy.csv"), drawn)


def read_calibration(folder: Path, settings: dict) -> Calibration:
    """What the calibration found of the model that the config names."""
    verdict, text = read_table(folder / "verdict.csv"), (folder / "verdict.txt").read_text("utf-8")
    return Calibration(settings["calibration"]["model"], verdict, text, {"calibration": embedded(folder / "ecdf.svg")})


def embedded(path: Path) -> str:
    """An SVG file as a data URI: the dossier refers to nothing outside itself."""
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
