"""Tables of a DRAM document."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from accelsim.report.console import print_table
from accelsim.report.table import Column, Table
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
"""Parts of the energy: the action that is priced, and the heading of the column."""


def print_dram(document: DramDocument, console: Console) -> None:
    """Time and bandwidth, latency of reads, rows and commands, energy by part."""
    for table in tables(document):
        print_table(table, console)


def tables(document: DramDocument) -> list[Table]:
    """The tables of a document; one without reads has none of latencies, one without energies none
    of those.
    """
    found = [_totals(document)]
    if document.read_latency_cycles is not None:
        found.append(_latencies(document, document.read_latency_cycles))
    found.append(_commands(document))
    if document.energy_by_part_pj is not None:
        found.append(_energy(document, document.energy_by_part_pj))
    return found


def _table(
    document: DramDocument,
    name: str,
    title: str,
    cells: list[tuple[Column, Any]],
    notes: tuple[str, ...] = (),
) -> Table:
    """A table of one line, which begins with the standard's name."""
    columns = (Column("standard", "standard", "text"), *(column for column, _ in cells))
    return Table(name, title, columns, ((document.standard, *(cell for _, cell in cells)),), notes)


def _totals(document: DramDocument) -> Table:
    limit = (
        ""
        if document.max_outstanding is None
        else f", at most {document.max_outstanding} reads outstanding"
    )
    return _table(
        document,
        "dram",
        f"{document.policy.get('scheduler', 'unknown')} controller{limit}",
        [
            (Column("reads", "reads"), document.requests.reads),
            (Column("writes", "writes"), document.requests.writes),
            (Column("total_cycles", "clocks"), document.total_cycles),
            (Column("seconds", "time", "seconds"), document.seconds),
            (
                Column("bandwidth_bytes_per_second", "bytes a second", "bytes"),
                document.bandwidth_bytes_per_second,
            ),
            (Column("utilization", "data bus busy", "share"), document.utilization),
        ],
    )


def _latencies(document: DramDocument, latencies: DramLatencies) -> Table:
    cells: list[tuple[Column, Any]] = [
        (Column("mean_read_latency_cycles", "mean", "number"), document.mean_read_latency_cycles)
    ]
    headings = {
        "min": "least",
        "p50": "median",
        "p90": "90 %",
        "p95": "95 %",
        "p99": "99 %",
        "max": "most",
    }
    cells += [
        (Column(f"{key}_cycles", heading, "number"), getattr(latencies, key))
        for key, heading in headings.items()
    ]
    return _table(
        document, "read_latency", "read latency in clocks, from hand-over to last data", cells
    )


def _commands(document: DramDocument) -> Table:
    rows = {"row_hits": "row hits", "row_misses": "row misses", "row_conflicts": "row conflicts"}
    cells: list[tuple[Column, Any]] = [
        (Column(key, heading), getattr(document, key)) for key, heading in rows.items()
    ]
    cells += [(Column(name, name), getattr(document.commands, name)) for name in COMMANDS]
    forwarded, merged = document.requests.forwarded_reads, document.requests.merged_writes
    notes: tuple[str, ...] = (
        (f"{forwarded} read{'s' if forwarded > 1 else ''} answered by a waiting write",)
        if forwarded
        else ()
    )
    notes += (
        (f"{merged} write{'s' if merged > 1 else ''} joined a waiting write of the same burst",)
        if merged
        else ()
    )
    return _table(document, "commands", "rows and commands", cells, notes)


def _energy(document: DramDocument, parts: dict[str, float]) -> Table:
    cells: list[tuple[Column, Any]] = []
    starred = False
    for part, pj in parts.items():
        action, heading = PARTS.get(part, (part, part))
        star = "*" if action in document.unverified_energies else ""
        starred = starred or bool(star)
        cells.append(
            (Column(f"{part}{'_unverified' if star else ''}_pj", heading + star, "energy"), pj)
        )
    star = "*" if starred else ""
    cells.insert(
        0,
        (
            Column(f"energy{'_unverified' if star else ''}_pj", f"total{star}", "energy"),
            document.energy_pj,
        ),
    )
    return _table(
        document,
        "energy",
        "energy",
        cells,
        ("* rests on an energy without a verified source",) if starred else (),
    )
