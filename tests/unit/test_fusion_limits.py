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


@pytest.mark.parametrize(
    "op",
    [
        work("second", (MADE, SOURCE), named("out"), form=Form.ADDRESSING),
        work("second", (MADE,), named("out"), named("more"), form=Form.ADDRESSING),
    ],
)
def test_addresses_are_those_of_one_map_in_another(op: VectorWork) -> None:
    assert remaining(FIRST, op) == ["first", "second"]
    one = replace(op, operands=op.operands[:1], outputs=op.outputs[:1])
    assert remaining(FIRST, one) == ["first"]


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
