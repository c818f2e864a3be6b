"""Legal at exactly which clock: one earlier is refused, that one accepted, for every constraint;
closed formulas of latency and bandwidth.
"""

from __future__ import annotations

from typing import Any

import pytest

from accelsim.config.catalog import find
from accelsim.config.loader import load_model
from accelsim.cost.counters import ActionCounts
from accelsim.dram.channels import DramChannels
from accelsim.dram.standard import DramSpec
from accelsim.dram.table import DramTable, resolve
from accelsim.errors import InputError
from accelsim.kernels.dram import state as k
from accelsim.kernels.dram import timing
from tests.dram_transfers import transfer

START = 1000


def standard(name: str, **organisation: Any) -> DramSpec:
    """A built-in standard whose rows are at consecutive addresses."""
    spec = load_model(find("dram", name), DramSpec)
    organised = spec.organisation.model_copy(update=organisation)
    return spec.model_copy(update={"organisation": organised, "address_mapping": "rochrababgco"})


DDR4 = standard("ddr4-2400", ranks=2)
LPDDR4 = standard("lpddr4-3200")
SAME, SAME_GROUP, OTHER_GROUP, OTHER_RANK = 0, 1, 4, 16
"""Banks of DDR4 as seen from bank 0."""


class Bench:
    """One channel that commands are put to by hand."""

    def __init__(self, spec: DramSpec) -> None:
        self.table: DramTable = resolve(spec)
        self.channel = k.channel_of(k.new_dram(self.table.delays, self.table.shape), 0)

    def issue(self, command: int, bank: int, clock: int, row: int = 0) -> None:
        rules, _, *state = self.channel
        timing.issue(command, bank, row, clock, rules, *state)

    def legal(self, command: int, bank: int, clock: int) -> bool:
        _, shape, ready, banks, ranks, tally = self.channel
        first = timing.allowed_from(command, bank, shape, ready, banks, ranks)
        return bool(max(first, tally[k.LAST] + 1) <= clock)


# The clocks are worked out by hand from the standards' parameters, as in the comments.
CONSTRAINTS = [
    ("tRCD read", DDR4, k.ACT, SAME, k.RD, SAME, 17),
    ("tRCD write", DDR4, k.ACT, SAME, k.WR, SAME, 17),
    ("tRAS", DDR4, k.ACT, SAME, k.PRE, SAME, 39),
    ("tRC", DDR4, k.ACT, SAME, k.ACT, SAME, 56),  # 39 + 17
    ("tRP", DDR4, k.PRE, SAME, k.ACT, SAME, 17),
    ("tRTP", DDR4, k.RD, SAME, k.PRE, SAME, 9),
    ("tWR", DDR4, k.WR, SAME, k.PRE, SAME, 34),  # 12 + 4 + 18
    ("tCCD_L same bank", DDR4, k.RD, SAME, k.RD, SAME, 6),
    ("tCCD_L", DDR4, k.RD, SAME, k.RD, SAME_GROUP, 6),
    ("tCCD_S", DDR4, k.RD, SAME, k.RD, OTHER_GROUP, 4),
    ("tCCD_L write", DDR4, k.WR, SAME, k.WR, SAME_GROUP, 6),
    ("tCCD_S write", DDR4, k.WR, SAME, k.WR, OTHER_GROUP, 4),
    ("read to write", DDR4, k.RD, SAME, k.WR, OTHER_GROUP, 11),  # 17 + 4 - 12 + 2
    ("tWTR_L", DDR4, k.WR, SAME, k.RD, SAME_GROUP, 25),  # 12 + 4 + 9
    ("tWTR_S", DDR4, k.WR, SAME, k.RD, OTHER_GROUP, 19),  # 12 + 4 + 3
    ("tRRD_L", DDR4, k.ACT, SAME, k.ACT, SAME_GROUP, 6),
    ("tRRD_S", DDR4, k.ACT, SAME, k.ACT, OTHER_GROUP, 4),
    ("tRFC", DDR4, k.REF, SAME, k.ACT, SAME_GROUP, 420),
    ("tRFC refresh", DDR4, k.REF, SAME, k.REF, SAME, 420),
    ("tRP refresh", DDR4, k.PRE, SAME_GROUP, k.REF, SAME, 17),
    ("tRC refresh", DDR4, k.ACT, SAME_GROUP, k.REF, SAME, 56),
    ("tRTRS reads", DDR4, k.RD, SAME, k.RD, OTHER_RANK, 6),  # 4 + 2
    (
        "writes of two ranks",
        DDR4,
        k.WR,
        SAME,
        k.WR,
        OTHER_RANK,
        4,
    ),  # BL / 2: the controller drives the data of both
    ("tRTRS read to write", DDR4, k.RD, SAME, k.WR, OTHER_RANK, 11),  # 17 + 4 + 2 - 12
    ("tRTRS write to read", DDR4, k.WR, SAME, k.RD, OTHER_RANK, 1),  # 12 + 4 + 2 - 17
    ("other rank's ACT", DDR4, k.ACT, SAME, k.ACT, OTHER_RANK, 1),
    ("other rank's REF", DDR4, k.REF, SAME, k.ACT, OTHER_RANK, 1),
    ("command bus", DDR4, k.RD, SAME, k.ACT, OTHER_GROUP, 1),
    ("tPPD", LPDDR4, k.PRE, SAME, k.PRE, SAME_GROUP, 4),
    ("LPDDR4 read to read", LPDDR4, k.RD, SAME, k.RD, SAME_GROUP, 8),
    ("LPDDR4 read to write", LPDDR4, k.RD, SAME, k.WR, SAME, 24),  # 28 + 8 - 14 + 2
    ("LPDDR4 write to read", LPDDR4, k.WR, SAME, k.RD, SAME_GROUP, 38),  # 14 + 8 + 16
    ("LPDDR4 write to PRE", LPDDR4, k.WR, SAME, k.PRE, SAME, 51),  # 14 + 8 + 29
]


