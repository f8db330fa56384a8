"""Names as a reader sees them: covariates, parameters, levels of MRD."""

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
PARAMETERS = {
    "rate_progression": "progressions per patient-year",
    "rate_death": "deaths per patient-year",
    "shape_progression": "Weibull shape, progression",
    "shape_death": "Weibull shape, death",
    "smooth_progression": "roughness of the progression baseline",
    "smooth_death": "roughness of the death baseline",
    "omega_v": "sd of the frailty",
    "phi_death": "loading of the frailty on death",
    "omega_trial": "sd between trials",
    "omega_site": "sd between sites",
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
    "half_life": "half-life of the cells, days",
    "sigma": "assay noise, log10",
    "tau": "threshold τ, log10 MRD",
    "alpha_progression": "hazard ratio of progression",
    "alpha_death": "hazard ratio of death",
    "beta_progression": "hazard ratio of progression",
    "beta_death": "hazard ratio of death",
    "weights_progression": "progression baseline, weight of spline piece",
    "weights_death": "death baseline, weight of spline piece",
    "u_trial": "log hazard of trial",
    "u_site": "log hazard of site",
}
NUMBERED = ("weights_progression", "weights_death", "u_trial", "u_site")  # their index is no covariate
LINKS = {"value": CONDITIONS["MRD, per log10"], "step": CONDITIONS["MRD above tau"]}
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
    if level:
        reference = known.get("reference") or sorted(patients[column].unique())[0]
        return f"{label}: {level.removesuffix(']')} against {reference}"
    if column not in patients:
        return f"{label}, from its onset"
    unit = known.get("unit", "").split(" (")[0]
    step = f"{known.get('per', 1):g} {'' if unit in label else unit}".rstrip()
    return f"{label}, +{step}" if unit or "per" in known else label


def parameter(name: str, about: dict, patients: pd.DataFrame, link: str = "none") -> str:
    """A parameter in words. name: as in diagnostics.csv, such as `tau` or `beta_progression[arm[A]]`."""
    stem, _, index = name.partition("[")
    if stem.startswith("alpha_"):
        return f"{PARAMETERS[stem]}: {LINKS[link]}"
    words = PARAMETERS.get(stem, stem)
    if stem in NUMBERED:
        return f"{words} {index.removesuffix(']')}"
    return f"{words}: {covariate(index.removesuffix(']'), about, patients)}" if index else words
