"""Figures of one or several results, at the size and with the fonts of a paper's column; the same input gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from accelsim.report.document import CAUSES, PASSES
from accelsim.report.style import (
    CAUSE_COLOURS,
    CAUSE_NAMES,
    COMPONENT_COLOURS,
    COMPONENT_NAMES,
    OTHER_COLOUR,
    PASS_COLOURS,
    components,
    folded,
    joules,
    si,
)
from accelsim.report.tables import Runs

COLUMN_INCHES = 3.5
"""Width of one column of a two-column paper."""
DPI = 300
CHARACTER, LINE = 0.058, 0.12
"""Inches of a character and of a line at 7 points."""
FOLD = 12
"""Characters of a label on one line under a bar."""

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 0,
    "ytick.major.size": 2.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.4,
    "svg.hashsalt": "accelsim",
    "svg.fonttype": "path",
}


def write_plots(runs: Runs, folder: Path) -> list[Path]:
    """Every figure as PNG and SVG in ``folder``; the paths written."""
    written = []
    with rc_context(STYLE):
        for name, draw in (("energy", energy_figure), ("data_movement", data_movement_figure), ("cycles", cycles_figure)):
            figure = draw(runs)
            for suffix, metadata in ((".png", {"Software": None}), (".svg", {"Date": None, "Creator": None})):
                path = folder / f"{name}{suffix}"
                figure.savefig(path, dpi=DPI, metadata=metadata)
                written.append(path)
    return written


def energy_figure(runs: Runs) -> Figure:
    """A bar a run: energy of a step by component over the baseline's total, the absolute total on top."""
    count = len(runs.results)
    names = [folded(label, FOLD) for label in runs.labels]
    figure, axes = _figure(1.3 + count * _pitch(names), 2.4 + _depth(names))
    reference = runs.baseline.energy_pj or 1.0
    unverified = set().union(*(result.unverified() for result in runs.results))
    bottoms = [0.0] * count
    for name in components(runs.results):
        heights = [result.energy_by_component_pj.get(name, 0.0) / reference for result in runs.results]
        star = "*" if name in unverified else ""
        bars = axes.bar(
            range(count),
            heights,
            0.62,
            bottom=bottoms,
            color=COMPONENT_COLOURS.get(name, OTHER_COLOUR),
            label=COMPONENT_NAMES.get(name, name) + star,
            linewidth=0,
        )
        bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
        _label_shares(axes, bars, heights, max(result.energy_pj for result in runs.results) / reference)
    for position, (bottom, result) in enumerate(zip(bottoms, runs.results, strict=True)):
        axes.annotate(_micro(joules(result.energy_pj)), (position, bottom), (0, 2), textcoords="offset points", ha="center", va="bottom")
    axes.set_ylim(0, max(bottoms) * 1.12 or 1)
    axes.set_ylabel(f"energy of a step, {_baseline(runs)} = 1" if count > 1 else "share of the step's energy")
    _name_runs(axes, names)
    _legend_right(figure, axes)
    if unverified:
        figure.supxlabel("* includes prices without a verified source", fontsize=6, x=0.01, ha="left")
    return figure


def data_movement_figure(runs: Runs) -> Figure:
    """Four panels, each with its own scale: words a step by where they come from, stacked by pass, totals on top."""
    count = len(runs.results)
    names = [folded(label, FOLD) for label in runs.labels]
    figure = _blank(0.2 + 2 * count * _pitch(names), 3.0 + 2 * _depth(names))
    panels = figure.subplots(2, 2)
    kinds = (("local", "own scratchpad"), ("remote", "other PEs over the NoC"), ("global_buffer", "global buffer"), ("dram", "DRAM"))
    for axes, (kind, title) in zip(panels.flat, kinds, strict=True):
        bottoms = [0.0] * count
        for pass_ in PASSES:
            heights = [float(getattr(result.passes[pass_].words, kind)) if pass_ in result.passes else 0.0 for result in runs.results]
            axes.bar(range(count), heights, 0.62, bottom=bottoms, color=PASS_COLOURS[pass_], label=pass_, linewidth=0)
            bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
        _totals(axes, [getattr(result.words, kind) for result in runs.results])
        axes.set_title(title, pad=3)
        _name_runs(axes, names)
    handles, passes = panels.flat[0].get_legend_handles_labels()
    figure.legend(
        handles, passes, loc="outside upper center", ncols=4, frameon=False, title="words moved in a step, by pass", title_fontsize=7, handlelength=1
    )
    return figure


