"""DRAM kernels against their twin, and laws for any sequence of transfers."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from accelsim.cost.counters import ActionCounts
from accelsim.dram.channels import DramChannels
from accelsim.dram.standard import DramSpec
from accelsim.dram.table import resolve
from accelsim.kernels.dram import addresses, streams, timing
from accelsim.kernels.dram import state as k
from tests.dram_transfers import transfer
from tests.naive import dram as naive
from tests.random_drams import MAPPINGS, timings

KINDS = ("ACT", "PRE", "RD", "WR", "REF")


@st.composite
def specs(draw: st.DrawFn) -> DramSpec:
    """Small organizations with any timings, and refreshes as frequent as possible."""
    timing = draw(timings())
    groups, banks, ranks = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    timing["tREFI"] = 120 + groups * banks * ranks * 12 + draw(st.integers(0, 80))
    organisation = {
        "channels": draw(st.integers(1, 3)),
        "ranks": ranks,
        "bankgroups": groups,
        "banks_per_group": banks,
        "rows": draw(st.integers(1, 4)),
        "bursts_per_row": draw(st.integers(1, 12)),
        "bus_width": 8,
        "BL": draw(st.sampled_from([2, 4, 8])),
    }
    policy = {"refresh": draw(st.sampled_from(["all_bank", "all_bank", "none"]))}
    return DramSpec.model_validate(
        {
            "timing": timing,
            "organisation": organisation,
            "policy": policy,
            "address_mapping": draw(st.sampled_from(MAPPINGS)),
        }
    )


transfers = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.integers(1, 40),
        st.booleans(),
        st.integers(0, 400) | st.integers(0, 9000),
    ),
    min_size=1,
    max_size=6,
)


@given(specs(), transfers)
def test_streams_are_bursts_issued_one_by_one(
    spec: DramSpec, wanted: list[tuple[int, int, bool, int]]
) -> None:
    table = resolve(spec)
    state = k.new_dram(table.delays, table.shape)
    tally = state.tally
    twin = naive.Dram(spec)
    accept = 0
    for first, bursts, write, wait in wanted:
        accept += wait
        done = streams.stream(first, bursts, write, accept, state)
        assert done == twin.stream(first, bursts, write, accept)
    end = max(int(tally[:, k.LAST].max()), accept) + wanted[0][3]
    o = spec.organisation
    for number, channel in enumerate(twin.channels):
        kernel = k.channel_of(state, number)
        streams.refresh_until(end, kernel)
        channel.refresh_until(end)
        assert [int(count) for count in tally[number, :5]] == [
            channel.count(kind) for kind in KINDS
        ]
        assert tuple(tally[number, k.HITS : k.CONFLICTS + 1]) == (
            channel.hits,
            channel.misses,
            channel.conflicts,
        )
        later = max(end, int(tally[number, k.LAST]))
        assert streams.active_clocks(later, kernel) == channel.active_clocks(later)
        if spec.policy.refresh == "all_bank":
            assert tally[number, k.DUE] == channel.due
        for bank, (rank, group, index) in enumerate(
            itertools.product(range(o.ranks), range(o.bankgroups), range(o.banks_per_group))
        ):
            assert kernel.banks[bank, k.OPEN_ROW] == channel.open_row(rank, group, index)
            for command, kind in enumerate(KINDS):
                if channel.history:
                    assert timing.probe(command, bank, *kernel[1:]) == channel.probe(
                        kind, rank, group, index
                    )
            for row in range(o.rows):
                assert KINDS[timing.needed(k.RD, bank, row, kernel.banks)] == channel.needed(
                    "RD", rank, group, index, row
                )


@given(specs(), st.integers(0, 5000))
def test_addresses(spec: DramSpec, burst: int) -> None:
    channel, rank, group, bank, row = naive.decode(spec, burst)
    o = spec.organisation
    assert addresses.decode(burst, resolve(spec).shape) == (
        channel,
        (rank * o.bankgroups + group) * o.banks_per_group + bank,
        row,
    )


@given(specs(), transfers)
def test_every_burst_is_counted_once_and_all_time_is_standby(
    spec: DramSpec, wanted: list[tuple[int, int, bool, int]]
) -> None:
    dram, counts, accept, last = DramChannels(spec), ActionCounts(), 0, 0
    burst, capacity = dram.table.burst_bytes, dram.table.capacity_bytes
    reads = writes = 0
    for first, bursts, write, wait in wanted:
        address = first * burst % capacity
        size = min(bursts * burst, capacity - address)
        accept += wait
        last = max(last, transfer(dram, accept * 1000, address, size, write, counts))
        reads, writes = reads + size // burst * (not write), writes + size // burst * write
    dram.finish(last, counts)
    assert (counts["dram", "read_burst"], counts["dram", "write_burst"]) == (reads, writes)
    rows = dram.rows
    assert rows.hits + rows.misses + rows.conflicts == reads + writes
    o = spec.organisation
    clocks = max(-(-last // 1000), int(dram._tally[:, k.LAST].max()))
    assert (
        counts["dram", "active_standby"] + counts["dram", "precharge_standby"]
        == clocks * o.ranks * o.channels
    )
    open_banks = int((dram.state.banks[:, :, k.OPEN_ROW] >= 0).sum())
    assert counts["dram", "activate"] - counts["dram", "precharge"] == open_banks


@given(specs(), transfers)
def test_the_same_transfers_give_the_same_state(
    spec: DramSpec, wanted: list[tuple[int, int, bool, int]]
) -> None:
    states = []
    for _ in range(2):
        table = resolve(spec)
        state = k.new_dram(table.delays, table.shape)
        for first, bursts, write, wait in wanted:
            streams.stream(first, bursts, write, wait, state)
        states.append(state)
    for one, two in zip(*states, strict=True):
        np.testing.assert_array_equal(one, two)
