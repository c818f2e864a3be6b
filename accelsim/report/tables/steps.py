"""Tables of training steps: totals, passes, energy by component."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from accelsim.report.runs import Runs, compares, ratio
from accelsim.report.style import COMPONENT_NAMES, component_columns, unsourced
from accelsim.report.table import Cell, Column, Kind, Table, Uncertain
from accelsim.report.tables.inputs import input_columns
from accelsim.results.op import PASSES
from accelsim.results.result import PassTotals, Result

TOTAL = "total"
"""Entry of the `pass` column in the row that sums all passes."""
OUTSIDE = "outside ops"
"""Entry of the `pass` column in the row of energy that belongs to no op."""
Number = int | float | None


@dataclass(frozen=True)
class Line:
    """A row's object: a run's step, one of its passes, or its energy outside ops, and the same part
    of the baseline, or None if it has none.
    """

    label: str
    result: Result
    name: str
    part: Any
    base: Any

    @cached_property
    def causes(self) -> dict[str, int | float]:
        """Array cycles by cause of the step or pass."""
        return self.result.cycles_by_cause(None if self.name == TOTAL else self.name)


def lines(runs: Runs, by_pass: bool, outside: bool = False) -> Iterator[Line]:
    """One row's object per run; with ``by_pass``, preceded by one per pass of the run, and with
    ``outside`` by one of the energy that belongs to no op, if there is any.
    """
    for label, result in zip(runs.labels, runs.results, strict=True):
        if by_pass:
            for name in PASSES:
                if name in result.passes:
                    base = runs.baseline.passes.get(name)
                    yield Line(label, result, name, result.passes[name], base)
            if outside and result.unattributed_pj:
                yield Line(label, result, OUTSIDE, outside_ops(result), outside_ops(runs.baseline))
        yield Line(label, result, TOTAL, result, runs.baseline)


def outside_ops(result: Result) -> PassTotals:
    """Energy of a step that belongs to no op, as sums without work. Documents of version 0.1.0 do
    not split it by component; the split is then what the passes leave of the step.
    """
    by_component = result.unattributed_by_component_pj
    if by_component is None:
        by_component = {
            name: max(0.0, pj - math.fsum(_of_passes(result, name)))
            for name, pj in result.energy_by_component_pj.items()
        }
    return PassTotals(
        cycles=0, energy_pj=result.unattributed_pj, energy_by_component_pj=by_component
    )


def _of_passes(result: Result, component: str) -> Iterator[float]:
    return (component_energy(totals, component) for totals in result.passes.values())


RUN: Column[Line] = Column("run", "run", "text", lambda line: line.label)
RUN_INPUTS: tuple[Column[Line], ...] = input_columns(lambda line: line.result)
PASS: Column[Line] = Column("pass", "pass", "text", lambda line: str(line.name))


def with_ratio(
    key: str,
    headings: tuple[str, str],
    kind: Kind,
    value: Callable[[Any], Number],
    words: Callable[[Any], float] | None = None,
) -> tuple[Column[Line], Column[Line]]:
    """The column of a quantity, and the column of its ratio to the baseline. ``headings``: headings
    of the two. ``words``: the ratio is empty if they are negligible (`runs.compares`).
    """

    def against(line: Line) -> float | None:
        if line.base is None or not (words is None or compares(words, line.part, line.base)):
            return None
        return ratio(value(line.part), value(line.base))

    heading, ratio_heading = headings
    name = key.removesuffix("_pj").removesuffix("_mm2")
    return (
        Column(key, heading, kind, lambda line: value(line.part)),
        Column(
            f"{name}_ratio",
            ratio_heading,
            "ratio",
            against,
        ),
    )


def part(
    key: str, heading: str, value: Callable[[Any], Cell], kind: Kind = "count"
) -> Column[Line]:
    """The column of a quantity of a step or pass."""
    return Column(key, heading, kind, lambda line: value(line.part))


def totals_table(runs: Runs) -> Table:
    """A row per run: latency, energy and traffic of a training step, with ratios to the
    baseline.
    """
    areas_differ = len({result.area_mm2 for result in runs.results}) > 1
    intervals_differ = any(each.interval_cycles not in (None, each.cycles) for each in runs.results)
    columns: tuple[Column[Line], ...] = (
        RUN,
        *RUN_INPUTS,
        part("batch", "", lambda step: step.batch),
        part("schedule", "", lambda step: step.schedule, "text"),
        part("optimizer", "", lambda step: step.optimizer, "text"),
        part("trace", "", trace_name, "text"),
        part("seed", "", lambda step: step.seed),
        part("warm", "", lambda step: str(step.warm).lower(), "text"),
        part("passes", "", lambda step: "+".join(step.reported_passes()), "text"),
        *with_ratio(
            "cycles",
            ("cycles", "" if runs.in_time else runs.ratio),
            "count",
            lambda step: step.cycles,
        ),
        part(
            "interval_cycles",
            "interval" if intervals_differ else "",
            lambda step: step.interval_cycles,
        ),
        *with_ratio(
            "seconds",
            ("time", runs.ratio if runs.in_time else ""),
            "seconds",
            lambda step: step.seconds,
        ),
        *_energy_columns(runs),
        *with_ratio(
            "dram_bytes",
            ("DRAM", runs.ratio),
            "bytes",
            lambda step: step.bytes.dram,
            words=lambda step: step.words.dram,
        ),
        *with_ratio(
            "remote_words",
            ("remote\nwords", runs.ratio),
            "count",
            lambda step: step.words.remote,
            words=lambda step: step.words.remote,
        ),
        part("step_cycles", "", lambda step: step.step and step.step.cycles),
        part("step_energy_pj", "", lambda step: step.step and step.step.energy_pj, "energy"),
        part("peak_stash_bytes", "peak\nstash", lambda step: step.peak_stash_bytes, "bytes"),
        part("vector_ops", "", lambda step: step.vector_ops),
        *with_ratio(
            "area_mm2",
            (f"area{runs.area_star}\nmm2", runs.ratio) if areas_differ else ("", ""),
            "number",
            lambda step: step.area_mm2,
        ),
        part("config_hash", "", lambda step: step.config_hash, "text"),
        part("version", "", lambda step: step.version, "text"),
    )
    rows = lines(runs, by_pass=False)
    return Table.of("totals", "One training step", columns, rows, _star_note(runs))


def _energy_columns(runs: Runs) -> tuple[Column[Line], ...]:
    """Energy and its ratio to the baseline, printed with their intervals; the intervals have CSV
    columns of their own.
    """
    energy, against = with_ratio(
        "energy_pj", (f"energy{runs.star}", runs.ratio), "energy", lambda step: step.energy_pj
    )

    def of_energy(line: Line) -> tuple[float, float] | None:
        interval: tuple[float, float] | None = line.part.energy_interval_pj
        return interval

    def of_ratio(line: Line) -> tuple[float, float] | None:
        return runs.energy_ratio_interval(line.result)

    def with_interval(column: Column[Line], interval: _IntervalOf) -> Column[Line]:
        def cell(line: Line) -> Cell:
            number = column.cell(line)
            assert not isinstance(number, str)
            return Uncertain.of(number, interval(line))

        return replace(column, value=cell)

    return (
        with_interval(energy, of_energy),
        with_interval(against, of_ratio),
        *_ends("energy_{}_pj", of_energy),
        *_ends("energy_ratio_{}", of_ratio),
        Column("unsourced_energy", "", "share", lambda line: line.result.unsourced()[""]),
    )


_IntervalOf = Callable[[Line], tuple[float, float] | None]


def _ends(key: str, interval: _IntervalOf) -> tuple[Column[Line], ...]:
    """Columns of the two ends of an interval, which are not printed."""

    def end(line: Line, place: int) -> float | None:
        ends = interval(line)
        return None if ends is None else ends[place]

    return tuple(
        Column(key.format(name), "", "number", partial(end, place=place))
        for place, name in enumerate(("p5", "p95"))
    )


def trace_name(result: Result) -> str | None:
    """The trace of a run; of a hybrid rule the traces of its kinds of step, joined by ``+``."""
    return "+".join(result.trace) if isinstance(result.trace, tuple) else result.trace


def passes_table(runs: Runs) -> Table:
    """A row per run and pass, one of the energy outside ops, and one for the run's total: cycles,
    MACs, words, bytes and energy, with ratios to the same row of the baseline.
    """
    columns: tuple[Column[Line], ...] = (
        RUN,
        *RUN_INPUTS,
        PASS,
        *with_ratio("cycles", ("cycles", runs.ratio), "count", lambda each: each.cycles),
        part("macs_dense", "MACs\ndense", lambda each: each.macs.dense),
        part("macs_effectual", "MACs\neffectual", lambda each: each.macs.effectual),
        part("macs_executed", "MACs\nexecuted", lambda each: each.macs.executed),
        part("macs_skipped", "", lambda each: each.macs.skipped),
        part("macs_gated", "", lambda each: each.macs.gated),
        part("vector_ops", "", lambda each: each.vector_ops),
        part("local_words", "local\nwords", lambda each: each.words.local),
        part("remote_words", "remote\nwords", lambda each: each.words.remote),
        part("global_buffer_words", "", lambda each: each.words.global_buffer),
        part("dram_words", "DRAM\nwords", lambda each: each.words.dram),
        part("dram_read_bytes", "", lambda each: each.bytes.dram_read),
        part("dram_write_bytes", "", lambda each: each.bytes.dram_write),
        part("dram_bytes", "DRAM\nbytes", lambda each: each.bytes.dram, "bytes"),
        *with_ratio(
            "energy_pj", (f"energy{runs.star}", runs.ratio), "energy", lambda each: each.energy_pj
        ),
    )
    rows = lines(runs, by_pass=True, outside=True)
    return Table.of("passes", "By pass", columns, rows, _star_note(runs))


def component_energy(part: Result | PassTotals, name: str) -> float:
    """Energy of a component in a step or pass, 0 if it has none."""
    return part.energy_by_component_pj.get(name, 0.0)


def energy_table(runs: Runs) -> Table:
    """A row per run and pass, and one of the energy outside ops: energy by component. Components
    with unsourced energy are starred; the note gives its share and lists the prices.
    """
    present = {name for result in runs.results for name in result.energy_by_component_pj}
    columns: tuple[Column[Line], ...] = (
        RUN,
        *RUN_INPUTS,
        PASS,
        *(
            part(
                f"{name}_pj",
                starred_component(name, bool(runs.unsourced(name))) if name in present else "",
                partial(component_energy, name=name),
                "energy",
            )
            for name in component_columns(present)
        ),
        part("total_pj", f"total{runs.star}", lambda each: each.energy_pj, "energy"),
        with_ratio("energy_pj", ("", runs.ratio), "energy", lambda each: each.energy_pj)[1],
    )
    rows = lines(runs, by_pass=True, outside=True)
    return Table.of("energy", "Energy by component", columns, rows, _source_notes(runs))


def starred_component(name: str, starred: bool) -> str:
    """The heading of a component's column."""
    return COMPONENT_NAMES.get(name, name).replace(" ", "\n") + ("*" if starred else "")


def _star_note(runs: Runs) -> tuple[str, ...]:
    if not runs.star:
        return ()
    return (f"* {unsourced_shares(runs)} is unsourced; `--tables energy` lists the prices",)


def unsourced_shares(runs: Runs) -> str:
    """The share of each run's energy whose prices have no source: ``4 % of the energy``; of several
    runs that differ, the extremes.
    """
    shares = sorted(result.unsourced()[""] for result in runs.results)
    least, most = unsourced(shares[0]), unsourced(shares[-1])
    if least == most:
        return f"{most} of the energy"
    return f"{least.removesuffix(' %')} to {most} of the energy"


def _source_notes(runs: Runs) -> tuple[str, ...]:
    weak = sorted(
        {
            f"{entry.component}.{entry.action}"
            for result in runs.results
            for entry in result.sources()
            if not entry.verified
        }
    )
    if not weak:
        return ()
    share = f"{unsourced_shares(runs)} is unsourced: it rests on prices without a verified source"
    return (f"* {share}, {', '.join(weak)}",)
