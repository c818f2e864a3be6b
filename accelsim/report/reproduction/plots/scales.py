"""Colours, numbers and logarithmic scales of a reproduction's figures."""

from __future__ import annotations

import math

from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

from accelsim.report.style import si

# Okabe and Ito's palette with grey in place of yellow, because yellow lines and points are hard to
# see on paper.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#000000", "#999999")


def mark_logarithmic(axis: Axis) -> None:
    """Set the ticks of a logarithmic axis whose limits are set: decades as powers of ten, or plain
    numbers if fewer than two decades are on the axis.
    """
    axis.set_minor_formatter(NullFormatter())
    low, high = axis.get_view_interval()
    if math.floor(math.log10(high) + 1e-9) - math.ceil(math.log10(low) - 1e-9) < 1:
        axis.set_major_locator(FixedLocator(_marks(low, high)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))


def _marks(low: float, high: float) -> list[float]:
    """Ticks between two limits less than two decades apart: multiples of the decades by as few
    digits as give three ticks, else equally spaced numbers.
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 2, 3, 5), range(1, 10)):
        marks = [float(f"{digit}e{decade}") for decade in decades for digit in digits]
        inside = [mark for mark in marks if low <= mark <= high]
        if len(inside) >= 3:
            return inside
    return [mark for mark in MaxNLocator(nbins=5).tick_values(low, high) if low <= mark <= high]


def short_number(value: float | str, digits: int = 3) -> str:
    """A number in short form: ``0.75``, ``58.6M``, ``3e-05``."""
    if isinstance(value, str):
        return value
    if abs(value) >= 10_000:
        return si(value, digits=max(3, digits))
    return f"{value:.{digits}g}" if abs(value) < 10**digits else f"{value:.0f}"
