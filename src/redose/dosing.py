"""What a joint fit says of MRD and dosing: the kill of an infusion and what changes it, doubling time, half-lives; of
a marker that no infusion moves, its change over time.

Every quantity is computed from draws by one function, so that the posterior, the prior and the truth of a simulated
study go through the same arithmetic. Quantities are those of a patient with reference covariates; a patient with
median traits, and those at the outer percentiles of the population.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
import yaml
from scipy.special import ndtri

from redose import coordinates, kinetics, prediction
from redose.covariates import INTERVAL

DRAWS = 4000
CONTRAST = (0.1, 0.9)  # percentiles of the patients between which a numeric covariate is contrasted
FOURTH = 3  # infusions before the fourth
MONTH = 28.0  # days of a continuous course
YEARS = (1, 2, 5)  # after the start of an interval, at which the change of a marker is told
PRODUCT = "product "  # how a property begins that is the product itself
COLUMNS = ["quantity", "of", "contrast", "unit", "infusions", "median", "low", "high"]
COLUMNS += ["prior_median", "prior_low", "prior_high", "truth"]

Row = tuple[str, str, str, str, np.ndarray]  # quantity, of, contrast, unit, values by draw


def summary(
    data: xr.Dataset, posterior: prediction.Draws, prior: prediction.Draws, ci_prob: float, truth: dict | None
) -> pd.DataFrame:
    """A row per quantity: columns as in COLUMNS. of: a product, lot, covariate or agent; contrast: between which
    values; infusions: how many of that product or lot the fit has seen; truth: NaN for real data.

    ci_prob: of the intervals, and of the patients between the outer percentiles. truth: from `read_truth`.
    """
    after, before = (quantities(data, draws, ci_prob) for draws in (posterior, prior))
    true = quantities(data, truth, ci_prob) if truth else [(*row[:4], np.array([np.nan])) for row in after]
    ends = [0.5, (1 - ci_prob) / 2, (1 + ci_prob) / 2]
    given = infusions_of(data) if coordinates.infused(data) else {}
    rows = []
    for (quantity, of, contrast, unit, values), (*_, expected), (*_, value) in zip(after, before, true, strict=True):
        seen = given.get((quantity, of), np.nan)
        found = [*np.quantile(values, ends), *np.quantile(expected, ends), float(value[0])]
        rows.append([quantity, of, contrast, unit, seen, *found])
    return pd.DataFrame(rows, columns=COLUMNS).astype({"infusions": "Int64"})


def quantities(data: xr.Dataset, draws: prediction.Draws, ci_prob: float) -> list[Row]:
    """Every quantity from these draws, in the order of the table."""
    if not coordinates.infused(data):
        return changes(data, draws, ci_prob)
    return [*kills(data, draws, ci_prob), *ratios(data, draws, ci_prob), *paces(data, draws, ci_prob)]


def infusions_of(data: xr.Dataset) -> dict[tuple[str, str], int]:
    """(quantity, product or lot) -> infusions in the design."""
    products, names = data["dose_product"].to_numpy(), data["product"].to_numpy()
    found = {("kill", str(name)): int((products == k).sum()) for k, name in enumerate(names)}
    for lot in data["lot"].to_numpy():
        found["kill_lot", str(lot)] = int(feature(data, f"lot[{lot}]").sum().round())
    return found


def feature(data: xr.Dataset, name: str) -> np.ndarray:
    """A feature of every infusion, shape (infusion,): the design holds it as the patient's mean and what differs."""
    place = list(data["feature"].to_numpy()).index(name)
    mean = data["mean_features"].to_numpy()[data["dose_patient"].to_numpy(), place]
    return mean + data["dose_features"].to_numpy()[:, place]


def percentiles(ci_prob: float) -> tuple[str, str]:
    """The outer percentiles of patients or lots, in words: 5 and 95."""
    low = 100 * (1 - ci_prob) / 2
    return f"{low:.3g}", f"{100 - low:.3g}"


