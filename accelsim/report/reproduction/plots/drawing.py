"""Figures of a reproduction, drawn from the document: bars, lines, points with their names,
timelines; for a paper's page, same input same bytes.
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
"""Characters along an axis of sizes."""


def write_figures(document: ReproductionDocument, folder: Path) -> list[Path]:
    """Every figure as ``<id>.png`` and ``<id>.svg`` in ``folder``; the paths written."""
    written: list[Path] = []
    with rc_context(STYLE):
        for figure in document.figures:
            written += save_figure(draw(figure), folder, figure.id)
    return written


def draw(figure: Figure) -> Drawing:
    """The panels beside each other, in further rows where they are narrow; a single one takes a
    column of a page, or both where it holds much.
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
    """One pair of axes; the labels of points are returned, to be placed when the layout is
    settled.
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
    """Axes of sizes of lines and points: lines whose axes say the same have the same range; numbers
    on logarithmic ones.

    Where what lines show is relative to what costs 1, as the axis says, a line stands there.
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
    """The label of an axis of sizes, in lines that are no longer than the axis; broken after its
    first comma rather than elsewhere.
    """
    if len(label) <= UPRIGHT:
        return label
    return "\n".join(
        textwrap.fill(part, UPRIGHT) for part in label.replace(", ", ",\n", 1).split("\n")
    )


def _legend(drawing: Drawing, places: Sequence[Axes], panels: Sequence[Panel]) -> None:
    """One for all panels, above them, where colours tell anything apart."""
    handles_by_name: dict[str, Any] = {}
    for axes, panel in zip(places, panels, strict=False):
        if panel.kind == "bars" and len(panel.series) == 1:
            continue  # the panel's axis says what its only bars are
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
