"""Presentation of quantities in tables and plots: names, order and colours of components and
causes, and numbers with SI prefixes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence

from accelsim.config.names import Component
from accelsim.results.op import PASSES
from accelsim.results.result import Result

COMPONENT_NAMES: dict[str, str] = {
    Component.MAC: "MAC",
    Component.CONTROL: "control",
    Component.SCRATCHPAD: "scratchpad",
    Component.NOC: "NoC",
    Component.GLOBAL_BUFFER: "global buffer",
    Component.DRAM: "DRAM",
    Component.VECTOR: "vector",
    Component.LEAKAGE: "leakage",
}
"""Printed name by component key, in the order of stacks and columns (from the PE outwards)."""

CAUSE_NAMES = {
    "busy": "busy",
    "window_empty": "window empty",
    "imbalance": "imbalance",
    "stall_dram": "stall: DRAM",
    "stall_noc": "stall: NoC",
    "stall_bank": "stall: bank",
    "stall_dependency": "stall: dependency",
    "stall_drain": "stall: drain",
    "stall_vector": "stall: vector",
    "idle": "idle",
}

# Okabe and Ito's palette (distinct with every common colour-vision deficiency), with one fixed
# colour per component.
COMPONENT_COLOURS: dict[str, str] = {
    Component.MAC: "#0072B2",
    Component.CONTROL: "#56B4E9",
    Component.SCRATCHPAD: "#009E73",
    Component.NOC: "#F0E442",
    Component.GLOBAL_BUFFER: "#E69F00",
    Component.DRAM: "#D55E00",
    Component.VECTOR: "#CC79A7",
    Component.LEAKAGE: "#999999",
}
OTHER_COLOUR = "#000000"

CAUSE_COLOURS = {
    "busy": "#0072B2",
    "window_empty": "#56B4E9",
    "imbalance": "#F0E442",
    "stall_dram": "#D55E00",
    "stall_noc": "#E69F00",
    "stall_bank": "#CC79A7",
    "stall_dependency": "#882255",
    "stall_drain": "#009E73",
    "stall_vector": "#332288",
    "idle": "#CCCCCC",
}

PASS_COLOURS = dict(zip(PASSES, ("#0072B2", "#D55E00", "#009E73", "#E69F00"), strict=True))

_PREFIXES = (
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "u"),
    (1e-9, "n"),
    (1e-12, "p"),
)


def components(results: Sequence[Result]) -> list[str]:
    """Components of the results' energies in printing order; components that this file does not
    list come last, by name.
    """
    found = {name for result in results for name in result.energy_by_component_pj}
    return [name for name in component_columns(found) if name in found]


def component_columns(found: Collection[str]) -> list[str]:
    """Components that have a column in a table: all known ones, so that columns do not depend on
    the machine, then others in ``found``, by name.
    """
    return [*COMPONENT_NAMES, *sorted(set(found) - set(COMPONENT_NAMES))]


def si(value: float, unit: str = "", digits: int = 3) -> str:
    """``value`` with ``digits`` significant digits and an SI prefix: 1234567 -> ``1.23M``, 0.0015 s
    -> ``1.5 ms``.
    """
    if value == 0:
        return f"0 {unit}".strip()
    whole = isinstance(value, int) or (unit in ("", "B") and value == int(value))
    if whole and abs(value) < 1000:  # a count, or a mean of equal counts
        return f"{value:.0f} {unit}".strip()
    rounded = abs(float(f"{value:.{digits - 1}e}"))
    scale, letter = next(
        ((scale, letter) for scale, letter in _PREFIXES if rounded >= scale), _PREFIXES[-1]
    )
    number = (
        f"{value / scale:#.{digits}g}".rstrip(".")
        if rounded / scale < 1000
        else f"{value / scale:.{digits}g}"
    )
    return f"{number} {letter}{unit}" if unit else f"{number}{letter}"


def prefix(value: float) -> tuple[float, str]:
    """(factor, letter) of the SI prefix that suits a value: 0.0061 -> (0.001, "m")."""
    rounded = abs(float(f"{value:.2e}"))
    return next((each for each in _PREFIXES if rounded >= each[0]), (1.0, ""))


def joules(energy_pj: float) -> str:
    """Picojoules as text with an SI prefix: 2.5e6 -> ``2.50 uJ``."""
    return si(energy_pj * 1e-12, "J")


def joules_between(energy_pj: float, interval: tuple[float, float] | None) -> str:
    """Picojoules with their interval: ``2.50 uJ (2.01 to 2.93)``, in the unit of the nominal
    value, which may lie outside.
    """
    if interval is None or not energy_pj:
        return joules(energy_pj)
    scale, _ = prefix(energy_pj * 1e-12)
    low, high = (plain(each * 1e-12 / scale) for each in interval)
    return f"{joules(energy_pj)} ({low} to {high})"


def times(ratio: float | None, interval: tuple[float, float] | None = None) -> str:
    """Text of a ratio to the baseline: ``0.42x``, or ``0.42x (0.38 to 0.45)`` with its interval; a
    dash if there is none.
    """
    if ratio is None:
        return "-"
    bounds = () if interval is None else tuple(f"{each:.{_digits(each)}f}" for each in interval)
    text = f"{ratio:.{_digits(ratio)}f}x"
    return f"{text} ({' to '.join(bounds)})" if bounds else text


def _digits(ratio: float) -> int:
    """Decimal places of a ratio."""
    return 2 if ratio < 100 else 0


def percent(share: float) -> str:
    """A share as text: 0.84 -> ``84 %``; below 1 % with two digits."""
    return f"{100 * share:.0f} %" if share >= 0.01 or not share else f"{100 * share:.2g} %"


def unsourced(share: float) -> str:
    """A share of unsourced energy as text: ``4 %``, ``0.3 %``, ``under 0.1 %``."""
    return "under 0.1 %" if share < 0.001 else percent(share)


def plain(value: float, digits: int = 3) -> str:
    """A number with ``digits`` significant digits, or all those before the point, and never an
    exponent: 138.0 -> ``138``, 1234.5 -> ``1,234``.
    """
    if not value:
        return "0"
    before = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}")))) + 1
    return f"{value:,.{max(0, digits - before)}f}"


def listed(words: Sequence[str]) -> str:
    """``bp, dfa and fa``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def folded(label: str, width: int) -> str:
    """A run's label in lines of at most ``width`` characters, broken only after ``/``, ``:`` and
    ``,``; a longer piece stays whole.
    """
    lines = [""]
    for piece in re.split(r"(?<=[/:,])", label):
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(lines)
