"""The document of `accelsim dram --json` as a typed model, and its tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from rich.console import Console

from accelsim.config.schema import model_schema
from accelsim.errors import Fault, InputError
from accelsim.report.console import print_table
from accelsim.report.table import Column, Table
from accelsim.results.document import Part, faults, read_json

SCHEMA = "accelsim.dram/1"
PARTS = {
    "ACT": ("activate", "activate"),
    "RD": ("read_burst", "read"),
    "WR": ("write_burst", "write"),
    "REF": ("refresh", "refresh"),
    "active_standby": ("active_standby", "standby,\nrow open"),
    "precharge_standby": ("precharge_standby", "standby,\nall closed"),
}
"""Parts of the energy: the action that is priced, and the heading of the column."""

Whole = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class DramCommands(Part):
    """Commands by name; PRE closes one bank, PREA all of a rank."""

    ACT: Whole
    PRE: Whole
    PREA: Whole = 0
    RD: Whole
    WR: Whole
    REF: Whole


class DramRequests(Part):
    """Requests of a run. ``forwarded_reads``: reads that a waiting write answered;
    ``merged_writes``: writes that joined a waiting one.
    """

    reads: Whole
    writes: Whole
    forwarded_reads: Whole = 0
    merged_writes: Whole = 0


class DramLatencies(Part):
    """Clocks from hand-over to last data of the reads: least, percentiles, most."""

    min: Positive
    p50: Positive
    p90: Positive
    p95: Positive
    p99: Positive
    max: Positive


class DramDocument(Part):
    """`dram --json`. Clocks are the memory's; ``accept_cycles`` and ``done_cycles`` are by request,
    of its hand-over and its last data.
    """

    schema_: Literal["accelsim.dram/1"] = Field(alias="schema")
    version: str
    standard: str
    policy: dict[str, Any]
    max_outstanding: Whole | None
    requests: DramRequests
    total_cycles: Whole
    seconds: Positive
    bandwidth_bytes_per_second: Positive
    utilization: Annotated[float, Field(ge=0, le=1)]
    mean_read_latency_cycles: Positive | None
    read_latency_cycles: DramLatencies | None
    row_hits: Whole
    row_misses: Whole
    row_conflicts: Whole
    commands: DramCommands
    active_cycles: Whole
    precharged_cycles: Whole
    energy_pj: Positive | None
    energy_by_part_pj: dict[str, Positive] | None
    unverified_energies: list[str] = Field(default_factory=list)
    accept_cycles: list[Whole]
    done_cycles: list[Whole]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        moved = self.commands.RD + self.commands.WR
        if len(self.done_cycles) != self.requests.reads + self.requests.writes or len(
            self.accept_cycles
        ) != len(self.done_cycles):
            raise ValueError("as many accept_cycles and done_cycles as requests")
        if self.total_cycles != max(self.done_cycles, default=0):
            raise ValueError("total_cycles that is the largest of done_cycles")
        spared = self.requests.forwarded_reads + self.requests.merged_writes
        if self.row_hits + self.row_misses + self.row_conflicts != moved or moved + spared != len(
            self.done_cycles
        ):
            raise ValueError(
                "an RD or WR, and a row found somehow, for every request that no waiting write "
                "answered or took in"
            )
        if (self.energy_pj is None) != (self.energy_by_part_pj is None):
            raise ValueError("energy_pj with energy_by_part_pj")
        if self.energy_pj is not None and self.energy_by_part_pj is not None:
            total = sum(self.energy_by_part_pj.values())
            if abs(self.energy_pj - total) > 1e-9 * total:
                raise ValueError("energy_pj that is the sum of energy_by_part_pj")
        return self


def json_schema() -> dict[str, Any]:
    """JSON Schema of the document."""
    return model_schema(DramDocument)


def is_dram(value: object) -> bool:
    """Whether parsed JSON says that it is such a document."""
    return isinstance(value, Mapping) and value.get("schema") == SCHEMA


def parse(value: object, source: str = "") -> DramDocument:
    """A document from parsed JSON. InputError, every fault named by its dotted key, when it is not
    one.
    """
    if not is_dram(value):
        found = value.get("schema") if isinstance(value, Mapping) else None
        raise InputError(Fault(source, 0, 0, f"schema must be {SCHEMA}, got {json.dumps(found)}"))
    try:
        return DramDocument.model_validate(value)
    except ValidationError as error:
        raise InputError(*faults(error, source)) from None


def load(path: Path) -> DramDocument:
    """Read a file. InputError when it cannot be read, is not JSON, or is not such a document."""
    return parse(read_json(path), str(path))


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
    cells += [
        (Column(name, name), getattr(document.commands, name)) for name in DramCommands.model_fields
    ]
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
