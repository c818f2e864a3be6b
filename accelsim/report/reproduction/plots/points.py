"""Panels of lines, and of named points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from accelsim.report.figures.style import CHARACTER
from accelsim.report.reproduction.labels import Label
from accelsim.report.reproduction.plots.layout import has_points, panel_width
from accelsim.report.reproduction.plots.scales import COLOURS, mark_logarithmic, short_number
from accelsim.results.reproduction import Panel, Series

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DARKER = 0.65
"""Factor that darkens a colour for letters on white."""
MOST_MARKED = 30
"""Maximum number of points of a line with marks."""


def points(axes: Axes, panel: Panel, looks: dict[str, int]) -> list[Label]:
    """Draw lines or points of the series. Returns the labels of named points. Numbers that a
    logarithmic axis cannot show are left out.

    Each line has smaller marks than the line below it, so that both are visible. A name has the
    colour of its series, darkened.
    """
    labels: list[Label] = []
    for place, series in enumerate(panel.series):
        index = looks.get(series.label, 0)
        known = [
            (x, y, name)
            for x, y, name in known_points(series)
            if (x > 0 or not panel.log_x) and (y > 0 or not panel.log_y)
        ]
        xs, ys = [x for x, _, _ in known], [y for _, y, _ in known]
        look: dict[str, Any] = {
            "color": COLOURS[index % len(COLOURS)],
            "label": series.label,
            "marker": MARKERS[index % len(MARKERS)],
        }
        if panel.kind == "lines":
            size = max(2.0, 4.0 - 0.4 * place)
            axes.plot(
                xs,
                ys,
                **look | {"marker": look["marker"] if len(xs) <= MOST_MARKED else ""},
                linewidth=1.1,
                markersize=size,
            )
        else:
            axes.plot(
                xs,
                ys,
                **look,
                linestyle="none",
                markersize=4,
                markeredgewidth=0.4,
                markeredgecolor="white",
            )
        red, green, blue = to_rgb(look["color"])
        dark = to_hex((DARKER * red, DARKER * green, DARKER * blue))
        labels += [(x, y, name, dark) for x, y, name in known if name]
    if has_points(axes):
        axes.margins(x=0.12 if labels else 0.05, y=0.12 if labels else 0.08)
        _scale(axes, panel)
    axes.tick_params(axis="x", size=2.5)
    axes.grid(axis="both" if panel.kind == "scatter" else "y", color="#E6E6E6", linewidth=0.5)
    return labels


def _scale(axes: Axes, panel: Panel) -> None:
    """Set linear or logarithmic scales.

    A logarithmic x axis with few values has a tick at each value; otherwise it has ticks as in
    `mark_logarithmic`.
    """
    if panel.log_x:
        axes.set_xscale("log")
    if panel.log_y:
        axes.set_yscale("log")
    xs = sorted({float(x) for series in panel.series for x in series.x})
    if panel.log_x and 2 <= len(xs) <= 10 and _apart(xs):
        axes.xaxis.set_major_locator(FixedLocator(xs))
        axes.xaxis.set_minor_locator(NullLocator())
        plain = all(x.is_integer() and x < 100_000 for x in xs)  # 8960 and 17920, not 17.9k
        names = [f"{x:.0f}" if plain else short_number(x) for x in xs]
        axes.xaxis.set_major_formatter(FixedFormatter(names))
        whole = math.log(xs[-1] / xs[0])
        gaps = [
            panel_width(axes) * math.log(after / before) / whole for before, after in pairwise(xs)
        ]
        if any(
            gap < CHARACTER * (len(one) + len(other) + 2) / 2
            for gap, (one, other) in zip(gaps, pairwise(names), strict=True)
        ):
            axes.tick_params(axis="x", labelsize=5.5, rotation=30)
    elif panel.log_x:
        mark_logarithmic(axes.xaxis)


def _apart(xs: Sequence[float]) -> bool:
    """True if numbers below all of these values on a logarithmic axis do not touch."""
    if xs[0] <= 0:
        return False
    places = [math.log(x) for x in xs]
    return all(
        after - before >= 0.08 * (places[-1] - places[0]) for before, after in pairwise(places)
    )


def known_points(series: Series) -> list[tuple[float, float, str]]:
    """(x, y, name) of the points that have a y."""
    names = series.names or [""] * len(series.x)
    return [
        (float(x), float(y), name)
        for x, y, name in zip(series.x, series.y, names, strict=True)
        if y is not None
    ]
