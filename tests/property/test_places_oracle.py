"""Homes in scratchpads and places in the global buffer against a walk that gives out bytes one
channel and one tensor at a time (`tests/oracle/places.py`, `tests/oracle/buffer.py`).
"""

from __future__ import annotations

import copy

from hypothesis import given, reject, settings
from hypothesis import strategies as st

from accelsim.errors import InputError
from accelsim.machine.architecture import Machine
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import Residency, allocate
from accelsim.rules.registry import lower
from accelsim.sim.encodings import Encoding
from accelsim.sim.memory.tensors import TensorMemory
from accelsim.step.ops import Contraction, Role, TrainingStep
from tests.examples import examples
from tests.oracle.buffer import Buffer
from tests.oracle.machines import pads_of, tensors
from tests.oracle.places import Homes
from tests.random_machines import convolutions, machine, placements
from tests.random_networks import networks

RULES = ("bp", "dfa", "ssdfa", "bdfa", "fa", "dfa:per_step=true", "revised")
WORKING = 600


@st.composite
def steps(draw: st.DrawFn) -> TrainingStep:
    """A step of a random network."""
    network = draw(st.one_of(convolutions(3), networks()))
    rule = draw(st.sampled_from(RULES))
    optimizer = draw(st.sampled_from(["sgd", "momentum", "adam"]))
    try:
        return lower(network, rule, draw(st.integers(1, 3)), optimizer)
    except InputError:
        reject()


@st.composite
def architectures(draw: st.DrawFn, organization: str = "near_memory") -> Machine:
    """A machine whose scratchpads and buffer hold nothing, some or all of a small network."""
    room = draw(st.one_of(st.integers(1, 300), st.sampled_from([1000, 1 << 16])))
    beside = draw(st.one_of(st.integers(1, 300), st.sampled_from([1500, 1 << 16])))
    near = {"vector_unit__update_in_pe": draw(st.booleans())}
    return machine(
        organization,
        **(near if organization == "near_memory" else {}),
        pe_array__rows=draw(st.integers(1, 4)),
        pe_array__cols=draw(st.sampled_from([1, 2, 3, 6])),
        pe_array__kind=draw(st.sampled_from(["lanes", "broadcast"])),
        pe_array__skip={
            each: draw(st.sampled_from(["moving", "both"])) for each in ("ff", "ep", "wg")
        },
        scratchpad__working=f"{WORKING}B",
        scratchpad__capacity=f"{WORKING + room}B",
        global_buffer__staging="16B",
        global_buffer__capacity=f"{32 + beside}B",
        near_memory__feedback=draw(st.sampled_from(["stored", "prng"])),
        near_memory__update=draw(st.sampled_from(["fused", "separate"])),
        precision__gradient=draw(st.sampled_from([8, 16])),
        precision__optimizer_state=draw(st.sampled_from([16, 24])),
        precision__feedback=draw(st.sampled_from([5, 16])),
        **draw(placements()),
    )


@st.composite
def encodings(draw: st.DrawFn, step: TrainingStep) -> dict[str, Encoding]:
    """Sizes of some tensors in compressed formats, all zeros included."""
    found = {}
    for name, tensor in tensors(step).items():
        if tensor.role in (Role.WEIGHT, Role.FEEDBACK, Role.ACTIVATION) and draw(st.booleans()):
            bits = draw(st.integers(0, 16 * tensor.elements))
            found[name] = Encoding(tensor.elements, tensor.elements, 16, bits)
    return found


def same_homes(found: Residency, expected: Homes) -> None:
    assert found.partition_of == expected.layer
    assert found.partition_of_feedback == expected.feedback
    assert {name: tuple(vars(home).values()) for name, home in found.homes.items()} == {
        name: tuple(held) for name, held in expected.held.items()
    }
    assert found.free_bytes == expected.free
    assert found.fused_gradients == expected.fused
    assert found.spilled_words() == sum(held.spilled for held in expected.held.values())
    assert found.pes_per_partition == expected.pads.pes


