"""Paths of patients under regimes: MRD, tests, doses, and the probabilities of the states on them (numba).

The day begins with a test, then an infusion, then the hazards of a step. MRD follows B of docs/methods.md, a test reads
it with noise that depends on (draw, patient, step) alone, and doses follow the rule. Events are not drawn: masses are
the probabilities of being alive and progression-free with acute GVHD never / not severe / severe / past, and chronic
GVHD likewise, 16 states, and hazards move them. Within a step hazards are constant (of the marker: the mean over its
quadrature nodes), half a step of exits lies on either side of the onsets and ends of GVHD.

No test and no infusion depends on the masses. So `_plan` walks a path whoever is left on it, and writes its acts down;
`_follow` then moves marker and masses of many paths abreast, a lane each, which a processor does at once.

Whoever may not be infused any more, because of GVHD or because the product could not be made, leaves the path at the
infusion that it misses and is followed on a path of its own without infusions.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

from redose.assay import DETECTED_AT_LOD, FALSE_POSITIVE_SCALE
from redose.decisions.records import Lanes, World
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
FORKED = 5e-4  # probability below which those who may not be infused stay on the path
FAST = {"contract", "arcp", "nsz"}
HOT = {"cache": True, "fastmath": FAST, "error_model": "numpy"}  # a check for division by zero would part the lanes
BARE = HOT | {"_nrt": False}  # allocates nothing: counting references to the records took most of the time
GIVEN, LAST, DUE, CONFIRMING, NEXT, CROSSED, LOWEST, NADIR, MISLED = range(9)  # of the plan
TESTED, TRIGGERED, WRONG, FIRST_WRONG, INFUSED, LATE, LEAVES = 1, 2, 4, 8, 16, 32, 64  # acts of a step
PATIENT, REGIME, FIRST = range(3)  # of `Lanes.who`
ABREAST = 16  # lanes
POOL = 256  # paths of those who left, from which on they are followed
CAUSES, STATE = 4, 5  # at most; numbers that say where a path stands
SIZES = (*(32, len(OUTCOMES), 1, 1, CAUSES, CAUSES, 9, 9, 9, 9, 9), *(2, 2, 2, 2, 2, 8, 1), STATE, *(1,) * 6, 3, 1)
PLACES = tuple(sum(SIZES[:k]) for k in range(len(SIZES) + 1))
ROWS = PLACES[-1]
# rows of the table of lanes; WITHIN and KEPT by class of states, KEEPS, MEAN and SPENT by pattern of hazards, those of
# GVHD by kind but the last
MASS, SUMS, PASSED, BEFORE, HAZARD, RELATIVE, WITHIN, KEPT, KEEPS, MEAN, SPENT = PLACES[:11]
BEGINS, ENDS, STAYS, CAUSED, RELATIVE_GVHD, SHARES, COUNTED = PLACES[11:18]
TOTAL, LEVEL, GROWTH, POTENCY, DECAY, KAPPA, TAKEN, NODES, FADES = PLACES[18:27]
LEFT, TRAIL, OFF, COURSE_LEFT = range(TOTAL + 1, TOTAL + STATE)  # of infusions' total weight, what still acts; on


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
def _decide(plan, s, positive, warranted, times):
    """What a test leads to: a second test, an infusion, or nothing; returns acts. warranted: the latent MRD is at the
    threshold."""
    acts = positive and plan[DUE] < s
    if s == plan[CONFIRMING]:
        plan[CONFIRMING] = NEVER
    elif times[CONFIRM] > 0:
        if acts and plan[CONFIRMING] < 0:
            plan[CONFIRMING] = s + times[CONFIRM]
        acts = False
    if acts:
        plan[DUE] = max(s + times[WAIT], plan[LAST] + times[SPACING])
        if warranted:
            return TRIGGERED
        first = FIRST_WRONG if plan[MISLED] == 0 else 0
        plan[MISLED] = 1.0
        return TRIGGERED | WRONG | first
    return 0


@njit(cache=True, inline="always")
def _infused(plan, s, lane, times, lanes):
    """Writes down the steps since the threshold was crossed, plans anew, and returns acts."""
    acts = INFUSED
    if plan[CROSSED] >= 0 and plan[GIVEN] > 0 and times[TEST] > 0:
        lanes.late[s, lane] = s - plan[CROSSED]
        acts |= LATE
    plan[GIVEN] += 1.0
    plan[LAST], plan[CROSSED], plan[LOWEST], plan[NADIR] = s, NEVER, np.inf, np.inf
    if times[FIXED] > 0:
        plan[DUE] = s + times[FIXED]
    return acts


@njit(**BARE)
def _plan(d, lane, times, numbers, drawn, world, lanes, trace):
    """Walks the path of a lane from day 0 to the horizon, whoever is left on it, and writes its acts down."""
    p, r = lanes.who[lane, PATIENT], lanes.who[lane, REGIME]
    people, kill, assay, step = world.people, world.kill, world.assay, world.setting.step
    total, left, off, course = 0.0, 0.0, 0.0, 0
    level, growth, potency = people.level[d, p], people.growth[d, p] * step, people.kill[d, p]
    decay, kappa = np.exp2(-step / kill.half_life[d, r]), kill.kappa[d, r] * step
    testing, tracing, tau, rise = times[r, TEST] > 0, trace.shape[0] > 0, numbers[r, TAU], numbers[r, RISE]
    ratio_tau = tau - np.log10(-np.expm1(min(tau, -1e-9) * LN10)) if tau < 0 else np.inf
    plan = lanes.plan
    _begin(plan, times[r])
    for s in range(world.setting.steps):
        ratio, acts = level + growth * s - potency * (total - left) - off, 0
        if tracing:
            trace[s, 0] = ratio
        if s == times[r, AT_TRANSPLANT]:
            acts |= LEAVES
        if testing:
            _watch(plan, s, ratio, ratio_tau, rise, growth)
        if s in (plan[DUE], plan[NEXT], plan[CONFIRMING]) and plan[GIVEN] < times[r, MOST]:
            if s in (plan[NEXT], plan[CONFIRMING]):
                y = _reading(assay, d, _fraction(ratio), drawn[s])
                positive = y >= tau or y >= plan[NADIR] + rise
                warranted = ratio >= ratio_tau or ratio >= plan[LOWEST] + rise
                plan[NADIR] = min(plan[NADIR], max(y, assay.lod))
                acts |= TESTED | _decide(plan, s, positive, warranted, times[r])
                if tracing:
                    trace[s, 1] = y
            if s == plan[DUE]:
                weight = kill.weight[d, r] * np.exp(kill.rho[d] * plan[GIVEN])
                total, left, course = total + weight, left + weight, times[r, COURSE]
                acts |= _infused(plan, s, lane, times[r], lanes)
                if tracing:
                    trace[s, 2] = 1.0
        lanes.acts[s, lane] = acts
        left *= decay
        if s == plan[NEXT]:
            plan[NEXT] += times[r, TEST]
        off += kappa if course > 0 else 0.0
        course = max(course - 1, 0)


# Paths abreast. Lanes are the last axis of a flat table: rows a fixed distance apart are what lets the compiler work on
# several lanes at once.


@njit(cache=True, inline="always")
def _at(row, lane):
    """Place in the flat table. Unsigned: an index that might count from the end would keep lanes from being merged."""
    return np.uintp(row * ABREAST + lane)


@njit(**HOT, inline="always")
def _gone(h):
    """1 - exp(-h), by its Padé approximant (3, 3) at h / 16, doubled four times: off by 1e-8 at most."""
    x = min(h, 64.0) / 16
    odd = x * (60.0 + x * x)
    gone = 2.0 * odd / (120.0 + 12.0 * x * x + odd)
    gone *= 2.0 - gone
    gone *= 2.0 - gone
    gone *= 2.0 - gone
    return gone * (2.0 - gone)


@njit(**HOT, inline="always")
def _place(ratio, last, hazards):
    """Where a ratio stands in the table of links: 0 to `last`, the last place but one, and a share of a place."""
    return min(max((ratio - hazards.lowest) * (1.0 / hazards.spacing), 0.0), last + 0.999999)


@njit(**HOT, inline="always")
def _ratio(s, x, remains, lane, lanes):
    """B at share x of step s. remains: of the kill of infusions."""
    w = lanes.table
    start = w[_at(LEVEL, lane)] - w[_at(POTENCY, lane)] * w[_at(TOTAL, lane)] - w[_at(OFF, lane)]
    return start + w[_at(GROWTH, lane)] * (s + x) + remains - w[_at(TAKEN, lane)] * x


@njit(**HOT, inline="always")
def _by_slope(d, c, ratio, remains, lane, hazards, step, lanes):
    """What the slope of the marker does to the hazard of a cause."""
    w = lanes.table
    by_day = (w[_at(GROWTH, lane)] - w[_at(TAKEN, lane)]) / step - remains * w[_at(FADES, lane)]
    slope = 30.0 * by_day / (1.0 + np.exp(min(ratio, 6.0) * LN10))
    return np.exp(hazards.slope[d, c] * slope)


@njit(**HOT, inline="always")
def _link_middle(d, s, width, hazards, step, lanes):
    """Fills HAZARD with what the marker at the middle of step s does to the hazard of every cause."""
    w, last = lanes.table, hazards.linked.shape[2] - 2
    for i in range(width):
        ratio = _ratio(s, 0.5, w[_at(POTENCY, i)] * w[_at(LEFT, i)] * w[_at(NODES + 1, i)], i, lanes)
        place = _place(ratio, last, hazards)
        w[_at(WITHIN, i)], w[_at(WITHIN + 1, i)], w[_at(WITHIN + 2, i)] = ratio, np.floor(place), place
    for c in range(len(hazards.kind)):
        for i in range(width):  # looks up, and nothing else: this loop alone goes lane by lane
            low = np.uintp(w[_at(WITHIN + 1, i)])
            below = hazards.linked[d, c, low]
            above = hazards.linked[d, c, low + np.uintp(1)]
            w[_at(HAZARD + c, i)] = below + (w[_at(WITHIN + 2, i)] - w[_at(WITHIN + 1, i)]) * (above - below)
        if hazards.has_slope:
            for i in range(width):
                remains = w[_at(POTENCY, i)] * w[_at(LEFT, i)] * w[_at(NODES + 1, i)]
                w[_at(HAZARD + c, i)] *= _by_slope(d, c, w[_at(WITHIN, i)], remains, i, hazards, step, lanes)


@njit(**HOT, inline="always")
def _link_nodes(d, s, lane, hazards, step, lanes):
    """Puts in HAZARD of a lane where infusions still act the mean over the nodes of step s."""
    w, last = lanes.table, hazards.linked.shape[2] - 2
    for c in range(len(hazards.kind)):
        w[_at(HAZARD + c, lane)] = 0.0
    for j in range(3):
        remains = w[_at(POTENCY, lane)] * w[_at(LEFT, lane)] * w[_at(NODES + j, lane)]
        ratio = _ratio(s, NODE[j], remains, lane, lanes)
        place = _place(ratio, last, hazards)
        low = np.uintp(place)
        for c in range(len(hazards.kind)):
            below = hazards.linked[d, c, low]
            value = below + (place - low) * (hazards.linked[d, c, low + np.uintp(1)] - below)
            if hazards.has_slope:
                value *= _by_slope(d, c, ratio, remains, lane, hazards, step, lanes)
            w[_at(HAZARD + c, lane)] += SHARE[j] * value


@njit(**HOT, inline="always")
def _hazards(d, s, width, hazards, step, lanes):
    """Fills HAZARD: the hazards of every cause, cumulated over step s; of the marker the mean over the step's nodes
    where infusions still act, elsewhere its middle."""
    w = lanes.table
    for i in range(width):
        w[_at(TAKEN, i)] = w[_at(KAPPA, i)] if w[_at(COURSE_LEFT, i)] > 0 else 0.0
    _link_middle(d, s, width, hazards, step, lanes)
    for i in range(width):
        if w[_at(POTENCY, i)] * w[_at(LEFT, i)] > ACTING:
            _link_nodes(d, s, i, hazards, step, lanes)
    for c in range(len(hazards.kind)):
        for i in range(width):
            w[_at(HAZARD + c, i)] *= hazards.grown[d, c, s] * w[_at(RELATIVE + c, i)]


@njit(**HOT, inline="always")
def _expect(d, s, width, faded, gvhd, lanes):
    """Fills BEGINS: P(onset) of both kinds of GVHD in step s. faded: share of an infusion's trace that a step takes."""
    w = lanes.table
    for kind in range(2):
        for i in range(width):
            w[_at(BEGINS + kind, i)] = gvhd.background[d, kind, gvhd.level[lanes.who[i, PATIENT]], s]
        for i in range(width):
            grown = w[_at(CAUSED + kind, i)] * w[_at(TRAIL, i)] * faded + w[_at(BEGINS + kind, i)]
            w[_at(BEGINS + kind, i)] = _gone(grown * w[_at(RELATIVE_GVHD + kind, i)])


