"""Tables of one or several results."""

from __future__ import annotations

from accelsim.report.price_tables import area_sources_table, area_table, sources_table
from accelsim.report.runs import Runs, ratio
from accelsim.report.style import CAUSE_NAMES, COMPONENT_NAMES, components
from accelsim.report.table import Cell, Column, Table
from accelsim.results.op import CAUSES, PASSES
from accelsim.results.result import PassTotals, Result

OVERLAP_NOTE = (
    "schedule unlocked: ops overlap, so that passes do not add up to the step; passes "
    "are without vector ops that did not hold the array"
)
TOTAL = "total"
"""Entry of the `pass` column on the line that sums all passes."""


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
            "+".join(result.trace) if isinstance(result.trace, tuple) else result.trace,
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
        parts: list[tuple[str, Result | PassTotals, Result | PassTotals | None]] = [
            (name, result.passes[name], runs.baseline.passes.get(name))
            for name in PASSES
            if name in result.passes
        ]
        for name, part, base in (*parts, (TOTAL, result, runs.baseline)):
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
