"""What the patient explorer and the swimmer plot of a dossier show: data for the page's own script, and sentences."""

import math

import numpy as np
import pandas as pd

from redose import dynamic
from redose.cohort import visits
from redose.dynamic import Action
from redose.figures import decisions
from redose.report import words
from redose.report.reading import Dossier, Fit
from redose.report.tables import people
from redose.report.tables.cells import OUTCOMES

DIGITS = 3  # decimals of log10 MRD and of probabilities
DEEPEST = -8.0  # log10 MRD; what no assay of today tells apart is not told apart
MARKERS = {"mrd": ("MRD", "MRD (fraction)"), "burden": ("burden", "burden, in its unit")}
SPANS = {  # table -> columns of the first and last day, and words of an episode
    "gvhd": ("onset_day", "end_day", lambda r: f"{r['kind']} GVHD {r['grade'] or ''}".strip()),
    "conditions": ("onset_day", "end_day", lambda r: str(r["condition"])),
    "courses": ("start_day", "stop_day", lambda r: str(r["agent"])),
}


def explorer(dossier: Dossier) -> dict:
    """Everything that the page's script draws of patients, as JSON can hold it. model (None without an accepted one),
    tau (log10, None without an action threshold), ci, causes (key -> words), marker (None where nothing was measured),
    scale (words of its axis), groups (their number), and patients: key, group, facts (label, text),
    intervals (start, end, outcome), samples (day, log10 MRD or LOD, 1 if below the LOD), infusions (day, words), spans
    (start, end, words) of GVHD, conditions and courses, curves by outcome (days, mean, low, high), says (sentences)."""
    grouped = {name: dict(list(table.groupby("patient"))) for name, table in dossier.tables.items()}
    fit = main(dossier) if dossier.fits else None
    curves = dict(list(fit.ahead_curves.groupby("patient"))) if fit else {}
    ahead = fit.ahead.set_index("patient").to_dict("index") if fit else {}
    gain = fit.gain.set_index("patient").to_dict("index") if fit and fit.gain is not None else {}
    headings, described = people.describer(dossier)
    group = dossier.tables["patients"].set_index("patient")[dossier.group].astype(str)
    measured = visits.marker(dossier.tables)[0]
    action = dynamic.action_of(fit.decision and fit.decision["regimes"]) if fit else None
    return {
        "model": fit.model if fit else None,
        "tau": action.tau if action else None,
        "ci": f"{100 * dossier.settings['decision']['ci_prob']:g} %",
        "causes": OUTCOMES,
        "marker": MARKERS[measured][0] if len(dossier.tables[measured]) else None,
        "scale": MARKERS[measured][1],
        "groups": group.nunique(),
        "patients": [
            {
                "key": key,
                "group": group[key],
                "facts": [[label, c.text] for label, c in zip(headings, described(key), strict=True)][1:],
                **history({name: parts.get(key) for name, parts in grouped.items()}, measured),
                "curves": drawn(curves.get(key)),
                "says": says(dossier, ahead.get(key, {}), gain.get(key), action) if fit else [],
            }
            for key in dossier.tables["patients"]["patient"]
        ],
    }


def main(dossier: Dossier) -> Fit:
    """The model that the explorer shows: the best with decisions, else with MRD, else the best."""
    return next(iter([*dossier.with_decisions, *dossier.with_thresholds, dossier.best]))


def history(of: dict[str, pd.DataFrame | None], measured: str) -> dict:
    """Intervals, samples, infusions and spans of a patient, from its parts of the tables. measured: mrd or burden."""
    found = {"intervals": [], "samples": [], "infusions": [], "spans": []}
    if of["intervals"] is not None:
        found["intervals"] = of["intervals"][["start_day", "end_day", "outcome"]].to_numpy().tolist()
    if of[measured] is not None:
        for r in of[measured].to_dict("records"):
            seen = float(np.log10(r["lod"] if r["below"] else r[measured]))
            found["samples"].append([float(r["day"]), round(seen, DIGITS), int(r["below"])])
    if of["infusions"] is not None:
        for r in of["infusions"].to_dict("records"):
            found["infusions"].append([float(r["day"]), f"{r['cells']:.1e} cells of {r['product']}"])
    for name, (first, last, described) in SPANS.items():
        for r in [] if of[name] is None else of[name].to_dict("records"):
            ends = [None if pd.isna(r[c]) else float(r[c]) for c in (first, last)]
            found["spans"].append([*ends, described(r), name])
    return found


