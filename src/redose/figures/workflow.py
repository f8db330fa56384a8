"""The rules of the workflow in layers, from the tables to the dossier."""

from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from redose.figures import style

ROW, SLOTTED = 0.62, 0.9  # inches between layers, and of a rule across at most
SLOT, NARROW = 1.0, 0.22  # width of a rule and of a line that passes a layer, relative
SHORT = 5  # letters of a word beside which the number of jobs has room
SWEEPS = 12  # down and up, to untangle the lines
DATA = ("derive", "simulate", "check", "design")
FIT = ("sample_prior", "fit", "diagnose", "judge", "accept")
COLOURS = {**dict.fromkeys(DATA, style.GREY), **dict.fromkeys(FIT, style.BLUE), "report": style.VERMILLION}


def needed(edges: list) -> set:
    """Edges without those that others imply. edges: (from, to), without cycles."""
    after = {}
    for a, b in edges:
        after.setdefault(a, set()).add(b)

    def beyond(a) -> set:
        found, todo = set(), list(after.get(a, ()))
        while todo:
            b = todo.pop()
            todo += after.get(b, set()) - found
            found |= after.get(b, set())
        return found

    return {(a, b) for a, followers in after.items() for b in followers - beyond(a)}


def depths(names: list, edges: set) -> dict:
    """Layer of every rule: the longest way from one without input, which itself stands above the first to read it."""
    depth = dict.fromkeys(names, 0)
    for _ in names:
        for a, b in edges:
            depth[b] = max(depth[b], depth[a] + 1)
    for first in set(names) - {b for _, b in edges}:
        depth[first] = min((depth[b] - 1 for a, b in edges if a == first), default=0)
    return depth


def layered(names: list, edges: set) -> tuple[list[list], list[list]]:
    """(layers, chains): the order within every layer, and each edge as the nodes that it passes.

    A node is a rule's name, or (from, to, layer) where an edge passes a layer."""
    depth = depths(names, edges)
    chains = [[a, *((a, b, d) for d in range(depth[a] + 1, depth[b])), b] for a, b in sorted(edges)]
    layers = [[] for _ in range(max(depth.values()) + 1)]
    for name in names:
        layers[depth[name]].append(name)
    for chain in chains:
        for node in chain[1:-1]:
            layers[node[2]].append(node)
    above, below = {}, {}
    for chain in chains:
        for a, b in pairwise(chain):
            above.setdefault(b, []).append(a)
            below.setdefault(a, []).append(b)
    for sweep in range(SWEEPS):
        beside = above if sweep % 2 == 0 else below
        for layer in layers if sweep % 2 == 0 else layers[::-1]:
            place = {n: x for row in layers for n, x in zip(row, centres(row), strict=True)}
            middle = {n: np.mean([place[m] for m in beside[n]]) if n in beside else place[n] for n in layer}
            layer.sort(key=middle.get)
    return layers, chains


def width(node) -> float:
    return SLOT if isinstance(node, str) else NARROW


def centres(layer: list) -> np.ndarray:
    """Places across of the nodes of a layer, about 0."""
    widths = np.array([width(node) for node in layer])
    return np.cumsum(widths) - widths / 2 - widths.sum() / 2


@style.styled
def workflow(jobs: dict, edges: list) -> Figure:
    """Rules as boxes with the number of their jobs, and what feeds what. jobs: rule -> number; edges: (from, to)."""
    layers, chains = layered(sorted(jobs), needed(edges))
    widest = max(sum(map(width, layer)) for layer in layers)
    figure = Figure(figsize=(min(style.WIDTH, SLOTTED * widest), ROW * len(layers)))
    axis = figure.subplots()
    axis.set_axis_off()
    axis.set_xlim(-widest / 2, widest / 2)
    axis.set_ylim(-ROW * (len(layers) - 0.5), ROW / 2)
    at = {}
    for row, layer in enumerate(layers):
        at |= {node: (x, -ROW * row) for node, x in zip(layer, centres(layer), strict=True)}
    for chain in chains:
        axis.add_patch(line([at[node] for node in chain]))
    for name, count in jobs.items():
        times = f"× {count}" if count > 1 else ""
        between = "\n" if len(name.rpartition("_")[2]) > SHORT else " "  # narrow boxes do not touch
        words = (name.replace("_", "\n") + between + times).strip()
        colour = COLOURS.get(name, style.GREEN if name.startswith("draw_") else style.BLACK)
        box = {"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": colour, "linewidth": 1.1}
        axis.text(*at[name], words, ha="center", va="center", fontsize=6, linespacing=1.0, bbox=box)
    return figure


def line(places: list) -> PathPatch:
    """A smooth line downwards through places."""
    corners, codes = [places[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(places):
        half = (y1 - y0) / 2
        corners += [(x0, y0 + half), (x1, y1 - half), (x1, y1)]
        codes += [Path.CURVE4] * 3
    return PathPatch(Path(corners, codes), facecolor="none", edgecolor=style.GREY, linewidth=0.7, alpha=0.7, zorder=0)