def spread(quantity: str, of: str, unit: str, middle: np.ndarray, log_sd: np.ndarray, ci_prob: float) -> list[Row]:
    """Rows of the median patient and of those at the outer percentiles; patients are log-normal about `middle`."""
    z = ndtri((1 + ci_prob) / 2)
    rows = [(quantity, of, "median patient", unit, middle)]
    for end, sign, percent in zip(("low", "high"), (-1, 1), percentiles(ci_prob), strict=True):
        words = f"patient at percentile {percent}"
        rows.append((f"{quantity}_{end}", of, words, unit, middle * np.exp(sign * z * log_sd)))
    return rows


def kills(data: xr.Dataset, draws: prediction.Draws, ci_prob: float) -> list[Row]:
    """Kill of a first infusion of the reference dose, log10, timed to no course: by product, and by lot."""
    rows, xi = [], draws.get("xi", np.zeros((0, len(draws["delta"]))))
    for k, product in enumerate(data["product"].to_numpy()):
        kill = draws["delta"] * np.exp(properties(data, k) @ xi)
        rows += spread("kill", str(product), "log10", kill, draws["omega_delta"], ci_prob)
    for k, lot in enumerate(data["lot"].to_numpy()):
        log_ratio = data["lot_property"].to_numpy()[k] @ xi + draws["u_lot"][k]
        rows.append(("kill_lot", str(lot), "", "log10", draws["delta"] * np.exp(log_ratio)))
    return rows


def properties(data: xr.Dataset, product: int) -> np.ndarray:
    """Values of the properties of a product, by index, in a first interval; shape (property,)."""
    mine = data["dose_product"].to_numpy() == product
    names = [str(p) for p in data["property"].to_numpy()]
    # every infusion of a product has its properties; a product without any infusion has the reference's
    return np.array(
        [feature(data, f"xi[{n}]")[mine][0].round(9) if n != INTERVAL and mine.any() else 0.0 for n in names]
    )


def ratios(data: xr.Dataset, draws: prediction.Draws, ci_prob: float) -> list[Row]:
    """Ratios of the kill: by covariate, property, course, dose, earlier infusions, and between lots."""
    moved = enumerate(contrasts(data, "kill"))
    rows = [("kill_ratio", of, words, "ratio", np.exp(step * draws["eta"][k])) for k, (of, words, step) in moved]
    for k, name in enumerate(data["property"].to_numpy()):
        if not str(name).startswith(PRODUCT):
            what = "each further interval" if name == INTERVAL else "with it against without"
            rows.append(("kill_ratio", str(name), what, "ratio", np.exp(draws["xi"][k])))
    for k, agent in enumerate(data["timed"].to_numpy()):
        rows.append(("kill_timed", str(agent), "timed to it against not", "ratio", np.exp(draws["theta"][k])))
    rows.append(("kill_dose", "", "twice the cells", "ratio", 2 ** draws["psi"]))
    rows.append(("psi", "", "", "exponent", draws["psi"]))
    rows.append(("kill_repeat", "", "each further infusion", "ratio", np.exp(draws["rho"])))
    rows.append(("kill_repeat", "", "fourth infusion against first", "ratio", np.exp(FOURTH * draws["rho"])))
    if data.sizes["lot"]:
        low, high = percentiles(ci_prob)
        wide = np.exp(2 * ndtri((1 + ci_prob) / 2) * draws["omega_lot"])
        rows.append(("kill_lots", "", f"percentile {high} against {low}", "ratio", wide))
    return rows


def contrasts(data: xr.Dataset, part: str) -> list[tuple[str, str, float]]:
    """(covariate, words, step) of each column of a linear predictor (part: kill, growth): between the outer percentiles
    of the patients (CONTRAST) of a number, or a level against the reference. step: in units of the coefficient."""
    found, known = [], json.loads(data.attrs["codings"])
    for k, name in enumerate(data[f"{part}_covariate"].to_numpy()):
        column, _, level = str(name).partition("[")
        of = known[column]
        if "levels" in of:
            found.append((column, f"{level.removesuffix(']')} against {of['reference']}", 1.0))
            continue
        ends = np.quantile(data[f"x_{part}"].to_numpy()[:, k], CONTRAST)
        if ends[0] == ends[1]:  # a flag that few patients have
            ends = np.array([(of[end] - of["centre"]) / of["per"] for end in ("low", "high")])
        low, high = ends * of["per"] + of["centre"]
        found.append((column, f"{high:.3g} against {low:.3g}", ends[1] - ends[0]))
    return found


