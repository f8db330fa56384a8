"""Out-of-sample accuracy of predicted risks, with competing risks and right censoring.

One window serves every metric: the patients at risk (alive, free of progression) at a landmark day are predicted to
have an event of a cause in (landmark, landmark + h]. `time` is days from the landmark to the end of the interval,
above 0, `event` its cause, or "none" where follow-up ended, `risk` the predicted probability of the cause's event
within h. An event at h is inside; a patient followed to h without an event, be it censored that day, is free at h.

A patient censored before h is lost: its outcome is unknown, and those still followed stand in for it by inverse
probability of censoring (Graf et al. 1999; Schoop et al. 2011; Blanche, Dartigues & Jacqmin-Gadda 2013; Blanche et al.
2015). With G(t-) the Kaplan-Meier probability, among the patients at risk, of not being censored before t (events
precede censorings at ties), the weight w is

    1 / G(time-) for an event of any cause within h,    1 / G(h-) for a patient free at h,    0 for one lost before h.

For continuous times G(h-) = G(h). The weights sum to the number of patients n, and those of the cause to n times its
Aalen-Johansen cumulative incidence at h, ties or not. All this supposes that censoring is independent of what happens;
with strata, within each of them, where G is then estimated apart.

    auc                Σ w_i w_j [risk_i > risk_j] / Σ w_i w_j, ties half; i a case (an event of the cause within h), j
                       anybody else with a weight, competing events included: Blanche et al. 2013, definition (ii);
                       with folds, pairs within a fold only, as risks of different fits are not ranked by one scale
                       and the incidence among the others is lower for whoever is a case
    brier              Σ w (case - risk)² / n
    ipa                1 - brier / brier of a null risk (Kattan & Gerds 2018)
    observed_expected  Aalen-Johansen incidence at h over the mean risk
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from redose import survival

METRICS = ("auc", "brier", "ipa", "observed_expected")
WINDOW = ["landmark", "horizon", "cause"]
BAND = ("observed", "low", "high", "reason")  # of a group of the calibration table
NONE = "none"  # the event of a censored patient
INCIDENCE, COX = "incidence", "landmark_cox"  # models of `references`
RESAMPLES = 1000
LEVEL = 0.95
ENOUGH = 0.9  # share of the resamples that must have a metric for its band to be given
GROUPS = 10
SMALLEST = 10  # patients a group of the calibration table, ties in risk aside
LOST = "everybody without an event is censored before the horizon"


@dataclass(frozen=True)
class Window:
    """What the days up to a horizon show of each patient at risk; shape (patient,) each.

    end: days, at most the horizon. event: a cause, or "none" for a patient free at the horizon or lost before it.
    """

    end: np.ndarray
    event: np.ndarray
    lost: np.ndarray

    @classmethod
    def of(cls, time, event, horizon: float) -> "Window":
        """time: days after the landmark. event: cause, or "none"; shape (patient,) each."""
        time, event = np.asarray(time, dtype=float), np.asarray(event, dtype=object)
        censored = event == NONE
        return cls(np.minimum(time, horizon), np.where(time <= horizon, event, NONE), censored & (time < horizon))

    def weights(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(weights, shape (resample, patient); followed, shape (resample,)): inverse probabilities of censoring times
        how often a resample has the patient, and whether anybody's outcome at the horizon is known where it must be.

        counts: how often a resample has each patient, shape (resample, patient). Where not `followed`, G(h-) = 0: all
        that were still at risk are lost, and nothing is known of the horizon.
        """
        order = np.argsort(self.end, kind="stable")
        days, place = np.unique(self.end, return_inverse=True)
        first = np.searchsorted(self.end[order], days)
        leaves, lost, happened = (
            np.add.reduceat((counts * kind)[:, order], first, axis=1)
            for kind in (1, self.lost, self.event != NONE)  # a patient free at the horizon only leaves
        )
        exposed = np.cumsum(leaves[:, ::-1], axis=1)[:, ::-1] - happened  # to censoring: events precede it at ties
        kept = 1 - lost / np.maximum(exposed, 1)
        before = np.cumprod(np.hstack([np.ones((len(kept), 1)), kept[:, :-1]]), axis=1)  # G(t-)
        inverse = np.divide(1.0, before, out=np.zeros_like(before), where=before > 0)
        return counts * ~self.lost * inverse[:, place], (kept > 0).all(1)