@njit(**HOT, inline="always")
def _pass(width, faded, lanes):
    """What a step leaves of infusions and courses."""
    w = lanes.table
    for i in range(width):
        w[_at(LEFT, i)] *= w[_at(DECAY, i)]
        w[_at(TRAIL, i)] *= 1.0 - faded
        w[_at(OFF, i)] += w[_at(TAKEN, i)]
        w[_at(COURSE_LEFT, i)] = max(w[_at(COURSE_LEFT, i)] - 1.0, 0.0)


@njit(**HOT, inline="always")
def _split(d, width, patterns, part, gvhd, hazards, lanes):
    """Fills, by pattern, what a part of a step does to a state: KEEPS (share that stays), MEAN (of the time spent
    there). part: 1 for the whole step, 2 for a half."""
    w = lanes.table
    for k in range(patterns):
        for i in range(width):
            w[_at(WITHIN, i)] = 1e-300
        for c in range(len(hazards.kind)):
            ratio = gvhd.ratio[d, c, k] / part
            for i in range(width):
                w[_at(WITHIN, i)] += ratio * w[_at(HAZARD + c, i)]
        for i in range(width):
            lost = _gone(w[_at(WITHIN, i)])
            w[_at(KEEPS + k, i)] = 1.0 - lost
            w[_at(MEAN + k, i)] = lost / w[_at(WITHIN, i)]


