"""Words and memory of tiled mappings against a walk through the loop nest, and properties of every
choice.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import allocate
from accelsim.mapping.tiling.choices import choices
from accelsim.mapping.tiling.footprint import gradient_channels, reduction_footprint
from accelsim.mapping.tiling.tiler import Tiler
from accelsim.pe.mapping import Tiling
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction, Pass
from tests.examples import examples
from tests.naive import loop_nest as naive
from tests.naive.bounds import bounds
from tests.random_machines import convolutions, machine, masks, trace_of


@st.composite
def tiled(draw: st.DrawFn, architecture: Machine, passes: tuple[Pass, ...]) -> tuple[Tiler, Tiling]:
    """An ungrouped convolution of a random network, and any tiling that its loops allow, whether or
    not it fits.
    """
    network = draw(convolutions(2))
    step = lower(network, "bp", draw(st.integers(1, 3)))
    ops = [
        op for op in step.ops if op.kind == "conv" and op.pass_ in passes and bounds(op).groups == 1
    ]
    assume(ops)
    op = draw(st.sampled_from(ops))
    tiler = Tiler(Mapper(architecture, allocate(step, architecture, 1)), op)
    pes = draw(st.sampled_from(tiler.tiled.channel_splits))
    tiles, columns = tiler.tiled.channel_tiles(pes), tiler.tiled.position_tiles(pes)
    together = draw(st.integers(1, columns))
    wide = draw(
        st.sampled_from(
            [each for each in range(1, columns + 1) if each % together == 0 or each == columns]
        )
    )
    orders = st.sampled_from(["channels", "positions"])
    return tiler, Tiling(
        pes,
        draw(orders),
        together,
        draw(st.integers(1, tiler.reduction)),
        draw(orders),
        draw(st.integers(1, tiles)),
        wide,
    )


@given(
    tiled(
        machine("von_neumann", scratchpad__capacity="1MiB", scratchpad__working="1MiB"),
        (Pass.FF, Pass.EP),
    )
)
@settings(max_examples=examples(150))
def test_words_are_those_of_a_walk_through_the_nest(case: tuple[Tiler, Tiling]) -> None:
    tiler, t = case
    op = tiler.op
    per_tile = tiler.tiled.positions_per_tile(t.channel_pes)
    demand = tiler.demand(t)
    found = naive.Walk(
        bounds(op),
        op.pass_ is Pass.EP,
        t,
        tiler.canonical.channels,
        tiler.canonical.positions,
        per_tile,
        tiler.reduction,
    ).run()
    assert (demand.stationary, demand.carried) == (found.stationary, found.carried)
    assert (demand.moving, demand.dram_moving, demand.dram_stationary) == (
        found.moving,
        found.dram_moving,
        found.dram_stationary,
    )
    if t.order == "positions":
        assert demand.scratchpad_bits >= found.pad_moving * 16 + t.chunk * 16
    assert demand.buffer_bits >= found.buffer_moving * 16


@given(tiled(machine("von_neumann"), (Pass.WG,)))
def test_gradients_read_the_channels_of_their_positions(case: tuple[Tiler, Tiling]) -> None:
    tiler, t = case
    b = bounds(tiler.op)
    group = t.together * tiler.tiled.positions_per_tile(t.channel_pes)
    groups = [
        range(first, min(first + group, b.r * b.s * b.c))
        for first in range(0, b.r * b.s * b.c, group)
    ]
    channels = [len({position % b.c for position in each}) for each in groups]
    found = gradient_channels(tiler.op.nest, group)
    assert (found.largest, found.total) == (max(channels), sum(channels))
    reduction = b.n * b.p * b.q
    chunks = [
        list(range(first, min(first + t.chunk, reduction)))
        for first in range(0, reduction, t.chunk)
    ]
    maps = [naive.rectangle(b, False, chunk) for chunk in chunks]
    assert (
        reduction_footprint(tiler.op.nest, t.chunk).largest,
        reduction_footprint(tiler.op.nest, t.chunk).total,
    ) == (max(maps), sum(maps))


@given(
    st.data(),
    st.sampled_from(["near_memory", "von_neumann"]),
    st.sampled_from(["bp", "dfa", "ssdfa"]),
)
@settings(max_examples=examples(40))
def test_every_choice_is_legal_and_covers_the_op(
    data: st.DataObject, organization: str, rule: str
) -> None:
    architecture = machine(
        organization,
        scratchpad__working="2KiB",
        scratchpad__capacity="64KiB",
        global_buffer__staging="2KiB",
    )
    step = lower(data.draw(convolutions(2)), rule, data.draw(st.integers(1, 3)))
    mapper = Mapper(architecture, allocate(step, architecture, 1))
    for op in step.ops:
        if isinstance(op, Contraction):
            tiler = Tiler(mapper, op)
            found = list(choices(tiler))
            assert found[0] is None
            assert len(set(found)) == len(found)
            for tiling in found[1:]:
                assert tiling is not None
                assert tiler.faults(tiling) == []
                each = tiler.mapping(tiling)
                assert each.channels_per_tile * each.channel_tiles >= op.nest.channels
                assert each.positions_per_tile * each.position_tiles >= each.positions
                assert each.fill_positions % each.positions_per_tile == 0


OBJECTIVES = ("cycles", "energy", "edp")


@given(
    st.data(),
    st.sampled_from(["near_memory", "von_neumann"]),
    st.sampled_from(OBJECTIVES),
    st.sampled_from(["serial", "unlocked"]),
)
@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.too_slow])
def test_chosen_mappings_do_the_same_work(
    data: st.DataObject, organization: str, objective: str, schedule: str
) -> None:
    """MACs do not depend on the mapping. The run itself checks the laws."""
    network = data.draw(convolutions(2))
    trace = trace_of(network, data.draw(masks(network, 2)))
    kept: dict[str, Any] = {
        "scratchpad__capacity": "64KiB",
        "scratchpad__working": "2112B",
        "global_buffer__staging": "1KiB",
    }
    canonical, chosen = (
        simulate(
            network,
            machine(organization, **kept, mapping__objective=each),
            batch=3,
            trace=trace,
            schedule=schedule,
        )
        for each in ("canonical", objective)
    )
    for a, b in zip(
        sorted(canonical.ops, key=lambda op: op.name),
        sorted(chosen.ops, key=lambda op: op.name),
        strict=True,
    ):  # type: ignore[union-attr]
        assert (a.name, a.macs) == (b.name, b.macs)
