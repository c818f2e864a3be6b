"""Runs as stacked bars: vertical if they fit the width of a page, horizontal if there are more runs
or long names.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from accelsim.report.figures.style import CHARACTER, COLUMN_INCHES, LINE, PAGE_INCHES
from accelsim.report.runs import Runs
from accelsim.report.style import folded, si

MOST_STANDING = 6
"""Maximum number of vertical bars; more runs are drawn as horizontal bars."""
FOLD, FOLD_BESIDE = 12, 26
"""Characters per line of a label: below a vertical bar, and to the left of a horizontal one."""


@dataclass(frozen=True)
class Bars:
    """The bars of a figure, one per run: vertical if ``standing``, else horizontal with a gap
    between machines.
    """

    names: tuple[str, ...]
    places: tuple[float, ...]
    standing: bool
    width: float

    @classmethod
    def of(cls, runs: Runs, beside: float, columns: int = 1, least: float = 0.5) -> Bars:
        """Bars for a figure with ``columns`` columns of panels and ``beside`` inches of other
        content. The pitch of vertical bars is at least ``least`` inches.

        Places of horizontal bars are in inches.
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

    @classmethod
    def row(cls, names: Sequence[str]) -> Bars:
        """Vertical bars for other things than runs, one column of a page wide."""
        return cls(tuple(names), tuple(range(len(names))), True, COLUMN_INCHES)

    def panels(self, count: int, columns: int, height: float) -> tuple[Figure, list[Axes]]:
        """A figure and its panels, row by row. With vertical bars a panel is ``height`` inches
        high, plus the further lines of labels. With horizontal bars all panels are in one row.
        """
        columns = columns if self.standing else count
        rows = -(-count // columns)
        above, below = self._margins
        each = (
            height + LINE * (_extent(self.names)[0] - 1)
            if self.standing
            else 0.84 + above + self.places[-1] + below
        )
        figure = Figure(figsize=(self.width, rows * each), layout="constrained")
        FigureCanvasAgg(figure)
        panels = list(figure.subplots(rows, columns, squeeze=False, sharey=not self.standing).flat)
        for axes in panels:
            self.mark(axes)
        return figure, panels

    @property
    def _margins(self) -> tuple[float, float]:
        """Inches that labels need above the first horizontal bar and below the last one."""
        above, below = (
            0.13 + LINE * (len(name.splitlines()) - 1) / 2
            for name in (self.names[0], self.names[-1])
        )
        return above, below

    def mark(self, axes: Axes) -> None:
        """Set ticks and limits of the axis with the bars' names."""
        if self.standing:
            axes.set_xticks(self.places, self.names)
            axes.set_xlim(self.places[0] - 0.6, self.places[-1] + 0.6)
        else:
            above, below = self._margins
            axes.set_yticks(self.places, self.names)
            axes.set_ylim(self.places[-1] + below, self.places[0] - above)
            axes.tick_params(axis="y", length=0)

    def stack(
        self, axes: Axes, sizes: Sequence[float], ends: Sequence[float], colour: str, label: str
    ) -> Any:
        """Draw a further segment at the current end of each bar."""
        if self.standing:
            return axes.bar(
                self.places, sizes, 0.62, bottom=ends, color=colour, label=label, linewidth=0
            )
        return axes.barh(
            self.places, sizes, 0.14, left=ends, color=colour, label=label, linewidth=0
        )

    def write_intervals(
        self,
        axes: Axes,
        ends: Sequence[float],
        intervals: Sequence[tuple[float, float] | None],
    ) -> list[float]:
        """Draw a line with caps over each bar's interval. Returns the ends of bars and lines."""
        further = []
        for place, end, interval in zip(self.places, ends, intervals, strict=True):
            if interval is not None:
                # Beside the middle, where the shares are written.
                beside = place + (0.24 if self.standing else 0.045)
                middle, half = sum(interval) / 2, (interval[1] - interval[0]) / 2
                axes.errorbar(
                    beside if self.standing else middle,
                    middle if self.standing else beside,
                    yerr=half if self.standing else None,
                    xerr=None if self.standing else half,
                    color="#404040",
                    linewidth=0.7,
                    capsize=1.8,
                )
            further.append(end if interval is None else max(end, interval[1]))
        return further

    def write_totals(
        self, axes: Axes, ends: Sequence[float], texts: Sequence[str], size: float
    ) -> None:
        """Write a text at the end of each bar."""
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
        """Write a segment's value into it if the digits fit."""
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
        """Set the value axis, with room for totals."""
        if self.standing:
            axes.set_ylim(0, largest * 1.12)
            axes.set_ylabel(title if len(title) <= 40 else title.replace(", ", ",\n", 1))
        else:
            axes.set_xlim(0, largest * 1.12)
            axes.set_xlabel(title)

    def only_totals(self, axes: Axes, totals: Sequence[float]) -> None:
        """Write totals at the ends of the bars and hide the value axis, because each panel has its
        own scale.
        """
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
        """Add a legend: beside vertical bars, in the order of the stack from the top; above
        horizontal bars, in two lines from left to right under a title.
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


Part = tuple[str, str, Sequence[float]]
"""Name and colour of a segment, and its size in each bar."""


def stacked(
    bars: Bars,
    axes: Axes,
    parts: Iterable[Part],
    drawn: Callable[[Any, Sequence[float]], None] = lambda _segments, _sizes: None,
) -> list[float]:
    """Draw the segments, and return the ends of the bars. ``drawn`` is called with each segment's
    patches and sizes.
    """
    ends = [0.0] * len(bars.places)
    for name, colour, sizes in parts:
        drawn(bars.stack(axes, sizes, ends, colour, name), sizes)
        ends = [end + size for end, size in zip(ends, sizes, strict=True)]
    return ends


def _extent(names: Sequence[str]) -> tuple[int, int]:
    """(maximum number of lines, maximum characters per line) of folded labels."""
    return max(len(name.splitlines()) for name in names), max(
        len(line) for name in names for line in name.splitlines()
    )


def _beside(label: str) -> str:
    """Fold a label to the left of a horizontal bar. A name that is too long for a line is broken
    inside.
    """
    return "\n".join(
        part
        for line in folded(label, FOLD_BESIDE).splitlines()
        for part in textwrap.wrap(line, FOLD_BESIDE)
    )


def _ink(bar: Any) -> str:
    red, green, blue, _ = bar.get_facecolor()
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"
