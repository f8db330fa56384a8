"""What the kernel of regimes reads, as records of arrays: numba takes them whole.

The records stand apart from `path`; its functions and constants do not, because numba's cache of a compiled function
notices changes of that function's own file only.
"""

from typing import NamedTuple

import numpy as np


class People(NamedTuple):
    """Patients by draw: level at the start, growth (log10 a day), kill of one infusion of the reference, shape (draw,
    patient); relative hazard of every cause, shape (draw, cause, patient); cell of the subgroups, shape (patient,)."""

    level: np.ndarray
    growth: np.ndarray
    kill: np.ndarray
    relative: np.ndarray
    cell: np.ndarray


class Hazards(NamedTuple):
    """Hazards by draw. grown: baseline cumulated over each step, shape (draw, cause, step). linked: what B does to the
    hazard, tabulated from `lowest` in steps of `spacing`, shape (draw, cause, place). slope: log hazard ratio per log10
    in 30 days, shape (draw, cause). kind: the outcome of each cause, shape (cause,)."""

    grown: np.ndarray
    linked: np.ndarray
    lowest: float
    spacing: float
    slope: np.ndarray
    has_slope: bool
    kind: np.ndarray


class Kill(NamedTuple):
    """Infusions by draw and regime. weight: of the first, relative to the reference; half_life: days; kappa: log10 a
    day of the regime's course, shape (draw, regime). rho: shape (draw,)."""

    weight: np.ndarray
    half_life: np.ndarray
    kappa: np.ndarray
    rho: np.ndarray


class Gvhd(NamedTuple):
    """GVHD by draw, kinds acute and chronic. onsets: expected of one infusion, shape (draw, kind, regime). half_life:
    days, shape (draw,). background: cumulated over each step, shape (draw, kind, level, step); level: shape (patient,).
    relative: hazard, shape (draw, kind, patient). shares: P(not severe and may be infused on, not severe and may not,
    severe and may, severe and may not), shape (draw, kind, patient, 4). counted: P(acute grade II-IV), shape (draw,
    patient). ends: P(an episode ends in a step), shape (draw, kind, regime). pattern: number of every one of the 16
    states' set of hazard ratios, shape (state,), the same for never and past; ratio: those, shape (draw,
    cause, pattern); days: the outcome that its days count to, shape (pattern,). present: whether there is GVHD at all.
    recurrent: whether it comes again."""

    onsets: np.ndarray
    half_life: np.ndarray
    background: np.ndarray
    level: np.ndarray
    relative: np.ndarray
    shares: np.ndarray
    counted: np.ndarray
    ends: np.ndarray
    ratio: np.ndarray
    pattern: np.ndarray
    days: np.ndarray
    present: bool
    recurrent: bool


class Assay(NamedTuple):
    """The test. lod: log10. sigma, detection: log10, shape (draw,); detection 0: a sharp limit. wrong: P(a reading
    below the limit becomes a false positive). degrees: of freedom of the Student t, 0: normal."""

    lod: float
    sigma: np.ndarray
    detection: np.ndarray
    wrong: float
    degrees: float


class After(NamedTuple):
    """After a transplant: hazards of progression and death a day, P(GVHD II-IV)."""

    progression: float
    death: float
    gvhd: float


class Setting(NamedTuple):
    """step: days. steps: of the horizon. seed: of the test noise. first: index of the first draw among all."""

    step: float
    steps: int
    seed: int
    first: int


class World(NamedTuple):
    """All of them."""

    people: People
    hazards: Hazards
    kill: Kill
    gvhd: Gvhd
    assay: Assay
    after: After
    setting: Setting


class Lanes(NamedTuple):
    """Work space of one thread: paths abreast, a lane each, and those who left them.

    table: rows named by constants of `path`, as long as there are lanes, shape (row · lane,). acts: bits, shape (step,
    lane). late: steps from the crossing of the threshold to an infusion, shape (step, lane). who: patient, regime,
    first step, shape (lane, 3). enter: masses and state of the path at that step, shape (lane, 21). given: infusions so
    far, shape (lane,). plan: of a path, shape (9,). pool: the same as enter and who, of those who left a path, shape
    (path, 24); waiting: how many there are, shape (1,)."""

    table: np.ndarray
    acts: np.ndarray
    late: np.ndarray
    who: np.ndarray
    enter: np.ndarray
    given: np.ndarray
    plan: np.ndarray
    pool: np.ndarray
    waiting: np.ndarray