@njit(**HOT, inline="always")
def _leave(width, lanes):
    """A step of exits from the only state of those without GVHD, in place; fills SPENT with the time spent there."""
    w = lanes.table
    for i in range(width):
        w[_at(SPENT, i)] = w[_at(MASS, i)] * w[_at(MEAN, i)]
        w[_at(MASS, i)] *= w[_at(KEEPS, i)]


@njit(**HOT, inline="always")
def _add(d, width, patterns, part, gvhd, hazards, step, lanes):
    """Adds the time spent with every pattern, in parts of the step, to the days and exits."""
    w = lanes.table
    for k in range(patterns):
        days = np.int64(gvhd.days[k])
        for i in range(width):
            w[_at(SPENT + k, i)] *= 1.0 / part
            w[_at(SUMS + days, i)] += w[_at(SPENT + k, i)] * step
        for c in range(len(hazards.kind)):
            ratio, kind = gvhd.ratio[d, c, k], np.int64(hazards.kind[c])
            for i in range(width):
                w[_at(SUMS + kind, i)] += w[_at(SPENT + k, i)] * ratio * w[_at(HAZARD + c, i)]


# With GVHD, a step is half of its exits, onsets and ends of the acute and of the chronic kind, and the other half of
# its exits. `_turn` does a half and a kind at once, for the four states of the kind beside a state of the other:
# numbers are loaded and stored once for both. Hazards tell nine classes of states apart: never and past are as one.


