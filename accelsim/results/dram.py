"""The document of `accelsim dram --json`: a DRAM standard alone, on a list of requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from accelsim.results.document import Document, Part

Whole = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DramCommands(Part):
    """Commands by name; PRE closes one bank, PREA all of a rank."""

    ACT: Whole
    PRE: Whole
    PREA: Whole = 0
    RD: Whole
    WR: Whole
    REF: Whole


@dataclass(frozen=True, slots=True)
class DramRequests(Part):
    """Requests of a run. ``forwarded_reads``: reads that a waiting write answered;
    ``merged_writes``: writes that joined a waiting one.
    """

    reads: Whole
    writes: Whole
    forwarded_reads: Whole = 0
    merged_writes: Whole = 0


@dataclass(frozen=True, slots=True)
class DramLatencies(Part):
    """Clocks from hand-over to last data of the reads: least, percentiles, most."""

    min: Positive
    p50: Positive
    p90: Positive
    p95: Positive
    p99: Positive
    max: Positive


@dataclass(frozen=True, slots=True, kw_only=True)
class DramDocument(Document):
    """`dram --json`. Clocks are the memory's; ``accept_cycles`` and ``done_cycles`` are by request,
    of its hand-over and its last data.
    """

    schema_: Annotated[Literal["accelsim.dram/1"], Field(alias="schema")]
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
    unverified_energies: tuple[str, ...] = ()
    accept_cycles: Sequence[Whole]
    done_cycles: Sequence[Whole]

    def __post_init__(self) -> None:
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
