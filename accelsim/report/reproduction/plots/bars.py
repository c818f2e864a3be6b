"""Panels of bars, with values at their ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

from matplotlib.axes import Axes

from accelsim.report.reproduction.plots.layout import group_names, panel_width
from accelsim.report.reproduction.plots.scales import COLOURS, mark_logarithmic, short_number
from accelsim.results.reproduction import Panel

DIGIT = 0.047
"""Width in inches of a digit of a bar's value."""
TURNED = 0.085
"""Width in inches of a value that is written upwards."""


def bars(axes: Axes, panel: Panel, looks: dict[str, int]) -> None:
    """Draw a group of bars per x, with one bar per series. Values are written at the ends if there
    is room. A value that a logarithmic axis cannot show is written in any case.
    """
    groups = list(dict.fromkeys(x for series in panel.series for x in series.x))
    width = 0.8 / len(panel.series) if len(panel.series) > 1 else 0.66
    values = [float(y) for series in panel.series for y in series.y if y is not None]
    above = [value for value in values if value > 0]
    bottom = (
        10 ** (math.floor(math.log10(min(above)) + 1e-9) - (1 if _near_power(min(above)) else 0))
        if panel.log_y and above
        else 0.0
    )
    pitch = panel_width(axes) / max(1, len(groups)) * (width if len(panel.series) > 1 else 1)
    texts, upwards = _values(panel, pitch)
    for index, series in enumerate(panel.series):
        shift = (index - (len(panel.series) - 1) / 2) * width
        heights = {
            x: None if y is None else float(y) for x, y in zip(series.x, series.y, strict=True)
        }
        colour = COLOURS[looks.get(series.label, 0) % len(COLOURS)]
        places = [group + shift for group, x in enumerate(groups) if heights.get(x) is not None]
        sizes = [cast("float", heights[x]) for x in groups if heights.get(x) is not None]
        shown = [max(size, bottom) for size in sizes] if panel.log_y else sizes
        axes.bar(
            places,
            [size - bottom for size in shown],
            width * 0.94,
            bottom=bottom,
            color=colour,
            label=series.label,
            linewidth=0,
        )
        for place, size, end in zip(places, sizes, shown, strict=True):
            if texts or (panel.log_y and size <= 0):
                _write_value(
                    axes, place, end, texts.get(size) or short_number(size), size < 0, upwards
                )
    if panel.log_y and above:
        axes.set_yscale("log")
        top = max(above) * 3
        axes.set_ylim(bottom, top * (top / bottom) ** 0.14 if upwards else top)
        mark_logarithmic(axes.yaxis)
    elif values:
        _headroom(axes, values, 0.26 if upwards else 0.12)
    axes.set_xlim(-0.6, len(groups) - 0.4)
    names, turned = group_names(panel, panel_width(axes))
    axes.set_xticks(range(len(groups)), labels=names)
    if turned:
        for label in axes.get_xticklabels():
            label.set(rotation=40, ha="right", rotation_mode="anchor")
    axes.grid(axis="y", color="#E6E6E6", linewidth=0.5)


def _values(panel: Panel, pitch: float) -> tuple[dict[float, str], bool]:
    """Texts of the values at bars ``pitch`` inches apart, and whether they are written upwards.
    They have as many digits, at most five, as distinguish the values of a series.

    Returns no texts if there is no room.
    """
    curves = [{float(y) for y in series.y if y is not None} for series in panel.series]
    for digits, upwards in ((3, False), (2, False), (3, True), (4, True), (5, True)):
        texts = {value: short_number(value, digits) for values in curves for value in values}
        apart = digits == 5 or all(
            len({texts[value] for value in values}) == len(values) for values in curves
        )
        if (
            apart
            and (TURNED if upwards else max(map(len, texts.values()), default=0) * DIGIT) <= pitch
        ):
            return texts, upwards
    return {}, False


def _write_value(
    axes: Axes, place: float, end: float, value: str, down: bool, upwards: bool = False
) -> None:
    """Write a bar's value beyond its end."""
    look: dict[str, Any] = {
        "ha": "center",
        "va": "top" if down else "bottom",
        "fontsize": 5.5,
        "rotation": 90 if upwards else 0,
    }
    axes.annotate(
        value, (place, end), (0, -1.5 if down else 1.5), textcoords="offset points", **look
    )


def _headroom(axes: Axes, values: Sequence[float], share: float) -> None:
    low, high = min(0.0, *values), max(0.0, *values)
    room = share * ((high - low) or 1.0)
    axes.set_ylim(low - (room if low < 0 else 0), high + room)
    if low < 0:
        axes.axhline(0, color="black", linewidth=0.6)


def _near_power(value: float) -> bool:
    """True if a bar of this height would hardly be visible on an axis that starts at the power of
    ten below it.
    """
    exponent = math.log10(value)
    return exponent - math.floor(exponent + 1e-9) < 0.15