@given(st.data())
@settings(max_examples=examples(300))
def test_homes_are_given_out_channel_by_channel(data: st.DataObject) -> None:
    step, architecture = data.draw(steps()), data.draw(architectures())
    array = architecture.pe_array
    pes = array.rows * array.cols
    partitions = data.draw(st.sampled_from([each for each in (1, 2, 3) if pes % each == 0]))
    sizes = data.draw(encodings(step)) if data.draw(st.booleans()) else {}
    bits = {name: each.bits for name, each in sizes.items()}
    expected = Homes(step, pads_of(step, architecture, partitions, bits))
    found = allocate(step, architecture, partitions, bits)
    same_homes(found, expected)
    mapper = Mapper(architecture, found)
    assert mapper.pes == pes // partitions
    for op in step.ops:
        for tensor in op.outputs:
            assert mapper.gradient_split(op, tensor) == expected.split(tensor, op.layer)
        assert found.partition(op) == home_of(op, expected)
        if op.name in found.fused:
            assert found.fused[op.name].pass_.value == "WU"
            assert {each.name for each in op.outputs} & expected.fused


def home_of(op: object, homes: Homes) -> int | None:
    """Partition of an op: that of its feedback, or else of its layer."""
    if isinstance(op, Contraction) and op.stationary.tensor.role is Role.FEEDBACK:
        return homes.feedback.get(op.stationary.tensor.name)
    return homes.layer.get(op.layer)  # type: ignore[attr-defined]


@given(st.data())
@settings(max_examples=examples(300))
def test_tensors_live_in_the_buffer_while_there_is_room(data: st.DataObject) -> None:
    """Ops run one after another."""
    step = data.draw(steps())
    organization = data.draw(st.sampled_from(["near_memory", "near_memory", "von_neumann"]))
    architecture = data.draw(architectures(organization))
    near = organization == "near_memory"
    sizes = data.draw(encodings(step)) if data.draw(st.booleans()) else {}
    bits = {name: each.bits for name, each in sizes.items()}
    pads = pads_of(step, architecture, 1, bits)
    homes = Homes(step, pads) if near else None
    buffer = architecture.global_buffer
    expected = Buffer(
        step,
        homes,
        8 * (buffer.capacity_bytes - 2 * buffer.staging_bytes),
        {name: (each.bits, each.elements) for name, each in sizes.items()},
        pads.word_bits,
        policy=architecture.placement.stash or "buffer",
        pads=8 * pads.pes * pads.room,
    )
    residency = allocate(step, architecture, 1, bits)
    before = copy.deepcopy(residency.free_bytes)
    found = TensorMemory(architecture, residency, step, sizes)
    generated = near and architecture.near_memory.feedback == "prng"
    assert found.outlasting() == expected.standing(generated)
    mapper = Mapper(architecture, residency)
    for op in step.ops:
        found.start(0, op)
        expected.begin(op)
        for tensor in op.outputs:
            split = None
            if isinstance(op, Contraction):
                split = mapper.gradient_split(op, tensor)
                assert split == (homes.split(tensor, op.layer) if homes else None)
            found.produce(0, tensor, split, op.layer)
            expected.start(tensor, split, op.layer)
        same_places(found, expected, step)
        read = tuple(dict.fromkeys(each.tensor.name for each in op.operands))
        gone = found.consumed(0, read, op.layer)
        for tensor in op.outputs:
            gone += found.finished(0, tensor, op.layer)
        assert gone == expected.end(op)
        same_places(found, expected, step)
    assert residency.free_bytes == before


def same_places(found: TensorMemory, expected: Buffer, step: TrainingStep) -> None:
    homes = expected.homes
    if homes is not None:
        assert found.residency.free_bytes == homes.free
    assert found.peak_stash_bytes == expected.peak
    assert found.in_pads.peak_bytes == expected.most_stashed
    assert found._free_bits == expected.free
    for name, tensor in tensors(step).items():
        assert found.bits(tensor) == expected.size(tensor, tensor.elements)
        split = expected.splits.get(name)
        there = (split[1] if split else tensor.elements) if name in expected.there else 0
        assert found.in_buffer(0, tensor) == there
        assert found.pinned(tensor) == (name in expected.pinned)
        outside = name not in {*expected.there, *expected.pinned, *expected.stashed}
        assert (found.stash_pes(0, tensor) is not None) == (name in expected.stashed)
        assert found.in_dram(0, tensor) == outside
        home = homes.held.get(name) if homes else None
        assert found.local_split(0, tensor) == (split or home or (None,))[:2] or (
            found.local_split(0, tensor) is None and split is None and home is None
        )
        assert found.place(0, name) == ((0, name) if name in expected.alive else name)
