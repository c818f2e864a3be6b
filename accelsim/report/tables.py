"""Tables of one or several results as plain data with exact numbers; `console.py` prints them,
`write_csv` files them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from accelsim.report.style import CAUSE_NAMES, COMPONENT_NAMES, area_components, components
from accelsim.results.document import CAUSES, PASSES, ComparisonDocument, ResultDocument, labels

Kind = Literal["text", "count", "bytes", "energy", "seconds", "ratio", "percent", "share", "number"]
Cell = str | int | float | None
OVERLAP_NOTE = (
    "schedule unlocked: ops overlap, so that passes do not add up to the step; passes "
    "are without vector ops that did not hold the array"
)
TOTAL = "total"
"""What the `pass` column says on the line of all passes together."""


@dataclass(frozen=True)
class Column:
    """``key`` heads the CSV column and carries the unit; ``heading`` heads the printed one, which
    is left out when empty.
    """

    key: str
    heading: str
    kind: Kind = "count"


@dataclass(frozen=True)
class Table:
    """``rows`` hold one cell a column; ``None`` where there is no such number (a ratio to zero)."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Runs:
    """Results side by side with their labels, and the one that the others are measured against."""

    results: tuple[ResultDocument, ...]
    labels: tuple[str, ...]
    baseline: ResultDocument

    @property
    def ratio(self) -> str:
        """Heading of the columns of ratios, which a single run has no use for."""
        return "ratio" if len(self.results) > 1 else ""

    @property
    def star(self) -> str:
        """Marks a total that rests on an unverified price."""
        return "*" if any(result.unverified() for result in self.results) else ""

    @property
    def area_star(self) -> str:
        """Marks an area that rests on an unverified one."""
        return "*" if any(result.unverified_areas() for result in self.results) else ""

    @classmethod
    def of(cls, documents: Iterable[ResultDocument | ComparisonDocument]) -> Runs:
        """All results of the documents, in order. The baseline is that of the first comparison,
        else the first result.
        """
        results: list[ResultDocument] = []
        baseline: ResultDocument | None = None
        for document in documents:
            if isinstance(document, ComparisonDocument):
                if baseline is None:
                    names = labels(document.results)
                    baseline = (
                        document.results[names.index(document.baseline)]
                        if document.baseline in names
                        else document.results[0]
                    )
                results += document.results
            else:
                results.append(document)
        return cls(tuple(results), tuple(labels(results)), baseline or results[0])


def ratio(value: float | None, baseline: float | None) -> float | None:
    """``value / baseline``; None when the baseline is zero, or one of them is not known."""
    return value / baseline if value is not None and baseline else None


def totals_table(runs: Runs) -> Table:
    """One line a run: latency, energy and traffic of a training step, with ratios to the
    baseline.
    """
    base = runs.baseline
    columns = (
        Column("run", "run", "text"),
        Column("workload", "", "text"),
        Column("arch", "", "text"),
        Column("rule", "", "text"),
        Column("batch", ""),
        Column("schedule", "", "text"),
        Column("trace", "", "text"),
        Column("cycles", "cycles"),
        Column("cycles_ratio", runs.ratio, "ratio"),
        Column(
            "interval_cycles",
            "interval" if any(r.interval_cycles != r.cycles for r in runs.results) else "",
        ),
        Column("seconds", "time", "seconds"),
        Column("energy_pj", f"energy{runs.star}", "energy"),
        Column("energy_ratio", runs.ratio, "ratio"),
        Column("dram_bytes", "DRAM", "bytes"),
        Column("dram_bytes_ratio", runs.ratio, "ratio"),
        Column("remote_words", "remote\nwords"),
        Column("remote_words_ratio", runs.ratio, "ratio"),
        Column("peak_stash_bytes", "peak\nstash", "bytes"),
        Column("vector_ops", ""),
        Column(
            "area_mm2",
            f"area{runs.area_star}\nmm2"
            if len({result.area_mm2 for result in runs.results}) > 1
            else "",
            "number",
        ),
        Column(
            "area_ratio",
            runs.ratio if len({result.area_mm2 for result in runs.results}) > 1 else "",
            "ratio",
        ),
        Column("config_hash", "", "text"),
    )
    rows = tuple(
        (
            label,
            result.workload,
            result.arch,
            result.rule,
            result.batch,
            result.schedule,
            "+".join(result.trace) if isinstance(result.trace, list) else result.trace,
            result.cycles,
            ratio(result.cycles, base.cycles),
            result.interval_cycles,
            result.seconds,
            result.energy_pj,
            ratio(result.energy_pj, base.energy_pj),
            result.bytes.dram,
            ratio(result.bytes.dram, base.bytes.dram),
            result.words.remote,
            ratio(result.words.remote, base.words.remote),
            result.peak_stash_bytes,
            result.vector_ops,
            result.area_mm2,
            ratio(result.area_mm2, base.area_mm2),
            result.config_hash,
        )
        for label, result in zip(runs.labels, runs.results, strict=True)
    )
    return Table("totals", "One training step", columns, rows, _star_note(runs))