@njit(**BARE)
def _onsets(never, mild, ill, past, begins, ends, again):
    """P(onset for the first time), P(onset), and the masses of the four states without those who fall ill, after the
    ends of episodes. again: 1 where GVHD comes again, else 0."""
    first, second = never * begins, again * past * begins
    others = mild * (1.0 - ends), ill * (1.0 - ends), past - second + (mild + ill) * ends
    return first, first + second, never - first, *others


@njit(**BARE)
def _four(row, stride, lane, w):
    """Masses of the four states of a kind."""
    more = row + 2 * stride
    return w[_at(row, lane)], w[_at(row + stride, lane)], w[_at(more, lane)], w[_at(more + stride, lane)]


@njit(**BARE)
def _put(row, stride, lane, w, never, mild, ill, past):
    """Their masses from now on."""
    more = row + 2 * stride
    w[_at(row, lane)], w[_at(row + stride, lane)] = never, mild
    w[_at(more, lane)], w[_at(more + stride, lane)] = ill, past


@njit(**BARE)
def _halved(calm, by, lane, w, never, mild, ill, past):
    """Their masses after half a step of exits. calm: class of never and past; by: from class to class."""
    keeps, with_mild, with_ill = (
        w[_at(KEPT + calm, lane)],
        w[_at(KEPT + calm + by, lane)],
        w[_at(KEPT + calm + 2 * by, lane)],
    )
    return never * keeps, mild * with_mild, ill * with_ill, past * keeps


@njit(**BARE)
def _spend(calm, by, lane, w, well, mild, ill):
    """Notes who goes into half a step of exits."""
    w[_at(WITHIN + calm, lane)] += well
    w[_at(WITHIN + calm + by, lane)] += mild
    w[_at(WITHIN + calm + 2 * by, lane)] += ill


