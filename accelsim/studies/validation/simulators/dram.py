"""Comparison of the request-level DRAM controller with DRAMsim3 and Ramulator 2.1, stream by
stream, and with the closed formulas of its standards.

The measurements are in data/dram. ``totals.csv`` has one line per configuration, stream and
simulator. ``exact.npz`` has the clock of every request's last data for streams on which all
simulators agree. The other files are the configurations. The policy in a configuration's file
applies to all its streams.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from accelsim.config import catalog
from accelsim.config.loader import load_model
from accelsim.cost.counters import ActionCounts
from accelsim.cost.energy import EnergyTable
from accelsim.dram import run as dram_run
from accelsim.dram.prices import dram_prices
from accelsim.dram.requests import Requests
from accelsim.dram.standard import DramSpec
from accelsim.studies.validation.check import Check
from accelsim.studies.validation.simulators import dram_streams

DATA = Path(__file__).parents[1] / "data" / "dram"
CONFIGURATIONS = (
    "ddr4_2400_x8",
    "ddr4_2400_x8_bgi",
    "ddr4_2400_x8_noref",
    "hbm2_pc",
    "lpddr4_3200",
)
ROWS, GROUPS = "rochrababgco", "rochrabacobg"
"""Address mappings of the closed formulas: consecutive bursts in a row, or one in each bank group.
The configurations state the mappings of their own measurements.
"""
EXACT = ("trickle", "row_conflict", "seq_read_w32")
"""Streams of ddr4_2400_x8_noref for which all simulators complete every request at
the same clock.
"""
SOURCES = {
    "dramsim3": "DRAMsim3 (umd-memsys, commit 2981759)",
    "ramulator2_frfcfs": "Ramulator 2.1 (CMU-SAFARI, commit c5b1c3a), FRFCFS",
    "ramulator2_frfcfs_rowhit": "Ramulator 2.1 (CMU-SAFARI, commit c5b1c3a), FRFCFS-RowHit",
}
LABELS = {
    "dramsim3": "DRAMsim3",
    "ramulator2_frfcfs": "Ramulator 2.1 FRFCFS",
    "ramulator2_frfcfs_rowhit": "Ramulator 2.1 FRFCFS-RowHit",
}
"""Short names of the simulators; Ramulator has two schedulers."""
LIMITS = {
    "rand_read": 0.05,
    "rand_write": 0.05,
    "mix_dma": 0.10,
    "mix_dma_w32": 0.10,
}
"""Allowed deviation of the total from the nearer simulator, for streams whose time depends on a
controller's choices; 1 % for all others.
"""
BETWEEN = {"seq_read": 0.02, "seq_write": 0.02}
"""Streams whose total must lie between the simulators, and the factor by which that interval is
widened. Their totals differ with the number of requests that each simulator can hold.
"""
ENERGY_LIMIT = 0.03
AGREED_ACTIVATES = 0.01
"""Maximum relative difference of ACT counts for which two simulators are considered to do the same
work.
"""


@dataclass(frozen=True)
class Measurement:
    """Counts of one simulator for one stream. Energies and clocks of bank states are from DRAMsim3
    only, else None.
    """

    simulator: str
    total_cycles: int
    commands: dict[str, int]
    active_cycles: int | None
    precharged_cycles: int | None
    energy_pj: float | None


@cache
def measurements() -> dict[tuple[str, str], dict[str, Measurement]]:
    """Counts by (configuration, stream), then by simulator."""
    counts: dict[tuple[str, str], dict[str, Measurement]] = {}
    with (DATA / "totals.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(line for line in lines if not line.startswith("#")):
            measured = Measurement(
                row["simulator"],
                int(row["total_cycles"]),
                {name: int(row[name]) for name in ("ACT", "PRE", "PREA", "RD", "WR", "REF")},
                int(row["active_cycles"]) if row["active_cycles"] else None,
                int(row["precharged_cycles"]) if row["precharged_cycles"] else None,
                float(row["energy_pj"]) if row["energy_pj"] else None,
            )
            by_simulator = counts.setdefault((row["configuration"], row["stream"]), {})
            by_simulator[measured.simulator] = measured
    return counts


@cache
def configuration(name: str) -> DramSpec:
    """DRAM specification of a configuration."""
    return load_model(DATA / f"{name}.yaml", DramSpec)


@cache
def run(name: str, stream: str) -> dram_run.DramRun:
    """Our run of a stream on a configuration."""
    spec = configuration(name)
    return dram_run.simulate(
        spec, dram_streams.make(stream, spec), dram_streams.max_outstanding(stream)
    )


def checks() -> list[Check]:
    """All rows of the report about DRAM."""
    return [*_formulas(), *_completions(), *_totals(), *_energies()]


def _formulas() -> Iterator[Check]:
    """Latencies of an idle memory and the highest bandwidth, which follow from the timings of each
    built-in standard.
    """
    for name in catalog.names("dram"):
        standard = load_model(catalog.find("dram", name), DramSpec)
        spec = standard.model_copy(update={"address_mapping": ROWS})
        t, data = spec.timing, spec.timing.AL + spec.timing.CL + spec.organisation.burst_clocks
        row = (
            spec.organisation.capacity_bytes // spec.organisation.rows
        )  # the row is the topmost field
        apart = 10 * (t.row_cycle + data)
        addresses = np.array([0, spec.organisation.burst, row], np.int64)
        latencies = dram_run.simulate(
            spec, Requests(np.arange(3, dtype=np.int64) * apart, addresses, np.zeros(3, np.bool_))
        ).read_latencies
        formulas = {
            "closed row: 1 + tRCD + CL + BL/2": 1 + t.tRCD + data,
            "row hit: 1 + CL + BL/2": 1 + data,
            "row conflict: 1 + tRP + tRCD + CL + BL/2": 1 + t.tRP + t.tRCD + data,
        }
        for (formula, clocks), latency in zip(formulas.items(), latencies.tolist(), strict=True):
            yield Check(
                name,
                f"read latency, {formula}",
                clocks,
                latency,
                "clocks",
                "equal",
                clocks == latency,
                "timings of the standard",
            )
        for what, mapping, groups, apart in (
            (
                "one bank group: a burst every tCCD_L",
                ROWS,
                1,
                max(t.tCCD_L, spec.organisation.burst_clocks),
            ),
            (
                "all bank groups: a burst every tCCD_S",
                GROUPS,
                spec.organisation.bankgroups,
                max(t.tCCD_S, spec.organisation.burst_clocks),
            ),
        ):
            measured, peak = _hit_rate(spec, mapping, groups), spec.organisation.burst / apart
            yield Check(
                name,
                f"rate of row hits, {what}",
                peak,
                measured,
                "bytes/clock",
                "equal",
                measured == peak,
                "timings of the standard",
            )


def _hit_rate(spec: DramSpec, mapping: str, groups: int) -> float:
    """Bytes per clock of reads that all hit rows in ``groups`` bank groups, without refresh, in
    steady state.
    """
    quiet = spec.model_copy(
        update={
            "address_mapping": mapping,
            "policy": spec.policy.model_copy(update={"refresh": "none"}),
        }
    )
    count, burst = quiet.organisation.row_bursts * groups, quiet.organisation.burst
    reads = Requests(
        np.zeros(count, np.int64),
        np.arange(count, dtype=np.int64) * burst,
        np.zeros(count, np.bool_),
    )
    done = np.sort(dram_run.simulate(quiet, reads).done)[count // 2 :]
    return burst * (len(done) - 1) / int(done[-1] - done[0])


def _completions() -> Iterator[Check]:
    """Number of requests completed at another clock than in the other simulators."""
    name = "ddr4_2400_x8_noref"
    with np.load(DATA / "exact.npz", allow_pickle=False) as stored:
        for stream in EXACT:
            different = int(
                (np.cumsum(stored[stream], dtype=np.int64) != run(name, stream).done).sum()
            )
            subject, quantity = (
                f"{name} {stream}",
                f"requests of {len(stored[stream])} completed at another clock",
            )
            yield Check(
                subject,
                quantity,
                0.0,
                different,
                "requests",
                "none",
                different == 0,
                " and ".join(SOURCES.values()),
            )


def _totals() -> Iterator[Check]:
    """Clock of the last data, compared with the nearer simulator or the interval between them."""
    for (name, stream), known in measurements().items():
        ours = run(name, stream).total_cycles
        nearer = min(known.values(), key=lambda each: abs(ours / each.total_cycles - 1))
        if stream in BETWEEN:
            least, most = (
                find(each.total_cycles for each in known.values()) for find in (min, max)
            )
            margin = BETWEEN[stream]
            limit = f"between {least} and {most}, widened by {margin:.0%}"
            holds = least * (1 - margin) <= ours <= most * (1 + margin)
        else:
            allowed = LIMITS.get(stream, 0.01)
            limit, holds = (
                f"{allowed:.0%} of the nearer simulator",
                abs(ours / nearer.total_cycles - 1) <= allowed,
            )
        others = ", ".join(
            f"{LABELS[each.simulator]} {each.total_cycles}"
            for each in known.values()
            if each is not nearer
        )
        yield Check(
            f"{name} {stream}",
            "last data",
            nearer.total_cycles,
            ours,
            "clocks",
            limit,
            holds,
            SOURCES[nearer.simulator],
            f"nearer: {LABELS[nearer.simulator]}; others: {others}",
        )


def _energies() -> Iterator[Check]:
    """Energy from our prices and DRAMsim3's counts, and from our own counts if the simulators did
    the same work.
    """
    for (name, stream), known in measurements().items():
        reference = known["dramsim3"]
        if (
            reference.energy_pj is None
            or reference.active_cycles is None
            or reference.precharged_cycles is None
        ):
            continue
        counts = {"activate": "ACT", "read_burst": "RD", "write_burst": "WR", "refresh": "REF"}
        standby = {
            "active_standby": reference.active_cycles,
            "precharge_standby": reference.precharged_cycles,
        }
        theirs = ActionCounts(
            {("dram", action): reference.commands[command] for action, command in counts.items()}
        )
        theirs += ActionCounts({("dram", action): clocks for action, clocks in standby.items()})
        priced = EnergyTable(dram_prices(configuration(name))).total(theirs)
        subject = f"{name} {stream}"
        yield _energy(subject, "energy of DRAMsim3's own counts", reference.energy_pj, priced, "")
        activates = [each.commands["ACT"] for each in known.values()]
        if max(activates) / min(activates) - 1 <= AGREED_ACTIVATES:
            ours = run(name, stream)
            clocks = (
                f"DRAMsim3 takes {reference.total_cycles} clocks, we {ours.total_cycles}: "
                f"standby is charged per clock"
            )
            yield _energy(
                subject,
                "energy",
                reference.energy_pj,
                sum((ours.energy_by_part_pj or {}).values()),
                clocks,
            )


def _energy(subject: str, quantity: str, expected: float, measured: float, note: str) -> Check:
    holds = abs(measured / expected - 1) <= ENERGY_LIMIT
    return Check(
        subject,
        quantity,
        expected,
        measured,
        "pJ",
        f"{ENERGY_LIMIT:.0%}",
        holds,
        SOURCES["dramsim3"],
        note,
    )