def cycles_figure(runs: Runs) -> Figure:
    """A panel a pass, each with its own scale: array cycles by cause, totals on top, the pass's share of the baseline's step in the title."""
    names = [folded(label, FOLD) for label in runs.labels]
    passes = [name for name in PASSES if any(name in result.passes for result in runs.results)]
    columns = min(2, len(passes))
    rows = -(-len(passes) // columns)
    figure = _blank(1.4 + columns * len(names) * _pitch(names, 0.4), rows * (1.35 + _depth(names)))
    panels = figure.subplots(rows, columns, squeeze=False)
    whole = sum(runs.baseline.cycles_by_cause().values()) or 1
    for axes in panels.flat[len(passes) :]:
        axes.set_visible(False)
    for axes, name in zip(panels.flat, passes, strict=False):
        causes = [result.cycles_by_cause(name) for result in runs.results]
        bottoms = [0.0] * len(causes)
        for cause in CAUSES:
            heights = [by_cause[cause] for by_cause in causes]
            axes.bar(range(len(causes)), heights, 0.62, bottom=bottoms, color=CAUSE_COLOURS[cause], label=CAUSE_NAMES[cause], linewidth=0)
            bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
        _totals(axes, [sum(by_cause.values()) for by_cause in causes])
        axes.set_title(f"{name}, {sum(runs.baseline.cycles_by_cause(name).values()) / whole:.0%} of {_baseline(runs)}'s cycles", pad=3)
        _name_runs(axes, names)
    _legend_right(figure, panels.flat[0])
    return figure


def _totals(axes: Axes, totals: Sequence[float]) -> None:
    """Bars on a scale of their own: the totals on top stand for the axis."""
    for position, total in enumerate(totals):
        axes.annotate(si(total), (position, total), (0, 1.5), textcoords="offset points", ha="center", va="bottom", fontsize=6)
    axes.set_ylim(0, (max(totals) or 1) * 1.15)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _blank(width: float, height: float) -> Figure:
    figure = Figure(figsize=(max(COLUMN_INCHES, width), height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = _blank(width, height)
    return figure, figure.subplots()


def _extent(names: Sequence[str]) -> tuple[int, int]:
    """(most lines, longest line) of labels that were folded."""
    return max(len(name.splitlines()) for name in names), max(len(line) for name in names for line in name.splitlines())


def _pitch(names: Sequence[str], least: float = 0.5) -> float:
    """Inches from bar to bar such that neither labels nor totals touch."""
    return max(least, CHARACTER * (_extent(names)[1] + 1))


def _depth(names: Sequence[str]) -> float:
    """Inches that the labels' further lines need."""
    return LINE * (_extent(names)[0] - 1)


def _baseline(runs: Runs) -> str:
    return next(label for label, result in zip(runs.labels, runs.results, strict=True) if result is runs.baseline)


def _name_runs(axes: Axes, names: Sequence[str]) -> None:
    axes.set_xticks(range(len(names)), list(names))
    axes.set_xlim(-0.6, len(names) - 0.4)


def _legend_right(figure: Figure, axes: Axes) -> None:
    """The legend beside the axes, in the order of the stack: top entry first."""
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles[::-1], names[::-1], loc="outside right center", frameon=False, handlelength=1, handleheight=1)


def _label_shares(axes: Axes, bars: Any, heights: Sequence[float], tallest: float) -> None:
    """Write a segment's value into it where the segment is tall enough to hold the digits."""
    for bar, height in zip(bars, heights, strict=True):
        if height > 0.07 * tallest:
            axes.annotate(
                f"{height:.2f}",
                (bar.get_x() + bar.get_width() / 2, bar.get_y() + height / 2),
                ha="center",
                va="center",
                fontsize=5.5,
                color=_ink(bar),
            )


def _ink(bar: Any) -> str:
    red, green, blue, _ = bar.get_facecolor()
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"


def _micro(text: str) -> str:
    return text.replace(" u", " \N{MICRO SIGN}")
