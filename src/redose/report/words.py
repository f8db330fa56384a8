"""Numbers in words: sensible digits, units, levels of MRD."""

import math
import re

from markupsafe import Markup, escape

from redose.figures.style import MONTH

EVIDENCE = ((0.99, "strong evidence"), (0.95, "moderate evidence"), (0.9, "weak evidence"))
UNCLEAR = "no clear direction"
POWER = re.compile(r"10\^(-?[0-9]+(?:\.[0-9]+)?)")


def number(value: float, digits: int = 3) -> str:
    """`value` to so many significant digits, without an exponent; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    if value == 0 or math.isinf(value):
        return {0.0: "0", math.inf: "∞", -math.inf: "−∞"}[value]
    places = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    return f"{value:,.{places}f}".replace(",", " ").replace("-", "−")


def rounded(value: float) -> str:
    """`value` to two decimals, trailing zeros left out."""
    return "–" if math.isnan(value) else f"{round(value, 2) + 0.0:g}".replace("-", "−")


def percent(share: float) -> str:
    """A share as a percentage without decimals that never rounds to certainty."""
    if share is None or math.isnan(share):
        return "–"
    if 0 < share < 0.005:
        return "< 1 %"
    if 0.995 <= share < 1:
        return "> 99 %"
    return f"{100 * share:.0f} %"


def small_percent(share: float) -> str:
    """A share that may be far below 1 %, as a percentage to two digits: 0.077 %."""
    return "< 0.001 %" if 0 <= share < 1e-5 else f"{number(100 * share, 2)} %"


def days(value: float) -> str:
    """Days with the months in brackets: 180 days (5.9 months)."""
    return f"{value:.0f} days ({value / MONTH:.1f} months)"


def probability(value: float) -> str:
    """A probability of direction, two digits, never certainty."""
    return "> 0.99" if value > 0.995 else f"{value:.2f}"


def p_value(value: float) -> str:
    """A p-value to two decimals, three where it is small."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def evidence(value: float) -> str:
    """A probability of direction in words, as the dossier defines them."""
    return next((text for least, text in EVIDENCE if value >= least), UNCLEAR)


def band(low: float, high: float, write=number) -> str:
    """`low to high`, with the unit said once."""
    first, last = write(low), write(high)
    unit = " %" if first.endswith(" %") and last.endswith(" %") else ""
    return f"{first.removesuffix(unit)} to {last}"


def fraction(level: float) -> str:
    """A level of log10 MRD as a percentage with two digits: 0.13 %."""
    return f"{number(100 * 10**level, 2)} %"


def mrd(level: float) -> str:
    """A level of log10 MRD: 10^-2.9 (0.13 %); what lies outside the levels looked at, in words."""
    if math.isinf(level):
        return "above any MRD" if level > 0 else "below any MRD"
    return f"10^{level:.1f} ({fraction(level)})"


def power(level: float) -> str:
    """A level of log10 MRD without its percentage."""
    return mrd(level) if math.isinf(level) else f"10^{level:.1f}"


def powers(text: str) -> Markup:
    """`text` escaped, each 10^x with x raised."""
    return Markup(POWER.sub(r"10<sup>\1</sup>", str(escape(text))).replace("<sup>-", "<sup>−"))


def listed(words: list[str]) -> str:
    """a, b and c."""
    words = list(words)
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else ""


def counted(count: int, word: str) -> str:
    """1 patient, 2 patients."""
    return f"{count:,} {word}{'' if count == 1 else 's'}".replace(",", " ")