@pytest.mark.parametrize(
    ("spec", "first", "bank", "second", "other", "clocks"),
    [case[1:] for case in CONSTRAINTS],
    ids=[case[0] for case in CONSTRAINTS],
)
def test_one_clock_early_is_refused(
    spec: DramSpec, first: int, bank: int, second: int, other: int, clocks: int
) -> None:
    bench = Bench(spec)
    bench.issue(first, bank, START)
    assert not bench.legal(second, other, START + clocks - 1)
    assert bench.legal(second, other, START + clocks)


def test_four_activates_in_any_window() -> None:
    bench = Bench(DDR4)
    clocks = [START, START + 4, START + 9, START + 15]
    for number, clock in enumerate(clocks):
        bench.issue(k.ACT, 4 * number, clock)
    assert not bench.legal(k.ACT, 1, START + 25)  # tFAW 26, and tRRD_L of bank 0 long over
    assert bench.legal(k.ACT, 1, START + 26)
    bench.issue(k.ACT, 1, START + 26)
    assert not bench.legal(
        k.ACT, 5, START + 29
    )  # the window now starts at the second ACT, and tRRD_S is over at START + 30 too
    assert bench.legal(k.ACT, 5, START + 30)
    assert bench.legal(k.ACT, OTHER_RANK, START + 27)


def test_probing_changes_nothing() -> None:
    bench = Bench(DDR4)
    bench.issue(k.ACT, 0, START)
    before = [array.copy() for array in bench.channel]
    for command in range(k.COMMANDS):
        bench.legal(command, 0, START)
    assert all((one == two).all() for one, two in zip(before, bench.channel, strict=True))


