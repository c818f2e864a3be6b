"""The summary's table: one row per run, with units in the headings, so that it fits a terminal.
Areas are given beside the machines' names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from accelsim.report.runs import Runs, compares, ratio
from accelsim.report.style import plain, prefix, si, times
from accelsim.report.table import Column, Table
from accelsim.results.result import Result

MOST_TIMES = 10_000
"""Ratio from which the table does not give its digits, so that it stays narrow."""

LEAST_IN_UNIT = 0.01
"""Minimum value in a column's unit; smaller ones would need many digits."""


@dataclass(frozen=True)
class SummaryLine:
    """A row's object: a run, with the baseline."""

    label: str
    result: Result
    base: Result


def summary_table(runs: Runs, intervals: bool = False) -> Table:
    """Cycles, time, energy, DRAM bytes and remote words, with ratios to the baseline, as texts. No
    ratio is given to a negligible number. ``intervals``: with the interval of the ratio of
    energies.
    """
    columns: tuple[Column[SummaryLine], ...] = (
        Column("run", "run", "text", lambda line: line.label),
        Column("cycles", "cycles", "text", lambda line: si(line.result.cycles)),
        *(() if runs.in_time else (_ratio(runs, "cycles", lambda result: result.cycles),)),
        _scaled(runs, "time", "s", lambda result: result.seconds),
        *((_ratio(runs, "time", lambda result: result.seconds),) if runs.in_time else ()),
        _scaled(runs, f"energy{runs.star}", "J", lambda result: 1e-12 * result.energy_pj),
        _energy_ratio(runs, intervals),
        _scaled(runs, "DRAM", "B", lambda result: result.bytes.dram),
        _ratio(runs, "DRAM", lambda result: result.bytes.dram, lambda result: result.words.dram),
        Column("remote", "remote\nwords", "text", lambda line: si(line.result.words.remote)),
        _ratio(
            runs,
            "remote",
            lambda result: result.words.remote,
            lambda result: result.words.remote,
        ),
    )
    rows = [
        SummaryLine(label, result, runs.baseline)
        for label, result in zip(runs.labels, runs.results, strict=True)
    ]
    return Table.of("summary", "", columns, rows)


def _energy_ratio(runs: Runs, intervals: bool) -> Column[SummaryLine]:
    """The column of the ratio of energies, with its interval or without."""
    column = _ratio(runs, "energy", lambda result: result.energy_pj)

    def text(line: SummaryLine) -> str:
        bounds = runs.energy_ratio_interval(line.result)
        if bounds is None:
            return str(column.cell(line))
        return times(ratio(line.result.energy_pj, line.base.energy_pj), bounds)

    return replace(column, value=text) if intervals else column


def _ratio(
    runs: Runs,
    name: str,
    value: Callable[[Result], float],
    words: Callable[[Result], float] | None = None,
) -> Column[SummaryLine]:
    """The column of a ratio. ``words``: words whose share of all words must not be negligible in
    both the run and the baseline.
    """
    base = runs.baseline

    def text(line: SummaryLine) -> str:
        part = ratio(value(line.result), value(base))
        if part is None or not (words is None or compares(words, line.result, base)):
            return times(None)
        return times(part) if part < MOST_TIMES else f">{MOST_TIMES - 1}x"

    return Column(f"{name} ratio", runs.ratio, "text", text)


def _scaled(
    runs: Runs, name: str, unit: str, value: Callable[[Result], float]
) -> Column[SummaryLine]:
    """The column of a quantity. The heading gives the unit, which suits the largest value; if the
    least value is too small for it, each cell has a unit of its own.
    """
    values = [value(result) for result in runs.results]
    scale, letter = prefix(max(values))
    least = min((each for each in values if each), default=scale)
    if least < LEAST_IN_UNIT * scale:
        return Column(name, name, "text", lambda line: si(value(line.result), unit))
    return Column(
        name, f"{name}\n{letter}{unit}", "text", lambda line: plain(value(line.result) / scale)
    )
