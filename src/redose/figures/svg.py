"""An SVG in fewer bytes, because a dossier embeds dozens of them: the same picture to a hundredth of a point."""

import re

PATH = re.compile(r'\bd="([^"]*)"')
PLACE = re.compile(r'\b(x|y)="(-?[0-9.]+)"')
WORDS = re.compile(r"[A-Za-z]|-?[0-9.]+(?:e[-+]?[0-9]+)?")
CORNERS = {"M": 1, "L": 1, "Q": 2, "C": 3, "z": 0}  # command -> points that follow it, as matplotlib writes paths
INDENT = re.compile(r"\n +<")
UNIT = 100  # steps in a point: 3.5 micrometres in print


def compact(text: str) -> str:
    """The SVG `text` with rounded coordinates, paths in relative steps, and no indentation."""
    placed = PLACE.sub(lambda m: f'{m[1]}="{number(steps(m[2]))}"', INDENT.sub("\n<", text))
    return PATH.sub(lambda m: f'd="{path(m[1])}"', placed)


def path(text: str) -> str:
    """A path in fewer letters. Steps are differences of rounded places, so that no error adds up; a run along an axis
    in one direction is one step."""
    words = iter(WORDS.findall(text))
    parts, at, start = [], (0, 0), (0, 0)
    for command in words:
        points = [(steps(next(words)), steps(next(words))) for _ in range(CORNERS[command])]
        if command == "L":
            step(parts, points[0][0] - at[0], points[0][1] - at[1])
        else:
            parts.append((command, [x for point in points for x in point]))
        start = points[0] if command == "M" else start
        at = points[-1] if points else start
    return written(parts)


def step(parts: list, right: int, down: int) -> None:
    """Adds a line by so many steps to `parts`: h or v along an axis, else l."""
    command, values = ("l", [right, down]) if right and down else ("v", [down]) if down else ("h", [right])
    if parts and command != "l" and parts[-1][0] == command and parts[-1][1][0] * values[0] > 0:
        values = [parts.pop()[1][0] + values[0]]
    parts.append((command, values))


def written(parts: list) -> str:
    """Commands and their numbers as text; a letter that repeats is said once."""
    text, last = "", ""
    for command, values in parts:
        numbers = ""
        for value in map(number, values):
            numbers += value if not numbers or value[0] == "-" else f" {value}"
        needed = command != last or command in "Mz"
        text += f"{command if needed else '' if numbers[0] == '-' else ' '}{numbers}"
        last = command
    return text


def steps(text: str) -> int:
    return round(UNIT * float(text))


def number(value: int) -> str:
    """A number of steps in points, without needless zeros: 1.5, .25, -.25."""
    text = f"{value / UNIT:.2f}".rstrip("0").rstrip(".")
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
