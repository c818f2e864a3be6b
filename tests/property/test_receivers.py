"""Words sent and words taken by PEs against a walk over all outputs: a PE takes the words that its
own outputs read.
"""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from accelsim.kernels.bits.reads import Share, distinct_reads
from accelsim.kernels.bits.taps import MapTaps
from accelsim.machine.architecture import Machine
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import allocate
from accelsim.mapping.tiling.tiler import Tiler
from accelsim.pe.mapping import Mapping, Tiling
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction, Pass, Role
from tests.naive import receivers as naive
from tests.naive.bounds import bounds
from tests.random_machines import convolutions, machine


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    """Small machines of all kinds that skip zeros, with room for few or many moving words."""
    kind = draw(st.sampled_from(["lanes", "coupled", "broadcast"]))
    lanes = {} if kind == "coupled" else {"pe_array__lanes": draw(st.integers(1, 3))}
    least = "2112B" if kind == "coupled" else "200B"  # two windows of both operands, and sums
    working = draw(st.sampled_from([least, "2112B", "64KiB"]))
    return machine(
        draw(st.sampled_from(["near_memory", "von_neumann"])),
        pe_array__kind=kind,
        **lanes,
        **({"pe_array__window": 1} if kind == "lanes" else {}),
        pe_array__rows=draw(st.integers(1, 4)),
        pe_array__cols=draw(st.integers(1, 4)),
        pe_array__structural_zeros=draw(st.sampled_from(["removed", "window"])),
        precision__activation=64,
        precision__error=64,
        scratchpad__capacity="128KiB",
        scratchpad__working=working,
    )


@st.composite
def convolution(draw: st.DrawFn, architecture: Machine) -> tuple[Contraction, Mapper]:
    step = lower(draw(convolutions(2)), "bp", draw(st.integers(1, 3)))
    ops = [op for op in step.ops if op.kind in ("conv", "grouped_conv")]
    assume(ops)
    op = draw(st.sampled_from(ops))
    assert isinstance(op, Contraction)
    return op, Mapper(architecture, allocate(step, architecture, 1))


def dealt(op: Contraction, mapping: Mapping, architecture: Machine) -> naive.Dealt:
    joined = (
        architecture.pe_array.kind == "broadcast"
        and architecture.pe_array.structural_zeros == "window"
        and op.pass_ is not Pass.WG
    )
    reads = naive.Reads(bounds(op), str(op.pass_), joined)
    run = architecture.pe_array.outputs_per_pe
    return naive.Dealt(reads, mapping.channels_per_tile, run, mapping.positions_per_tile)


def windows(places: naive.Dealt) -> tuple[int, int]:
    """Elements of one channel that a PE keeps so that a word is sent once; and once per kernel row.

    The rows between the first and the last that a position reads, of all columns that the PE reads;
    the columns between the first and the last that a position reads.
    """
    rows, columns = 0, 0
    of_pe: dict[int, set[int]] = {}
    for position in range(places.reads.positions):
        found = [word for _, _, word in places.reads.elements(position)]
        of_pe.setdefault(places.pe(0, position)[1], set()).update(w for _, _, w in found)
        if found:
            rows = max(rows, 1 + max(h for _, h, _ in found) - min(h for _, h, _ in found))
            columns = max(columns, 1 + max(w for _, _, w in found) - min(w for _, _, w in found))
    return rows * max(map(len, of_pe.values())), columns


