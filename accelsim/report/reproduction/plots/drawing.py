"""Figures of a reproduction for a paper's page, drawn from the document: bars, lines, named points
and timelines. Equal documents give equal bytes.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Drawing

from accelsim.report.figures.style import CHARACTER, COLUMN_INCHES, PAGE_INCHES, STYLE, save_figure
from accelsim.report.reproduction.labels import Label, place_labels
from accelsim.report.reproduction.plots.bars import bars
from accelsim.report.reproduction.plots.layout import (
    columns_of,
    has_points,
    height_of,
    width_needed,
)
from accelsim.report.reproduction.plots.points import points
from accelsim.report.reproduction.plots.scales import mark_logarithmic
from accelsim.report.reproduction.plots.timeline import timeline
from accelsim.results.reproduction import Figure, Panel, ReproductionDocument

UPRIGHT = 26
"""Maximum number of characters per line along a vertical axis."""


def write_figures(document: ReproductionDocument, folder: Path) -> list[Path]:
    """Write every figure as ``<id>.png`` and ``<id>.svg`` in ``folder``, and return the paths."""
    written: list[Path] = []
    with rc_context(STYLE):
        for figure in document.figures:
            written += save_figure(draw(figure), folder, figure.id)
    return written


def draw(figure: Figure) -> Drawing:
    """Draw the panels side by side, in further rows if they do not fit one row. A single panel is
    as wide as one column of a page, or as both if it needs the room.
    """
    panels = figure.panels
    columns = columns_of(panels)
    rows = -(-len(panels) // columns)
    narrow = (
        len(panels) == 1
        and panels[0].kind != "timeline"
        and width_needed(panels[0]) <= COLUMN_INCHES
    )
    width = COLUMN_INCHES if narrow else PAGE_INCHES
    heights = [
        max(
            height_of(panel, width / columns)
            for panel in panels[row * columns : (row + 1) * columns]
        )
        for row in range(rows)
    ]
    drawing = Drawing(figsize=(width, sum(heights)), layout="constrained")
    FigureCanvasAgg(drawing)
    places = list(drawing.subplots(rows, columns, squeeze=False, height_ratios=heights).flat)
    names = list(
        dict.fromkeys(series.label for panel in panels for series in panel.series if series.label)
    )
    looks = {name: index for index, name in enumerate(names)}
    texts: list[tuple[Axes, list[Label]]] = []
    for axes in places[len(panels) :]:
        axes.set_visible(False)
    for axes, panel in zip(places, panels, strict=False):
        texts.append((axes, _draw(axes, panel, looks)))
        title = textwrap.fill(panel.title, max(20, int(width / columns / CHARACTER) - 4))
        axes.set_title(title, pad=4, loc="left")
        axes.set_xlabel(panel.x_label)
        axes.set_ylabel(_upright(panel.y_label))
    _sizes(places, panels)
    _legend(drawing, places, panels)
    drawing.draw_without_rendering()  # labels of points are placed on the final layout
    for axes, labels in texts:
        place_labels(axes, labels)
    return drawing


def _draw(axes: Axes, panel: Panel, looks: dict[str, int]) -> list[Label]:
    """Draw one pair of axes. Returns the labels of points, which are placed once the layout is
    fixed.
    """
    axes.set_axisbelow(True)
    match panel.kind:
        case "bars":
            bars(axes, panel, looks)
            return []
        case "timeline":
            timeline(axes, panel, looks)
            return []
        case "lines" | "scatter":
            return points(axes, panel, looks)


def _sizes(places: Sequence[Axes], panels: Sequence[Panel]) -> None:
    """Adjust the y axes of lines and points. Panels of lines with the same label have the same
    range, and logarithmic axes get numbers.

    If the label of lines states a reference (``= 1``), a horizontal line marks 1.
    """
    alike: dict[tuple[str, bool], list[Axes]] = {}
    for axes, panel in zip(places, panels, strict=False):
        if panel.kind == "lines" and has_points(axes):
            alike.setdefault((panel.y_label, panel.log_y), []).append(axes)
    for shared in alike.values():
        limits = [limit for axes in shared for limit in axes.get_ylim()]
        for axes in shared:
            axes.set_ylim(min(limits), max(limits))
    for axes, panel in zip(places, panels, strict=False):
        if panel.kind not in {"lines", "scatter"} or not has_points(axes):
            continue
        if panel.log_y:
            mark_logarithmic(axes.yaxis)
        low, high = axes.get_ylim()
        if panel.kind == "lines" and re.search(r"= 1(?!\.?\d)", panel.y_label) and low <= 1 <= high:
            axes.axhline(1, color="#808080", linewidth=0.6, zorder=1)


def _upright(label: str) -> str:
    """The label of a y axis, folded to lines no longer than the axis, preferably after its first
    comma.
    """
    if len(label) <= UPRIGHT:
        return label
    return "\n".join(
        textwrap.fill(part, UPRIGHT) for part in label.replace(", ", ",\n", 1).split("\n")
    )


def _legend(drawing: Drawing, places: Sequence[Axes], panels: Sequence[Panel]) -> None:
    """Add one legend above all panels if colours distinguish anything."""
    handles_by_name: dict[str, Any] = {}
    for axes, panel in zip(places, panels, strict=False):
        if panel.kind == "bars" and len(panel.series) == 1:
            continue  # the axis label already describes a single series
        drawn = {series.label for series in panel.series if any(y is not None for y in series.y)}
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            if name in drawn:
                handles_by_name.setdefault(name, handle)
    if len(handles_by_name) <= 1:
        return
    room = int(
        drawing.get_size_inches()[0]
        / (CHARACTER * (max(len(name) for name in handles_by_name) + 4))
    )
    columns = max(1, min(room, len(handles_by_name)))
    drawing.legend(
        handles_by_name.values(),
        list(handles_by_name),
        loc="outside upper center",
        ncols=columns,
        frameon=False,
        handlelength=1.2,
        columnspacing=1.2,
    )
