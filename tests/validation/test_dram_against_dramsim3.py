"""In-order streams in which a first-ready controller has nothing to reorder: every clock, command
and picojoule as in DRAMsim3 (29817593).

The expected numbers are own measurements with that program, with the timings of the shipped
standards.
"""

from __future__ import annotations

import numpy as np
import pytest

from accelsim.config.catalog import find
from accelsim.config.loader import load_model
from accelsim.cost.counters import ActionCounts
from accelsim.cost.energy import EnergyTable
from accelsim.dram.channels import DramChannels
from accelsim.dram.prices import dram_prices
from accelsim.dram.standard import DramSpec
from accelsim.kernels.dram import state as k
from tests.dram_transfers import Moves, Transfer, transfer

MAPPING = "rochrababgco"
"""Address mapping of the measurements."""


def measured(name: str, refresh: str) -> DramSpec:
    """A built-in standard with the mapping of the measurements."""
    spec = load_model(find("dram", name), DramSpec)
    policy = spec.policy.model_copy(update={"refresh": refresh})
    return spec.model_copy(update={"policy": policy, "address_mapping": MAPPING})


CASES = [
    # standard, refresh, row stride, last done, mean latency, ACT, PRE, REF, misses, clocks with an
    # open row, energy in pJ
    ("ddr4-2400", "none", 1 << 17, 114671, 57355.00, 2048, 2047, 0, 1, 79872, 49864891.392),
]


@pytest.mark.parametrize(
    (
        "name",
        "refresh",
        "stride",
        "last",
        "latency",
        "act",
        "pre",
        "ref",
        "misses",
        "active",
        "energy",
    ),
    CASES,
)
def test_a_new_row_of_one_bank_each_time(
    name: str,
    refresh: str,
    stride: int,
    last: int,
    latency: float,
    act: int,
    pre: int,
    ref: int,
    misses: int,
    active: int,
    energy: float | None,
) -> None:
    """2048 reads, all handed over at once. Without refresh, before which DRAMsim3 closes banks one
    by one (`row_conflict` in docs/dram.md). It counts background to the last clock inclusive, one
    more than to the end of the data.
    """
    spec = measured(name, refresh)
    dram, counts, tck = DramChannels(spec, None, 4096), ActionCounts(), spec.timing.tck_ps
    moves = Moves(dram)
    moves.run(Transfer(0, number * stride, 64, 0, 64, False, (number, 0)) for number in range(2048))
    done = np.array(list(moves.ends.values()))
    dram.finish(int(done.max()) * tck, [], counts)
    assert done.max() == last
    assert done.mean() == pytest.approx(latency, abs=0.005)
    assert [
        counts["dram", action] for action in ("activate", "precharge", "read_burst", "refresh")
    ] == [act, pre, 2048, ref]
    tally = dram.system.dram.tally[0]
    assert (tally[k.HITS], tally[k.MISSES]) == (0, misses)
    assert counts["dram", "active_standby"] == active - 1
    if energy is not None:
        table = EnergyTable(dram_prices(spec, "core"))  # it has no data pins
        assert table.total(counts) + table["dram", "active_standby"].pj == pytest.approx(
            energy, rel=1e-12
        )


def test_reads_with_pauses() -> None:
    """2048 reads 200 clocks apart, each random one followed by its neighbour, without refresh: mean
    latency 38.8672, last data at 409422.
    """
    spec = measured("ddr4-2400", "none")
    drawn = np.random.Generator(np.random.PCG64(20240616)).integers(
        0, (256 << 20) // 128, size=2048, dtype=np.int64
    )
    _, first = np.unique(drawn, return_index=True)
    base = drawn[np.sort(first)][:1024] * 128
    addresses = np.stack([base, base + 64], axis=1).reshape(-1)
    dram, counts = DramChannels(spec), ActionCounts()
    starts = np.arange(2048) * 200
    done = np.array(
        [
            transfer(dram, int(start) * 830, int(address), 64, False, counts) // 830
            for start, address in zip(starts, addresses, strict=True)
        ]
    )
    assert done.max() == 409422
    # DRAMsim3 takes a request in the clock in which it is available
    assert (done - starts).mean() == pytest.approx(38.8672, abs=5e-5)
    tally = dram.system.dram.tally[0]
    assert tally[k.HITS : k.CONFLICTS + 1].tolist() == [1024, 16, 1008]
    assert [counts["dram", action] for action in ("activate", "precharge", "read_burst")] == [
        1024,
        1008,
        2048,
    ]
