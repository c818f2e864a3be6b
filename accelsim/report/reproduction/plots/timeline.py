"""Panels of spans of time, one row per name."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from accelsim.report.reproduction.plots.layout import MOST_ROWS, panel_width
from accelsim.report.reproduction.plots.scales import COLOURS, short_number
from accelsim.results.reproduction import Panel

SHORTEST = 1 / 180
"""Minimum length of a drawn span, as a fraction of the time axis."""


def timeline(axes: Axes, panel: Panel, looks: dict[str, int]) -> None:
    """Draw one row per name in y, the first at the top, and one colour per series. Equal names in
    different series share a row. If there are more than `MOST_ROWS` rows, only some are named.
    """
    rows = list(dict.fromkeys(str(y) for series in panel.series for y in series.y))
    times = [float(time) for series in panel.series for time in (*series.x, *series.end)]
    whole = max(times, default=0.0) - min(times, default=0.0)
    for series in panel.series:
        colour = COLOURS[looks.get(series.label, 0) % len(COLOURS)]
        places = [rows.index(str(y)) for y in series.y]
        lengths = [
            max(end - float(start), whole * SHORTEST)
            for start, end in zip(series.x, series.end, strict=True)
        ]
        starts = [float(start) for start in series.x]
        edges = [
            "white" if length > whole / 100 and len(rows) <= MOST_ROWS else colour
            for length in lengths
        ]  # so that even the shortest spans are visible
        axes.barh(
            places,
            lengths,
            0.72,
            left=starts,
            color=colour,
            label=series.label,
            linewidth=0.3,
            edgecolor=edges,
        )
    step = max(1, math.ceil(len(rows) / MOST_ROWS))
    axes.set_yticks(range(0, len(rows), step), labels=rows[::step])
    axes.tick_params(axis="y", size=0)
    axes.tick_params(axis="x", size=2.5)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.margins(x=0)
    axes.set_xlim(left=min(0.0, *times) if times else None)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=max(3, int(panel_width(axes) / 0.6))))
    axes.grid(axis="x", color="#E6E6E6", linewidth=0.5)
