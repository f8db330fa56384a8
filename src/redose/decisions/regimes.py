"""Regimes: the rules by which a patient is tested and given infusions, as the config declares them.

Every kind of record becomes the same few numbers, so that one kernel walks them all. Days are multiples of the step.
"""

import math
from dataclasses import dataclass

import numpy as np

NEVER = -1  # steps: a rule that is not there
KINDS = ("none", "fixed", "adaptive", "bridge", "autologous")
GRADES = {"acute": ("1", "2", "3", "4"), "chronic": ("mild", "moderate", "severe")}


class RegimeError(ValueError):
    """A regime of the config that cannot be simulated, with its place and the cure."""


@dataclass(frozen=True)
class Regime:
    """One rule. Times in steps, NEVER where the rule is absent; levels in log10 MRD, infinite where absent.

    start: first infusion. fixed: between infusions. test: between tests. confirm: from a positive test to the second.
    wait: from the last positive test to the infusion. most: infusions. spacing: between two at least. transplant: step
    of the transplant, which goes ahead with `probability`. failure: probability that the product cannot be made.
    cells: of an infusion. product, agent: names, empty for the study's usual product and for none. kill: ratio of the
    kill to that of the study's product. course: steps that `agent` is on from each infusion.
    """

    name: str
    kind: str
    start: int
    fixed: int = NEVER
    test: int = NEVER
    tau: float = math.inf
    rise: float = math.inf
    confirm: int = NEVER
    wait: int = 0
    most: int = 1
    spacing: int = 1
    transplant: int = NEVER
    probability: float = 0.0
    failure: float = 0.0
    cells: float = 0.0
    product: str = ""
    agent: str = ""
    kill: float = 1.0
    course: int = 0
    cell: tuple = ()

    @property
    def tests(self) -> bool:
        return self.test != NEVER


def all_of(decision: dict, reference_cells: float, lod: float) -> list[Regime]:
    """The regimes of the config, the cells of its grid after them. lod: log10, of the assay in use.

    Raises RegimeError for the first regime that cannot be simulated.
    """
    records = [(f"decision.regimes[{k}]", r) for k, r in enumerate(decision["regimes"])]
    records += [("decision.grid", r) for r in cells_of(decision["grid"])]
    found = [read(where, record, decision, reference_cells, lod) for where, record in records]
    names = [r.name for r in found]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise RegimeError(
            f"config: decision.regimes: two regimes are called '{twice[0]}': give each a name of its own."
        )
    if "none" not in {r.kind for r in found}:
        raise RegimeError("config: decision.regimes: no regime of kind none: add one, all others are compared with it.")
    return found


def cells_of(grid: dict) -> list[dict]:
    """The records of the grid: an adaptive one for every tau and interval between tests."""
    shared = {k: v for k, v in grid.items() if k not in ("tau", "every")}
    pairs = [(every, tau) for every in grid["every"] for tau in grid["tau"]]
    return [{"name": cell_name(t, e), "kind": "adaptive", "tau": t, "every": e, **shared} for e, t in pairs]


def cell_name(tau: float, every: float) -> str:
    """Name of a cell of the grid: `10^-3.5 every 28 d`."""
    return f"10^{tau:g} every {every:g} d"


def read(where: str, record: dict, decision: dict, reference_cells: float, lod: float) -> Regime:
    """One record as a Regime. where: its place in the config. Raises RegimeError."""
    named = f"config: {where} ({record['name']})"
    limits, step = decision["limits"], decision["ahead"]["step"]
    kind = record["kind"]

    def steps(name: str, days: float) -> int:
        if days % step:
            cure = f"give a multiple of it, such as {max(step, step * round(days / step)):g}"
            raise RegimeError(f"{named}.{name}: {days:g} days are no whole steps of {step:g} days: {cure}.")
        return int(days // step)

    common = {
        "name": record["name"],
        "kind": kind,
        "start": NEVER if record.get("first", True) is False else 0,
        "cells": float(record.get("cells", reference_cells)),
        "product": record.get("product", ""),
        "agent": record.get("timed_to", ""),
        "course": steps("course", record.get("course", 0)),
    }
    several = {
        "most": record.get("infusions", limits["infusions"]),
        "spacing": steps("spacing", record.get("spacing", limits["spacing"])),
    }
    if kind == "none":
        return Regime(**common)
    if kind == "fixed":
        if record["every"] < step * several["spacing"]:
            cure = f"give at least {step * several['spacing']:g}, or a smaller spacing"
            raise RegimeError(
                f"{named}.every: infusions {record['every']:g} days apart are closer than spacing: {cure}."
            )
        return Regime(**common, **several, fixed=steps("every", record["every"]))
    if kind == "adaptive":
        return adaptive(named, record, steps, lod, common | several)
    if kind == "bridge":
        day = steps("transplant", record["transplant"])
        return Regime(**common, transplant=day, probability=record["probability"])
    own = {"start": steps("wait", record["wait"]), "failure": record["failure"], "kill": record["kill"]}
    return Regime(**common | own)


def adaptive(named: str, record: dict, steps, lod: float, common: dict) -> Regime:
    """A regime of tests. Raises RegimeError where no level, or two, trigger, or one that the assay cannot see."""
    if ("tau" in record) == ("rise" in record):
        raise RegimeError(f"{named}: give either tau (log10 MRD) or rise (log10 over the nadir), and not both.")
    tau = record.get("tau", math.inf)
    if tau < lod:
        cure = f"give tau at least {lod:.1f}, or an assay with a lower limit (decision.assay)"
        raise RegimeError(
            f"{named}.tau: the assay does not see 10^{tau:g}, its limit of detection is 10^{lod:.1f}: {cure}."
        )
    return Regime(
        **common,
        test=steps("every", record["every"]),
        tau=tau,
        rise=record.get("rise", math.inf),
        confirm=steps("confirm", record["confirm"]) if "confirm" in record else NEVER,
        wait=steps("within", record["within"]),
        cell=(tau, record["every"]) if named.startswith("config: decision.grid") else (),
    )


def rules(regimes: list[Regime]) -> tuple[np.ndarray, np.ndarray]:
    """(times, numbers): what the kernel reads of each regime, shape (regime, ·); columns TIMES and NUMBERS."""
    times = [[getattr(r, name) for name in TIMES] for r in regimes]
    numbers = [[getattr(r, name) for name in NUMBERS] for r in regimes]
    return np.array(times, dtype=np.int64), np.array(numbers, dtype=float)


TIMES = ("start", "fixed", "test", "confirm", "wait", "most", "spacing", "transplant", "course")
NUMBERS = ("tau", "rise", "probability", "failure")
