"""Figures of runs in one pair of axes, for notebooks and figures of the user's own."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes

from accelsim.report.figures.bars import FOLD, MOST_STANDING, Bars, stacked
from accelsim.report.figures.results import draw_energy_bars
from accelsim.report.runs import Runs
from accelsim.report.style import CAUSE_COLOURS, CAUSE_NAMES, folded, si
from accelsim.results.op import CAUSES, PASSES, WORD_KINDS

_TEXT_SIZE = 8
_LETTER, _LEAST_LETTERS = 0.085, 14
"""Inches per letter of a title, and the least number of letters in one of its lines."""
_MOST_SLANTING = 16
"""Letters of a name that slants; a longer one stands upright, which takes no width."""
_MOST_WRITTEN = 2
"""Maximum number of runs whose words are written above their bars."""
MEMORY_NAMES = {
    "local": "own\nscratchpad",
    "remote": "other PEs",
    "global_buffer": "global\nbuffer",
    "dram": "DRAM",
}
"""Memories that words come from."""


def draw_energy(runs: Runs, axes: Axes) -> Axes:
    """Draw one bar per run: energy of a step by component, relative to the baseline's total."""
    bars = _bars(runs)
    bars.mark(axes)
    draw_energy_bars(runs, bars, axes, size=_TEXT_SIZE)
    return _finished(runs, axes)


def draw_cycles(runs: Runs, axes: Axes) -> Axes:
    """Draw array cycles by cause: one bar per pass for a single run, else one bar per run."""
    if len(runs.results) == 1:
        (result,) = runs.results
        names = [name for name in PASSES if name in result.passes]
        bars = Bars.row(names)
        causes = [result.cycles_by_cause(name) for name in names]
    else:
        bars = _bars(runs)
        causes = [result.cycles_by_cause() for result in runs.results]
    bars.mark(axes)
    parts = [
        (CAUSE_NAMES[cause], CAUSE_COLOURS[cause], [float(each[cause]) for each in causes])
        for cause in CAUSES
        if any(each[cause] for each in causes)
    ]
    ends = stacked(bars, axes, parts)
    bars.write_totals(axes, ends, [si(end) for end in ends], size=_TEXT_SIZE)
    bars.scale(axes, max(ends) or 1, "array cycles of a step")
    return _finished(runs, axes)


def draw_movement(runs: Runs, axes: Axes) -> Axes:
    """Draw the words moved in a step: a group of bars per memory, with a bar per run.

    The scale is logarithmic, because memories differ by orders of magnitude. The figure of a report
    has a panel with its own linear scale for each of them, stacked by pass.
    """
    width = 0.8 / len(runs.results)
    for index, (label, result) in enumerate(zip(runs.labels, runs.results, strict=True)):
        places = [each + (index + 0.5) * width - 0.4 for each in range(len(WORD_KINDS))]
        words = [float(getattr(result.words, kind)) for kind in WORD_KINDS]
        axes.bar(places, words, 0.9 * width, label=label)
        if len(runs.results) <= _MOST_WRITTEN:
            bars = Bars(("",) * len(places), tuple(places), True, 0.0)
            bars.write_totals(axes, words, [si(each) for each in words], size=6)
    axes.set_yscale("log")
    axes.set_ymargin(0.1)  # room for the numbers
    axes.set_xticks(range(len(WORD_KINDS)), [MEMORY_NAMES[kind] for kind in WORD_KINDS])
    axes.set_ylabel("words moved in a step")
    return _finished(runs, axes, stacks=False)


def _bars(runs: Runs) -> Bars:
    """Vertical bars, whose names turn where there is no room; horizontal ones for many runs."""
    few = len(runs.results) <= MOST_STANDING
    return Bars.row([folded(label, FOLD) for label in runs.labels]) if few else Bars.of(runs, 1.3)


def _width(axes: Axes, beside: Sequence[str]) -> float:
    """Inches that the axes will have beside a legend with these names."""
    whole = axes.get_window_extent().width / axes.figure.dpi
    legend = 0.3 + 0.7 * _LETTER * max(map(len, beside)) if beside else 0.0  # small letters
    return float(max(whole - legend, 0.3 * whole))


def _fit_names(axes: Axes, width: float) -> None:
    """Turn the names below the bars if they would touch each other."""
    names = [text.get_text() for text in axes.get_xticklabels()]
    lines = [line for name in names for line in name.splitlines()]
    if not lines or (max(map(len, lines)) + 1) * _LETTER * len(names) <= width:
        return
    flat = [re.sub(r"(?<![/:,])\n", " ", name).replace("\n", "") for name in names]
    slants = max(map(len, flat)) <= _MOST_SLANTING
    axes.set_xticks(
        axes.get_xticks(),
        flat,
        rotation=45 if slants else 90,
        ha="right" if slants else "center",
        rotation_mode="anchor" if slants else "default",
        fontsize="small",
    )


def _finished(runs: Runs, axes: Axes, stacks: bool = True) -> Axes:
    """Add a title with the inputs that the runs share, and a legend beside the axes, in the order
    of the stacks from the top.
    """
    base = runs.baseline
    shared = [
        words
        for words, key in (
            (base.workload, "workload"),
            (base.arch, "arch"),
            (f"rule {base.rule}", "rule"),
            (f"batch {base.batch}", "batch"),
        )
        if len({getattr(result, key) for result in runs.results}) == 1
    ]
    handles, names = axes.get_legend_handles_labels()
    width = _width(axes, names if len(names) > 1 else ())
    if not stacks or len(runs.results) <= MOST_STANDING:
        _fit_names(axes, width)
    letters = max(_LEAST_LETTERS, int(width / _LETTER))
    axes.set_title(textwrap.fill(", ".join(shared), letters), fontsize="medium")
    if len(names) > 1:
        order = slice(None, None, -1) if stacks else slice(None)
        axes.legend(
            handles[order],
            names[order],
            frameon=False,
            fontsize="small",
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
        )
    return axes
