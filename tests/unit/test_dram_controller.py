"""Closed formulas of every built-in standard, and what the policies do, worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from accelsim.config import catalog
from accelsim.config.loader import load_model
from accelsim.dram.channels import DramChannels
from accelsim.dram.requests import Requests
from accelsim.dram.run import DramRun, simulate
from accelsim.dram.standard import DramSpec
from accelsim.results.dram import DramDocument
from tests.dram_transfers import transfer

NAMES = tuple(name for name in catalog.names("dram") if name != "hbm2")
"""The built-in standards of one channel. `hbm2` is `hbm2-pc` sixteen times."""


def standard(name: str, **changes: dict[str, Any]) -> DramSpec:
    """A built-in standard with keys of its sections changed. Bursts of consecutive addresses share
    a row, so that the tests can name a bank by an address.
    """
    spec = load_model(catalog.find("dram", name), DramSpec)
    spec = spec.model_copy(update={"address_mapping": "rochrababgco"})
    return spec.model_copy(
        update={
            section: getattr(spec, section).model_copy(update=keys)
            for section, keys in changes.items()
        }
    )


def served(spec: DramSpec, *wanted: tuple[int, int, str], limit: int | None = None) -> DramRun:
    """The run of requests (clock, burst number, R or W)."""
    cycles, bursts, kinds = zip(*wanted, strict=True)
    addresses = np.array(bursts, np.int64) * spec.organisation.burst
    return simulate(
        spec,
        Requests(np.array(cycles, np.int64), addresses, np.array([kind == "W" for kind in kinds])),
        limit,
        traced=True,
    )


def commands(run: DramRun) -> list[tuple[int, str, int]]:
    return [(each.clock, each.name, each.bank) for each in run.trace]


def row_bursts(spec: DramSpec) -> int:
    """Bursts from one row to the next of the same bank: the row is the topmost field."""
    return spec.organisation.capacity_bytes // spec.organisation.rows // spec.organisation.burst


# Latency and bandwidth

LATENCIES = {
    # closed row 1 + tRCD + CL + BL/2, hit 1 + CL + BL/2, conflict 1 + tRP + tRCD + CL + BL/2
    ("ddr4-2400", "R"): (1 + 17 + 17 + 4, 1 + 17 + 4, 1 + 17 + 17 + 17 + 4),
    ("ddr4-3200", "R"): (1 + 22 + 22 + 4, 1 + 22 + 4, 1 + 22 + 22 + 22 + 4),
    ("hbm2-pc", "R"): (1 + 14 + 14 + 2, 1 + 14 + 2, 1 + 14 + 14 + 14 + 2),
    ("lpddr4-3200", "R"): (1 + 29 + 28 + 8, 1 + 28 + 8, 1 + 29 + 29 + 28 + 8),
    ("lpddr5x-7500", "R"): (1 + 17 + 20 + 2, 1 + 20 + 2, 1 + 17 + 17 + 20 + 2),
    # the same with CWL
    ("ddr4-2400", "W"): (1 + 17 + 12 + 4, 1 + 12 + 4, 1 + 17 + 17 + 12 + 4),
    ("ddr4-3200", "W"): (1 + 22 + 16 + 4, 1 + 16 + 4, 1 + 22 + 22 + 16 + 4),
    ("hbm2-pc", "W"): (1 + 14 + 4 + 2, 1 + 4 + 2, 1 + 14 + 14 + 4 + 2),
    ("lpddr4-3200", "W"): (1 + 29 + 14 + 8, 1 + 14 + 8, 1 + 29 + 29 + 14 + 8),
    ("lpddr5x-7500", "W"): (1 + 17 + 11 + 2, 1 + 11 + 2, 1 + 17 + 17 + 11 + 2),
}
PEAKS = {
    "ddr4-2400": 64 / (4 * 0.83),
    "ddr4-3200": 64 / (4 * 0.625),
    "hbm2-pc": 32 / (2 * 1.0),
    "lpddr4-3200": 64 / (8 * 0.625),
    "lpddr5x-7500": 64 / (2 * 1.067),
}
"""GB/s: a burst every tCCD_S, which is BL/2, or BL/8 in LPDDR5X."""
ONE_GROUP = {
    "ddr4-2400": 64 / (6 * 0.83),
    "ddr4-3200": 64 / (8 * 0.625),
    "hbm2-pc": 32 / (4 * 1.0),
    "lpddr4-3200": 64 / (8 * 0.625),
    "lpddr5x-7500": 64 / (4 * 1.067),
}
"""GB/s: a burst every tCCD_L."""


def test_every_standard_is_in_the_tables() -> None:
    assert set(NAMES) == {name for name, _ in LATENCIES} == set(PEAKS) == set(ONE_GROUP)


@pytest.mark.parametrize(("name", "kind"), LATENCIES)
@pytest.mark.parametrize("scheduler", ["fcfs", "frfcfs", "frfcfs_rowhit"])
def test_unloaded_latencies(name: str, kind: str, scheduler: str) -> None:
    spec = standard(name, policy={"scheduler": scheduler})
    run = served(spec, (0, 0, kind), (500, 1, kind), (1000, row_bursts(spec), kind))
    assert run.accepted.tolist() == [0, 500, 1000]
    assert tuple((run.done - run.accepted).tolist()) == LATENCIES[name, kind]
    assert run.rows == (1, 1, 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", "RW")
def test_bandwidths(name: str, kind: str) -> None:
    """Row hits of one bank follow each other every tCCD_L; with the bank group below the column
    every tCCD_S, which fills the data bus.
    """
    quiet = standard(name, policy={"refresh": "none"})
    mixed = quiet.model_copy(update={"address_mapping": "rochrabacobg"})
    for spec, groups, rates in (
        (quiet, 1, ONE_GROUP),
        (mixed, quiet.organisation.bankgroups, PEAKS),
    ):
        count = spec.organisation.row_bursts * groups
        run = served(spec, *((0, burst, kind) for burst in range(count)))
        steady = np.sort(run.done)[count // 2 :]
        bytes_per_second = (
            spec.organisation.burst
            * (len(steady) - 1)
            / (int(steady[-1] - steady[0]) * spec.timing.tck_ps * 1e-12)
        )
        assert bytes_per_second / 1e9 == pytest.approx(rates[name], rel=1e-12)
        assert run.rows == (count - groups, groups, 0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", "RW")
@pytest.mark.parametrize("scheduler", ["fcfs", "frfcfs_rowhit"])
def test_machines_move_data_through_this_controller(name: str, kind: str, scheduler: str) -> None:
    """A transfer of three rows ends at the same clock as its bursts, requested one by one."""
    spec = standard(name, policy={"refresh": "none", "scheduler": scheduler})
    first, count = spec.organisation.row_bursts - 3, 2 * spec.organisation.row_bursts + 6
    size = spec.organisation.burst
    moved = transfer(DramChannels(spec), 0, first * size, count * size, kind == "W")
    last = served(spec, *((0, first + burst, kind) for burst in range(count))).total_cycles
    assert moved == last * spec.timing.tck_ps


# Policies

DDR4 = standard("ddr4-2400", policy={"refresh": "none"})
ROW = row_bursts(DDR4)
BANK = 128
"""Bursts to the same row and column of another bank group."""


def with_scheduler(scheduler: str, **policy: Any) -> DramSpec:
    return standard("ddr4-2400", policy={"refresh": "none", "scheduler": scheduler, **policy})


def test_first_ready_overtakes_and_first_come_does_not() -> None:
    """Row 0 is open; a read of row 1 waits for PRE and ACT while a younger read of row 0 could go:
    FR-FCFS lets it, FCFS does not.
    """
    wanted = ((0, 0, "R"), (100, ROW, "R"), (100, 1, "R"))
    order = {
        scheduler: served(with_scheduler(scheduler), *wanted).done.argsort().tolist()
        for scheduler in ("fcfs", "frfcfs", "frfcfs_rowhit")
    }
    # FR-FCFS, too, finds the PRE ready at 101, before the younger read comes at 102
    assert order == {"fcfs": [0, 1, 2], "frfcfs": [0, 1, 2], "frfcfs_rowhit": [0, 1, 2]}
    wanted = ((0, 0, "R"), (1, ROW, "R"), (2, 1, "R"))  # here tRAS holds the PRE back
    order = {
        scheduler: served(with_scheduler(scheduler), *wanted).done.argsort().tolist()
        for scheduler in ("fcfs", "frfcfs", "frfcfs_rowhit")
    }
    assert order == {"fcfs": [0, 1, 2], "frfcfs": [0, 2, 1], "frfcfs_rowhit": [0, 2, 1]}


def test_row_hit_protection_keeps_a_row_for_older_requests() -> None:
    """Four banks take turns on the data bus: a younger conflict's PRE is ready between two hits of
    its bank, and unprotected it closes the row.
    """
    wanted = [(0, group * BANK + column, "R") for column in range(7) for group in range(4)] + [
        (0, ROW, "R")
    ]
    plain, protected = (
        served(with_scheduler(scheduler), *wanted) for scheduler in ("frfcfs", "frfcfs_rowhit")
    )
    assert protected.commands["ACT"] == 4 + 1
    assert plain.commands["ACT"] > 4 + 1
    assert protected.done.argmax() == len(wanted) - 1
    assert protected.total_cycles < plain.total_cycles


def test_a_waiting_write_answers_a_read() -> None:
    """The write waits behind reads; a read of the same burst is done a clock after its hand-over,
    without a command.
    """
    run = served(DDR4, (0, 0, "R"), (0, 500, "W"), (0, 500, "R"))
    assert run.accepted.tolist() == [0, 1, 2]
    assert run.done[2] == 3
    assert run.forwarded_reads == 1
    assert run.commands["RD"] == run.commands["WR"] == 1
    opened = served(DDR4, (0, 500, "W"), (5, 500, "R"), (18, 500, "R"))  # ACT 1, WR 18
    assert opened.done.tolist() == [18 + 16, 5 + 1, 18 + 25 + 21]
    later = served(DDR4, (0, 0, "R"), (0, 500, "W"), (400, 500, "R"))
    assert later.forwarded_reads == 0


def test_a_waiting_write_takes_in_another_of_its_burst() -> None:
    """One WR carries the data of both, wherever the first one waits; once that has gone, the next
    write takes its own.
    """
    waits = served(DDR4, (0, 0, "R"), (0, 500, "W"), (0, 500, "W"), (0, 500, "R"))
    assert waits.accepted.tolist() == [0, 1, 2, 3]
    assert waits.done[1] == waits.done[2]
    assert waits.done[3] == 4
    assert (waits.commands["WR"], waits.merged_writes, waits.forwarded_reads) == (1, 1, 1)
    opened = served(
        DDR4, (0, 500, "W"), (5, 500, "W"), (18, 500, "W"), (19, 500, "W")
    )  # ACT 1, WR 18, WR 24
    assert opened.done.tolist() == [18 + 16, 18 + 16, 24 + 16, 24 + 16]
    assert (opened.commands["WR"], opened.merged_writes) == (2, 2)
    full = served(
        standard("ddr4-2400", policy={"write_queue": 1}),
        (0, 500, "W"),
        (0, 500, "W"),
        (0, 500, "W"),
    )
    assert full.accepted.tolist() == [0, 1, 2]  # needs no room
    assert full.commands["WR"] == 1


def test_writes_wait_for_reads_until_there_are_too_many() -> None:
    """With reads always waiting, writes go in a drain from the 26th of 32 down to the sixth."""
    wanted = [(0, number, "RW"[number % 2]) for number in range(128)]
    run = served(DDR4, *wanted)
    kinds = [each.name for each in run.trace if each.name in {"RD", "WR"}]
    runs = [
        len(part)
        for part in "".join(kind[0] for kind in kinds)
        .replace("RW", "R W")
        .replace("WR", "W R")
        .split()
        if part[0] == "W"
    ]
    assert runs[0] >= 20
    assert sum(runs) == 64


def test_no_more_reads_outstanding_than_allowed() -> None:
    """With one slot every read is handed over when the one before it is done."""
    run = served(DDR4, *((0, column, "R") for column in range(5)), limit=1)
    assert run.accepted.tolist() == [0, *run.done[:-1].tolist()]
    assert np.diff(run.done).tolist() == [1 + 17 + 4] * 4
    assert served(DDR4, (0, 0, "R"), (0, 1, "W"), (0, 2, "W"), limit=1).accepted.tolist() == [
        0,
        1,
        2,
    ]  # writes are not held back


def test_a_full_queue_holds_back_what_comes_after() -> None:
    """Head of line: the third read waits for room, and the write behind it waits with it."""
    run = served(
        with_scheduler("fcfs", read_queue=1), (0, 0, "R"), (0, 1, "R"), (0, 2, "R"), (0, 3, "W")
    )
    assert [each.clock for each in run.trace if each.name == "RD"] == [18, 24, 30]
    # the second takes the place that the first leaves with its ACT, the third waits for the
    # second's RD
    assert run.accepted.tolist() == [0, 1, 24, 25]


def test_a_refresh_waits_for_the_open_request_alone() -> None:
    """Due at 9360: the read whose row is opened gets its RD first, the other waits until the REF is
    over.
    """
    spec = standard("ddr4-2400")
    run = served(spec, (9350, 0, "R"), (9359, BANK, "R"))
    assert commands(run) == [
        (9351, "ACT", 0),
        (9368, "RD", 0),
        (9390, "PREA", 0),  # 9351 + tRAS
        (9407, "REF", 0),
        (9827, "ACT", 4),  # 9407 + tRFC
        (9844, "RD", 4),
    ]
    assert run.rows == (0, 2, 0)


def test_ranks_are_refreshed_one_after_the_other() -> None:
    spec = standard("ddr4-2400", organisation={"ranks": 2})
    run = served(spec, (9300, 0, "R"), (9500, 0, "R"))
    assert [
        (clock, name, bank) for clock, name, bank in commands(run) if name in {"PREA", "REF"}
    ] == [
        (9360, "PREA", 0),
        (9377, "REF", 0),
        (9378, "REF", 16),
    ]
    assert run.done[1] == 9377 + 420 + 17 + 21


def test_row_and_column_commands_of_hbm_share_no_bus() -> None:
    """On one bus a command a clock; on two a RD and an ACT may go in the same clock."""
    hbm = standard("hbm2-pc", policy={"refresh": "none"})
    one_bus = hbm.model_copy(update={"protocol": None})
    draw = np.random.Generator(np.random.PCG64(3))
    wanted = [(0, int(draw.integers(1 << 20)), "R") for _ in range(200)]
    shared = {}
    for spec in (hbm, one_bus):
        clocks = [each.clock for each in served(spec, *wanted).trace]
        shared[spec.protocol] = len(clocks) - len(set(clocks))
    assert shared[None] == 0
    assert shared["HBM"] > 0


def test_one_command_a_clock_for_a_bank_on_two_buses_too() -> None:
    """With a tRTP of one clock the PRE follows the RD of its bank in the next clock, though its bus
    is free in the same.
    """
    quick = standard("hbm2-pc", policy={"refresh": "none"}, timing={"tRTP": 1, "tRAS": 1})
    assert commands(served(quick, (0, 0, "R"), (0, row_bursts(quick), "R")))[:3] == [
        (1, "ACT", 0),
        (15, "RD", 0),
        (16, "PRE", 0),
    ]
    refreshed = standard("hbm2-pc", timing={"tRTP": 1, "tRAS": 1})
    assert commands(served(refreshed, (3885, 0, "R"), (4500, 0, "R")))[:4] == [
        (3886, "ACT", 0),
        (3900, "RD", 0),
        (3901, "PREA", 0),
        (3915, "REF", 0),
    ]


def test_channels_work_side_by_side() -> None:
    """Two channels, the channel below the column: each takes a burst per clock, and both take half
    the time of one.
    """
    two = standard(
        "ddr4-2400", policy={"refresh": "none"}, organisation={"channels": 2}
    ).model_copy(update={"address_mapping": "rorabgbacoch"})
    run = served(two, *((0, burst, "R") for burst in range(64)))
    alone = served(DDR4, *((0, burst, "R") for burst in range(32)))
    assert run.accepted.tolist() == [clock for burst in range(32) for clock in (burst, burst)]
    assert run.done[::2].tolist() == run.done[1::2].tolist() == alone.done.tolist()
    assert DramDocument.of(run).utilization == pytest.approx(64 * 4 / (2 * run.total_cycles))


TWO = standard("ddr4-2400", policy={"refresh": "none"}, organisation={"channels": 2}).model_copy(
    update={"address_mapping": "rorabgbacoch"}
)
"""Even bursts in channel 0, odd ones in channel 1."""


def test_a_full_queue_holds_back_its_own_channel_alone() -> None:
    """Of channel 0 the queue holds one read: its third read waits until the second's RD makes room.
    Channel 1 takes its reads at once.
    """
    small = TWO.model_copy(
        update={"policy": TWO.policy.model_copy(update={"read_queue": 1, "scheduler": "fcfs"})}
    )
    run = served(small, (0, 0, "R"), (0, 2, "R"), (0, 4, "R"), (0, 1, "R"), (0, 6, "W"))
    # channel 0: ACT 1 makes room for the second, RD 18 and 24; the third, and the write behind it,
    # wait for 24. Channel 1: ACT 1, RD 18.
    assert run.accepted.tolist() == [0, 1, 24, 0, 25]
    assert run.done[[0, 1, 3]].tolist() == [18 + 21, 24 + 21, 18 + 21]


def test_slots_for_reads_are_shared_by_all_channels() -> None:
    """Two slots: the reads first in the list take them, whichever their channels; the next two
    follow when both data are there, at 39.
    """
    wanted = ((0, 1, "R"), (0, 0, "R"), (0, 3, "R"), (0, 2, "R"))
    run = served(TWO, *wanted, limit=2)
    assert run.accepted.tolist() == [0, 0, 39, 39]
    assert served(TWO, *wanted, limit=1).accepted.tolist() == [0, 39, 78, 100]
    # 0 + 1 + 17 + 17 + 4 = 39; in channel 0 the same, 78; in channel 1 a row hit, 78 + 22 = 100
    passed = served(TWO, (0, 1, "R"), (0, 3, "R"), (0, 0, "W"), limit=1)
    assert passed.accepted.tolist() == [0, 39, 0]  # writes need no slot


def test_energy_is_counts_times_the_table() -> None:
    spec = standard("ddr4-2400")
    run = served(spec, (0, 0, "R"), (100, ROW, "W"), (9400, 0, "R"))
    parts = run.energy_by_part_pj
    assert parts is not None
    assert parts["ACT"] == pytest.approx(3450.144 * run.commands["ACT"])
    assert parts["RD"] == pytest.approx((2932.224 + 2320.68) * 2)  # core and data pins
    assert parts["WR"] == pytest.approx(2549.76 + 1115.13)
    assert parts["REF"] == pytest.approx(692737.92)
    standby = run.counts["dram", "active_standby"], run.counts["dram", "precharge_standby"]
    assert sum(standby) == run.total_cycles
    assert parts["active_standby"] == pytest.approx(342.624 * standby[0])
    assert parts["precharge_standby"] == pytest.approx(270.912 * standby[1])
    assert DramDocument.of(run).energy_pj == pytest.approx(sum(parts.values()))
    assert (
        DramDocument.of(served(spec.model_copy(update={"energy": None}), (0, 0, "R"))).energy_pj
        is None
    )