def weights_in(strata: np.ndarray, window: Window, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `Window.weights`, with G estimated within each stratum. strata: shape (patient,)."""
    found, followed = np.zeros(counts.shape), np.ones(len(counts), dtype=bool)
    for one in np.unique(strata):
        own = strata == one
        part = Window(window.end[own], window.event[own], window.lost[own])
        found[:, own], known = part.weights(counts[:, own])
        followed &= known
    return found, followed


def weights(time, event, horizon: float) -> np.ndarray:
    """Inverse-probability-of-censoring weights, shape (patient,); arguments as in `Window.of`."""
    window = Window.of(time, event, horizon)
    return window.weights(once(window))[0][0]


def once(window: Window) -> np.ndarray:
    """The patients themselves as a resample, shape (1, patient)."""
    return np.ones((1, len(window.end)), dtype=int)


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above / below, NaN where below is 0 or NaN."""
    return np.divide(above, below, out=np.full(np.shape(below), np.nan), where=below > 0)


def concordance(weight: np.ndarray, case: np.ndarray, risk: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """AUC, shape (resample,), NaN without a case and a control in one fold. weight: (resample, patient). fold: shape
    (patient,). Time n log n."""
    above, pairs = 0.0, 0.0
    for one in np.unique(fold):
        own = np.flatnonzero(fold == one)
        own = own[np.argsort(risk[own], kind="stable")]
        _, first = np.unique(risk[own], return_index=True)
        cases, controls = (np.add.reduceat(weight[:, own] * kind[own], first, axis=1) for kind in (case, ~case))
        below = np.cumsum(controls, axis=1) - controls / 2
        above = above + (cases * below).sum(1)
        pairs = pairs + cases.sum(1) * controls.sum(1)
    return ratio(above, pairs)


def squared(weight: np.ndarray, case: np.ndarray, risk: np.ndarray) -> np.ndarray:
    """Brier score, shape (resample,)."""
    return weight @ (case - risk) ** 2 / len(risk)


@dataclass(frozen=True)
class Metric:
    """value: shape (resample,), the patients themselves first. reason: why that is NaN, or empty."""

    value: np.ndarray
    reason: str = ""


@dataclass(frozen=True)
class Judge:
    """Metrics of predictions of one cause in one window, for the patients and all resamples of them at once.

    weight: shape (resample, patient), and followed, shape (resample,), from `Window.weights`; case: shape (patient,).
    counts: shape (resample, patient). null: the risk that `ipa` is measured from, fold: within which patients are
    ranked; shape (patient,) each.
    """

    counts: np.ndarray
    weight: np.ndarray
    followed: np.ndarray
    case: np.ndarray
    null: np.ndarray
    fold: np.ndarray

    def metrics(self, risk: np.ndarray) -> dict[str, Metric]:
        """Name of METRICS -> its values. risk: shape (patient,)."""
        n = len(risk)
        brier, base = (squared(self.weight, self.case, r) for r in (risk, self.null))
        expected = self.counts @ risk / n
        return {
            "auc": self.known(
                concordance(self.weight, self.case, risk, self.fold),
                "no case in the window" if not self.case.any() else "no control in the window",
            ),
            "brier": self.known(brier, ""),
            "ipa": self.known(1 - ratio(brier, base), "the null's Brier score is 0"),
            "observed_expected": self.known(ratio(self.weight @ self.case / n, expected), "every predicted risk is 0"),
        }

    def known(self, value: np.ndarray, otherwise: str) -> Metric:
        """The metric, NaN wherever nothing is known of the horizon. otherwise: another reason why it may be NaN."""
        value = np.where(self.followed, value, np.nan)
        if np.isfinite(value[0]):
            return Metric(value)
        return Metric(value, otherwise if self.followed[0] else LOST)


def judge(time, event, cause: str, horizon: float, null=None) -> Judge:
    """Metrics of one window without resamples."""
    window = Window.of(time, event, horizon)
    counts = once(window)
    null = np.zeros(len(window.end)) if null is None else np.asarray(null, dtype=float)
    return Judge(counts, *window.weights(counts), window.event == cause, null, np.zeros(len(null)))


def auc(risk, time, event, cause: str, horizon: float) -> float:
    """Cumulative/dynamic AUC of one window, NaN where it is undefined. risk, time, event: shape (patient,)."""
    return float(judge(time, event, cause, horizon).metrics(np.asarray(risk, dtype=float))["auc"].value[0])


def brier(risk, time, event, cause: str, horizon: float) -> float:
    """Brier score of one window; as `auc`."""
    return float(judge(time, event, cause, horizon).metrics(np.asarray(risk, dtype=float))["brier"].value[0])


def ipa(risk, null, time, event, cause: str, horizon: float) -> float:
    """Index of prediction accuracy of one window; as `auc`. null: the null's risk, shape (patient,)."""
    return float(judge(time, event, cause, horizon, null).metrics(np.asarray(risk, dtype=float))["ipa"].value[0])


def observed_expected(risk, time, event, cause: str, horizon: float) -> float:
    """Aalen-Johansen incidence at the horizon over the mean risk of one window; as `auc`."""
    found = judge(time, event, cause, horizon).metrics(np.asarray(risk, dtype=float))
    return float(found["observed_expected"].value[0])


def resampled(patients: int, resamples: int, seed: int) -> np.ndarray:
    """How often each patient is in the data themselves (first row, all ones) and in each bootstrap resample, shape
    (1 + resample, patient)."""
    drawn = np.random.default_rng(seed).multinomial(patients, np.full(patients, 1 / patients), size=resamples)
    return np.vstack([np.ones((1, patients), dtype=int), drawn])


def band(value: np.ndarray, patients: int, level: float) -> tuple[float, float, str]:
    """(low, high, reason): percentile interval of the resamples, or why it is NaN. value: as in `Metric`."""
    if np.isnan(value[0]):
        return np.nan, np.nan, ""
    if patients == 1:  # all resamples are the same
        return np.nan, np.nan, "no band: one patient"
    drawn = value[1:][np.isfinite(value[1:])]
    if not len(drawn) or len(drawn) < ENOUGH * (len(value) - 1):
        return np.nan, np.nan, f"no band: undefined in {len(value) - 1 - len(drawn)} of {len(value) - 1} resamples"
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high), ""


def judged(
    predictions: pd.DataFrame,
    outcomes: pd.DataFrame,
    reference: str,
    null: str | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> pd.DataFrame:
    """One row per landmark, horizon, cause, model and metric: estimate, low, high, difference, difference_low,
    difference_high, patients, cases, reason.

    predictions: landmark, horizon, cause, model, patient, risk; other columns are left out. outcomes: landmark,
    patient, time, event, one row per patient at risk at the landmark; `stratum`, within which censoring is independent,
    and `fold`, within which patients are ranked, where it has them. reference: the model that `difference` (model
    minus reference) is measured from; it has none itself. null: the model of the null risk of `ipa`; the reference if
    None. low, high: percentile bootstrap over patients, the same resamples for all models, causes and horizons of a
    landmark. reason: why a number is NaN. Memory: some 80 bytes per resample and patient of a landmark.

    ValueError: a model that is not there; a patient that repeats, or that has a prediction and no outcome or the
    reverse; a risk outside 0..1; a time that is not above 0.
    """
    null = reference if null is None else null
    check_outcomes(outcomes)
    check_predictions(predictions)
    parts = []
    for landmark, predicted in predictions.groupby("landmark", observed=True):
        own = outcomes[outcomes["landmark"] == landmark].sort_values("patient")
        if not len(own):
            raise ValueError(f"landmark {landmark}: there are predictions but no outcomes; add those or leave it out")
        counts = resampled(len(own), resamples, seed)
        for horizon, at in predicted.groupby("horizon", observed=True):
            window = Window.of(own["time"], own["event"], horizon)
            weight, followed = weights_in(labels(own, "stratum"), window, counts)
            for cause, rows in at.groupby("cause", observed=True):
                where = {"landmark": landmark, "horizon": horizon, "cause": cause}
                risks = aligned(rows, own["patient"].to_numpy(), (reference, null), where)
                of = Judge(counts, weight, followed, window.event == cause, risks[null], labels(own, "fold"))
                parts += compared({m: of.metrics(r) for m, r in risks.items()}, where, reference, of, level)
    return pd.DataFrame(parts)


def labels(outcomes: pd.DataFrame, column: str) -> np.ndarray:
    """A column of labels, shape (patient,); one label for all where there is none."""
    return outcomes[column].to_numpy(str) if column in outcomes else np.full(len(outcomes), "all")


def check_outcomes(outcomes: pd.DataFrame) -> None:
    """ValueError where outcomes cannot be used: a patient twice, a time that is not above 0, an event missing."""
    wrong = outcomes[outcomes.duplicated(["landmark", "patient"])]
    refuse(wrong, ["landmark", "patient"], "outcomes: more than one row of a patient at a landmark; leave one")
    wrong = outcomes[~((outcomes["time"] > 0) & np.isfinite(outcomes["time"]))]
    refuse(wrong, ["landmark", "patient", "time"], "outcomes: time must be above 0; leave out who is no longer at risk")
    wrong = outcomes[outcomes["event"].isna()]
    refuse(wrong, ["landmark", "patient"], 'outcomes: no event; write "none" for a censored patient')


def check_predictions(predictions: pd.DataFrame) -> None:
    """ValueError where predictions cannot be used: a risk outside 0..1, a patient twice in one window and model."""
    if not len(predictions):
        raise ValueError("predictions: there is no row; give at least one model's")
    wrong = predictions[~predictions["risk"].between(0, 1)]
    refuse(wrong, [*WINDOW, "model", "patient", "risk"], "predictions: a risk must lie within 0..1")
    wrong = predictions[predictions.duplicated([*WINDOW, "model", "patient"])]
    refuse(wrong, [*WINDOW, "model", "patient"], "predictions: more than one risk of a patient in a window; leave one")


def refuse(wrong: pd.DataFrame, columns: list[str], sentence: str) -> None:
    """ValueError with the first of the wrong rows, if there is one."""
    if len(wrong):
        who = ", ".join(f"{c} {wrong[c].iloc[0]}" for c in columns)
        raise ValueError(f"{sentence} ({len(wrong)} rows, the first: {who})")


def aligned(rows: pd.DataFrame, patients: np.ndarray, needed: tuple, where: dict) -> dict[str, np.ndarray]:
    """Model -> risk of each of the patients in one window, shape (patient,), models by name."""
    named = ", ".join(f"{k} {v}" for k, v in where.items())
    for model in needed:
        if model not in set(rows["model"]):
            raise ValueError(f"{named}: there is no prediction of {model}, which the others are compared with; add it")
    risks = {}
    for model, own in rows.groupby("model", observed=True):
        risk = own.set_index("patient")["risk"]
        for there, others, what in (
            (risk.index, patients, "a risk but no outcome; predict patients at risk at the landmark alone"),
            (patients, risk.index, "an outcome but no risk; predict everybody at risk at the landmark"),
        ):
            alone = pd.Index(there).difference(pd.Index(others))
            if len(alone):
                raise ValueError(f"{named}, model {model}: patient {alone[0]} and {len(alone) - 1} more have {what}")
        risks[model] = risk.loc[patients].to_numpy(dtype=float)
    return risks


def compared(metrics: dict[str, dict], where: dict, reference: str, of: Judge, level: float) -> list[dict]:
    """Rows of `judged` for one window. metrics: model -> name -> Metric."""
    size = {"patients": of.case.size, "cases": int(of.case.sum())}
    rows = []
    for model, found in metrics.items():
        for name, metric in found.items():
            low, high, no_band = band(metric.value, of.case.size, level)
            row = where | {"model": model, "metric": name, "estimate": float(metric.value[0]), "low": low, "high": high}
            why = [metric.reason, no_band]
            gap = np.full_like(metric.value, np.nan)
            if model != reference:
                gap = metric.value - metrics[reference][name].value
                why.append(metrics[reference][name].reason)
            low, high, no_band = band(gap, of.case.size, level)
            row |= {"difference": float(gap[0]), "difference_low": low, "difference_high": high} | size
            rows.append(row | {"reason": "; ".join(x for x in dict.fromkeys([*why, no_band]) if x)})
    return rows


# Calibration


def grouped(risk: np.ndarray, groups: int) -> np.ndarray:
    """Group of each patient by quantiles of its risk, from 0 on without gaps, shape (patient,). Equal risks stay
    together, and groups of fewer than SMALLEST patients are not aimed at."""
    wished = max(min(groups, len(risk) // SMALLEST), 1)
    edges = np.quantile(risk, np.arange(1, wished) / wished, method="inverted_cdf")
    return np.unique(np.searchsorted(np.unique(edges), risk, side="left"), return_inverse=True)[1]


def incidence_variance(time: np.ndarray, times, survived, incidence) -> np.ndarray:
    """Greenwood-type variance of the Aalen-Johansen incidence of the first cause at the last of `times`, a float.

    The delta method for multinomial events among those at risk (Andersen et al. 1993, §IV.4.1.3): Kaplan-Meier's
    Greenwood formula with one cause, F (1 - F) / n without censoring. times, survived, incidence: from
    `survival.aalen_johansen`; time: end of every patient, shape (patient,).
    """
    at_risk = (time[:, None] >= times).sum(0)
    before = np.concatenate([[1.0], survived[:-1]])
    step = np.diff(incidence, axis=1, prepend=0.0) / before  # of each cause, among those at risk
    later = ratio(incidence[0, -1] - incidence[0], survived)  # incidence to come, given free at the time
    later = np.where(np.isnan(later), 0.0, later)
    own, any_cause = step[0], step.sum(0)
    moved = own * (1 - later) ** 2 + (any_cause - own) * later**2 - (own - any_cause * later) ** 2
    return float((before**2 / at_risk * moved).sum())


def observed(time, event, cause: str, horizon: float, level: float = LEVEL) -> tuple[float, float, float, str]:
    """(incidence, low, high, reason): Aalen-Johansen estimate at the horizon with a pointwise band, or why it or the
    band is NaN. Greenwood-type variance (`incidence_variance`), complementary log-log scale: within 0..1."""
    window = Window.of(time, event, horizon)
    if not window.weights(once(window))[1][0]:
        return np.nan, np.nan, np.nan, LOST
    code = np.where(window.event == NONE, 0, np.where(window.event == cause, 1, 2))
    if not (code == 1).any():
        return 0.0, np.nan, np.nan, "no band: no case"
    times, survived, incidence = survival.aalen_johansen(np.zeros(len(code)), window.end, code, [1, 2])
    at = float(incidence[0, -1])
    if (code == 1).all():
        return at, np.nan, np.nan, "no band: cases only"
    error = np.sqrt(incidence_variance(window.end, times, survived, incidence))
    scaled = -ndtri((1 - level) / 2) * error / ((1 - at) * -np.log1p(-at))
    low, high = (-np.expm1(np.log1p(-at) * np.exp(sign * scaled)) for sign in (-1, 1))
    return at, float(low), float(high), ""


def calibration(
    risk, time, event, cause: str, horizon: float, groups: int = GROUPS, level: float = LEVEL
) -> pd.DataFrame:
    """One row per group of patients of like risk, lowest first: group (from 1), patients, cases, predicted (mean risk),
    observed, low, high, reason (see `observed`). risk, time, event: shape (patient,)."""
    risk, time, event = np.asarray(risk, dtype=float), np.asarray(time, dtype=float), np.asarray(event, dtype=object)
    rows, group = [], grouped(risk, groups)
    for k in range(group.max() + 1):
        own = group == k
        found = observed(time[own], event[own], cause, horizon, level)
        row = {"group": k + 1, "patients": int(own.sum())}
        row |= {"cases": int((Window.of(time[own], event[own], horizon).event == cause).sum())}
        rows.append(row | {"predicted": risk[own].mean()} | dict(zip(BAND, found, strict=True)))
    return pd.DataFrame(rows)


def calibrated(
    predictions: pd.DataFrame, outcomes: pd.DataFrame, groups: int = GROUPS, level: float = LEVEL
) -> pd.DataFrame:
    """`calibration` of every landmark, horizon, cause and model, with these columns first. Arguments as in `judged`."""
    check_outcomes(outcomes)
    check_predictions(predictions)
    parts = []
    for (landmark, horizon, cause), rows in predictions.groupby(WINDOW, observed=True):
        own = outcomes[outcomes["landmark"] == landmark].sort_values("patient")
        where = {"landmark": landmark, "horizon": horizon, "cause": cause}
        for model, risk in aligned(rows, own["patient"].to_numpy(), (), where).items():
            table = calibration(risk, own["time"], own["event"], cause, horizon, groups, level)
            parts.append(pd.DataFrame(where | {"model": model} | table.to_dict("list")))
    return pd.concat(parts, ignore_index=True)
