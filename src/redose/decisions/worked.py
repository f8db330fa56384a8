"""One patient under a few regimes, and the population beside the suppression boundary."""

import numpy as np
import pandas as pd

from redose import kinetics
from redose.decisions import path, records
from redose.decisions import regimes as rules
from redose.decisions.regimes import Regime
from redose.prediction import Draws

SHOWN = 3


def typical(people: records.People) -> tuple[int, int]:
    """(draw, patient): the patient nearest to the medians of level, growth and kill over all draws, each in its sd."""
    parts = [people.level, np.log(np.maximum(people.growth, 1e-12)), np.log(np.maximum(people.kill, 1e-12))]
    apart = sum(((x - np.median(x)) / max(x.std(), 1e-12)) ** 2 for x in parts)
    draw, patient = np.unravel_index(apart.argmin(), apart.shape)
    return int(draw), int(patient)


def shown(regimes: list[Regime], expected: np.ndarray) -> list[int]:
    """Places of the regimes that are drawn: without redosing, the best fixed and the best adaptive one."""
    places = [next(k for k, r in enumerate(regimes) if r.kind == "none")]
    for kind in ("fixed", "adaptive"):
        of_kind = [k for k, r in enumerate(regimes) if r.kind == kind]
        places += [max(of_kind, key=lambda k: expected[k])] if of_kind else []
    return places[:SHOWN]


def example(regimes: list[Regime], places: list[int], world: records.World, lod: float) -> pd.DataFrame:
    """The path of a typical patient, a row per regime and step: regime, day, level (log10 MRD), reading (NaN without a
    test), below (a reading under the limit), infusion, free, gvhd, severe, progressed, dead (probabilities at the
    end of the step).

    world: from `outcomes.arrays`. lod: log10.
    """
    draw, patient = typical(world.people)
    times, numbers = rules.rules(regimes)
    step = world.setting.step
    tables = []
    for place in places:
        traced = path.followed(draw, patient, place, times, numbers, world)
        table = pd.DataFrame(traced, columns=list(path.TRACED))
        table.insert(0, "regime", regimes[place].name)
        table.insert(1, "day", step * np.arange(len(table)))
        table["level"] = kinetics.log10_fraction(table.pop("ratio").to_numpy())
        table["below"] = np.isneginf(table["reading"])
        table["reading"] = table["reading"].where(~table["below"], lod)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def suppression(draws: Draws, people: records.People, intervals: list[float]) -> pd.DataFrame:
    """Draws of the median patient beside the suppression boundary, log10 kill = 0.301 · interval / doubling: a row per
    spacing of infusions (days) and draw: spacing, draw, doublings (between two), kill (log10, of one infusion of the
    reference cells), held (share of the draw's patients whose MRD does not rise)."""
    count = len(draws["doubling"])
    rows = []
    for days in intervals:
        held = (people.kill >= people.growth * days).mean(1)
        row = {"spacing": days, "draw": np.arange(count), "doublings": days / draws["doubling"]}
        rows.append(pd.DataFrame(row | {"kill": draws["delta"], "held": held}))
    return pd.concat(rows, ignore_index=True)
