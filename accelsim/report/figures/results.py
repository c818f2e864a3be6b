"""Figures of one or several results: energy, data movement, cycles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from accelsim.config.names import OptimizerName, Schedule
from accelsim.report.figures.bars import Bars, stacked
from accelsim.report.figures.style import STYLE, save_figure
from accelsim.report.runs import Runs
from accelsim.report.style import (
    CAUSE_COLOURS,
    CAUSE_NAMES,
    COMPONENT_COLOURS,
    COMPONENT_NAMES,
    OTHER_COLOUR,
    PASS_COLOURS,
    components,
    joules,
)
from accelsim.report.tables.steps import trace_name, unsourced_shares
from accelsim.results.op import CAUSES, PASSES, PassKey

MOST_RUNS = 24
"""Maximum number of runs in a figure; more bars would be unreadable."""
WHOLE = "whole step"


def write_plots(runs: Runs, folder: Path) -> list[Path]:
    """Write every figure as PNG and SVG in ``folder``, and return the paths. If there are more than
    `MOST_RUNS` runs, only the first are drawn, and the caption says so.
    """
    written: list[Path] = []
    every, runs = len(runs.results), runs.first(MOST_RUNS)
    left_out = f"; the first {MOST_RUNS} of {every} runs, all in totals.csv"
    with rc_context(STYLE):
        for name, draw in (
            ("energy", energy_figure),
            ("data_movement", data_movement_figure),
            ("cycles", cycles_figure),
        ):
            figure = draw(runs)
            caption(figure, runs, left_out if every > MOST_RUNS else "")
            written += save_figure(figure, folder, name)
    return written


def caption(figure: Figure, runs: Runs, more: str = "") -> None:
    """A line below the figure: workload, machine and batch, as far as all runs share them; an
    optimizer, a schedule and a trace that are not the default ones. There is no title, because the
    legend takes its place.
    """
    workload, machine, batch = map(runs.shared, ("workload", "arch", "batch"))
    words = [
        f"{workload or ''}{f' on {machine}' if machine else ''}".strip(),
        f"batch {batch}" if batch is not None else "",
        _unless_all(runs, "optimizer", (OptimizerName.MOMENTUM, None)),
        _unless_all(runs, "schedule", (Schedule.SERIAL,)),
        *_traces_of_no_training(runs),
    ]
    lines = [f"{', '.join(filter(None, words))}{more}", figure.get_supxlabel()]
    figure.supxlabel("\n".join(filter(None, lines)), fontsize=6, x=0.01, ha="left")


def _unless_all(runs: Runs, key: str, usual: Sequence[str | None]) -> str:
    """The values of an input in all runs, or an empty text if all are ``usual``."""
    values = dict.fromkeys(getattr(result, key) for result in runs.results)
    if set(values) <= set(usual):
        return ""
    return f"{key} {' or '.join(str(value) for value in values if value)}"


def _traces_of_no_training(runs: Runs) -> Iterator[str]:
    """Traces whose zeros are not those of a training run."""
    names = dict.fromkeys(trace_name(result) or "" for result in runs.results)
    yield from (f"trace {name}" for name in names if re.match(r"random:|dense", name))


def energy_figure(runs: Runs) -> Figure:
    """A bar per run: energy of a step by component, relative to the baseline's total, with the
    absolute total at its end, and a line from the 5th to the 95th percentile of the total.
    """
    bars = Bars.of(runs, beside=1.3)
    figure, panels = bars.panels(1, 1, height=2.4)
    draw_energy_bars(runs, bars, panels[0], size=7)
    bars.legend(figure, panels[0])
    figure.supxlabel(_energy_caption(runs), fontsize=6, x=0.01, ha="left")
    return figure


def _energy_caption(runs: Runs) -> str:
    """What the lines and the stars of the energy figure mean; empty if it has neither."""
    lines = []
    if any(result.energy_interval_pj for result in runs.results):
        lines.append("line: 5 to 95 % over the bounds of the prices")
    if runs.star:
        lines.append(f"* {unsourced_shares(runs)} is unsourced")
    return "\n".join(lines)


def draw_energy_bars(runs: Runs, bars: Bars, axes: Axes, size: float) -> None:
    """Draw energy by component, relative to the baseline's total. Totals are written in a font of
    ``size`` points.
    """
    reference = runs.baseline.energy_pj or 1.0
    largest = max(result.energy_pj for result in runs.results) / reference
    parts = [
        (
            COMPONENT_NAMES.get(name, name) + ("*" if runs.unsourced(name) else ""),
            COMPONENT_COLOURS.get(name, OTHER_COLOUR),
            [result.energy_by_component_pj.get(name, 0.0) / reference for result in runs.results],
        )
        for name in components(runs.results)
    ]
    ends = stacked(
        bars, axes, parts, lambda drawn, sizes: bars.write_shares(axes, drawn, sizes, largest)
    )
    intervals = [result.energy_interval_pj for result in runs.results]
    ends = bars.write_intervals(axes, ends, [_divided(each, reference) for each in intervals])
    totals = [joules(result.energy_pj) for result in runs.results]
    bars.write_totals(axes, ends, totals, size=size)
    title = (
        f"energy of a step, {runs.baseline_label} = 1"
        if len(runs.results) > 1
        else "share of the step's energy"
    )
    bars.scale(axes, max(ends) or 1, title)


def _divided(interval: tuple[float, float] | None, reference: float) -> tuple[float, float] | None:
    return None if interval is None else (interval[0] / reference, interval[1] / reference)


def data_movement_figure(runs: Runs) -> Figure:
    """Four panels, each with its own scale: words per step by where they come from, stacked by
    pass, with totals at the ends.
    """
    bars = Bars.of(runs, beside=0.2, columns=2)
    figure, panels = bars.panels(4, 2, height=1.5)
    kinds = (
        ("local", "own scratchpad"),
        ("remote", "other PEs over the NoC"),
        ("global_buffer", "global buffer"),
        ("dram", "DRAM"),
    )
    for axes, (kind, title) in zip(panels, kinds, strict=True):
        parts = [(pass_, PASS_COLOURS[pass_], _words(runs, pass_, kind)) for pass_ in PASSES]
        stacked(bars, axes, parts)
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
    """A panel for the step and one per pass, each with its own scale: array cycles by cause, with
    totals at the ends. The title gives the pass's share of the baseline's cycles.
    """
    passes = [name for name in PASSES if any(name in result.passes for result in runs.results)]
    panels_of: list[PassKey | None] = [None, *passes]
    columns = min(2, len(panels_of))
    bars = Bars.of(runs, beside=1.4, columns=columns, least=0.4)
    figure, panels = bars.panels(len(panels_of), columns, height=1.35)
    whole = sum(sum(runs.baseline.cycles_by_cause(name).values()) for name in passes) or 1
    whose = f"{runs.baseline_label}'s cycles" if len(runs.results) > 1 else "cycles"
    for axes in panels[len(panels_of) :]:
        axes.set_visible(False)
    for axes, name in zip(panels, panels_of, strict=False):
        causes = [result.cycles_by_cause(name) for result in runs.results]
        parts = [
            (CAUSE_NAMES[cause], CAUSE_COLOURS[cause], [by_cause[cause] for by_cause in causes])
            for cause in CAUSES
        ]
        stacked(bars, axes, parts)
        bars.only_totals(axes, [sum(by_cause.values()) for by_cause in causes])
        if name is None:
            axes.set_title(WHOLE, pad=3)
            continue
        share = sum(runs.baseline.cycles_by_cause(name).values()) / whole
        axes.set_title(
            f"{name}, {100 * share:.0f} % of {whose}"
            if bars.standing
            else f"{name}, {100 * share:.0f} % of baseline",
            pad=3,
        )
    bars.legend(
        figure,
        panels[0],
        f"array cycles of each pass by cause; the baseline is {runs.baseline_label}",
    )
    return figure


def _words(runs: Runs, pass_: PassKey, kind: str) -> list[float]:
    """Words of a kind that each run moves in a pass."""
    return [
        float(getattr(result.passes[pass_].words, kind)) if pass_ in result.passes else 0.0
        for result in runs.results
    ]
