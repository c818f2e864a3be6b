"""The points as a figure: a column per network, a row each for cycles and energy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from accelsim.report.figures.style import PAGE_INCHES, STYLE, save_figure
from accelsim.studies.headline.points.accuracy import Accuracy
from accelsim.studies.headline.points.measure import Point
from accelsim.studies.headline.points.plan import BATCHES, COLUMNS, MACHINES, OPTIMIZERS, SUBJECTS
from accelsim.studies.headline.points.report import gap

COLOURS = dict(zip(MACHINES, ("#0072B2", "#D55E00"), strict=True))
SHAPES = dict(zip(OPTIMIZERS, ("o", "s"), strict=True))
HEIGHT = 4.6
TICKS = (1.1, 0.9, 1.2, 0.8, 1.4, 0.7, 0.6, 0.5, 2, 3, 5, 10, 20)
"""Ticks besides 1, as far as there is room, those near 1 first."""
MARKS = tuple(product(MACHINES, BATCHES, OPTIMIZERS))
"""Marks of a rule, from top to bottom."""
SPREAD = 0.8
"""Height of the marks of a rule, in rows."""


def write_figure(found: Sequence[Point], known: Sequence[Accuracy], folder: Path) -> list[str]:
    """Draw the figure as PNG and SVG. Returns their names."""
    with rc_context(STYLE):
        figure = Figure(figsize=(PAGE_INCHES, HEIGHT), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(2, len(SUBJECTS), sharey=True, squeeze=False)
        for column, subject in enumerate(SUBJECTS):
            own = [each for each in found if each.workload.startswith(subject.workload)]
            for row, energy in enumerate((False, True)):
                _draw(panels[row][column], own, energy)
            panels[0][column].set_title(subject.title)
            _accuracies(panels[1][column], [gap(subject, name, known) for name in COLUMNS])
        figure.legend(handles=_legend(), loc="outside lower center", ncols=6, frameon=False)
        return [path.name for path in save_figure(figure, folder, "headline")]


def _draw(axes: Axes, found: Sequence[Point], energy: bool) -> None:
    """One panel: marks of each rule, with the interval of an energy as a line."""
    axes.axvline(1, color="#999999", linewidth=0.6)
    axes.set_xscale("log")
    for point in found:
        if point.column not in COLUMNS:
            continue
        colour = COLOURS[point.machine]
        mark = MARKS.index((point.machine, point.batch, point.optimizer))
        place = COLUMNS.index(point.column) + SPREAD * (mark / (len(MARKS) - 1) - 0.5)
        if energy:
            bounds = [point.energy_ratio_p5, point.energy_ratio_p95]
            axes.plot(bounds, [place, place], color=colour, linewidth=0.8)
        axes.plot(
            point.energy_ratio if energy else point.cycles_ratio,
            place,
            SHAPES[point.optimizer],
            color=colour,
            markersize=2.6,
            markeredgewidth=0.7,
            markerfacecolor=colour if point.batch == BATCHES[-1] else "white",
        )
    axes.set_yticks(range(len(COLUMNS)), COLUMNS)
    axes.set_ylim(len(COLUMNS) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"{'energy' if energy else 'cycles'} over BP's")
    low, high = axes.get_xlim()
    low, high = min(low, 0.95), max(high, 1.1)
    axes.set_xlim(low, high)
    least = (high / low) ** 0.22
    ticks = [1.0]
    for tick in TICKS:
        if low <= tick <= high and all(max(tick / each, each / tick) >= least for each in ticks):
            ticks.append(tick)
    axes.xaxis.set_major_locator(FixedLocator(sorted(ticks)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _accuracies(axes: Axes, texts: Sequence[str]) -> None:
    """The accuracy cost of each rule, in points, at the right of a panel."""
    minus = "\N{MINUS SIGN}"
    for place, text in enumerate(texts):
        axes.annotate(
            text.replace("-", minus) if len(text) > 1 else text,
            (1.02, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=5.5,
            annotation_clip=False,
        )
    axes.annotate("accuracy,\npoints", (1.02, 1.0), xycoords="axes fraction", fontsize=5.5)


def _legend() -> list[Line2D]:
    plain: dict[str, Any] = {"linestyle": "", "markersize": 3.5, "color": "#444444"}
    machines = [
        Line2D([], [], linestyle="", marker="o", markersize=3.5, color=COLOURS[name], label=name)
        for name in MACHINES
    ]
    batches = [
        Line2D([], [], marker="D", markerfacecolor=face, label=f"batch {batch}", **plain)
        for batch, face in zip(BATCHES, ("white", "#444444"), strict=True)
    ]
    shapes = [Line2D([], [], marker=shape, label=name, **plain) for name, shape in SHAPES.items()]
    return [*machines, *batches, *shapes]
