"""One path of a patient under a regime: MRD, tests, doses, and the probabilities of its states (numba).

The day begins with a test, then an infusion, then the hazards of a step. MRD follows B of docs/methods.md, a test reads
it with noise that depends on (draw, patient, step) alone, and doses follow the rule. Events are not drawn: masses are
the probabilities of being alive and progression-free with acute GVHD never / not severe / severe / past, and chronic
GVHD likewise, 16 states, and hazards move them. Within a step hazards are constant (of the marker: the mean over its
quadrature nodes), half a step of exits lies on either side of the onsets and ends of GVHD.

Whoever may not be infused any more, because of GVHD or because the product could not be made, leaves the path at the
infusion that it misses and is followed on a path of its own without infusions.
"""

import numpy as np
from numba import njit, prange

from redose.assay import DETECTED_AT_LOD, FALSE_POSITIVE_SCALE
from redose.decisions.records import Room, World
from redose.decisions.regimes import NEVER

OUTCOMES = (
    *("free_days", "gvhd_days", "severe_days", "transplanted_days", "progressed_days"),
    *("progression", "death", "transplant", "other", "gvhd"),
    *("infusions", "tests", "triggers", "false_triggers", "any_false_trigger", "delay_days", "delayed"),
)
FREE, GVHD_DAYS, SEVERE, TRANSPLANTED, PROGRESSED = 0, 1, 2, 3, 4
PROGRESSION, DEATH, TRANSPLANT, OTHER, GVHD = 5, 6, 7, 8, 9
INFUSIONS, TESTS, TRIGGERS, FALSE, ANY_FALSE, DELAY, DELAYED = 10, 11, 12, 13, 14, 15, 16
TRACED = ("ratio", "reading", "infusion", "free", "gvhd", "severe", "progressed", "dead")
START, FIXED, TEST, CONFIRM, WAIT, MOST, SPACING, AT_TRANSPLANT, COURSE = range(9)  # regimes.TIMES
TAU, RISE, PROBABILITY, FAILURE = range(4)  # regimes.NUMBERS
NEVER_YET, MILD, ILL, PAST = 0, 1, 2, 3  # of a kind of GVHD
LN2, LN10 = np.log(2.0), np.log(10.0)
NODE = (0.5 - np.sqrt(0.15), 0.5, 0.5 + np.sqrt(0.15))  # Gauss-Legendre on (0, 1), where an infusion still kills
SHARE = (5 / 18, 8 / 18, 5 / 18)
ACTING = 0.02  # log10 of kill still to come from which a step has three nodes
SMALL = 0.1  # exponent below which exp is its Padé approximant, off by 1e-8 at most
FORKED = 5e-4  # probability below which those who may not be infused stay on the path
FAST = {"contract", "arcp", "nsz"}
FORKS = 64
AT_NODE, FACTOR, LOST, MEAN, KEEPS, WITHIN, PLAN, CAUSES = range(8)  # rows of the work space
GIVEN, LAST, DUE, CONFIRMING, NEXT, CROSSED, LOWEST, NADIR, MISLED = range(9)  # of the plan


