"""Stretches that a channel repeats, applied from the table, against the run clock by clock."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.config.catalog import find
from accelsim.config.loader import load_model
from accelsim.dram import layout
from accelsim.dram.channels import DramChannels
from accelsim.dram.standard import DramSpec
from accelsim.kernels.dma import arrays as d
from accelsim.kernels.dma.stretches import MARK, TALLIED
from accelsim.kernels.dma.system import STRETCHES
from accelsim.kernels.dram import queues, timing
from accelsim.kernels.dram import state as k
from tests.dram_transfers import Moves, Transfer
from tests.examples import examples
from tests.property.test_dram_controller import specs


@st.composite
def long_specs(draw: st.DrawFn) -> DramSpec:
    """Any small standard, with rows enough for streams of some hundred bursts per bank."""
    spec = draw(specs())
    organisation = spec.organisation.model_dump(exclude_none=True)
    for name in ("capacity_bytes", "columns", "row_bytes", "banks", "burst_bytes"):
        organisation.pop(name, None)
    organisation |= {"rows": draw(st.integers(8, 64)), "bursts_per_row": draw(st.integers(2, 16))}
    return DramSpec.model_validate(
        spec.model_dump(by_alias=True, exclude_none=True) | {"organisation": organisation}
    )


@st.composite
def streams(draw: st.DrawFn, spec: DramSpec) -> list[Transfer]:
    """Some long transfers, several of which start at once, and short ones that disturb them."""
    capacity, burst = spec.organisation.capacity_bytes, spec.organisation.burst
    found: list[Transfer] = []
    clock = 0
    for serial in range(draw(st.integers(1, 3))):
        clock += draw(st.sampled_from([0, 1, 40]) | st.integers(0, 8000))
        for part in range(draw(st.integers(1, 4))):
            bursts = draw(st.integers(1, 3000) | st.integers(200, 3000))
            nbytes = min(bursts * burst, 4 * capacity)
            size = draw(st.sampled_from([nbytes, max(1, nbytes // 3)]))
            aligned = draw(st.integers(0, capacity // burst - 1)) * burst
            base = draw(st.sampled_from([0, aligned, aligned + 1]))
            write = draw(st.booleans())
            found.append(
                Transfer(clock, base, min(size, capacity), 0, nbytes, write, (serial, part))
            )
    return found


def moved(spec: DramSpec, wanted: list[Transfer], room: int, **setting: Any) -> Moves:
    """The transfers, with a table of ``room`` stretches."""
    with patch.multiple(layout, STATES=room, STRETCHES=room):
        channels = DramChannels(spec, **setting)
    moves = Moves(channels)
    moves.run(wanted)
    return moves


def present(moves: Moves) -> list[Any]:
    """Counts, and what a channel may do from its present clock on."""
    dram, controller, dma, _ = moves.channels.system
    end = int(dma.engines[:, d.CLOCK].max())
    found: list[Any] = [end]
    for number in range(len(dram.tally)):
        channel = k.channel_of(dram, number)
        _, shape, ready, banks, ranks, tally = channel
        found += [
            tally[:TALLIED].tolist(),
            tally[k.LAST],
            timing.active_clocks(end, ranks),
            controller.control[
                number, [queues.OWED, queues.DUE, queues.PREAS, queues.PREA_BANKS]
            ].tolist(),
            banks[:, [k.OPEN_ROW, k.MADE_WAY]].tolist(),
            [
                max(end, timing.allowed_from(command, bank, shape, ready, banks, ranks))
                for bank in range(len(banks))
                for command in range(k.COMMANDS)
            ],
        ]
    return found


@settings(max_examples=examples(120, nightly=3000), deadline=None)
@given(st.data())
def test_known_stretches_give_what_every_clock_gives(data: st.DataObject) -> None:
    spec = data.draw(long_specs())
    wanted = data.draw(streams(spec))
    setting = {
        "outstanding": data.draw(st.sampled_from([None, 1, 4, 24])),
        "oldest_first": data.draw(st.booleans()),
    }
    stepped = moved(spec, wanted, 0, **setting)
    for room in (1 << 12, data.draw(st.integers(1, 8))):
        jumped = moved(spec, wanted, room, **setting)
        assert jumped.ends == stepped.ends
        assert jumped.commands == stepped.commands
        assert present(jumped) == present(stepped)


def standard(name: str) -> DramSpec:
    return load_model(find("dram", name), DramSpec)


@pytest.mark.parametrize("name", ["ddr4-2400", "ddr4-3200", "hbm2", "lpddr4-3200"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("stores", [(0,), (0, 0, 1)])
def test_standards_repeat_their_stretches(
    name: str, channels: int, stores: tuple[int, ...]
) -> None:
    """An optimizer's update reads some tensors side by side, and writes others."""
    spec = standard(name)
    size = 1 << 19
    wanted = [
        Transfer(0, part * size, size, 0, size, bool(write), (0, part))
        for part, write in enumerate(stores)
    ]
    stepped = moved(spec, wanted, 0, channels=channels)
    jumped = moved(spec, wanted, layout.STRETCHES, channels=channels)
    known = jumped.channels.system.stretches.sizes[STRETCHES]
    assert 0 < known * MARK < size // spec.organisation.burst
    assert (jumped.ends, jumped.commands) == (stepped.ends, stepped.commands)
    assert present(jumped) == present(stepped)


def test_a_long_stream_needs_few_stretches() -> None:
    """Almost all of a stream of a million bursts is taken from the table."""
    spec = standard("ddr4-2400")
    nbytes = 1_000_000 * spec.organisation.burst
    channels = DramChannels(spec, 1)
    moves = Moves(channels)
    moves.run([Transfer(0, 0, nbytes, 0, nbytes, False)])
    assert moves.commands[0, 0, 0][2] == 1_000_000
    assert 0 < channels.system.stretches.sizes[STRETCHES] < 500
    assert np.array_equal(channels.system.dram.tally[:, k.RD], [1_000_000])
