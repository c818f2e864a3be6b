"""Kernels of the broadcast array against their plain twins, and laws for any costs and any FIFO."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.kernels.bits.bitmaps import PackedMask, from_mask
from accelsim.kernels.broadcast import columns as broadcast
from accelsim.kernels.broadcast.gradients import outer_sums
from accelsim.kernels.broadcast.vectors import CYCLES, LINES, Columns
from accelsim.machine.architecture import Machine
from accelsim.machine.words import value_bits
from accelsim.step.ops import Use
from tests.examples import examples
from tests.naive import broadcast as naive
from tests.naive.machine import Twin
from tests.random_machines import SKIPS, convolutions, lanes_of, machine, masks, trace_of
from tests.watched_machine import watch


@st.composite
def costs(draw: st.DrawFn, most: int = 6) -> np.ndarray:
    shape = (draw(st.integers(1, 5)), draw(st.integers(0, 12)))
    values = draw(
        st.lists(st.integers(1, most), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1])
    )
    return np.array(values, dtype=np.int64).reshape(shape)


@given(costs(), st.integers(1, 14))
def test_kernel_equals_the_twin_that_steps_cycles(found: np.ndarray, depth: int) -> None:
    assert broadcast.broadcast_split(found, depth) == naive.broadcast_split(found, depth)


@given(costs(), st.integers(1, 14))
def test_bounds_and_conservation(found: np.ndarray, depth: int) -> None:
    pes, tokens = found.shape
    cycles, busy, empty, imbalance, stall = broadcast.broadcast_split(found, depth)
    assert busy == found.sum()
    assert busy + empty + imbalance == pes * cycles
    assert (
        max(tokens, found.sum(axis=1).max()) <= cycles <= found.max(axis=0).sum()
        if tokens
        else cycles == 0
    )
    assert empty == 0 or stall > 0


@given(costs(), st.integers(1, 13))
def test_a_deeper_fifo_is_never_slower_and_an_endless_one_waits_for_tokens_alone(
    found: np.ndarray, depth: int
) -> None:
    tokens = found.shape[1]
    assert (
        broadcast.broadcast_split(found, depth + 1)[0] <= broadcast.broadcast_split(found, depth)[0]
    )
    endless = 0
    for row in found:
        done = 0
        for j, cost in enumerate(row):
            done = max(done, j) + int(cost)
        endless = max(endless, done)
    assert (
        broadcast.broadcast_split(found, tokens + 1)[0]
        == endless
        == (found.sum(axis=1).max() if tokens else 0)
    )


@given(costs(), st.integers(1, 5))
def test_one_pe_takes_the_sum_of_its_costs(found: np.ndarray, depth: int) -> None:
    assert broadcast.broadcast_split(found[:1], depth)[0] == found[0].sum()


def test_a_cost_or_a_depth_of_0_is_refused() -> None:
    with pytest.raises(ValueError, match="must be >= 1"):
        broadcast.broadcast_split(np.zeros((1, 1), dtype=np.int64), 1)
    with pytest.raises(ValueError, match="must be >= 1"):
        broadcast.broadcast_split(np.ones((1, 1), dtype=np.int64), 0)


@given(
    st.data(),
    st.integers(1, 150),
    st.integers(1, 5),
    st.integers(0, 5),
    st.sampled_from([0.02, 0.1, 0.5, 1.0]),
)
def test_column_costs_equal_the_twin_that_encodes_columns(
    data: st.DataObject, outputs: int, pes: int, index_bits: int, density: float
) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    mask = random.random((data.draw(st.integers(0, 4)), outputs)) < density
    entries, padding = broadcast.column_costs(from_mask(mask), outputs, pes, index_bits)
    expected = naive.column_costs(mask, pes, index_bits)
    assert (entries == expected[0]).all()
    assert (padding == expected[1]).all()


def test_the_example_of_the_paper() -> None:
    """Section III-A: 18 zeros between 2 and 3 require a padding zero: v = [1, 2, 0, 3], z = [2, 0,
    15, 2].
    """
    column = [0, 0, 1, 1, *[0] * 18, 1]
    assert naive.encode(column, 4) == [(1, 2), (1, 0), (0, 15), (1, 2)]
    entries, padding = broadcast.column_costs(
        from_mask(np.array([column], dtype=bool)), len(column), 1, 4
    )
    assert (entries.item(), padding.item()) == (3, 1)


@st.composite
def broadcast_machines(draw: st.DrawFn) -> Machine:
    """A broadcast machine, often with fewer accumulators than outputs."""
    bits = draw(st.sampled_from([16, 64]))
    return machine(
        draw(st.sampled_from(["near_memory", "von_neumann"])),
        pe_array__kind="broadcast",
        pe_array__rows=draw(st.integers(1, 3)),
        pe_array__cols=draw(st.integers(1, 3)),
        pe_array__lanes=draw(st.integers(1, 3)),
        pe_array__fifo_depth=draw(st.sampled_from([1, 2, 3, 8])),
        pe_array__index_bits=draw(st.sampled_from([1, 2, 4])),
        pe_array__skip={name: draw(st.sampled_from(SKIPS)) for name in ("ff", "ep", "wg")},
        pe_array__skip_outputs=draw(st.booleans()),
        pe_array__structural_zeros=draw(st.sampled_from(["removed", "window"])),
        pe_array__gating=draw(st.booleans()),
        precision__activation=bits,
        precision__error=bits,
        precision__psum=64,
        scratchpad__capacity="64KiB",
        scratchpad__working=draw(st.sampled_from(["112B", "8KiB"])),
        scratchpad__width=draw(st.sampled_from([16, 64])),
        global_buffer__capacity="64KiB",
        global_buffer__staging="16KiB",
    )


@settings(max_examples=examples(60), deadline=None)
@given(st.data())
def test_whole_ops_and_their_actions_equal_the_twin(data: st.DataObject) -> None:
    """Cycles, MACs and lane cycles of every contraction, and control actions: tokens written to
    FIFOs, pointers, indices, and words read without a MAC.
    """
    network, architecture = data.draw(convolutions(2)), data.draw(broadcast_machines())
    rule = data.draw(st.sampled_from(["bp", "dfa", "ssdfa"]))
    found, batch = (
        data.draw(masks(network, data.draw(st.integers(1, 2)))),
        data.draw(st.integers(1, 4)),
    )
    seen = watch(network, architecture, rule, batch, trace_of(network, found))
    lanes = lanes_of(architecture)
    twin = Twin(network, found, batch, lanes, rule, 1 if rule == "ssdfa" else 0, 0)
    works = twin.ops()
    for record in seen.run.records:
        timing = record.plan.timing
        if timing is None:
            continue
        array = naive.Array(works[record.op.name], lanes)
        expected = array.run()
        names = (
            "effectual",
            "executed",
            "gated",
            "cycles",
            "busy",
            "window_empty",
            "imbalance",
            "idle",
        )
        assert {name: getattr(timing, name) for name in names} == {
            name: getattr(expected, name) for name in names
        }, record.op.name
        counts = {
            action: times for (component, action), times in record.counts if component == "control"
        }
        tokens, walked, active = (array.actions[name] for name in ("tokens", "walked", "active"))
        stationary = record.op.operand(Use.STATIONARY)
        assert stationary is not None
        word = value_bits(stationary.tensor, architecture)
        assert counts.get("fifo_write", 0) == counts.get("fifo_read", 0) == tokens
        width = architecture.scratchpad.width_bits
        pointer = -(-naive.POINTER_BITS // width) * width
        assert counts.get("pointer_read", 0) == array.compressed * tokens * 2 * pointer
        lines = array.column_bits(word + lanes.index_bits, width)
        assert lines >= walked * (word + lanes.index_bits)
        assert counts.get("index_read", 0) == array.compressed * (lines - active * word)
        # Stored words may be wider than values: a format puts an index beside each.
        for bits in (word, word + 1, 2 * word + 3):
            apart = sum(-(-bits // width) * width for _ in range(active))
            dense = min(apart, array.column_bits(bits, width))
            expected_bits = active * word if array.compressed else dense
            assert timing.stationary_read_bits(active, bits, width) == expected_bits


@given(st.data(), st.integers(1, 40), st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_a_batch_that_repeats_its_samples_is_one_stream(
    data: st.DataObject, batch: int, depth: int, segments: int, skip_moving: bool
) -> None:
    """Rounds of samples that leave the FIFOs unchanged are not walked again."""
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    samples, channels, pes = (
        data.draw(st.integers(1, 3)),
        data.draw(st.integers(1, 5)),
        data.draw(st.integers(1, 3)),
    )
    x = random.random((samples, channels)) < 0.6
    table = random.integers(1, 6, (samples, pes)).astype(np.int32)
    totals = np.stack([random.integers(0, 9, samples) for _ in range(5)], axis=1)
    segment = -(-channels // segments)
    sums = np.zeros((segments, 7), np.int64)
    unread = np.zeros((samples, 1), np.uint64)
    found = Columns(pes, unread, unread, totals, table, table, 16, 64)
    moving = PackedMask(from_mask(x), channels)
    outer_sums(moving, skip_moving, segment, found, batch, depth, sums)
    for index in range(segments):
        own = [
            (n % samples, bit)
            for n in range(batch)
            for bit in x[n % samples, index * segment : (index + 1) * segment]
            if bit or not skip_moving
        ]
        tokens = np.array([table[n] for n, _ in own], dtype=np.int64).reshape(-1, pes).T
        assert sums[index, CYCLES] == naive.broadcast_split(tokens, depth)[0]
        assert sums[index, 0] == len(own)
        assert sums[index, 1] == sum(totals[n, 0] for n, _ in own)
        assert sums[index, 2] == sum(totals[n, 1] for n, bit in own if bit)
        assert sums[index, LINES] == sum(totals[n, 4] for n, _ in own)
