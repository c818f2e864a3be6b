"""Books of scratchpads and global buffer on random programs, and on programs with an injected
error.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from accelsim.errors import LawViolation
from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.machine.formats import Formats
from accelsim.sim.ledger import VARIABLE
from accelsim.sim.memory.tensors import TensorMemory
from accelsim.sim.planning.op_plan import OpPlan
from accelsim.sim.planning.traffic import Traffic
from accelsim.step.ops import Tensor
from accelsim.workload.network import Network
from tests.examples import examples
from tests.property.test_simulator import MODULAR, lowers, tight_machines
from tests.random_machines import convolutions, machine
from tests.random_networks import networks
from tests.reference_networks import Builder


@pytest.fixture(autouse=True)
def books() -> Iterator[None]:
    with patch.dict(os.environ, {VARIABLE: "1"}):
        yield


@settings(max_examples=examples(60))
@given(st.data())
def test_the_books_balance(data: st.DataObject) -> None:
    network = data.draw(st.one_of(convolutions(2), networks()))
    rule = data.draw(
        st.sampled_from(["bp", "fa", "dfa", "dfa:per_step=true", "ssdfa", "frozen", *MODULAR])
    )
    assume(lowers(network, rule))
    schedule, optimizer = (
        data.draw(st.sampled_from(["serial", "unlocked"])),
        data.draw(st.sampled_from(["sgd", "momentum", "adam"])),
    )
    trace = data.draw(st.sampled_from(["dense", "random:0.4", "random:0.01"]))
    roles = ("weight", "activation", "error", "feedback", "gradient")
    formats = Formats(
        **{role: data.draw(st.sampled_from(["dense", "bitmap", "rle", "csc"])) for role in roles},
        run_bits=2,
    )  # type: ignore[arg-type]
    architecture = data.draw(tight_machines()).model_copy(update={"format": formats})
    simulate(
        network,
        architecture,
        rule=rule,
        batch=data.draw(st.integers(1, 3)),
        trace=trace,
        schedule=schedule,
        optimizer=optimizer,
    )


def network() -> Network:
    return (
        Builder("plain", (4, 4, 4)).conv(6).add("relu").conv(4).add("relu").add("fc", 3).network()
    )


def run(architecture: Machine, rule: str = "bp") -> None:
    simulate(network(), architecture, rule=rule, trace="dense", optimizer="momentum")


def small_buffer() -> Machine:
    """A machine whose global buffer holds only a few tensors, so that others go to DRAM."""
    return machine(global_buffer__capacity="2200B", global_buffer__staging="1024B")


def test_a_tensor_that_is_dropped_too_early_is_missed() -> None:
    consumed = TensorMemory.consumed

    def forgetful(self: TensorMemory, step: int, names: tuple[str, ...], layer: str) -> list[str]:
        gone = consumed(self, step, names, layer)
        return gone + [name for name in names if name == "relu1.out" and name not in gone]

    with (
        patch.object(TensorMemory, "consumed", forgetful),
        pytest.raises(LawViolation, match=r"reads \d+ words of relu1.out from global buffer, but"),
    ):
        run(machine())


def test_a_tensor_that_was_never_written_is_missed() -> None:
    add = Traffic.add

    def lossy(self: Traffic, plan: OpPlan, step: int, t: object) -> None:
        if not (plan.op.name == "conv0.FF" and not t.inbound):  # type: ignore[attr-defined]
            add(self, plan, step, t)  # type: ignore[arg-type]

    with (
        patch.object(Traffic, "add", lossy),
        pytest.raises(
            LawViolation, match=r"after conv0.FF, global buffer must hold 96 words of conv0\.out"
        ),
    ):
        run(machine())


def test_an_operand_that_nobody_brings_is_missed() -> None:
    add = Traffic.add

    def lossy(self: Traffic, plan: OpPlan, step: int, t: object) -> None:
        if not (plan.op.name == "conv2.FF" and t.inbound):  # type: ignore[attr-defined]
            add(self, plan, step, t)  # type: ignore[arg-type]

    with (
        patch.object(Traffic, "add", lossy),
        pytest.raises(
            LawViolation,
            match=r"conv2\.FF multiplies with 1 words of relu1\.out that nothing brought",
        ),
    ):
        run(machine())


def test_a_tensor_read_from_dram_must_have_been_written_there() -> None:
    in_dram = TensorMemory.in_dram

    def elsewhere(self: TensorMemory, step: int, tensor: Tensor) -> bool:
        return in_dram(self, step, tensor) or (
            tensor.name == "relu1.out"
            and (step, tensor.name) in self._left
            and self._left[step, tensor.name] < 2
        )

    with (
        patch.object(TensorMemory, "in_dram", elsewhere),
        pytest.raises(LawViolation, match=r"words of relu1\.out from DRAM, but only 0"),
    ):
        run(machine())


def test_books_balance_where_tensors_go_to_dram() -> None:
    run(small_buffer())
    run(small_buffer(), "dfa")


def test_partial_sums_are_not_the_tensor() -> None:
    """If all transfers of an op's output are marked as partial sums, the tensor is
    never complete.
    """
    moved = Traffic.add

    def confused(self: Traffic, plan: OpPlan, step: int, t: object) -> None:
        moved(
            self,
            plan,
            step,
            replace(t, partial=True) if not t.inbound and plan.op.name == "conv0.FF" else t,
        )  # type: ignore[attr-defined,type-var,arg-type]

    with (
        patch.object(Traffic, "add", confused),
        pytest.raises(LawViolation, match=r"after conv0\.FF"),
    ):
        run(machine())
