"""The DMA and the channels of a machine: burst by burst as the stepped twin, and as a replay of its
offers through `accelsim dram`.
"""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.cost.counters import ActionCounts
from accelsim.dram.channels import DramChannels
from accelsim.dram.requests import Requests
from accelsim.dram.run import simulate
from accelsim.dram.standard import DramSpec
from accelsim.kernels.dma import arrays as d
from accelsim.kernels.dram import state as k
from accelsim.kernels.dram import timing
from tests.dram_transfers import Moves, Transfer
from tests.examples import examples
from tests.naive.whole_machine_dram import SteppedDram
from tests.property.test_dram_controller import specs

COMMANDS = ("ACT", "PRE", "RD", "WR")
ACTIONS = ("activate", "precharge", "read_burst", "write_burst")


@st.composite
def transfers(draw: st.DrawFn, capacity: int) -> list[Transfer]:
    """Transfers that overlap in time, and some of them in space; re-reads, and pauses of more than
    a refresh interval.
    """
    found, clock = [], 0
    for serial in range(draw(st.integers(1, 6))):
        clock += draw(
            st.sampled_from([0, 0, 1, 3, 20]) | st.integers(0, 600) | st.integers(0, 1500)
        )
        size = draw(st.integers(1, min(300, capacity)))
        key = (draw(st.integers(0, 3)), serial)
        found.append(
            Transfer(
                clock,
                draw(st.integers(0, capacity - 1)),
                size,
                draw(st.integers(0, size)),
                draw(st.integers(1, 400)),
                draw(st.booleans()),
                key,
            )
        )
    return found


def pieces(transfer: Transfer, capacity: int) -> list[tuple[int, int]]:
    """(address, bytes) of consecutive bytes."""
    found: list[tuple[int, int]] = []
    for byte in range(transfer.offset, transfer.offset + transfer.nbytes):
        address = (transfer.base + byte % transfer.size) % capacity
        if found and byte % transfer.size and sum(found[-1]) == address:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((address, 1))
    return found


@settings(max_examples=examples(300, nightly=3000))
@given(specs(), st.data())
def test_bursts_pass_as_in_the_stepped_twin_and_in_a_replay(
    spec: DramSpec, data: st.DataObject
) -> None:
    capacity = spec.organisation.capacity_bytes
    wanted = data.draw(transfers(capacity))
    limit = data.draw(st.sampled_from([None, None, 1, 2, 5]))
    arbitration = data.draw(st.sampled_from(["round_robin", "oldest_first"]))
    channels = DramChannels(spec, None, limit, arbitration == "oldest_first")
    channels.record()
    moves = Moves(channels)
    moves.run(wanted)
    ps = spec.timing.tck_ps
    twin = SteppedDram(spec, 10**12 // ps, limit, arbitration)  # a cycle of one clock
    asked = {}
    for transfer in wanted:
        twin.step_to(transfer.clock)
        asked[transfer.key] = twin.ask(
            transfer.clock, pieces(transfer, capacity), transfer.write, transfer.key
        )
    while twin.transfers:
        twin.step_to(twin.clock + 2)
    log = [
        (clock, *key, burst.burst, burst.write, burst.place[0], burst.accept, burst.done)
        for clock, key, burst in sorted(
            twin.log, key=lambda each: (each[0], each[1], each[2].burst)
        )
    ]
    assert [tuple(row) for row in channels.bursts.tolist()] == log
    assert moves.commands == {
        (*key, 0): tuple(request.commands[kind] for kind in COMMANDS)
        for key, request in asked.items()
    }
    last = max(burst.done for *_, burst in twin.log)
    assert max(moves.ends.values()) == last
    check_counts(channels, moves, twin, last + data.draw(st.integers(0, 1500)))
    check_state(spec, channels, twin)  # both have run to the same clock
    check_replay(spec, channels, data.draw(st.booleans()))


def check_state(spec: DramSpec, channels: DramChannels, twin: SteppedDram) -> None:
    """Each bank has the same open row, and is ready for each command at the same clock. With two
    buses the twin counts the buses' own clocks too.
    """
    dram, o = channels.system.dram, spec.organisation
    for number, engine in enumerate(twin.channels):
        channel = k.channel_of(dram, number)
        _, shape, ready, banks, ranks, tally = channel
        for bank, where in enumerate(
            itertools.product(range(o.ranks), range(o.bankgroups), range(o.banks_per_group))
        ):
            controller = engine.controller
            assert banks[bank, k.OPEN_ROW] == controller.open_row(where)
            for command, kind in enumerate((*COMMANDS, "REF")):
                first = timing.allowed_from(command, bank, shape, ready, banks, ranks)
                if not spec.two_buses:
                    first = max(first, tally[k.LAST] + 1)
                    assert first == controller.allowed(kind, *where)
            for row in range(o.rows):
                needed = timing.needed(k.RD, bank, row, banks)
                assert (*COMMANDS, "REF")[needed] == controller.channel.needed("RD", *where, row)


def check_counts(channels: DramChannels, moves: Moves, twin: SteppedDram, end: int) -> None:
    """All commands up to a clock belong to a transfer or to the background."""
    served = ActionCounts()
    for counts in moves.commands.values():
        for action, count in zip(
            ("activate", "precharge", "read_burst", "write_burst"), counts, strict=True
        ):
            served.add("dram", action, count)
    background = ActionCounts()
    channels.finish(end * channels.table.tck_ps, [served], background)
    assert twin.finish(end) == end
    total: Counter[str] = sum((channel.commands for channel in twin.channels), Counter())
    assert {
        kind: served["dram", action] + background["dram", action]
        for kind, action in (
            ("ACT", "activate"),
            ("PRE", "precharge"),
            ("RD", "read_burst"),
            ("WR", "write_burst"),
            ("REF", "refresh"),
        )
    } == {kind: total[kind] for kind in (*COMMANDS, "REF")}
    assert background["dram", "read_burst"] == background["dram", "activate"] == 0
    active = sum(channel.active_clocks for channel in twin.channels)
    assert background["dram", "active_standby"] == active


def check_replay(spec: DramSpec, channels: DramChannels, shuffled: bool) -> None:
    """The offers, given to `accelsim dram`, are accepted and done at the same clocks."""
    log = channels.bursts
    if shuffled:  # only the order within a channel counts
        log = log[np.argsort(log[:, d.LOG_CHANNEL], kind="stable")]
    run = simulate(
        spec,
        Requests(
            log[:, d.LOG_OFFERED].copy(),
            log[:, d.LOG_BURST] * channels.table.burst_bytes,
            log[:, d.LOG_WRITE] == 1,
        ),
    )
    np.testing.assert_array_equal(run.accepted, log[:, d.LOG_ACCEPTED])
    np.testing.assert_array_equal(run.done, log[:, d.LOG_DONE])