@njit(**HOT, inline="always")
def _turn(kind, beside, width, again, w):
    """A half of the exits and one kind of GVHD in a step, in place, of those with the state `beside` of the other kind:
    who may be infused, and who may not. Who falls ill within the step may recover in the half of it that is left."""
    shares, counts = SHARES + 4 * kind, 1.0 if kind == 0 else 0.0
    row, stride = (MASS + beside, 4) if kind == 0 else (MASS + 4 * beside, 1)
    calm, by = (beside % 3, 3) if kind == 0 else (3 * (beside % 3), 1)
    for i in range(width):
        a, b, c, e = _four(row, stride, i, w)
        f, g, h, j = _four(row + 16, stride, i, w)
        if kind == 0:
            _spend(calm, by, i, w, a + e + f + j, b + g, c + h)
            a, b, c, e = _halved(calm, by, i, w, a, b, c, e)
            f, g, h, j = _halved(calm, by, i, w, f, g, h, j)
        begins, ends, stays = w[_at(BEGINS + kind, i)], w[_at(ENDS + kind, i)], w[_at(STAYS + kind, i)]
        mild_on, mild_off = w[_at(shares, i)], w[_at(shares + 1, i)]
        ill_on, ill_off = w[_at(shares + 2, i)], w[_at(shares + 3, i)]
        first, ill, a, b, c, e = _onsets(a, b, c, e, begins, ends, again)
        first_barred, barred, f, g, h, j = _onsets(f, g, h, j, begins, ends, again)
        w[_at(SUMS + GVHD, i)] += counts * (first + first_barred) * w[_at(COUNTED, i)]
        active, active_barred = ill * stays, barred * stays
        over, over_barred = ill - active, barred - active_barred
        b, c, e = b + active * mild_on, c + active * ill_on, e + over * (mild_on + ill_on)
        g += active * mild_off + active_barred * (mild_on + mild_off)
        h += active * ill_off + active_barred * (ill_on + ill_off)
        j += over * (mild_off + ill_off) + over_barred * (mild_on + ill_on + mild_off + ill_off)
        if kind == 1:
            _spend(calm, by, i, w, a + e + f + j, b + g, c + h)
            a, b, c, e = _halved(calm, by, i, w, a, b, c, e)
            f, g, h, j = _halved(calm, by, i, w, f, g, h, j)
        _put(row, stride, i, w, a, b, c, e)
        _put(row + 16, stride, i, w, f, g, h, j)


@njit(**HOT, inline="always")
def _turn_barred(kind, beside, width, again, w):
    """The same, where nobody may be infused and there is one group only."""
    shares, counts = SHARES + 4 * kind, 1.0 if kind == 0 else 0.0
    row, stride = (MASS + beside, 4) if kind == 0 else (MASS + 4 * beside, 1)
    calm, by = (beside % 3, 3) if kind == 0 else (3 * (beside % 3), 1)
    for i in range(width):
        a, b, c, e = _four(row, stride, i, w)
        if kind == 0:
            _spend(calm, by, i, w, a + e, b, c)
            a, b, c, e = _halved(calm, by, i, w, a, b, c, e)
        begins, ends, stays = w[_at(BEGINS + kind, i)], w[_at(ENDS + kind, i)], w[_at(STAYS + kind, i)]
        mild, ill = w[_at(shares, i)] + w[_at(shares + 1, i)], w[_at(shares + 2, i)] + w[_at(shares + 3, i)]
        first, barred, a, b, c, e = _onsets(a, b, c, e, begins, ends, again)
        w[_at(SUMS + GVHD, i)] += counts * first * w[_at(COUNTED, i)]
        active = barred * stays
        b, c, e = b + active * mild, c + active * ill, e + (barred - active) * (mild + ill)
        if kind == 1:
            _spend(calm, by, i, w, a + e, b, c)
            a, b, c, e = _halved(calm, by, i, w, a, b, c, e)
        _put(row, stride, i, w, a, b, c, e)


