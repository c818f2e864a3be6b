"""The table of structural variants: how far a verdict rests on structure rather than on prices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from accelsim.report.table import Cell, Column, Table, Uncertain
from accelsim.results.comparison import Comparison, VariantResult, VariantRun

NAME = "variants"


@dataclass(frozen=True)
class _Line:
    """A rule on a variant, and the first rule there."""

    variant: VariantResult
    run: VariantRun

    @property
    def base(self) -> VariantRun:
        return self.variant.runs[0]


def variants_table(comparison: Comparison) -> Table:
    """Ratios of each rule to the first on every variant of every machine, with the intervals of
    those of the energy. No rows without variants.
    """
    bound = partial(Column[_Line], heading="", kind="ratio")
    columns: tuple[Column[_Line], ...] = (
        Column("variant", "variant", "text", lambda line: line.variant.name),
        Column("arch", "arch", "text", lambda line: line.variant.arch),
        Column("rule", "rule", "text", lambda line: line.run.rule),
        Column("cycles", "", "count", lambda line: line.run.cycles),
        Column("cycles_ratio", "cycles\nratio", "ratio", lambda line: line.run.ratios["cycles"]),
        Column("energy_pj", "", "energy", lambda line: line.run.energy_pj),
        Column("energy_ratio", "energy ratio\n(5 to 95 %)", "ratio", _energy),
        bound("energy_ratio_p5", value=lambda line: _bound(line, 0)),
        bound("energy_ratio_p95", value=lambda line: _bound(line, 1)),
    )
    lines = [_Line(variant, run) for variant in comparison.variants for run in variant.runs[1:]]
    base = comparison.results[0].rule
    return Table.of(
        NAME, f"Structural variants: ratios to {base} on the same variant", columns, lines
    )


def _interval(line: _Line) -> tuple[float, float] | None:
    return line.run.ratio_intervals.get("energy_pj")


def _energy(line: _Line) -> Cell:
    return Uncertain.of(line.run.ratios["energy_pj"], _interval(line))


def _bound(line: _Line, place: int) -> Cell:
    interval = _interval(line)
    return None if interval is None else interval[place]
