"""Small counts of subgroups, not shown on request, and with them what they could be computed back from.

A count from 1 to `fewest` - 1 is shown as `< fewest`. If the other numbers of the table and its totals would still
leave only one value for it, further counts are withheld, the smallest first, until every small count has at least two
values left to a reader who knows the rule: what is withheld is 0 or at least `fewest`. Cells that are computed from a
count that is not shown (percentages, means) are withheld with it.

Cox, L. H. (1980) Suppression methodology and statistical disclosure control. JASA 75, 377-385.
"""

import math
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import wraps

import numpy as np

from redose.report.tables.cells import Cell, Sum, Table

Limits = tuple[np.ndarray, np.ndarray, np.ndarray]  # rows of weights of the unknowns, and the least and largest of sums
WITHHELD = Cell("withheld", math.nan)  # no value to sort by: it would tell the count
SMALL, LARGE, ANY = "small", "0 or not small", "any"  # what a reader knows of a count that is not shown


def small_counts_hidden(table_of: Callable) -> Callable:
    """The function of a table (first argument: the dossier), with small counts hidden where the config asks for it."""

    @wraps(table_of)
    def hidden(dossier, *arguments):
        return suppressed(table_of(dossier, *arguments), dossier.fewest)

    return hidden


def suppressed(table: Table | None, fewest: int) -> Table | None:
    """The table with counts below `fewest` not shown; the very table where none is, or where `fewest` is 0 or 1."""
    if table is None or fewest < 2:
        return table
    counts = counts_of(table)
    hidden = unshown(counts, table.sums, fewest)
    if not hidden:
        return table
    rows = [[shown(cell, hidden, fewest) for cell in row] for row in table.rows]
    return replace(table, rows=rows, file="", remark=remark(fewest, hidden))  # the file of the run holds all counts


def counts_of(table: Table) -> dict[Hashable, int]:
    """Name -> value of every count of the table."""
    return {cell.counted: int(cell.value) for row in table.rows for cell in row if cell.counted is not None}


def shown(cell: Cell, hidden: dict[Hashable, str], fewest: int) -> Cell:
    """A cell as it is shown: of a count that is hidden, and of what is computed from one, no value is left."""
    if cell.counted in hidden:
        return Cell(f"< {fewest}", math.nan) if hidden[cell.counted] == SMALL else WITHHELD
    return WITHHELD if any(name in hidden for name in cell.computed) else cell


def remark(fewest: int, hidden: dict[Hashable, str]) -> str:
    """The sentence under a table of which something is not shown."""
    small = f"Counts from 1 to {fewest - 1} are shown as < {fewest}" if fewest > 2 else "Counts of 1 are shown as < 2"
    rest = " or may be small itself" if ANY in hidden.values() else ""
    return f"{small}; what is withheld could be used to compute them{rest} (config: privacy: fewest)."


def unshown(counts: dict[Hashable, int], sums: tuple[Sum, ...], fewest: int) -> dict[Hashable, str]:
    """Name -> what a reader knows of it, for every count that must not be shown."""
    hidden = {name: SMALL for name, value in counts.items() if 0 < value < fewest}
    while exposed := next((n for n in hidden if hidden[n] == SMALL and known(n, hidden, counts, sums, fewest)), None):
        further = next_hidden(exposed, hidden, counts, sums, fewest)
        if further is None:  # nothing is left to withhold: not even that they are small may be said
            hidden |= dict.fromkeys(tied(exposed, hidden, sums), ANY)
        else:
            hidden[further] = LARGE
    return hidden