def passes_table(runs: Runs) -> Table:
    """A line a run and pass, and the run's total: cycles, MACs, words and bytes, energy, with
    ratios to the baseline's same line.
    """
    columns = (
        Column("run", "run", "text"),
        Column("pass", "pass", "text"),
        Column("cycles", "cycles"),
        Column("cycles_ratio", runs.ratio, "ratio"),
        Column("macs_dense", "MACs\ndense"),
        Column("macs_effectual", "MACs\neffectual"),
        Column("macs_executed", "MACs\nexecuted"),
        Column("macs_skipped", ""),
        Column("macs_gated", ""),
        Column("vector_ops", ""),
        Column("local_words", "local\nwords"),
        Column("remote_words", "remote\nwords"),
        Column("global_buffer_words", ""),
        Column("dram_words", "DRAM\nwords"),
        Column("dram_read_bytes", ""),
        Column("dram_write_bytes", ""),
        Column("dram_bytes", "DRAM\nbytes", "bytes"),
        Column("energy_pj", f"energy{runs.star}", "energy"),
        Column("energy_ratio", runs.ratio, "ratio"),
    )
    rows: list[tuple[Cell, ...]] = []
    for label, result in zip(runs.labels, runs.results, strict=True):
        for name in (*(name for name in PASSES if name in result.passes), TOTAL):
            part = result if name == TOTAL else result.passes[name]  # type: ignore[index]  # names come from PASSES
            base = runs.baseline if name == TOTAL else runs.baseline.passes.get(name)  # type: ignore[call-overload]  # as above
            rows.append(
                (
                    label,
                    name,
                    part.cycles,
                    ratio(part.cycles, base.cycles) if base else None,
                    part.macs.dense,
                    part.macs.effectual,
                    part.macs.executed,
                    part.macs.skipped,
                    part.macs.gated,
                    part.vector_ops,
                    part.words.local,
                    part.words.remote,
                    part.words.global_buffer,
                    part.words.dram,
                    part.bytes.dram_read,
                    part.bytes.dram_write,
                    part.bytes.dram,
                    part.energy_pj,
                    ratio(part.energy_pj, base.energy_pj) if base else None,
                )
            )
    return Table("passes", "By pass", columns, tuple(rows), _star_note(runs))


def energy_table(runs: Runs) -> Table:
    """A line a run and pass: energy by component. Components with an unverified price are starred;
    the note names the prices.
    """
    names = components(runs.results)
    unverified = set().union(*(result.unverified() for result in runs.results))
    columns = (
        Column("run", "run", "text"),
        Column("pass", "pass", "text"),
        *(
            Column(
                f"{name}_pj" if name not in unverified else f"{name}_unverified_pj",
                COMPONENT_NAMES.get(name, name).replace(" ", "\n")
                + ("*" if name in unverified else ""),
                "energy",
            )
            for name in names
        ),
        Column("total_pj", f"total{runs.star}", "energy"),
        Column("energy_ratio", runs.ratio, "ratio"),
    )
    rows: list[tuple[Cell, ...]] = []
    for label, result in zip(runs.labels, runs.results, strict=True):
        for name, totals in sorted(result.passes.items(), key=lambda item: PASSES.index(item[0])):
            base = runs.baseline.passes.get(name)
            parts = [totals.energy_by_component_pj.get(component, 0.0) for component in names]
            rows.append(
                (
                    label,
                    name,
                    *parts,
                    totals.energy_pj,
                    ratio(totals.energy_pj, base.energy_pj) if base else None,
                )
            )
        parts = [result.energy_by_component_pj.get(component, 0.0) for component in names]
        rows.append(
            (
                label,
                TOTAL,
                *parts,
                result.energy_pj,
                ratio(result.energy_pj, runs.baseline.energy_pj),
            )
        )
    return Table("energy", "Energy by component", columns, tuple(rows), _source_notes(runs))


def area_table(runs: Runs) -> Table:
    """A line a machine: its area by component. Components with an unverified area are starred; the
    note names them. No lines where none is known.
    """
    machines = {
        result.arch: result for result in reversed(runs.results) if result.area_mm2 is not None
    }
    names = area_components(list(machines.values()))
    unverified = set().union(*(result.unverified_areas() for result in machines.values()))
    columns = (
        Column("arch", "machine", "text"),
        *(
            Column(
                f"{name}_mm2" if name not in unverified else f"{name}_unverified_mm2",
                _area_heading(name, list(machines.values())) + ("*" if name in unverified else ""),
                "number",
            )
            for name in names
        ),
        Column("total_mm2", f"total{runs.area_star}", "number"),
        Column("area_ratio", "ratio" if len(machines) > 1 else "", "ratio"),
    )
    rows = tuple(
        (
            name,
            *((result.area_by_component_mm2 or {}).get(each) for each in names),
            result.area_mm2,
            ratio(result.area_mm2, runs.baseline.area_mm2),
        )
        for name, result in reversed(machines.items())
    )
    weak = sorted(
        {
            f"{entry.component}.{entry.part}"
            for result in machines.values()
            for entry in result.area_sources
            if not entry.verified
        }
    )
    notes = (f"* includes areas without a verified source: {', '.join(weak)}",) if weak else ()
    return Table("area", "Area by component in mm2", columns, rows, notes)


