"""What fusion leaves alone, on steps of made-up ops and on maps from outside the step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accelsim.mapping.fusion.rewriting import fuse
from accelsim.rules.registry import lower
from accelsim.step.forms import Form
from accelsim.step.ops import (
    Contraction,
    Op,
    Operand,
    Pass,
    Role,
    Tensor,
    TrainingStep,
    Use,
    VectorWork,
)
from accelsim.workload.network import INPUT
from tests.random_machines import machine
from tests.reference_networks import Builder

SOURCE, MADE = (Tensor(name, Role.ACTIVATION, (1, 2, 2, 3)) for name in ("source", "made"))


def named(name: str, role: Role = Role.ACTIVATION, **keys: object) -> Tensor:
    return replace(MADE, name=name, role=role, **keys)


def work(name: str, read: tuple[Tensor, ...], *made: Tensor, **keys: object) -> VectorWork:
    """Elementwise work of one operation, unless ``keys`` say otherwise."""
    operands = tuple(Operand(tensor, Use.READ) for tensor in read)
    given = {"function": "f", "elements": 12, "ops_per_element": 1, "form": Form.ELEMENTWISE}
    return VectorWork(name, name, Pass.FF, operands, made, (), **given | keys)


def remaining(*ops: Op, fusion: str = "full") -> list[str]:
    step = TrainingStep("made-up", "bp", 1, ops)
    return [op.name for op in fuse(step, machine(fusion=fusion)).step.ops]


FIRST = work("first", (SOURCE,), MADE, form=Form.OTHER)
NORM = work("norm", (MADE,), named("even"), form=Form.STATISTICS, ops_per_element=7, sums=3)


def test_elementwise_work_rides_on_any_op() -> None:
    assert remaining(FIRST, work("second", (MADE,), named("out"))) == ["first"]


@pytest.mark.parametrize(
    "beside", [named("beside", Role.MASK), named("beside", Role.INDEX), named("beside", shape=(3,))]
)
def test_work_rides_on_words_of_its_map_only(beside: Tensor) -> None:
    first = work("first", (SOURCE,), beside, form=Form.OTHER)
    second = work("second", (SOURCE, beside), named("out"))
    assert remaining(first, second) == ["first", "second"]


@pytest.mark.parametrize("keys", [{"persistent": True}, {"home_channels": 3}])
def test_values_of_weights_are_not_fused(keys: dict[str, object]) -> None:
    """Neither work that makes them, nor work on them."""
    kept = named("kept", **keys)
    assert remaining(FIRST, work("second", (MADE,), named("more"), kept)) == ["first", "second"]
    first = work("first", (SOURCE,), MADE, kept, form=Form.OTHER)
    assert remaining(first, work("second", (MADE,), named("out"))) == ["first", "second"]


def test_nothing_rides_on_a_gradient_of_weights() -> None:
    network = Builder("one", (1, 1, 3)).add("fc", 2).network()
    op = next(op for op in lower(network, "bp", 1).ops if op.pass_ is Pass.WG)
    assert isinstance(op, Contraction)
    first = replace(op, outputs=(MADE,), made=(), depends_on=())
    assert remaining(first, work("second", (MADE,), named("out"))) == [op.name, "second"]


def test_addresses_are_those_of_one_map() -> None:
    one = work("second", (MADE,), named("out"), form=Form.ADDRESSING)
    assert remaining(FIRST, one) == ["first"]
    two = replace(one, outputs=(named("out"), named("more")))
    assert remaining(FIRST, two) == ["first", "second"]


def read_words(*ops: Op) -> list[tuple[str, int]]:
    """(tensor, words) that the last op reads under full fusion."""
    step = TrainingStep("made-up", "bp", 1, ops)
    last = fuse(step, machine(fusion="full")).step.ops[-1]
    return [(each.tensor.name, each.words_read) for each in last.operands]


def part(tensor: Tensor, words: int) -> Operand:
    return Operand(tensor, Use.READ, words=words)


def test_readers_of_maps_side_by_side_read_each_where_it_is() -> None:
    """Twice, if they read the map twice; a map of a map is that of its sources."""
    both = named("both", shape=(1, 2, 2, 6))
    beside = work("beside", (SOURCE, MADE), both, form=Form.ADDRESSING)
    three = named("three", shape=(1, 2, 2, 9))
    again = work("again", (MADE, both), three, form=Form.ADDRESSING)
    read = work("read", (three, both, both), named("out"), form=Form.OTHER)
    pair = [("source", 12), ("made", 12)]
    assert read_words(FIRST, beside, again, read) == [("made", 24), ("source", 12), *pair, *pair]


def test_readers_of_parts_read_these_words() -> None:
    """Two parts of a map are two readings, in an epilogue too."""
    parts = [
        replace(
            work(name, (SOURCE,), named(name, shape=(1, 2, 2, channels)), form=Form.ADDRESSING),
            operands=(part(SOURCE, 4 * channels),),
        )
        for name, channels in (("one", 1), ("two", 1))
    ]
    one, two = (each.outputs[0] for each in parts)
    read = work("read", (one, two), named("out"), form=Form.OTHER)
    assert read_words(*parts, read) == [("source", 4), ("source", 4)]
    first = replace(FIRST, operands=(Operand(named("other"), Use.READ),))
    rides = work("rides", (MADE, one, two), named("out"))
    assert read_words(*parts, first, rides) == [("other", 12), ("source", 4), ("source", 4)]
    half = replace(read, operands=(part(named("both", shape=(1, 2, 2, 6)), 12),))
    both = work("both", (SOURCE, MADE), half.operands[0].tensor, form=Form.ADDRESSING)
    assert read_words(FIRST, both, half) == [("source", 6), ("made", 6)]


def test_addresses_stay_if_one_source_is_made_by_readers() -> None:
    beside = work("beside", (MADE, named("even")), named("out"), form=Form.ADDRESSING)
    assert remaining(FIRST, NORM, beside) == ["first", "beside"]


def test_statistics_of_words_beside_maps_that_are_apart_stay() -> None:
    beside = work("beside", (named("x"), named("y")), named("both"), form=Form.ADDRESSING)
    norm = replace(NORM, operands=tuple(Operand(t, Use.READ) for t in (MADE, named("both"))))
    assert remaining(beside, FIRST, norm) == ["first", "norm"]


def test_addresses_of_a_map_that_readers_make_stay() -> None:
    moved = work("moved", (named("even"),), named("out"), form=Form.ADDRESSING)
    assert remaining(FIRST, NORM, moved) == ["first", "moved"]


def test_a_map_at_other_addresses_is_there_with_its_source() -> None:
    """The op that makes the source cannot read it at other addresses while it makes it."""
    moved = work("moved", (MADE,), named("moved"), form=Form.ADDRESSING)
    both = work("both", (MADE, named("moved")), named("out"))
    assert remaining(FIRST, moved, both) == ["first", "both"]


def test_a_stash_that_cannot_be_made_again_is_written() -> None:
    read = work("read", (named("even"),), named("out"), form=Form.OTHER)
    assert remaining(FIRST, NORM, read) == ["first", "read"]
    two = replace(NORM, outputs=(*NORM.outputs, named("stash")))
    assert remaining(FIRST, two, read) == ["first", "norm", "read"]
    assert remaining(FIRST, replace(two, remake=2), read) == ["first", "read"]
    three = replace(two, outputs=(*two.outputs, named("another")), remake=2)
    assert remaining(FIRST, three, read) == ["first", "norm", "read"]


def test_only_masks_are_written_by_readers() -> None:
    read = work("read", (named("out"),), named("end"), form=Form.OTHER)
    for role, names in ((Role.MASK, ["first", "read"]), (Role.INDEX, ["first", "second", "read"])):
        second = work("second", (named("even"),), named("out"), named("beside", role))
        assert remaining(FIRST, NORM, second, read) == names


def test_work_on_two_maps_stays_if_readers_make_one() -> None:
    second = work("second", (named("even"), SOURCE), named("out"))
    assert remaining(FIRST, NORM, second) == ["first", "second"]


def test_the_input_is_there_before_the_first_op() -> None:
    builder = Builder("input", (4, 4, 3)).add("conv", 3, kernel=(1, 1))
    network = builder.add("add", inputs=("conv0", INPUT)).add("fc", 2).network()
    step = fuse(lower(network, "bp", 1), machine(fusion="epilogue")).step
    assert "add1.FF" not in {op.name for op in step.ops}


def test_parameters_are_there_before_the_first_op() -> None:
    """The second op works on its map, and on one that it makes of the first one's."""
    builder = Builder("early", (4, 4, 3)).add("conv", 3, kernel=(1, 1)).add("batch_norm")
    builder.add("conv", 3, inputs=(INPUT,), kernel=(1, 1))
    network = builder.add("add", inputs=("conv2", "batch_norm1")).add("fc", 2).network()
    step = fuse(lower(network, "bp", 1), machine(fusion="full")).step
    assert [op.name for op in step.ops][:3] == ["conv0.FF", "conv2.FF", "fc4.FF"]
