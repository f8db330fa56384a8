"""The dossier: one HTML page per study that needs nothing but itself."""

import ast
from dataclasses import dataclass
from importlib.resources import files
from types import SimpleNamespace

from jinja2 import Environment, PackageLoader, StrictUndefined

from redose import digests
from redose.report import answer, config, explorer, lead, library, missing, surface, tables, words
from redose.report.chapters import CHAPTERS
from redose.report.printed import Printed
from redose.report.reading import Calibration, Cohort, Cuts, Dossier, Fit, Gvhd, Rejected, Validation

JOINT = ("joint_value", "joint_slope", "joint_value_slope", "joint_step")
PAGES = {"intervals": "intervals", **dict.fromkeys(JOINT, "joint"), "gvhd": "gvhd"}  # of redose.models
ALT = {
    "answer": "Gain by threshold, by days between tests and by patient, or what else is known",
    "free": "Probability of being alive and progression-free by group and interval number, observed and model",
    "incidence": "Cumulative incidence of every cause by group and interval number, observed and model",
    "effects": "Forest plot of hazard ratios",
    "prior_predictive": "Prior draws of what clinicians hold beliefs about, beside published ranges",
    "priors": "Prior and posterior densities of the population parameters",
    "chains": "Traces and rank plots of the parameters with the fewest effective draws",
    "energy": "BFMI of every chain, and densities of the energy and of its changes from draw to draw",
    "pairs": "Draws of the parameters that were hardest to sample, against each other",
    "convergence": "R-hat and effective sample sizes of all parameters against the limits of the gate",
    "gain": "Gain of every patient with its verdict, and of new patients by burden and microenvironment",
    "rules": "Net benefit of rules of whom to treat, over the days that treatment must bring",
    "outlook": "Probability of staying progression-free, patients ranked",
    "trajectories": "Latent MRD and samples of at most nine patients",
    "residuals": "Nelson-Aalen estimate of Cox-Snell residuals by cause and interval number, against the diagonal",
    "prior_sensitivity": "Sensitivity of conclusions and parameters to the priors and to the likelihood",
    "flow": "Numbers of patients by group: enrolled, infused, sampled, and how the first intervals ended",
    "swimmer": "A line per patient with intervals, infusions, samples, GVHD, courses and outcomes",
    "sampling": "Days between samples, samples of those still followed, and share below the limit by assay",
    "kinetics": "Kill of an infusion by product and lot, what changes it, doubling time, half-lives, with priors",
    "below_lod": "Share of MRD samples below the limit of detection over time",
    "gvhd_incidence": "Cumulative incidence of acute and chronic GVHD by group, observed and model",
    "gvhd_counts": "Episodes of GVHD by kind and grade, observed and replicated by the model",
    "gvhd_risk": "Probability of acute GVHD after infusions by dose and spacing, prior and posterior",
    "utility": "Expected gain over no redosing by threshold and days between tests, and of other regimes",
    "frontier": "Delay and false triggers against tests, days free against infusions",
    "boundary": "Kill of an infusion against doublings between infusions, with the line on which MRD stays flat",
    "patient": "MRD, tests, infusions and state probabilities of one patient under three regimes",
    "weights": "Preferred regime by cost and willingness to pay, and acceptability curve",
    "threshold": "Risk of progression against MRD, and posterior of the prognostic threshold",
    "accuracy": "AUC and index of prediction accuracy of models and references by landmark day and horizon",
    "validation": "Observed incidence against predicted risk of groups of like risk, patients left out",
    "calibration": "Ranks of true values among posterior draws by quantity, with bands of uniform ranks",
    "comparison": "Differences in expected log predictive density between models",
    "pareto": "Pareto k of every patient by model, against the limit of 0.7",
    "cuts": "Thresholds, days alive and progression-free, and verdicts on patients at every data cut",
    "rulegraph": "Rules of the workflow from the tables to this page, with the number of their jobs",
}


@dataclass(frozen=True)
class Figure:
    """A picture as a data URI, what stands in for it, and the paragraphs of its caption."""

    name: str
    uri: str
    alt: str
    caption: list[str]


def environment(printed: Printed) -> Environment:
    """Templates of this package; everything that they print is escaped, and their tables are collected in `printed`."""
    made = Environment(
        loader=PackageLoader("redose", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {"allow_nan": False}
    made.globals["file_of"] = printed.file
    made.filters |= {"powers": words.powers, "days": words.days, "percent": words.percent}
    return made


def render(dossier: Dossier, picture: str, printed: Printed | None = None) -> str:
    """The dossier as HTML5. picture: the figure of the answer as a data URI; printed: collects the tables."""
    return (
        environment(printed or Printed())
        .get_template("report.html")
        .render(
            **shared(dossier, picture),
            chapters=CHAPTERS,
            missing=missing.missing(dossier),
            sentences=answer.answer(dossier),
            tables=tables,
            equations=equations(dossier),
            config_text=config.readable(dossier.settings),
            explorer=explorer.explorer(dossier),
            surface_of=surface.surface,
            plotly=library.plotly(),
        )
    )


def index(studies: dict[str, dict]) -> str:
    """The page over all studies as HTML5, which lies beside their folders. studies: name -> `summary.summary`."""
    return environment(Printed()).get_template("index.html").render(studies=studies, words=words)


def render_answer(dossier: Dossier, picture: str) -> str:
    """The answer alone as HTML5, on one page of A4 when it is printed."""
    return environment(Printed()).get_template("answer.html").render(**shared(dossier, picture))


def shared(dossier: Dossier, picture: str) -> dict:
    """What the dossier and the page of the answer both say."""
    drawn = {**dossier.figures, "answer": picture}
    return {
        "dossier": dossier,
        "lead": lead.lead(dossier),
        "changes": lead.changes(dossier),
        "sure": lead.SURE,
        "figure": lambda name, fit=None: figure(dossier, name, fit, drawn),
        "words": words,
        "config_digest": digests.of_settings(dossier.settings),
    }


def figure(
    dossier: Dossier,
    name: str,
    fit: Fit | Gvhd | Rejected | Validation | Calibration | Cohort | Cuts | None,
    of_study: dict,
) -> Figure | None:
    """The figure of a model with its caption, or of the study (fit None: of `of_study`, name -> data URI); None where
    it was not drawn."""
    uri = fit.figures.get(name) if fit else of_study.get(name)
    if uri is None:
        return None
    alt = f"{ALT[name]}, model {fit.model}" if fit and fit.model else ALT[name]
    return Figure(name, uri, alt, caption(dossier, name, fit.model if fit else ""))


def caption(dossier: Dossier, name: str, model: str) -> list[str]:
    """Paragraphs of a caption: the very text that `snakemake --report` prints, with the config's numbers."""
    template = Environment(undefined=StrictUndefined).from_string(dossier.captions[name])  # text, escaped by the page
    wildcards = SimpleNamespace(study=dossier.study, model=model)
    text = template.render(snakemake=SimpleNamespace(config=dossier.settings, wildcards=wildcards))
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]


def equations(dossier: Dossier) -> dict:
    """Model -> the docstring of its page, the model in symbols; read as text, because importing it takes seconds."""
    pages = {model: PAGES[model] for model in dossier.judged}
    source = files("redose").joinpath("models")
    found = {
        page: ast.get_docstring(ast.parse(source.joinpath(f"{page}.py").read_text("utf-8"))) for page in pages.values()
    }
    return {words.listed([m for m in pages if pages[m] == page]): text for page, text in found.items()}