@pytest.mark.parametrize("spec", [standard("ddr4-2400"), LPDDR4], ids=["ddr4", "lpddr4"])
@pytest.mark.parametrize("write", [False, True])
def test_unloaded_latencies(spec: DramSpec, write: bool) -> None:
    """Hit 1 + CL + bl, closed bank 1 + tRCD + CL + bl, conflict 1 + tRP + tRCD + CL + bl (CWL for
    writes).
    """
    t, bl = spec.timing, spec.organisation.BL // 2
    data = (t.CWL if write else t.CL) + bl
    dram = DramChannels(spec)
    burst, other_row = (
        dram.table.burst_bytes,
        spec.organisation.row_bursts
        * dram.table.burst_bytes
        * spec.organisation.bankgroups
        * spec.organisation.banks_per_group,
    )
    clock = [0, 500, 1000]
    done = [
        transfer(dram, clock[i] * t.tck_ps, address, burst, write)
        for i, address in enumerate((0, burst, other_row))
    ]
    latencies = [end // t.tck_ps - start for end, start in zip(done, clock, strict=True)]
    assert latencies == [1 + t.tRCD + data, 1 + data, 1 + t.tRP + t.tRCD + data]
    assert dram.system.dram.tally[0, k.HITS : k.CONFLICTS + 1].tolist() == [1, 1, 1]


def test_a_row_streams_at_the_peak_rate() -> None:
    """LPDDR4: bursts tCCD apart fill the data bus, 12.8 GB/s; a row of n costs 1 + tRCD + CL + bl +
    (n - 1) tCCD.
    """
    dram = DramChannels(LPDDR4)
    row = LPDDR4.organisation.row_bursts
    done = [transfer(dram, 0, 0, bursts * 64, write=False) for bursts in (1, row)]
    assert done[0] == (1 + 29 + 28 + 8) * 625
    assert done[1] - done[0] == row * 8 * 625
    assert 64 * 1000 / (8 * 625) == 12.8


def test_interleaved_bank_groups_reach_the_peak_of_ddr4() -> None:
    """With the bank group below the column, bursts are tCCD_S = BL/2 apart; with it above, tCCD_L:
    two thirds of the peak.
    """
    base = standard("ddr4-2400")
    quiet = base.model_copy(update={"policy": base.policy.model_copy(update={"refresh": "none"})})
    mixed = quiet.model_copy(update={"address_mapping": "rochrabacobg"})
    # Four rows are opened tRRD_S = 4 clocks apart, so a burst can follow every fourth clock.
    assert (
        transfer(DramChannels(mixed), 0, 0, 512 * 64, write=False) // 830
        == 1 + 17 + 511 * 4 + 17 + 4
    )
    assert (
        transfer(DramChannels(quiet), 0, 0, 128 * 64, write=False) // 830
        == 1 + 17 + 127 * 6 + 17 + 4
    )


def test_channels_are_independent() -> None:
    """A range over two channels takes the time of the longer half; each channel holds 8 banks x 4
    KiB of consecutive addresses.
    """
    half = 8 * 64 * 64
    one, two = DramChannels(LPDDR4), DramChannels(LPDDR4, channels=2)
    assert transfer(two, 0, 0, 2 * half, write=False) == transfer(one, 0, 0, half, write=False)
    assert two.table.capacity_bytes == 2 * one.table.capacity_bytes


def test_idle_refreshes_are_counted() -> None:
    dram, served, counts = DramChannels(LPDDR4), ActionCounts(), ActionCounts()
    transfer(dram, 0, 0, 64, False, served)
    dram.finish(1000 * 6246 * 625, [served], counts)
    assert counts["dram", "refresh"] == 1000
    assert (served["dram", "activate"], served["dram", "precharge"]) == (1, 0)
    assert (counts["dram", "activate"], counts["dram", "precharge"]) == (0, 1)
    assert (
        counts["dram", "active_standby"] == 6246 - 1
    )  # from the ACT at clock 1 to the PRE that the first refresh needs
    assert counts["dram", "active_standby"] + counts["dram", "precharge_standby"] == 1000 * 6246


def test_parts_of_a_burst_move_the_whole_burst() -> None:
    counts = ActionCounts()
    dram = DramChannels(LPDDR4)
    transfer(dram, 0, 60, 8, True, counts)
    assert counts["dram", "write_burst"] == 2


def test_a_transfer_starts_at_the_next_clock_edge() -> None:
    assert (
        transfer(DramChannels(LPDDR4), 1, 0, 64, False)
        == transfer(DramChannels(LPDDR4), 625, 0, 64, False)
        == transfer(DramChannels(LPDDR4), 0, 0, 64, False) + 625
    )


@pytest.mark.parametrize(
    ("address", "size"), [(0, 0), (-64, 64), (2 << 30, 64), ((2 << 30) - 64, 65)]
)
def test_transfers_outside_are_refused(address: int, size: int) -> None:
    with pytest.raises(InputError) as caught:
        transfer(DramChannels(LPDDR4), 0, address, size, False)
    assert (
        str(caught.value)
        == f"a DRAM transfer must lie within its 2147483648 bytes, got {size} bytes at address "
        f"{address}"
    )