def paces(data: xr.Dataset, draws: prediction.Draws, ci_prob: float) -> list[Row]:
    """Doubling time of the patients, half-life of the cells by product, what continuous courses take off."""
    rows = spread("doubling", "", "days", draws["doubling"], draws["omega_g"], ci_prob)
    for k, (of, words, step) in enumerate(contrasts(data, "growth")):
        rows.append(("doubling_ratio", of, words, "ratio", np.exp(step * draws["beta_g"][k])))
    for k, product in enumerate(data["product"].to_numpy()):
        rows.append(("half_life", str(product), "", "days", draws["half_life"][k]))
    for k, agent in enumerate(data["course"].to_numpy()):
        rows.append(("course", str(agent), f"{MONTH:g} days on it", "log10", MONTH * draws["kappa"][k]))
    if "cured" in draws:
        rows.append(("cured", "", "", "share", draws["cured"]))
    return rows


def changes(data: xr.Dataset, draws: prediction.Draws, ci_prob: float) -> list[Row]:
    """Change of a marker without infusions since the start of an interval, log10: of the median patient, and of those
    at the outer percentiles of the change. Told at whole years within the samples, else at the last of these."""
    last = float(data["point_elapsed"].to_numpy()[: data.sizes["sample"]].max()) / kinetics.YEAR
    z, (lower, upper) = ndtri((1 + ci_prob) / 2), percentiles(ci_prob)
    rows = []
    for year in [y for y in YEARS if y <= last] or [round(last, 2)]:
        basis = kinetics.curve_basis(np.array([year * kinetics.YEAR]), data["curve_knots"].to_numpy())[0]
        middle, scaled = basis @ draws["slope"], basis[:, None] * draws["omega_s"]
        sd = np.sqrt(np.einsum("bd,dbc,cd->d", scaled, own(data, draws), scaled))
        when = f"{year:g} year{'s' * (year != 1)} on"
        rows.append(("change", when, "median patient", "log10", middle))
        rows.append(("change_low", when, f"patient at percentile {lower}", "log10", middle - z * sd))
        rows.append(("change_high", when, f"patient at percentile {upper}", "log10", middle + z * sd))
        for k, (of, words, step) in enumerate(contrasts(data, "growth")):
            rows.append(("change_difference", of, f"{words}, {when}", "log10", step * (basis @ draws["beta_s"][k])))
    return rows


def own(data: xr.Dataset, draws: prediction.Draws) -> np.ndarray:
    """Correlation of a patient's own slopes, shape (draw, basis, basis)."""
    basis = data.sizes["basis"]
    return prediction.trait_correlation(data, draws, 1)[:, :basis, :basis]


def read_truth(folder: str | None, data: xr.Dataset) -> prediction.Draws | None:
    """The parameters of a simulated study as one draw, from truth.yaml in `folder`; None for real data, for a marker
    without infusions, and where the model leaves out what the simulator lets the product do to the kill."""
    if not folder or not coordinates.infused(data):
        return None
    written = yaml.safe_load(Path(folder, "truth.yaml").read_text())
    known, at_reference = written["parameters"], json.loads(data.attrs["options"])["reference_cells"]
    if set(known["xi"]) - {str(p) for p in data["property"].to_numpy()}:
        return None
    shared = ["doubling", "psi", "rho", "omega_delta", "omega_g", "omega_lot"]
    shared += ["cured"] * json.loads(data.attrs["options"])["kinetics"]["cured"]
    found = {name: np.array([known[name]]) for name in shared}
    found["delta"] = known["delta"] * (at_reference / known["reference_cells"]) ** found["psi"]
    by_name = {"xi": ("property", known["xi"]), "theta": ("timed", known["theta"]), "kappa": ("course", known["kappa"])}
    by_name |= {"eta": ("kill_covariate", known["eta"]), "beta_g": ("growth_covariate", known["beta_g"])}
    by_name |= {"half_life": ("product", known["half_life"]), "u_lot": ("lot", written.get("u_lot", {}))}
    for name, (dim, values) in by_name.items():
        found[name] = np.array([[values.get(str(x), 0.0)] for x in data[dim].to_numpy()]).reshape(-1, 1)
    return found