def walked(op: Contraction, mapping: Mapping, architecture: Machine) -> tuple[int, int]:
    """(words sent, words taken) of the moving operand under the canonical mapping."""
    places, b = dealt(op, mapping, architecture), bounds(op)
    reads, groups = places.reads, (1 if places.reads.joined else b.groups)
    room = architecture.scratchpad.working_bytes * 8
    wg, ep = op.pass_ is Pass.WG, op.pass_ is Pass.EP
    near = architecture.organization == "near_memory"
    stationary_bits = 64 if wg or op.stationary.tensor.role is not Role.WEIGHT else 16
    if wg or ep or not near:  # weights or errors are staged
        reduced = b.n * b.p * b.q if wg else b.r * b.s * (b.k if ep else b.c) // b.groups
        tiles = -(-reads.positions // places.tile)
        if reduced * stationary_bits <= room // 2:
            room -= reduced * stationary_bits
        else:
            room = room * (tiles == 1) if wg else room // 2
    sent, taken, sizes = places.taken(lambda *_: ())
    if max(sizes.values(), default=0) * 64 <= room:
        return sent, taken

    def visit(channel: int) -> tuple[int, ...]:
        if architecture.pe_array.kind != "broadcast":
            return (channel // places.per_tile,)
        each = reads.channels // groups
        held = places.per_tile * architecture.accumulators
        return channel // each, channel % each // held

    depth = len(reads.depths(0))
    if wg:
        own = places.run if depth % places.run == 0 else 2 * places.run
        window, narrow = b.n * b.h * b.w * min(depth, own), room + 1
    else:
        window, narrow = (elements * depth for elements in windows(places))
    if window * 64 <= room:
        return places.taken(lambda k, *_: visit(k))[:2]
    if narrow * 64 <= room:
        return places.taken(lambda k, i, *_: (*visit(k), i))[:2]
    return places.taken(lambda k, i, j, _: (*visit(k), i, j))[:2]


@given(st.data())
def test_words_are_sent_to_the_pes_whose_outputs_read_them(data: st.DataObject) -> None:
    architecture = data.draw(machines())
    op, mapper = data.draw(convolution(architecture))
    mapping = mapper.map(op)
    moving = [t for t in mapping.transfers if t.inbound and t.tensor == op.moving.tensor]
    sent, taken = walked(op, mapping, architecture)
    assert {str(t.route) for t in moving} == {"multicast"}
    assert sum(t.words for t in moving) == sent
    assert sum(t.deliveries for t in moving) == taken


@given(st.data())
def test_tilings_send_words_to_the_pes_whose_outputs_read_them(data: st.DataObject) -> None:
    """With room for everything a tile reads."""
    architecture = machine(
        data.draw(st.sampled_from(["near_memory", "von_neumann"])),
        pe_array__rows=data.draw(st.integers(1, 3)),
        pe_array__cols=data.draw(st.integers(1, 3)),
        pe_array__lanes=data.draw(st.integers(1, 3)),
        scratchpad__capacity="4MiB",
        scratchpad__working="1MiB",
    )
    op, mapper = data.draw(convolution(architecture))
    tiler = Tiler(mapper, op)
    pes = data.draw(st.sampled_from(tiler.tiled.channel_splits))
    tiles, columns = tiler.tiled.channel_tiles(pes), tiler.tiled.position_tiles(pes)
    together = data.draw(st.integers(1, columns))
    wides = [n for n in range(1, columns + 1) if n % together == 0 or n == columns]
    orders = st.sampled_from(["channels", "positions"])
    wg = op.pass_ is Pass.WG
    t = Tiling(
        pes,
        "channels" if wg else data.draw(orders),
        together,
        tiler.reduction
        if wg or not tiler.tiled.staged
        else data.draw(st.integers(1, tiler.reduction)),
        data.draw(orders),
        tiles if wg else data.draw(st.integers(1, tiles)),
        columns if wg else data.draw(st.sampled_from(wides)),
    )
    chosen = tiler.mapping(t)
    taken = sum(
        each.deliveries
        for each in chosen.transfers
        if each.inbound and each.tensor == op.moving.tensor
    )
    places = dealt(op, chosen, architecture)
    if wg:
        size = together * places.tile
        expected = places.taken(lambda k, _i, _j, m: (k // places.per_tile, m // size))[1]
    else:
        expected = naive.TiledWalk(places, t).run()
    assert taken == expected


@given(st.data())
def test_elements_are_counted_once_per_processor(data: st.DataObject) -> None:
    def taps(outputs: int, kernel: int) -> np.ndarray:
        values = st.integers(-2, 4)
        table = st.lists(values, min_size=kernel, max_size=kernel)
        drawn = data.draw(st.lists(table, min_size=outputs, max_size=outputs))
        return np.array(drawn, np.int32).reshape(outputs, kernel)

    height, width = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    rows, cols = (
        taps(data.draw(st.integers(1, 4)), height),
        taps(data.draw(st.integers(1, 4)), width),
    )
    every = [(i, j) for i in range(height) for j in range(width)]
    kernel = data.draw(st.lists(st.sampled_from(every), unique=True))
    run = data.draw(st.integers(1, 3))
    share = Share(run, run * data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4)))
    samples = data.draw(st.integers(1, 3))
    places = np.array(kernel, np.int64).reshape(-1, 2)
    found = distinct_reads(MapTaps(rows, cols), places, samples, share)
    assert found == naive.distinct_reads(rows, cols, kernel, samples, tuple(share))