def next_hidden(
    exposed: Hashable, hidden: dict, counts: dict[Hashable, int], sums: tuple[Sum, ...], fewest: int
) -> Hashable | None:
    """The count to withhold next, so that `exposed` is no longer known: the smallest that suffices alone, else the
    smallest that helps; zeros come last, as they tell nothing of anybody. None where there is none."""
    alone = [s for s in sums if exposed in s.names and not any(n in hidden for n in s.names if n != exposed)]
    near = alone or [s for s in sums if any(n in hidden for n in s.names)]
    pool = dict.fromkeys(n for s in near for n in s.names if n not in hidden)
    ordered = sorted(pool, key=lambda n: (counts[n] == 0, counts[n]))
    for name in ordered:
        if not known(exposed, hidden | {name: LARGE}, counts, sums, fewest):
            return name
    return next(iter(ordered), None)


def tied(name: Hashable, hidden: dict, sums: tuple[Sum, ...]) -> set[Hashable]:
    """The hidden counts that sums tie to `name`, itself among them."""
    found, waiting = {name}, [name]
    while waiting:
        one = waiting.pop()
        new = {n for s in sums if one in s.names for n in s.names if n in hidden} - found
        found |= new
        waiting += new
    return found


def known(name: Hashable, hidden: dict, counts: dict[Hashable, int], sums: tuple[Sum, ...], fewest: int) -> bool:
    """Whether what is shown leaves one value for a hidden count: its least and its largest possible value are the same.

    Integer programming over the counts that sums tie to it, exact for whatever sums a table has."""
    from scipy.optimize import Bounds, LinearConstraint, milp  # a tenth of a second, and few reports hide counts

    names = sorted(tied(name, hidden, sums), key=list(hidden).index)
    mine = [s for s in sums if not set(names).isdisjoint(s.names)]
    if not mine:
        return False
    kinds, most = [hidden[n] for n in names], float(sum(counts.values()) + fewest)
    # unknowns: the counts, and beside each a switch: 0 it is 0, 1 it is not small
    low = np.array([1.0 if kind == SMALL else 0.0 for kind in kinds] + [0.0] * len(names))
    high = np.array([fewest - 1.0 if kind == SMALL else most for kind in kinds] + [1.0] * len(names))
    limits = [LinearConstraint(*x) for x in (adding_up(mine, names, counts), *switched(kinds, fewest, most))]
    ends = []
    for sign in (1.0, -1.0):
        cost = np.zeros(len(low))
        cost[names.index(name)] = sign
        found = milp(cost, constraints=limits, bounds=Bounds(low, high), integrality=np.ones(len(low)))
        ends.append(sign * round(found.fun))
    return ends[0] == ends[1]


def adding_up(sums: list[Sum], names: list[Hashable], counts: dict[Hashable, int]) -> Limits:
    """The sums as limits on the hidden counts `names`: what is shown of them is moved to the other side."""
    rows, least, largest = np.zeros((len(sums), 2 * len(names))), np.zeros(len(sums)), np.zeros(len(sums))
    for k, one in enumerate(sums):
        whole = sum(counts[n] for n in one.parts) if one.total is None else counts[one.total]
        exact = whole == sum(counts[n] for n in one.parts)
        signed = [(n, 1.0) for n in one.parts] + ([(one.total, -1.0)] if one.total is not None else [])
        left = float(whole) if one.total is None else 0.0
        for n, sign in signed:
            if n in names:
                rows[k, names.index(n)] += sign
            else:
                left -= sign * counts[n]
        least[k], largest[k] = left if exact else -np.inf, left
    return rows, least, largest


def switched(kinds: list[str], fewest: int, most: float) -> list[Limits]:
    """fewest * switch <= count <= most * switch, for every count that is 0 or not small."""
    large = [k for k, kind in enumerate(kinds) if kind == LARGE]
    if not large:
        return []
    rows = np.zeros((2, len(large), 2 * len(kinds)))
    rows[:, range(len(large)), large] = 1.0
    rows[0, range(len(large)), [k + len(kinds) for k in large]] = -fewest
    rows[1, range(len(large)), [k + len(kinds) for k in large]] = -most
    above, below = np.zeros(len(large)), np.full(len(large), np.inf)
    return [(rows[0], above, below), (rows[1], -below, above)]