@njit(cache=True, inline="always")
def _mixed(x):
    """A hash of 64 bits (splitmix64, Steele, Lea & Flood 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(cache=True)
def uniform(seed, draw, patient, step, purpose):
    """A number in (0, 1) that depends on its arguments alone."""
    x = np.uint64(seed)
    for part in (draw, patient, step, purpose):
        x = _mixed(x + np.uint64(0x9E3779B97F4A7C15) * np.uint64(part + 1))
    return (np.float64(x >> np.uint64(11)) + 0.5) / 9007199254740992.0


@njit(cache=True)
def noise(setting, assay, draw, patient, found):
    """Fills `found`, shape (step, 4): noise of a reading in units of sigma, of its detection, uniform and excess of a
    false positive. Student t by the polar method of Bailey 1994."""
    u = np.empty(6)
    for s in range(setting.steps):
        for k in range(6):
            u[k] = uniform(setting.seed, setting.first + draw, patient, s, k)
        radius = -2.0 * np.log(u[0])
        if assay.degrees > 0:
            radius = assay.degrees * (u[0] ** (-2.0 / assay.degrees) - 1.0)
        found[s, 0] = np.sqrt(radius) * np.cos(2.0 * np.pi * u[1])
        found[s, 1] = np.sqrt(-2.0 * np.log(u[2])) * np.cos(2.0 * np.pi * u[3])
        found[s, 2] = u[4]
        found[s, 3] = -FALSE_POSITIVE_SCALE * np.log(u[5])


@njit(cache=True, inline="always")
def _reading(assay, draw, fraction, drawn):
    """What a test reads of log10 MRD `fraction`, -inf below the limit. drawn: a row of `noise`."""
    y = fraction + assay.sigma[draw] * drawn[0]
    if assay.detection[draw] > 0:
        seen = DETECTED_AT_LOD + (fraction - assay.lod) / assay.detection[draw] + drawn[1] > 0
    else:
        seen = y >= assay.lod
    if seen:
        return y
    return assay.lod + drawn[3] if drawn[2] < assay.wrong else -np.inf


@njit(cache=True, inline="always")
def _fraction(ratio):
    """M = B - log10(1 + 10^B)."""
    return ratio - np.log1p(np.exp(min(ratio, 6.0) * LN10)) / LN10 if ratio < 6.0 else 0.0


@njit(cache=True)
def _after_transplant(mass, spared, days, after, out):
    """Adds what the transplanted go through until the horizon, `days` later. spared: of them without GVHD II-IV yet."""
    total = max(after.progression + after.death, 1e-12)
    free = -np.expm1(-total * days) / total
    out[TRANSPLANTED] += mass * free
    out[PROGRESSION] += mass * after.progression * free
    out[DEATH] += mass * after.death * free
    out[PROGRESSED] += mass * after.progression / total * (days - free)
    out[TRANSPLANT] += mass
    out[GVHD] += spared * after.gvhd


@njit(cache=True, fastmath=FAST, inline="always")
def _onsets(mass, groups, kind, begins, ends, shares, recurrent):
    """Onsets and ends of one kind of GVHD in a step, in place; returns P(a first onset). mass: shape (32,), the 16
    states of those who may be infused on, then of those who may not. begins, ends: P(onset), P(an
    episode ends); who falls ill within the step may recover in the half of it that is left."""
    stride, other = (4, 1) if kind == 0 else (1, 4)  # from state to state of this kind, and of the other
    firsts, stopped, stays = 0.0, 16 * (groups - 1), np.sqrt(1.0 - ends)
    kept, gone = shares[0] + shares[2], shares[1] + shares[3]
    for g in range(groups):
        for k in range(4):
            at = 16 * g + k * other
            never, mild, ill = mass[at], mass[at + MILD * stride], mass[at + ILL * stride]
            past = mass[at + PAST * stride]
            new = never * begins
            firsts += new
            mass[at] = never - new
            again = past * begins if recurrent else 0.0
            new += again
            over, active = new * (1.0 - stays), new * stays
            mass[at + PAST * stride] = past - again + (mild + ill) * ends + kept * over
            mass[at + MILD * stride] = mild * (1.0 - ends) + active * shares[0]
            mass[at + ILL * stride] = ill * (1.0 - ends) + active * shares[2]
            mass[stopped + k * other + MILD * stride] += active * shares[1]
            mass[stopped + k * other + ILL * stride] += active * shares[3]
            mass[stopped + k * other + PAST * stride] += gone * over
    return firsts


@njit(cache=True, fastmath=FAST, inline="always")
def _link(d, start, growth, s, acting, taken, half_life, step, hazards, scratch):
    """Fills scratch[FACTOR]: what the marker does to the hazard of every cause over step s, the mean over its nodes.

    start: log10 ratio at day 0 less all kill. growth, taken (by courses): log10 a step. acting: kill still to come."""
    count, last, by_place = hazards.grown.shape[1], hazards.linked.shape[2] - 2, 1.0 / hazards.spacing
    several = acting > ACTING
    for c in range(count):
        scratch[FACTOR, c] = 0.0
    for j in range(3 if several else 1):
        x = NODE[j] if several else 0.5
        remains = acting * scratch[AT_NODE, j if several else 1]
        ratio = start + growth * (s + x) + remains - taken * x
        place = min(max((ratio - hazards.lowest) * by_place, 0.0), last + 0.999999)
        low = int(place)
        slope = 0.0
        if hazards.has_slope:
            by_day = (growth - taken) / step - remains * LN2 / half_life
            slope = 30.0 * by_day / (1.0 + np.exp(min(ratio, 6.0) * LN10))
        for c in range(count):
            below = hazards.linked[d, c, low]
            value = below + (place - low) * (hazards.linked[d, c, low + 1] - below)
            if hazards.has_slope:
                value *= np.exp(hazards.slope[d, c] * slope)
            scratch[FACTOR, c] += (SHARE[j] if several else 1.0) * value


@njit(cache=True, fastmath=FAST, inline="always")
def _split(d, patterns, ratio, scratch):
    """Fills, by pattern, what half a step does to a state: LOST (share that leaves), MEAN (share of the time spent
    there), KEEPS, and from CAUSES on the shares of the leavers by cause. scratch[FACTOR]: hazards cumulated over the
    step."""
    count = ratio.shape[1]
    for k in range(patterns):
        h = 1e-300
        for c in range(count):
            scratch[CAUSES + c, k] = scratch[FACTOR, c] * ratio[d, c, k]
            h += scratch[CAUSES + c, k]
        for c in range(count):
            scratch[CAUSES + c, k] /= h
        h /= 2
        scratch[MEAN, k] = 1.0 / (1.0 + h / 2 + h * h / 12) if h < SMALL else -np.expm1(-h) / h
        scratch[LOST, k] = h * scratch[MEAN, k]
        scratch[KEEPS, k] = 1.0 - scratch[LOST, k]


@njit(cache=True, fastmath=FAST, inline="always")
def _leave(mass, groups, patterns, gvhd, kinds, step, out, scratch):
    """Half a step of exits from all states, in place, with the days spent there."""
    for k in range(patterns):
        scratch[WITHIN, k] = 0.0
    for x in range(16):
        k = gvhd.pattern[x]
        both = mass[x] + mass[16 + x] if groups == 2 else mass[x]
        scratch[WITHIN, k] += both
        mass[x] *= scratch[KEEPS, k]
        if groups == 2:
            mass[16 + x] *= scratch[KEEPS, k]
    for k in range(patterns):
        gone = scratch[WITHIN, k] * scratch[LOST, k]
        for c in range(len(kinds)):
            out[kinds[c]] += gone * scratch[CAUSES + c, k]
        out[gvhd.days[k]] += scratch[WITHIN, k] * scratch[MEAN, k] * step / 2


@njit(cache=True, inline="always")
def _begin(plan, times):
    """The plan of a path at its start, in place: infusions given, step of the last one, of the one that is due, of a
    second test, of the next planned test (NEVER: none), of the last crossing of the threshold; lowest latent ratio and
    lowest reading since the last infusion; whether a test misled already."""
    plan[GIVEN], plan[LAST], plan[CONFIRMING], plan[CROSSED], plan[MISLED] = 0.0, -1000.0, NEVER, NEVER, 0.0
    plan[DUE] = times[START] if times[START] >= 0 or times[FIXED] < 0 else times[FIXED]
    plan[NEXT], plan[LOWEST], plan[NADIR] = times[TEST], np.inf, np.inf


@njit(cache=True, inline="always")
def _watch(plan, s, ratio, ratio_tau, rise, growth):
    """Notes when the latent ratio crossed the threshold, between the last step and this one. growth: log10 a step."""
    plan[LOWEST] = min(plan[LOWEST], ratio)
    over = max(ratio - ratio_tau, ratio - plan[LOWEST] - rise)
    if over < 0:
        plan[CROSSED] = NEVER
    elif plan[CROSSED] < 0:
        plan[CROSSED] = s - min(over / growth, 1.0) if growth > 0 and s > 0 else s


@njit(cache=True, inline="always")
def _decide(plan, s, positive, warranted, able, times, out):
    """What a test leads to: a second test, an infusion, or nothing. warranted: the latent MRD is at the threshold."""
    acts = positive and plan[DUE] < s
    if s == plan[CONFIRMING]:
        plan[CONFIRMING] = NEVER
    elif times[CONFIRM] > 0:
        if acts and plan[CONFIRMING] < 0:
            plan[CONFIRMING] = s + times[CONFIRM]
        acts = False
    if acts:
        plan[DUE] = max(s + times[WAIT], plan[LAST] + times[SPACING])
        out[TRIGGERS] += able
        if not warranted:
            out[FALSE] += able
            out[ANY_FALSE] += able if plan[MISLED] == 0 else 0.0
            plan[MISLED] = 1.0


@njit(cache=True, inline="always")
def _infused(plan, s, able, step, times, out):
    """Counts an infusion and the days since the threshold was crossed, and plans anew."""
    out[INFUSIONS] += able
    if plan[CROSSED] >= 0 and plan[GIVEN] > 0 and times[TEST] > 0:
        out[DELAY] += able * (s - plan[CROSSED]) * step
        out[DELAYED] += able
    plan[GIVEN] += 1.0
    plan[LAST], plan[CROSSED], plan[LOWEST], plan[NADIR] = s, NEVER, np.inf, np.inf
    if times[FIXED] > 0:
        plan[DUE] = s + times[FIXED]


@njit(cache=True, inline="always")
def _part(mass, missing, forked, state):
    """Takes those who may not be infused, and the share `missing` of the others, off the path. forked: a row that keeps
    them and the state of the path."""
    for x in range(16):
        forked[x] = mass[16 + x] + missing * mass[x]
        mass[16 + x] = 0.0
        mass[x] *= 1.0 - missing
    for k in range(6):
        forked[16 + k] = state[k]


@njit(cache=True, fastmath=FAST, inline="always")
def _move(d, p, r, s, trail, mass, groups, world, out, scratch):
    """A step of the states under the hazards in scratch[FACTOR]; returns the steps spent free of progression where
    there is no GVHD (with it, days go to `out`). trail: what infusions add to the hazard of GVHD within the step."""
    hazards, gvhd, step = world.hazards, world.gvhd, world.setting.step
    if not gvhd.present:
        h = 1e-300
        for c in range(len(hazards.kind)):
            h += scratch[FACTOR, c]
        spent = mass[0] / (1.0 + h / 2 + h * h / 12) if h < SMALL else -mass[0] * np.expm1(-h) / h
        for c in range(len(hazards.kind)):
            out[hazards.kind[c]] += spent * scratch[FACTOR, c]
        mass[0] -= h * spent
        return spent
    patterns = gvhd.ratio.shape[2]
    _split(d, patterns, gvhd.ratio, scratch)
    _leave(mass, groups, patterns, gvhd, hazards.kind, step, out, scratch)
    for kind in range(2):
        grown = gvhd.onsets[d, kind, r] * trail + gvhd.background[d, kind, gvhd.level[p], s]
        grown *= gvhd.relative[d, kind, p]
        begins = -np.expm1(-grown) if grown > SMALL else grown * (1.0 - grown / 2 * (1.0 - grown / 3))
        first = _onsets(mass, groups, kind, begins, gvhd.ends[d, kind, r], gvhd.shares[d, kind, p], gvhd.recurrent)
        out[GVHD] += first * gvhd.counted[d, p] if kind == 0 else 0.0
    _leave(mass, groups, patterns, gvhd, hazards.kind, step, out, scratch)
    return 0.0


@njit(cache=True, inline="always")
def _transplant(d, p, s, probability, mass, world, out):
    """The share `probability` of everybody leaves for a transplant, in place."""
    spared = mass.sum() - world.gvhd.counted[d, p] * (mass[4:16].sum() + mass[20:].sum())
    days = (world.setting.steps - s) * world.setting.step
    _after_transplant(mass.sum() * probability, spared * probability, days, world.after, out)
    mass *= 1.0 - probability


@njit(cache=True, fastmath=FAST)
def _segment(d, p, r, s, may, times, numbers, drawn, world, room, forks, out, trace):
    """Walks from step s to the horizon. room.state: infusions' total weight, of it still to act, GVHD trace, log10 that
    courses took off, steps of the course left. may: whether infusions may be given. Returns the number of forks."""
    people, hazards, kill, gvhd, assay = world.people, world.hazards, world.kill, world.gvhd, world.assay
    mass, state, scratch, step, steps = room.mass, room.state, room.scratch, world.setting.step, world.setting.steps
    total, left, trail, off, course = state[0], state[1], state[2], state[3], state[4]
    level, growth, potency = people.level[d, p], people.growth[d, p] * step, people.kill[d, p]
    half_life = kill.half_life[d, r]
    decay, decay_g = np.exp2(-step / half_life), np.exp2(-step / gvhd.half_life[d])
    for j in range(3):
        scratch[AT_NODE, j] = np.exp2(-NODE[j] * step / half_life)
    groups, testing = (2 if may else 1), times[TEST] > 0
    tau, tracing, progressed, free = numbers[TAU], trace.shape[0] > 0, 0.0, 0.0
    ratio_tau = tau - np.log10(-np.expm1(min(tau, -1e-9) * LN10)) if tau < 0 else np.inf
    plan = scratch[PLAN]
    _begin(plan, times)
    while s < steps:
        ratio = level + growth * s - potency * (total - left) - off
        if tracing:
            trace[s, 0] = ratio
        if s == times[AT_TRANSPLANT]:
            _transplant(d, p, s, numbers[PROBABILITY], mass, world, out)
        if may and testing:
            _watch(plan, s, ratio, ratio_tau, numbers[RISE], growth)
        if may and s in (plan[DUE], plan[NEXT], plan[CONFIRMING]) and plan[GIVEN] < times[MOST]:
            able = mass[:16].sum() if gvhd.present else mass[0]
            if s in (plan[NEXT], plan[CONFIRMING]):
                y = _reading(assay, d, _fraction(ratio), drawn[s])
                positive = y >= numbers[TAU] or y >= plan[NADIR] + numbers[RISE]
                warranted = ratio >= ratio_tau or ratio >= plan[LOWEST] + numbers[RISE]
                plan[NADIR] = min(plan[NADIR], max(y, assay.lod))
                out[TESTS] += able
                _decide(plan, s, positive, warranted, able, times, out)
                if tracing:
                    trace[s, 1] = y
            if s == plan[DUE]:
                missing = numbers[FAILURE] if plan[GIVEN] == 0 else 0.0
                if mass[16:].sum() + missing * able > FORKED and forks < FORKS:
                    _part(mass, missing, room.forked[forks], (total, left, trail, off, float(course), float(s)))
                    forks += 1
                    able *= 1.0 - missing
                weight = kill.weight[d, r] * np.exp(kill.rho[d] * plan[GIVEN])
                total, left, trail, course = total + weight, left + weight, trail + 1.0, times[COURSE]
                _infused(plan, s, able, step, times, out)
                if tracing:
                    trace[s, 2] = 1.0
        taken = kill.kappa[d, r] * step if course > 0 else 0.0
        start = level - potency * total - off
        _link(d, start, growth, s, potency * left, taken, half_life, step, hazards, scratch)
        for c in range(len(hazards.kind)):
            scratch[FACTOR, c] *= hazards.grown[d, c, s] * people.relative[d, c, p]
        before = out[PROGRESSION]
        free += _move(d, p, r, s, trail * (1.0 - decay_g), mass, groups, world, out, scratch)
        new = out[PROGRESSION] - before
        out[PROGRESSED] += (progressed + new / 2) * step
        progressed += new
        if tracing:
            for x in range(16):
                trace[s, 3 + gvhd.days[gvhd.pattern[x]]] += mass[x] + mass[16 + x]
            trace[s, 6], trace[s, 7] = progressed, out[DEATH]
        left *= decay
        trail *= decay_g
        if s == plan[NEXT]:
            plan[NEXT] += times[TEST]
        off += taken
        course = max(course - 1, 0)
        s += 1
    out[FREE] += free * step
    return forks


@njit(cache=True)
def walk(d, p, r, times, numbers, drawn, world, room, out, trace):
    """Adds the outcomes of one patient under one regime to `out`, shape (outcome,): a path, and the paths of those who
    leave it."""
    room.mass[:] = 0.0
    room.mass[0] = 1.0
    room.state[:] = 0.0
    own, none = np.zeros(len(OUTCOMES)), trace[:0]
    forks = _segment(d, p, r, 0, True, times[r], numbers[r], drawn, world, room, 0, own, trace)
    out += own
    for f in range(forks):
        room.mass[:] = 0.0
        room.mass[:16] = room.forked[f, :16]
        room.state[:] = room.forked[f, 16:21]
        own[:] = 0.0
        _segment(d, p, r, int(room.forked[f, 21]), False, times[r], numbers[r], drawn, world, room, FORKS, own, none)
        out += own


@njit(cache=True)
def room_of(causes):
    """Work space of one thread."""
    return Room(np.zeros(32), np.zeros((FORKS, 22)), np.zeros(5), np.zeros((CAUSES + causes, 16)))


@njit(cache=True, parallel=True, nogil=True)
def outcomes(times, numbers, people, hazards, kill, gvhd, assay, after, setting, cells, counts):
    """Mean outcomes, shape (draw, regime, cell, outcome). people to setting: the parts of a World, which numba does not
    take into a parallel loop as one. counts: patients in each cell, shape (cell,)."""
    draws, patients = people.level.shape
    regimes = times.shape[0]
    found = np.zeros((draws, regimes, cells, len(OUTCOMES)))
    for d in prange(draws):
        world = World(people, hazards, kill, gvhd, assay, after, setting)
        room = room_of(len(hazards.kind))
        drawn, trace = np.zeros((setting.steps, 4)), np.zeros((0, len(TRACED)))
        for p in range(patients):
            noise(setting, assay, d, p, drawn)
            for r in range(regimes):
                walk(d, p, r, times, numbers, drawn, world, room, found[d, r, people.cell[p]], trace)
        for k in range(cells):
            found[d, :, k] /= max(counts[k], 1)
    return found


@njit(cache=True)
def followed(d, p, r, times, numbers, world):
    """The path of one patient under one regime, shape (step, TRACED): B before the step, reading (NaN without a test),
    whether an infusion was given, and the probabilities of the states at the step's end. Those who leave the path at
    an infusion that they may not be given are not on it any more."""
    drawn = np.zeros((world.setting.steps, 4))
    noise(world.setting, world.assay, d, p, drawn)
    trace = np.zeros((world.setting.steps, len(TRACED)))
    trace[:, 1] = np.nan
    room, out = room_of(len(world.hazards.kind)), np.zeros(len(OUTCOMES))
    walk(d, p, r, times, numbers, drawn, world, room, out, trace)
    return trace
