"""The waterfalls as a figure: a column per run, a row per kind of cost."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from accelsim.report.figures.style import PAGE_INCHES, STYLE, save_figure
from accelsim.studies.headline.waterfall.causes import CAUSES, HEADLINES, Waterfall

UP, DOWN, LEVEL = "#D55E00", "#0072B2", "#444444"
KINDS = {"cycles": "cycles", "energy_pj": "energy"}
MINUS = "\N{MINUS SIGN}"
HEIGHT = 3.7
LEAST = 0.0005
"""A smaller change rounds to nothing and has no bar."""
ROOM = 0.42
"""Part of the span of a panel that is left free on each side, for the values beside bars."""


def signed(change: float) -> str:
    """A change to three digits, with its sign; "0" if nothing is left."""
    return f"{change:+.3f}" if abs(change) >= LEAST else "0"


def write_figure(found: Sequence[Waterfall], folder: Path) -> list[str]:
    """Draw the figure as PNG and SVG. Returns their names."""
    with rc_context(STYLE):
        figure = Figure(figsize=(PAGE_INCHES, HEIGHT), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(len(KINDS), len(HEADLINES), sharey=True, squeeze=False)
        for row, (kind, name) in zip(panels, KINDS.items(), strict=True):
            row[0].set_ylabel(f"{name}, rule over BP")
            of_kind = {each.headline: each for each in found if each.cost == kind}
            for axes, headline in zip(row, HEADLINES, strict=True):
                if headline in of_kind:
                    _draw(axes, of_kind[headline])
                else:
                    _legend(axes)
        return [path.name for path in save_figure(figure, folder, "waterfall")]


def _legend(axes: Axes) -> None:
    """Colours, in the place of a panel that no run has."""
    axes.axis("off")
    axes.legend(
        handles=[
            Line2D([], [], color=LEVEL, linestyle="", marker="D", markersize=3.5, label="ratio"),
            Patch(color=DOWN, label="ratio falls: for the rule"),
            Patch(color=UP, label="ratio rises: for BP"),
        ],
        loc="center",
        frameon=False,
        handlelength=1.2,
    )


def _draw(axes: Axes, one: Waterfall) -> None:
    """One panel: the first state, a bar per cause from the level before to that after, and the last
    state.
    """
    places = range(len(CAUSES) + 2)
    axes.set_yticks(places, ["0.2.0", *CAUSES, "today"])
    axes.set_ylim(places[-1] + 0.6, -0.6)
    axes.tick_params(axis="y", length=0)
    levels = [one.first]
    for place, change in enumerate(one.changes.values(), 1):
        before = levels[-1]
        levels.append(before + change)
        if abs(change) >= LEAST:
            axes.barh(place, change, 0.6, left=before, color=UP if change > 0 else DOWN)
        _write(axes, place, max(before, levels[-1]), signed(change).replace("-", MINUS))
    for place, level in enumerate(levels):
        axes.plot([level, level], [place - 0.3, place + 1.3], color="#999999", linewidth=0.5)
    for place, level in ((0, one.first), (places[-1], one.last)):
        axes.plot(level, place, "D", color=LEVEL, markersize=3.5)
        _write(axes, place, level, f"{level:.3f}", 4, weight="bold")
    low, high = min(levels), max(levels)
    span = max(high - low, 0.02)
    axes.set_xlim(low - 0.1 * span, high + ROOM * span)
    axes.locator_params(axis="x", nbins=3)
    rule = "DFA" if one.headline.rule == "dfa" else one.headline.rule
    title = f"{one.headline.title.replace(', ', chr(10))}\n{rule}, batch {one.headline.batch}"
    axes.set_title("\n".join(textwrap.fill(line, 22) for line in title.splitlines()))


def _write(
    axes: Axes, place: float, end: float, text: str, gap: float = 2, weight: str = "normal"
) -> None:
    axes.annotate(
        text,
        (end, place),
        (gap, 0),
        textcoords="offset points",
        va="center",
        fontsize=5.5,
        fontweight=weight,
    )
