"""Sizes of panels, and number of panels per row."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import cast

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from accelsim.report.figures.style import CHARACTER, LINE, PAGE_INCHES
from accelsim.report.reproduction.plots.scales import short_number
from accelsim.results.reproduction import Panel

HEIGHT = 2.0
"""Inches of a panel."""
MOST_ROWS = 18
"""Maximum number of named rows of a timeline."""
AROUND = 0.55
"""Width in inches of the scale and label beside a pair of axes."""
MOST_BESIDE = 4
"""Panels in a row."""


def group_names(panel: Panel, width: float) -> tuple[list[str], bool]:
    """Names below the groups of bars, which are ``width`` inches wide in total, and whether the
    names are turned. They are folded at blanks if that fits, else turned.
    """
    names = [short_number(x) for x in dict.fromkeys(x for series in panel.series for x in series.x)]
    room = int(width / max(1, len(names)) / CHARACTER)
    lines = [
        textwrap.wrap(name, max(1, room), break_long_words=False, break_on_hyphens=False) or [""]
        for name in names
    ]
    if all(len(line) <= room for name in lines for line in name):
        return ["\n".join(name) for name in lines], False
    return ["\n".join(textwrap.wrap(name, 18, break_long_words=False)) for name in names], True


def columns_of(panels: Sequence[Panel]) -> int:
    """Number of panels per row: as many as fit, with rows as equal as possible."""
    widest = max(width_needed(panel) for panel in panels)
    most = max(1, min(MOST_BESIDE, len(panels), int(PAGE_INCHES / widest)))
    rows = -(-len(panels) // most)
    return -(-len(panels) // rows)


def width_needed(panel: Panel) -> float:
    """Minimum width of a panel in inches."""
    if panel.kind == "timeline":
        return 2.3 if all(len(str(y)) <= 8 for series in panel.series for y in series.y) else 3.6
    if panel.kind == "bars":
        return max(1.7, 0.6 + sum(len(series.x) for series in panel.series) * 0.13)
    named = _named(panel)
    return 2.3 if not named else 3.4 if named <= 8 else 3.6


def _named(panel: Panel) -> int:
    """Points with a name."""
    return sum(bool(name) for series in panel.series for name in series.names)


def height_of(panel: Panel, width: float) -> float:
    """Height in inches of a panel of this width, including its title and the names below bars."""
    if panel.kind == "timeline":
        rows = len({str(y) for series in panel.series for y in series.y})
        return 0.75 + min(MOST_ROWS, max(4, rows)) * LINE * 1.2
    if panel.kind == "bars":
        names, turned = group_names(panel, width - AROUND)
        lines = max((name.count("\n") + 1 for name in names), default=1)
        longest = max((len(line) for name in names for line in name.split("\n")), default=0)
        return HEIGHT - 0.15 + (0.65 * CHARACTER * longest if turned else LINE * lines)
    return HEIGHT + min(1.0, 0.06 * _named(panel))


def has_points(axes: Axes) -> bool:
    """True if any point is drawn."""
    return any(len(cast("Sequence[float]", line.get_xdata())) for line in axes.lines)


def panel_width(axes: Axes) -> float:
    """Approximate width of a pair of axes in inches, before the layout is fixed."""
    figure = cast("Drawing", axes.figure)
    place = axes.get_subplotspec()
    columns = 1 if place is None else place.get_gridspec().ncols
    return float(figure.get_size_inches()[0]) / columns - AROUND