@njit(**BARE)
def _turns(width, groups, patterns, pattern, again, w):
    """A step with GVHD, in place; fills SPENT. Written out: numbers that the compiler knows let it merge the lanes. A
    function apart, of few arguments, for it takes long to compile."""
    for x in range(9):
        k = np.int64(pattern[4 * (x // 3) + x % 3])
        for i in range(width):
            w[_at(KEPT + x, i)] = w[_at(KEEPS + k, i)]
            w[_at(WITHIN + x, i)] = 0.0
    if groups == 2:
        _turn(0, 0, width, again, w)
        _turn(0, 1, width, again, w)
        _turn(0, 2, width, again, w)
        _turn(0, 3, width, again, w)
        _turn(1, 0, width, again, w)
        _turn(1, 1, width, again, w)
        _turn(1, 2, width, again, w)
        _turn(1, 3, width, again, w)
    else:
        _turn_barred(0, 0, width, again, w)
        _turn_barred(0, 1, width, again, w)
        _turn_barred(0, 2, width, again, w)
        _turn_barred(0, 3, width, again, w)
        _turn_barred(1, 0, width, again, w)
        _turn_barred(1, 1, width, again, w)
        _turn_barred(1, 2, width, again, w)
        _turn_barred(1, 3, width, again, w)
    for k in range(patterns):
        for i in range(width):
            w[_at(SPENT + k, i)] = 0.0
    for x in range(9):
        k = np.int64(pattern[4 * (x // 3) + x % 3])
        for i in range(width):
            w[_at(SPENT + k, i)] += w[_at(WITHIN + x, i)] * w[_at(MEAN + k, i)]


@njit(cache=True, inline="always")
def _transplanted(d, s, lane, states, probability, world, lanes):
    """The share `probability` of everybody in a lane leaves for a transplant, and goes through what follows it."""
    w, everybody, ill = lanes.table, 0.0, 0.0  # ill: with acute GVHD, now or before
    for x in range(states):
        both = w[_at(MASS + x, lane)] + w[_at(MASS + 16 + x, lane)]
        everybody += both
        ill += both if x >= 4 else 0.0
        w[_at(MASS + x, lane)] *= 1.0 - probability
        w[_at(MASS + 16 + x, lane)] *= 1.0 - probability
    gone = everybody * probability
    spared = 1.0 - world.gvhd.counted[d, lanes.who[lane, PATIENT]] * ill / max(everybody, 1e-300)
    after, days = world.after, (world.setting.steps - s) * world.setting.step
    total = max(after.progression + after.death, 1e-12)
    free = -np.expm1(-total * days) / total
    w[_at(SUMS + TRANSPLANTED, lane)] += gone * free
    w[_at(SUMS + PROGRESSION, lane)] += gone * after.progression * free
    w[_at(SUMS + DEATH, lane)] += gone * after.death * free
    w[_at(SUMS + PROGRESSED, lane)] += gone * after.progression / total * (days - free)
    w[_at(SUMS + TRANSPLANT, lane)] += gone
    w[_at(SUMS + GVHD, lane)] += gone * spared * after.gvhd


@njit(cache=True, inline="always")
def _act(d, s, lane, acts, states, times, numbers, world, lanes):
    """What the acts of step s mean for those who are left in a lane: counts, a transplant, and paths that part."""
    r, w = lanes.who[lane, REGIME], lanes.table
    if acts & LEAVES:
        _transplanted(d, s, lane, states, numbers[r, PROBABILITY], world, lanes)
    able = 0.0
    for x in range(states):
        able += w[_at(MASS + x, lane)]
    for bit, outcome in ((TESTED, TESTS), (TRIGGERED, TRIGGERS), (WRONG, FALSE), (FIRST_WRONG, ANY_FALSE)):
        if acts & bit:
            w[_at(SUMS + outcome, lane)] += able
    if acts & INFUSED:
        able -= _part(s, lane, able, states, numbers[r, FAILURE], lanes)
        weight = world.kill.weight[d, r] * np.exp(world.kill.rho[d] * lanes.given[lane])
        w[_at(TOTAL, lane)] += weight
        w[_at(LEFT, lane)] += weight
        w[_at(TRAIL, lane)] += 1.0
        w[_at(COURSE_LEFT, lane)] = times[r, COURSE]
        lanes.given[lane] += 1
        w[_at(SUMS + INFUSIONS, lane)] += able
        if acts & LATE:
            w[_at(SUMS + DELAY, lane)] += able * lanes.late[s, lane] * world.setting.step
            w[_at(SUMS + DELAYED, lane)] += able


@njit(cache=True, inline="always")
def _part(s, lane, able, states, failure, lanes):
    """Takes those who may not be infused in step s, and of the others the share for whom no product could be made, off
    their path and into the pool; returns how many of the others left."""
    w, waiting, missing = lanes.table, lanes.waiting[0], failure if lanes.given[lane] == 0 else 0.0
    leave = missing * able
    for x in range(states):
        leave += w[_at(MASS + 16 + x, lane)]
    if leave <= FORKED or waiting == len(lanes.pool):
        return 0.0
    lanes.waiting[0] += 1
    path = lanes.pool[waiting]
    for x in range(16):
        at, other = _at(MASS + x, lane), _at(MASS + 16 + x, lane)
        path[x] = w[other] + missing * w[at]
        w[other] = 0.0
        w[at] *= 1.0 - missing
    for k in range(STATE):
        path[16 + k] = w[_at(TOTAL + k, lane)]
    path[21], path[22], path[23] = lanes.who[lane, PATIENT], lanes.who[lane, REGIME], s
    return missing * able


@njit(**BARE)
def _follow(d, width, may, times, numbers, world, lanes, trace):
    """Moves the masses of the first `width` lanes along their paths. may: 1 where infusions may be given, else 0 (no
    bool, for which it would be compiled twice). trace: of the first lane, where it is not empty."""
    gvhd, hazards, setting, w = world.gvhd, world.hazards, world.setting, lanes.table
    states, part = (16, 2) if gvhd.present else (1, 1)
    groups, patterns = 2 if may == 1 and gvhd.present else 1, gvhd.ratio.shape[2] if gvhd.present else 1
    faded, first = 1.0 - np.exp2(-setting.step / gvhd.half_life[d]), setting.steps
    again = 1.0 if gvhd.recurrent else 0.0
    for row in range(HAZARD):
        for i in range(width):
            w[_at(row, i)] = 0.0
    for i in range(width):
        first, lanes.given[i] = min(first, lanes.who[i, FIRST]), 0
        for k in range(STATE):
            w[_at(TOTAL + k, i)] = 0.0
    for s in range(first, setting.steps):
        for i in range(width):
            if s == lanes.who[i, FIRST]:
                _enter(i, lanes)
            if may == 1 and lanes.acts[s, i]:
                _act(d, s, i, lanes.acts[s, i], states, times, numbers, world, lanes)
        for i in range(width):
            w[_at(BEFORE, i)] = w[_at(SUMS + PROGRESSION, i)]
        _hazards(d, s, width, hazards, setting.step, lanes)
        _split(d, width, patterns, part, gvhd, hazards, lanes)
        if gvhd.present:
            _expect(d, s, width, faded, gvhd, lanes)
            _turns(width, groups, patterns, gvhd.pattern, again, w)
        else:
            _leave(width, lanes)
        _add(d, width, patterns, part, gvhd, hazards, setting.step, lanes)
        _pass(width, faded, lanes)
        for i in range(width):
            new = w[_at(SUMS + PROGRESSION, i)] - w[_at(BEFORE, i)]
            w[_at(SUMS + PROGRESSED, i)] += (w[_at(PASSED, i)] + new / 2) * setting.step
            w[_at(PASSED, i)] += new
        if trace.shape[0]:
            for x in range(states):
                both = w[_at(MASS + x, 0)] + w[_at(MASS + 16 + x, 0)]
                trace[s, 3 + np.int64(gvhd.days[gvhd.pattern[x]])] += both
            trace[s, 6], trace[s, 7] = w[_at(PASSED, 0)], w[_at(SUMS + DEATH, 0)]


@njit(cache=True, inline="always")
def _enter(lane, lanes):
    """Puts those who are on a path at its first step there, and the path where it stands."""
    for x in range(16):
        lanes.table[_at(MASS + x, lane)] = lanes.enter[lane, x]
    for k in range(STATE):
        lanes.table[_at(TOTAL + k, lane)] = lanes.enter[lane, 16 + k]


@njit(**BARE)
def _occupy(d, lane, p, r, first, enter, world, lanes):
    """Gives a lane to a path: what its patient and regime are. enter: masses and state at its first step."""
    w, people, kill, gvhd, step = lanes.table, world.people, world.kill, world.gvhd, world.setting.step
    lanes.who[lane, PATIENT], lanes.who[lane, REGIME], lanes.who[lane, FIRST] = p, r, first
    for k in range(16 + STATE):
        lanes.enter[lane, k] = enter[k]
    w[_at(LEVEL, lane)], w[_at(GROWTH, lane)] = people.level[d, p], people.growth[d, p] * step
    w[_at(POTENCY, lane)], w[_at(KAPPA, lane)] = people.kill[d, p], kill.kappa[d, r] * step
    w[_at(DECAY, lane)], w[_at(FADES, lane)] = np.exp2(-step / kill.half_life[d, r]), LN2 / kill.half_life[d, r]
    for j in range(3):
        w[_at(NODES + j, lane)] = np.exp2(-NODE[j] * step / kill.half_life[d, r])
    for c in range(len(world.hazards.kind)):
        w[_at(RELATIVE + c, lane)] = people.relative[d, c, p]
    for kind in range(2):
        w[_at(ENDS + kind, lane)] = gvhd.ends[d, kind, r]
        w[_at(STAYS + kind, lane)] = np.sqrt(1.0 - gvhd.ends[d, kind, r])
        w[_at(CAUSED + kind, lane)] = gvhd.onsets[d, kind, r]
        w[_at(RELATIVE_GVHD + kind, lane)] = gvhd.relative[d, kind, p]
        for k in range(4):
            w[_at(SHARES + 4 * kind + k, lane)] = gvhd.shares[d, kind, p, k]
    w[_at(COUNTED, lane)] = gvhd.counted[d, p]


@njit(**BARE)
def _gather(width, cell, lanes, found):
    """Adds the outcomes of the lanes to `found`, shape (regime, cell, outcome)."""
    for i in range(width):
        r, c = lanes.who[i, REGIME], cell[lanes.who[i, PATIENT]]
        for o in range(len(OUTCOMES)):
            found[r, c, o] += lanes.table[_at(SUMS + o, i)]


@njit(cache=True)
def _rest(d, fewest, times, numbers, world, lanes, found):
    """Follows those who left their paths, if there are so many, in the order of the steps at which they did."""
    waiting, none = lanes.waiting[0], np.zeros((0, len(TRACED)))
    if waiting < fewest:
        return
    order = np.argsort(lanes.pool[:waiting, 23], kind="mergesort")
    for start in range(0, waiting, ABREAST):
        width = min(ABREAST, waiting - start)
        for i in range(width):
            path = lanes.pool[order[start + i]]
            _occupy(d, i, int(path[21]), int(path[22]), int(path[23]), path[:21], world, lanes)
        _follow(d, width, np.int64(0), times, numbers, world, lanes, none)
        _gather(width, world.people.cell, lanes, found)
    lanes.waiting[0] = 0


@njit(cache=True)
def _walk(d, patients, regimes, times, numbers, world, lanes, found, trace):
    """Adds the outcomes of these patients under these regimes to `found`, shape (regime, cell, outcome)."""
    drawn, start, width = np.zeros((world.setting.steps, 4)), np.zeros(16 + STATE), 0
    start[0] = 1.0
    for p in patients:
        noise(world.setting, world.assay, d, p, drawn)
        for r in regimes:
            _occupy(d, width, p, r, 0, start, world, lanes)
            _plan(d, width, times, numbers, drawn, world, lanes, trace)
            width += 1
            if width == ABREAST or (p == patients[-1] and r == regimes[-1]):
                _follow(d, width, np.int64(1), times, numbers, world, lanes, trace)
                _gather(width, world.people.cell, lanes, found)
                _rest(d, POOL, times, numbers, world, lanes, found)
                width = 0
    _rest(d, 1, times, numbers, world, lanes, found)


@njit(cache=True)
def lanes_of(setting):
    """Work space of one thread."""
    steps = setting.steps
    return Lanes(
        np.zeros(ROWS * ABREAST),
        np.zeros((steps, ABREAST), dtype=np.int64),
        np.zeros((steps, ABREAST)),
        np.zeros((ABREAST, 3), dtype=np.int64),
        np.zeros((ABREAST, 16 + STATE)),
        np.zeros(ABREAST, dtype=np.int64),
        np.zeros(9),
        np.zeros((POOL + ABREAST * steps, 24)),
        np.zeros(1, dtype=np.int64),
    )


@njit(cache=True, nogil=True)
def _of_draw(d, times, numbers, world, counts, found):
    """Fills the mean outcomes of a draw, shape (regime, cell, outcome)."""
    everybody, every = np.arange(world.people.level.shape[1]), np.arange(len(times))
    _walk(d, everybody, every, times, numbers, world, lanes_of(world.setting), found, np.zeros((0, len(TRACED))))
    for k in range(len(counts)):
        found[:, k] /= max(counts[k], 1)


def outcomes(times: np.ndarray, numbers: np.ndarray, world: World, counts: np.ndarray, threads: int = 1) -> np.ndarray:
    """Mean outcomes, shape (draw, regime, cell, outcome), the same for any number of threads. times, numbers: from
    `regimes.rules`. counts: patients in each cell, shape (cell,)."""
    found = np.zeros((len(world.people.level), len(times), len(counts), len(OUTCOMES)))
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(_of_draw, d, times, numbers, world, counts, found[d]) for d in range(len(found))]:
            done.result()
    return found


@njit(cache=True)
def followed(d, p, r, times, numbers, world):
    """The path of one patient under one regime, shape (step, TRACED): B before the step, reading (NaN without a test),
    whether an infusion was given, and the probabilities of the states at the step's end. Those who leave the path at
    an infusion that they may not be given are not on it any more."""
    trace = np.zeros((world.setting.steps, len(TRACED)))
    trace[:, 1] = np.nan
    found = np.zeros((times.shape[0], world.people.cell.max() + 1, len(OUTCOMES)))
    _walk(d, np.array([p]), np.array([r]), times, numbers, world, lanes_of(world.setting), found, trace)
    return trace
