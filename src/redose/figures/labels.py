"""Names as a reader sees them: covariates, parameters, levels of MRD."""

import re
import textwrap

import pandas as pd

LONGEST = 36  # letters of a name in a figure
CONDITIONS = {
    "gvhd": "GVHD, while active",
    "gvhd_acute": "acute GVHD, while active",
    "gvhd_chronic": "chronic GVHD, while active",
    "gvhd_severe": "severe GVHD, while active",
    "interval": "each further interval",
    "MRD above tau": "MRD above τ, against below",
    "MRD, per log10": "MRD, ten times higher",
}
CAUSES = {"progression": "progression", "death": "death", "transplant": "transplant", "new_therapy": "new therapy"}
OF_CAUSES = {  # parameters that every cause has
    "rate": "rate of {cause} per patient-year",
    "shape": "Weibull shape, {cause}",
    "smooth": "roughness of the {cause} baseline",
    "phi": "loading of the frailty on {cause}",
    "alpha": "hazard ratio of {cause}",
    "alpha_slope": "hazard ratio of {cause}: MRD slope, per log10 in 30 days",
    "beta": "hazard ratio of {cause}",
    "weights": "{cause} baseline, weight of spline piece",
}
PARAMETERS = {
    "omega_v": "sd of the frailty",
    "omega_trial": "sd between trials",
    "omega_site": "sd between sites",
    "omega_interval": "sd between interval numbers",
    "zeta": "log hazard of interval number",
    "mu_b": "level at the start, log10",
    "beta_b": "change of the level, log10",
    "omega_b": "sd of the level, log10",
    "doubling": "doubling time, days",
    "omega_g": "sd of the log doubling time",
    "delta": "kill of an infusion, log10",
    "omega_delta": "sd of the log kill",
    "eta": "ratio of the kill",
    "psi": "exponent of the dose",
    "rho": "log kill per earlier infusion",
    "theta": "log ratio of the kill, timed to",
    "xi": "log ratio of the kill,",
    "omega_lot": "sd of the log kill between lots",
    "u_lot": "log ratio of the kill, lot",
    "half_life": "half-life of the cells, days",
    "kappa": "log10 killed a day on",
    "beta_g": "log ratio of the doubling time",
    "slope": "slope of the marker, log10 a year",
    "beta_s": "change of the slope, log10 a year",
    "omega_s": "sd of the slope, log10 a year",
    "correlation": "correlation of",
    "cured": "share that never regrows",
    "detection": "width of the detection curve, log10",
    "sigma": "assay noise, log10",
    "tau": "threshold τ, log10 MRD",
    "u_trial": "log hazard of trial",
    "u_site": "log hazard of site",
    "rho_gvhd": "exponent of the dose, GVHD",
    "half_life_gvhd": "half-life of the hazard of GVHD, days",
    "background_acute": "P(acute GVHD in 100 d), background",
    "background_chronic": "P(chronic GVHD in 100 d), background",
    "risk_acute": "P(acute GVHD), one infusion of",
    "risk_chronic": "P(chronic GVHD), one infusion of",
    "duration_acute": "median days of acute GVHD",
    "duration_chronic": "median days of chronic GVHD",
    "shape_acute": "Weibull shape, days of acute GVHD",
    "shape_chronic": "Weibull shape, days of chronic GVHD",
    "beta_acute": "hazard ratio of acute GVHD",
    "beta_chronic": "hazard ratio of chronic GVHD",
    "gamma_acute": "odds ratio of a higher acute grade",
    "gamma_chronic": "odds ratio of a higher chronic grade",
    "grade_acute": "share of acute grade",
    "grade_chronic": "share of chronic grade",
}
PARAMETERS |= {f"{p}_{c}": text.format(cause=word) for p, text in OF_CAUSES.items() for c, word in CAUSES.items()}
NUMBERED = (  # their index is no covariate
    *(f"weights_{c}" for c in CAUSES),
    *(
        "u_trial",
        "u_site",
        "u_lot",
        "zeta",
        "sigma",
        "half_life",
        "correlation",
        "kappa",
        "theta",
        "xi",
        "slope",
        "omega_s",
        "beta_s",
    ),
    *(f"{name}_{kind}" for name in ("background", "risk", "grade") for kind in ("acute", "chronic")),
)
KINETICS = {  # quantities of kinetics.csv; {of}: a product, lot, covariate, agent or time
    **dict.fromkeys(("kill", "kill_low", "kill_high"), "kill of {of}"),
    "kill_lot": "kill of lot {of}",
    "kill_ratio": "kill by {of}",
    "kill_timed": "kill by {of}",
    "kill_dose": "kill by dose",
    "kill_repeat": "kill on redosing",
    "kill_lots": "kill by lot",
    "psi": "exponent ψ of the dose",
    **dict.fromkeys(("doubling", "doubling_low", "doubling_high"), "doubling time"),
    "doubling_ratio": "doubling time by {of}",
    "half_life": "half-life of the cells, {of}",
    "course": "kill of {of}",
    "cured": "share that never regrows",
    **dict.fromkeys(("change", "change_low", "change_high"), "change {of}"),
    "change_difference": "change by {of}",
}
LINKS = dict.fromkeys(("value", "value_slope"), CONDITIONS["MRD, per log10"]) | {"step": CONDITIONS["MRD above tau"]}
MINUS = re.compile(r"(?<!\S)-(?=[0-9.])")  # before a number
SUPERSCRIPTS = str.maketrans("-0123456789.", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹·")


def short(text: str, longest: int = LONGEST) -> str:
    """`text` on one line, its middle left out beyond `longest` letters: ends are what tells long names apart."""
    text = " ".join(str(text).split())
    tail = longest // 3
    return text if len(text) <= longest else f"{text[: longest - tail - 1]}…{text[-tail:]}"


def wrapped(text: str, width: int, lines: int = 2) -> str:
    """`text` over at most `lines` lines of `width` letters."""
    return "\n".join(textwrap.wrap(short(text, width * lines), width, max_lines=lines, placeholder="…"))


def power(level: float) -> str:
    """10 to the `level`, in superscripts: 10⁻³, 10⁻³·⁵."""
    return "10" + f"{round(level, 1) + 0.0:g}".translate(SUPERSCRIPTS)


def covariate(name: str, about: dict, patients: pd.DataFrame) -> str:
    """A design column in words: what it is, per which step, against which level."""
    if name in CONDITIONS:
        return CONDITIONS[name]
    column, _, level = name.partition("[")
    known = about.get("covariates", {}).get(column, {})
    label = known.get("label", column.replace("_", " "))
    if column == "interval" and level:
        return f"interval {level.removesuffix(']')} against 1"
    if column == "burden" and column not in patients:
        return f"{known.get('label', column)}, last measured, ten times higher"
    if level:
        reference = known.get("reference") or sorted(patients[column].unique())[0]
        return f"{label}: {level.removesuffix(']')} against {reference}"
    if column not in patients:
        return f"{label}, from its onset"
    unit = known.get("unit", "").split(" (")[0]
    step = f"{known.get('per', 1):g} {'' if unit in label else unit}".rstrip()
    return f"{label}, +{step}" if unit or "per" in known else label


def kinetics(quantity: str, of: str, contrast: str, about: dict) -> str:
    """A quantity of kinetics.csv in words: of what, and between which values."""
    known = about.get("covariates", {}).get(of, {})
    name = known.get("label", str(of).replace("_", " ") if quantity.endswith(("ratio", "difference")) else of)
    text = KINETICS[quantity].format(of=name)
    return f"{text}: {MINUS.sub('−', contrast)}" if contrast else text


def decision(name: str, settings: dict) -> str:
    """A quantity that decisions rest on. name: as in prior_sensitivity.csv; settings: the config's `decision`."""
    kind, _, index = name.partition("[")
    if kind == "gvhd_after":
        infusions, _, product = index.removesuffix("]").partition(" of ")
        return f"P(acute GVHD), {infusions} infusion{'s' * (infusions != '1')} of {product}"
    kind, _, number = name.rpartition("_")
    if kind == "free":
        return f"P(progression-free {number} days on), mean of patients"
    if kind == "risk_threshold":
        return f"MRD at which P(progression in {settings['risk_horizon']} d) is {100 * float(number):g} %"
    return f"P({CAUSES[kind]} within a year), reference patient"


def parameter(name: str, about: dict, patients: pd.DataFrame, link: str = "none") -> str:
    """A parameter in words. name: as in diagnostics.csv, such as `tau` or `beta_progression[arm[A]]`."""
    stem, _, index = name.partition("[")
    if stem.startswith("alpha_") and not stem.startswith("alpha_slope_"):
        return f"{PARAMETERS[stem]}: {LINKS[link]}"
    words = PARAMETERS.get(stem, stem)
    if stem in NUMBERED:
        return f"{words} {index.removesuffix(']')}"
    return f"{words}: {covariate(index.removesuffix(']'), about, patients)}" if index else words
