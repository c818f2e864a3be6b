"""Tables of a DRAM document."""

from __future__ import annotations

from functools import partial

from rich.console import Console

from accelsim.report.console import print_tables
from accelsim.report.table import Cell, Column, Table
from accelsim.results.dram import DramDocument, DramLatencies

COMMANDS = ("ACT", "PRE", "PREA", "RD", "WR", "REF")
"""Commands in the order of columns."""
PARTS = {
    "ACT": ("activate", "activate"),
    "RD": ("read_burst", "read"),
    "WR": ("write_burst", "write"),
    "REF": ("refresh", "refresh"),
    "active_standby": ("active_standby", "standby,\nrow open"),
    "precharge_standby": ("precharge_standby", "standby,\nall closed"),
}
"""Parts of the energy: the priced action, and the heading of its column."""


STANDARD: Column[DramDocument] = Column("standard", "standard", "text")


def print_dram(document: DramDocument, console: Console) -> None:
    """Print time and bandwidth, read latencies, rows and commands, and energy by part."""
    print_tables(tables(document), console)


def tables(document: DramDocument) -> list[Table]:
    """The tables of a document. The tables of latencies and of energies are left out if it has no
    reads or no energies.
    """
    made = [_totals(document)]
    if document.read_latency_cycles is not None:
        made.append(_latencies(document, document.read_latency_cycles))
    made.append(_commands(document))
    if document.energy_by_part_pj is not None:
        made.append(_energy(document, document.energy_by_part_pj))
    return made


def _totals(document: DramDocument) -> Table:
    limit = (
        ""
        if document.max_outstanding is None
        else f", at most {document.max_outstanding} reads outstanding"
    )
    columns: tuple[Column[DramDocument], ...] = (
        STANDARD,
        Column("reads", "reads", "count", lambda each: each.requests.reads),
        Column("writes", "writes", "count", lambda each: each.requests.writes),
        Column("total_cycles", "clocks"),
        Column("seconds", "time", "seconds"),
        Column("bandwidth_bytes_per_second", "bytes per\nsecond", "bytes"),
        Column("utilization", "data bus\nbusy", "share"),
    )
    title = f"{document.policy.get('scheduler', 'unknown')} controller{limit}"
    return Table.of("dram", title, columns, [document])


def _latencies(document: DramDocument, latencies: DramLatencies) -> Table:
    headings = {
        "min": "least",
        "p50": "median",
        "p90": "90 %",
        "p95": "95 %",
        "p99": "99 %",
        "max": "most",
    }
    columns: tuple[Column[DramDocument], ...] = (
        STANDARD,
        Column("mean_read_latency_cycles", "mean", "number"),
        *(
            Column(f"{key}_cycles", heading, "number", partial(_latency, latencies, key))
            for key, heading in headings.items()
        ),
    )
    title = "read latency in clocks, from hand-over to last data"
    return Table.of("read_latency", title, columns, [document])


def _latency(latencies: DramLatencies, key: str, _: DramDocument) -> Cell:
    cell: Cell = getattr(latencies, key)
    return cell


def _commands(document: DramDocument) -> Table:
    columns: tuple[Column[DramDocument], ...] = (
        STANDARD,
        Column("row_hits", "row hits"),
        Column("row_misses", "row misses"),
        Column("row_conflicts", "row conflicts"),
        *(Column(name, name, "count", partial(_command, name)) for name in COMMANDS),
    )
    forwarded, merged = document.requests.forwarded_reads, document.requests.merged_writes
    notes: list[str] = []
    if forwarded:
        notes.append(f"{forwarded} read{'s' if forwarded > 1 else ''} answered by a waiting write")
    if merged:
        notes.append(
            f"{merged} write{'s' if merged > 1 else ''} joined a waiting write of the same burst"
        )
    return Table.of("commands", "rows and commands", columns, [document], notes)


def _command(name: str, document: DramDocument) -> Cell:
    cell: Cell = getattr(document.commands, name)
    return cell


def _energy(document: DramDocument, parts: dict[str, float]) -> Table:
    weak = {
        part for part in parts if PARTS.get(part, (part, part))[0] in document.unverified_energies
    }
    columns: tuple[Column[DramDocument], ...] = (
        STANDARD,
        Column("energy_pj", f"total{'*' if weak else ''}", "energy"),
        *(
            Column(
                f"{part}_pj",
                PARTS.get(part, (part, part))[1] + ("*" if part in weak else ""),
                "energy",
                partial(_part_energy, parts, part),
            )
            for part in parts
        ),
    )
    notes = ("* depends on an energy without a verified source",) if weak else ()
    return Table.of("energy", "energy", columns, [document], notes)


def _part_energy(parts: dict[str, float], part: str, _: DramDocument) -> Cell:
    return parts[part]