def drawn(curves: pd.DataFrame | None) -> dict:
    """Outcome -> [days, mean, low, high] of a patient, rounded."""
    if curves is None:
        return {}
    found = {}
    for outcome, part in curves.groupby("outcome"):
        ordered = part.sort_values("day")
        values = [[round(float(x), DIGITS) for x in ordered[c]] for c in ("mean", "low", "high")]
        found[outcome] = [[round(float(d), 1) for d in ordered["day"]], *values]
    return found


def says(dossier: Dossier, ahead: dict, gain: dict | None, action: Action | None) -> list[str]:
    """What is known of a patient, sentence by sentence."""
    parts = [*of_today(ahead, action, dossier.settings["decision"]["dynamic"]), *of_the_days_ahead(dossier, ahead)]
    if gain:
        of, days = dossier.settings["decision"]["gain"], "{:.0f}".format
        band = words.band(gain["gain_low"], gain["gain_high"], days)
        lead = f"Redosing ({of['regime']} against {of['against']}, from the start of a first interval): "
        parts.append(f"{lead}{days(gain['gain'])} days gained ({band}); {gain['verdict']}: {gain['reason']}.")
    return [decisions.raised(text) for text in parts]


def level(log10: float) -> str:
    """A level of MRD, with its percentage where an assay could tell it."""
    return words.mrd(log10) if log10 >= DEEPEST else f"below 10^{DEEPEST:g}"


def of_today(ahead: dict, action: Action | None, dynamic: dict) -> list[str]:
    """State, latent MRD, and the next test by the config's `decision: dynamic`, which is no regime's own interval."""
    if pd.isna(ahead.get("today", math.nan)):
        return [f"Nothing lies ahead to be foretold: {ahead.get('reason') or 'no interval was followed'}."]
    parts = [f"Alive and progression-free on day {ahead['today']:.0f}, the end of follow-up."]
    if "mrd" not in ahead:
        return parts
    low, middle, high = (ahead[f"mrd{end}"] for end in ("_low", "", "_high"))
    around = f" ({words.band(max(low, DEEPEST), high, words.power)})" if high > DEEPEST else ""
    parts.append(f"Latent level on that day: {level(middle)}{around}.")
    if action:
        p = words.probability(ahead["p_above"])
        of = f"{words.power(action.tau)} of {action.regime}, the best regime with a threshold"
        lead = f"P(at or above {of}) = {p}".replace("= >", ">")
        due = f"the first day on which that probability is {words.percent(dynamic['due'])} or more"
        why = due if ahead["next_test_by"] == "due" else "the latest that the config allows"
        parts.append(f"{lead}. Next test on day {ahead['next_test']:.0f}, {why}.")
    return parts


def of_the_days_ahead(dossier: Dossier, ahead: dict) -> list[str]:
    """Probabilities at the horizons of the config, if no further infusion is given."""
    if pd.isna(ahead.get("today", math.nan)):
        return []
    parts = []
    for d in dossier.settings["decision"]["dynamic"]["days"]:
        free = words.band(ahead[f"free_{d}_low"], ahead[f"free_{d}_high"], words.percent)
        ends = [f"{OUTCOMES[c]} {words.percent(ahead[f'{c}_{d}'])}" for c in OUTCOMES if f"{c}_{d}" in ahead]
        parts.append(f"{d} days on: progression-free {words.percent(ahead[f'free_{d}'])} ({free}), {', '.join(ends)}")
    return [f"Without a further infusion, {'; '.join(parts)}."]
