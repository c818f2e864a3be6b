"""Figures of one or several results, at the size and with the fonts of a paper's column; the same
input gives the same bytes.

Bars stand side by side where that fits the width of a page, and lie below each other where there
are more runs, or long names.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

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
from accelsim.results.document import CAUSES, PASSES

COLUMN_INCHES = 3.5
"""Width of one column of a two-column paper."""
PAGE_INCHES = 7.2
"""Width of both columns: no figure is wider."""
MOST_STANDING = 6
"""Runs in a row; more lie below each other."""
DPI = 300
CHARACTER, LINE = 0.058, 0.12
"""Inches of a character and of a line at 7 points."""
FOLD, FOLD_BESIDE = 12, 26
"""Characters of a label on one line under a bar, and to the left of one."""

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
        for name, draw in (
            ("energy", energy_figure),
            ("data_movement", data_movement_figure),
            ("cycles", cycles_figure),
        ):
            figure = draw(runs)
            for suffix, metadata in (
                (".png", {"Software": None}),
                (".svg", {"Date": None, "Creator": None}),
            ):
                path = folder / f"{name}{suffix}"
                figure.savefig(path, dpi=DPI, metadata=metadata)
                written.append(path)
    return written


def energy_figure(runs: Runs) -> Figure:
    """A bar a run: energy of a step by component over the baseline's total, the absolute total at
    its end.
    """
    bars = _Bars.of(runs, beside=1.3)
    figure, panels = bars.panels(1, 1, height=2.4)
    axes = panels[0]
    reference = runs.baseline.energy_pj or 1.0
    unverified = set().union(*(result.unverified() for result in runs.results))
    ends = [0.0] * len(runs.results)
    for name in components(runs.results):
        shares = [
            result.energy_by_component_pj.get(name, 0.0) / reference for result in runs.results
        ]
        star = "*" if name in unverified else ""
        drawn = bars.stack(
            axes,
            shares,
            ends,
            COMPONENT_COLOURS.get(name, OTHER_COLOUR),
            COMPONENT_NAMES.get(name, name) + star,
        )
        ends = [end + share for end, share in zip(ends, shares, strict=True)]
        bars.write_shares(
            axes, drawn, shares, max(result.energy_pj for result in runs.results) / reference
        )
    bars.write_totals(
        axes, ends, [_micro(joules(result.energy_pj)) for result in runs.results], size=7
    )
    title = (
        f"energy of a step, {_baseline(runs)} = 1"
        if len(runs.results) > 1
        else "share of the step's energy"
    )
    bars.scale(axes, max(ends) or 1, title)
    bars.legend(figure, axes)
    if unverified:
        figure.supxlabel(
            "* includes prices without a verified source", fontsize=6, x=0.01, ha="left"
        )
    return figure


def data_movement_figure(runs: Runs) -> Figure:
    """Four panels, each with its own scale: words a step by where they come from, stacked by pass,
    totals at the ends.
    """
    bars = _Bars.of(runs, beside=0.2, columns=2)
    figure, panels = bars.panels(4, 2, height=1.5)
    kinds = (
        ("local", "own scratchpad"),
        ("remote", "other PEs over the NoC"),
        ("global_buffer", "global buffer"),
        ("dram", "DRAM"),
    )
    for axes, (kind, title) in zip(panels, kinds, strict=True):
        ends = [0.0] * len(runs.results)
        for pass_ in PASSES:
            words = [
                float(getattr(result.passes[pass_].words, kind)) if pass_ in result.passes else 0.0
                for result in runs.results
            ]
            bars.stack(axes, words, ends, PASS_COLOURS[pass_], pass_)
            ends = [end + count for end, count in zip(ends, words, strict=True)]
        bars.only_totals(axes, [getattr(result.words, kind) for result in runs.results])
        axes.set_title(title, pad=3)
    handles, passes = panels[0].get_legend_handles_labels()
    figure.legend(
        handles,
        passes,
        loc="outside upper center",
        ncols=4,
        frameon=False,
        title="words moved in a step, by pass",
        title_fontsize=7,
        handlelength=1,
    )
    return figure


def cycles_figure(runs: Runs) -> Figure:
    """A panel a pass, each with its own scale: array cycles by cause, totals at the ends, the
    pass's share of the baseline's in the title.
    """
    passes = [name for name in PASSES if any(name in result.passes for result in runs.results)]
    columns = min(2, len(passes))
    bars = _Bars.of(runs, beside=1.4, columns=columns, least=0.4)
    figure, panels = bars.panels(len(passes), columns, height=1.35)
    whole = sum(sum(runs.baseline.cycles_by_cause(name).values()) for name in passes) or 1
    for axes in panels[len(passes) :]:
        axes.set_visible(False)
    for axes, name in zip(panels, passes, strict=False):
        causes = [result.cycles_by_cause(name) for result in runs.results]
        ends = [0.0] * len(causes)
        for cause in CAUSES:
            cycles = [by_cause[cause] for by_cause in causes]
            bars.stack(axes, cycles, ends, CAUSE_COLOURS[cause], CAUSE_NAMES[cause])
            ends = [end + count for end, count in zip(ends, cycles, strict=True)]
        bars.only_totals(axes, [sum(by_cause.values()) for by_cause in causes])
        share = sum(runs.baseline.cycles_by_cause(name).values()) / whole
        axes.set_title(
            f"{name}, {share:.0%} of {_baseline(runs)}'s cycles"
            if bars.standing
            else f"{name}, {share:.0%} of baseline",
            pad=3,
        )
    bars.legend(
        figure, panels[0], f"array cycles of each pass by cause; the baseline is {_baseline(runs)}"
    )
    return figure


@dataclass(frozen=True)
class _Bars:
    """The runs of a figure as bars: ``standing`` side by side, or lying below each other with a gap
    between machines.
    """

    names: tuple[str, ...]
    places: tuple[float, ...]
    standing: bool
    width: float

    @classmethod
    def of(cls, runs: Runs, beside: float, columns: int = 1, least: float = 0.5) -> _Bars:
        """Bars for ``columns`` of panels with ``beside`` inches of other things; standing ones are
        at least ``least`` inches apart.

        Places of lying bars are in inches.
        """
        names = [folded(label, FOLD) for label in runs.labels]
        pitch = max(least, CHARACTER * (_extent(names)[1] + 1))
        width = max(COLUMN_INCHES, beside + columns * len(names) * pitch)
        if len(names) <= MOST_STANDING and width <= PAGE_INCHES:
            return cls(tuple(names), tuple(range(len(names))), True, width)
        names = [_beside(label) for label in runs.labels]
        places = [0.0]
        for (before, name), (after, next_name) in pairwise(zip(runs.results, names, strict=True)):
            lines = (len(name.splitlines()) + len(next_name.splitlines())) / 2
            same = (before.workload, before.arch) == (after.workload, after.arch)
            places.append(places[-1] + 0.07 + LINE * lines + (0.0 if same else 0.08))
        return cls(tuple(names), tuple(places), False, PAGE_INCHES)

    def panels(self, count: int, columns: int, height: float) -> tuple[Figure, list[Axes]]:
        """A figure and its panels row by row: ``height`` inches and the labels' further lines each,
        or all beside each other with lying bars.
        """
        columns = columns if self.standing else count
        rows = -(-count // columns)
        above, below = (
            0.13 + LINE * (len(name.splitlines()) - 1) / 2
            for name in (self.names[0], self.names[-1])
        )
        each = (
            height + LINE * (_extent(self.names)[0] - 1)
            if self.standing
            else 0.84 + above + self.places[-1] + below
        )
        figure = Figure(figsize=(self.width, rows * each), layout="constrained")
        FigureCanvasAgg(figure)
        panels = list(figure.subplots(rows, columns, squeeze=False, sharey=not self.standing).flat)
        for axes in panels:
            if self.standing:
                axes.set_xticks(self.places, self.names)
                axes.set_xlim(self.places[0] - 0.6, self.places[-1] + 0.6)
            else:
                axes.set_yticks(self.places, self.names)
                axes.set_ylim(self.places[-1] + below, self.places[0] - above)
                axes.tick_params(axis="y", length=0)
        return figure, panels

    def stack(
        self, axes: Axes, sizes: Sequence[float], ends: Sequence[float], colour: str, label: str
    ) -> Any:
        """A further segment of each bar, at its present end."""
        if self.standing:
            return axes.bar(
                self.places, sizes, 0.62, bottom=ends, color=colour, label=label, linewidth=0
            )
        return axes.barh(
            self.places, sizes, 0.14, left=ends, color=colour, label=label, linewidth=0
        )

    def write_totals(
        self, axes: Axes, ends: Sequence[float], texts: Sequence[str], size: float
    ) -> None:
        """A text at the end of each bar."""
        for place, end, text in zip(self.places, ends, texts, strict=True):
            if self.standing:
                axes.annotate(
                    text,
                    (place, end),
                    (0, size / 2 - 1.5),
                    textcoords="offset points",
                    ha="center",
                    va="bottom",
                    fontsize=size,
                )
            else:
                axes.annotate(
                    text,
                    (end, place),
                    (2, 0),
                    textcoords="offset points",
                    ha="left",
                    va="center_baseline",
                    fontsize=min(size, 6.5),
                )

    def write_shares(self, axes: Axes, drawn: Any, sizes: Sequence[float], largest: float) -> None:
        """Write a segment's value into it where it is large enough to hold the digits."""
        for bar, size in zip(drawn, sizes, strict=True):
            if size > 0.07 * largest:
                axes.annotate(
                    f"{size:.2f}",
                    (bar.get_x() + bar.get_width() / 2, bar.get_y() + bar.get_height() / 2),
                    ha="center",
                    va="center",
                    fontsize=5.5,
                    color=_ink(bar),
                )

    def scale(self, axes: Axes, largest: float, title: str) -> None:
        """The axis of sizes, with room for totals."""
        if self.standing:
            axes.set_ylim(0, largest * 1.12)
            axes.set_ylabel(title if len(title) <= 40 else title.replace(", ", ",\n", 1))
        else:
            axes.set_xlim(0, largest * 1.12)
            axes.set_xlabel(title)

    def only_totals(self, axes: Axes, totals: Sequence[float]) -> None:
        """Bars on a scale of their own: the totals at the ends stand for the axis."""
        self.write_totals(axes, totals, [si(total) for total in totals], size=6)
        largest = max(totals) or 1
        if self.standing:
            axes.set_ylim(0, largest * 1.15)
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
        else:
            axes.set_xlim(0, largest * 1.35)
            axes.set_xticks([])
            axes.spines["bottom"].set_visible(False)

    def legend(self, figure: Figure, axes: Axes, title: str | None = None) -> None:
        """Beside standing bars with the top of the stack first; above lying ones in two lines from
        left to right, under a title.
        """
        handles, names = axes.get_legend_handles_labels()
        if self.standing:
            figure.legend(
                handles[::-1],
                names[::-1],
                loc="outside right center",
                frameon=False,
                handlelength=1,
                handleheight=1,
            )
            return
        columns = -(-len(names) // 2)
        order = [
            line * columns + column
            for column in range(columns)
            for line in range(2)
            if line * columns + column < len(names)
        ]
        figure.legend(
            [handles[index] for index in order],
            [names[index] for index in order],
            loc="outside upper center",
            ncols=columns,
            frameon=False,
            handlelength=1,
            title=title,
            title_fontsize=7,
        )


def _extent(names: Sequence[str]) -> tuple[int, int]:
    """(most lines, longest line) of labels that were folded."""
    return max(len(name.splitlines()) for name in names), max(
        len(line) for name in names for line in name.splitlines()
    )


def _beside(label: str) -> str:
    """A label to the left of a lying bar; a name too long for its line is cut where it must be."""
    return "\n".join(
        part
        for line in folded(label, FOLD_BESIDE).splitlines()
        for part in textwrap.wrap(line, FOLD_BESIDE)
    )


def _baseline(runs: Runs) -> str:
    return next(
        label
        for label, result in zip(runs.labels, runs.results, strict=True)
        if result is runs.baseline
    )


def _ink(bar: Any) -> str:
    red, green, blue, _ = bar.get_facecolor()
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"


def _micro(text: str) -> str:
    return text.replace(" u", " \N{MICRO SIGN}")
