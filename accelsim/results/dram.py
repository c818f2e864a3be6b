"""The document of `accelsim dram --json`: a DRAM standard that serves a list of requests, without a
machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from accelsim.results.document import OMITTED, Document, Part
from accelsim.version import __version__

if TYPE_CHECKING:  # DRAM kernels are slow to import, and reports only read documents
    from accelsim.dram.run import DramRun

PERCENTILES = (50, 90, 95, 99)

Whole = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DramCommands(Part):
    """Number of commands by name. PRE closes one bank, PREA all banks of a rank."""

    ACT: Whole
    PRE: Whole
    RD: Whole
    WR: Whole
    REF: Whole
    PREA: Whole = 0


@dataclass(frozen=True, slots=True)
class DramRequests(Part):
    """Number of requests of a run. ``forwarded_reads``: reads answered from a waiting write.
    ``merged_writes``: writes merged into a waiting write.
    """

    reads: Whole
    writes: Whole
    forwarded_reads: Whole = 0
    merged_writes: Whole = 0


@dataclass(frozen=True, slots=True)
class DramLatencies(Part):
    """Latency of the reads in DRAM clocks, from acceptance to last data: minimum, percentiles,
    maximum.
    """

    min: Positive
    p50: Positive
    p90: Positive
    p95: Positive
    p99: Positive
    max: Positive


@dataclass(frozen=True, slots=True, kw_only=True)
class DramDocument(Document):
    """Document of `dram --json`. Clocks are those of the DRAM. ``accept_cycles`` and
    ``done_cycles`` are the clocks at which each request is accepted and at which its last data
    arrive.
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
    channels: Annotated[int, Field(ge=1)] | None = field(default=None, metadata=OMITTED)

    @classmethod
    def of(cls, run: DramRun, channels: int | None = None) -> DramDocument:
        """Document of a finished run. ``channels``: their number, if it is not that of the
        standard's file.
        """
        organisation, latencies, energy = (
            run.spec.organisation,
            run.read_latencies,
            run.energy_by_part_pj,
        )
        seconds = run.total_cycles * run.spec.timing.tck_ps * 1e-12
        moved = run.commands["RD"] + run.commands["WR"]
        hits, misses, conflicts = run.rows
        return cls(
            schema_="accelsim.dram/1",
            version=__version__,
            standard=run.spec.name,
            policy=run.spec.policy.model_dump(),
            max_outstanding=run.max_outstanding,
            requests=DramRequests(
                reads=len(latencies),
                writes=len(run.requests) - len(latencies),
                forwarded_reads=run.forwarded_reads,
                merged_writes=run.merged_writes,
            ),
            total_cycles=run.total_cycles,
            seconds=seconds,
            bandwidth_bytes_per_second=moved * organisation.burst / seconds,
            utilization=moved
            * organisation.burst_clocks
            / (run.total_cycles * organisation.channels),
            mean_read_latency_cycles=float(latencies.mean()) if len(latencies) else None,
            read_latency_cycles=_latencies(latencies) if len(latencies) else None,
            row_hits=hits,
            row_misses=misses,
            row_conflicts=conflicts,
            commands=DramCommands(**run.commands),
            active_cycles=run.counts["dram", "active_standby"],
            precharged_cycles=run.counts["dram", "precharge_standby"],
            energy_pj=None if energy is None else sum(energy.values()),
            energy_by_part_pj=energy,
            unverified_energies=run.unverified_energies,
            accept_cycles=run.accepted.tolist(),
            done_cycles=run.done.tolist(),
            channels=channels,
        )

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
                "one RD or WR, with its row hit, miss or conflict, per request that was not "
                "forwarded or merged"
            )
        if (self.energy_pj is None) != (self.energy_by_part_pj is None):
            raise ValueError("energy_pj with energy_by_part_pj")
        if self.energy_pj is not None and self.energy_by_part_pj is not None:
            total = sum(self.energy_by_part_pj.values())
            if abs(self.energy_pj - total) > 1e-9 * total:
                raise ValueError("energy_pj that is the sum of energy_by_part_pj")


def _latencies(clocks: NDArray[np.int64]) -> DramLatencies:
    """Minimum, percentiles and maximum of latencies, int64 (reads)."""
    ranks = np.percentile(clocks, PERCENTILES)
    percentiles = {f"p{rank}": float(value) for rank, value in zip(PERCENTILES, ranks, strict=True)}
    return DramLatencies(min=float(clocks.min()), **percentiles, max=float(clocks.max()))