def _area_heading(name: str, results: Sequence[ResultDocument]) -> str:
    """Nothing for a component that is off the chip in all of them."""
    known = any((result.area_by_component_mm2 or {}).get(name) is not None for result in results)
    return COMPONENT_NAMES.get(name, name).replace(" ", "\n") if known else ""


def array_cycles_table(runs: Runs) -> Table:
    """A line a run and pass: what the PE array did with its cycles, as cycles (CSV) and percent
    (printed).

    A run's total is the step's, which is not the sum of its passes where they overlap.
    """
    columns = (
        Column("run", "run", "text"),
        Column("pass", "pass", "text"),
        Column("array_cycles", "cycles"),
        *(Column(f"{cause}_cycles", "") for cause in CAUSES),
        *(
            Column(f"{cause}_percent", CAUSE_NAMES[cause].replace(" ", "\n"), "percent")
            for cause in CAUSES
        ),
    )
    rows: list[tuple[Cell, ...]] = []
    for label, result in zip(runs.labels, runs.results, strict=True):
        for name in (*(name for name in PASSES if name in result.passes), TOTAL):
            causes = result.cycles_by_cause(None if name == TOTAL else name)
            total = sum(causes.values())
            shares = [100 * cycles / total if total else None for cycles in causes.values()]
            rows.append((label, name, total, *causes.values(), *shares))
    note = () if not any(result.overlaps for result in runs.results) else (OVERLAP_NOTE,)
    return Table(
        "array_cycles", "What the PE array did with its cycles", columns, tuple(rows), note
    )


def sources_table(runs: Runs) -> Table:
    """Every energy price used, with its source and whether that was verified."""
    columns = (
        Column("component", "component", "text"),
        Column("action", "action", "text"),
        Column("pj", "pJ", "energy"),
        Column("verified", "verified", "text"),
        Column("source", "source", "text"),
    )
    entries = {
        (entry.component, entry.action, entry.pj): entry
        for result in runs.results
        for entry in result.sources()
    }
    rows = tuple(
        (e.component, e.action, e.pj, "yes" if e.verified else "no", e.source)
        for _, e in sorted(entries.items())
    )
    return Table("energy_sources", "Energy prices", columns, rows)


def area_sources_table(runs: Runs) -> Table:
    """Every part's area, with its source and whether that was verified."""
    columns = (
        Column("arch", "machine", "text"),
        Column("component", "component", "text"),
        Column("part", "part", "text"),
        Column("mm2", "mm2", "number"),
        Column("verified", "verified", "text"),
        Column("source", "source", "text"),
    )
    entries = {
        (result.arch, entry.component, entry.part, entry.mm2): entry
        for result in runs.results
        for entry in result.area_sources
    }
    rows = tuple(
        (arch, e.component, e.part, e.mm2, "yes" if e.verified else "no", e.source)
        for (arch, *_), e in sorted(entries.items())
    )
    return Table("area_sources", "Areas", columns, rows)


def all_tables(runs: Runs) -> tuple[Table, ...]:
    """Every table that a report folder holds."""
    tables = (
        totals_table(runs),
        passes_table(runs),
        energy_table(runs),
        area_table(runs),
        array_cycles_table(runs),
        sources_table(runs),
        area_sources_table(runs),
    )
    return tuple(table for table in tables if table.rows)


def _star_note(runs: Runs) -> tuple[str, ...]:
    return (
        ("* rests in part on prices without a verified source, named below energy by component",)
        if runs.star
        else ()
    )


def _source_notes(runs: Runs) -> tuple[str, ...]:
    weak = sorted(
        {
            f"{entry.component}.{entry.action}"
            for result in runs.results
            for entry in result.sources()
            if not entry.verified
        }
    )
    return (f"* includes prices without a verified source: {', '.join(weak)}",) if weak else ()


def write_csv(table: Table) -> str:
    """The table as CSV text: exact numbers, units in the column names, an empty field where there
    is no number.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.key for column in table.columns)
    writer.writerows(_exact(row) for row in table.rows)
    return text.getvalue()


def _exact(row: Sequence[Cell]) -> list[str]:
    return [
        "" if cell is None else repr(cell) if isinstance(cell, float) else str(cell) for cell in row
    ]
