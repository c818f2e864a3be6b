"""Bytes over the DRAM bus of a step of the steady state, against those that no machine can avoid:
counted here from the ops of a step, the geometry of its layers and the sizes of memories.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from random import Random
from typing import Any

import pytest

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.machine.loading import load_machine
from accelsim.machine.words import word_bits
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction, Op, Pass, Role, Tensor, Use
from accelsim.workload.loading import load_network
from accelsim.workload.network import Network
from tests.examples import examples
from tests.oracle.cases import FUSING_RULES, network, of_any_kind, with_vector_work
from tests.oracle.fusion import Doer, Fusion, Read

PARTS = 10
FUSIONS = ("none", "epilogue", "full")
AMPLE = {
    "scratchpad__capacity": "8MiB",
    "scratchpad__working": "1MiB",
    "global_buffer__capacity": "64MiB",
    "global_buffer__staging": "16MiB",
}
"""Memories that hold all of a small network, and all that an op stages."""
TIGHT = {
    "pe_array__rows": 1,
    "pe_array__cols": 1,
    "scratchpad__capacity": "340B",
    "scratchpad__working": "300B",
    "global_buffer__capacity": "132B",
    "global_buffer__staging": "16B",
}
"""Memories that hold less than the parameters and the stash of most small networks."""
BUILT_IN = ("digits-fc", "fashion-fc", "mnist-fc", "mnist-conv")


@dataclass
class Compulsory:
    """Bits of a step on a machine."""

    network: Network
    fusion: Fusion
    machine: Machine

    def __post_init__(self) -> None:
        self.ops = self.fusion.remaining.ops
        self.turn = max(index for index, op in enumerate(self.ops) if op.pass_ is Pass.FF)
        self.tensors = {each.name: each for op in self.ops for each in op.tensors}
        self.made = {each.name for op in self.ops for each in op.outputs}

    def bits(self, tensor: Tensor) -> int:
        return tensor.elements * word_bits(tensor, self.machine)

    @property
    def near(self) -> bool:
        return self.machine.organization == "near_memory"

    @property
    def chip(self) -> int:
        """Bits of all memories on the chip."""
        array = self.machine.pe_array
        pads = array.rows * array.cols * self.machine.scratchpad.capacity_bytes
        return 8 * (pads + self.machine.global_buffer.capacity_bytes)

    def from_outside(self, tensor: Tensor) -> bool:
        """Whether a step finds the tensor, and the next one another: the input and the labels."""
        return tensor.name not in self.made and not tensor.persistent

    def lasting(self, tensor: Tensor) -> bool:
        """Whether a memory holds the tensor from step to step."""
        near = self.machine.near_memory
        generated = self.near and near.feedback == "prng" and tensor.role is Role.FEEDBACK
        return tensor.persistent and not generated

    def read_by(self, op: Op, tensor: Tensor) -> int:
        """Bits of a tensor that an op needs: of a moving map, the rows and columns that some window
        of its layer reads.
        """
        layer: Any = self.network.layer(op.layer) if op.pass_ in (Pass.FF, Pass.WG) else None
        moving = isinstance(op, Contraction) and tensor == op.moving.tensor
        if not moving or layer is None or layer.kind != "conv":
            return self.bits(tensor)
        used = 1
        for axis in (0, 1):
            size, before = layer.in_shape[axis], layer.padding[2 * axis]
            taps = {
                place * layer.stride[axis] - before + tap * layer.dilation[axis]
                for place in range(layer.out_shape[axis])
                for tap in range(layer.kernel[axis])
            }
            used *= len(taps & set(range(size)))
        return self.bits(tensor) * used // prod(layer.in_shape[:2])

    def needed(self, ops: tuple[Op, ...], chosen: Any) -> int:
        """Bits of the tensors that some ops read; of each, those that one of the ops needs."""
        most: dict[str, int] = {}
        for op in ops:
            for tensor in {each.tensor for each in op.operands if chosen(each.tensor)}:
                most[tensor.name] = max(most.get(tensor.name, 0), self.read_by(op, tensor))
        return sum(most.values())

    def least(self) -> int:
        """Bits that cross the bus at least.

        Input and labels come in. Of parameters and state, what the chip does not hold when the step
        begins is read, and when it ends has been written. Between FF and the rest, what the chip
        cannot hold of all that the rest needs is read again, and if FF made it, was written. A
        machine without near memory holds no parameters from step to step.
        """
        first, later = self.ops[: self.turn + 1], self.ops[self.turn + 1 :]
        before = {each.name for op in first for each in op.outputs}
        updated = {each.name for op in self.ops for each in op.outputs if each.persistent}
        outside = self.needed(self.ops, self.from_outside)
        stash = self.needed(later, lambda each: each.name in before)
        written = sum(self.bits(self.tensors[name]) for name in updated)
        if not self.near:
            used = self.needed(self.ops, self.lasting)
            return outside + used + written + 2 * max(0, stash - self.chip)
        at_first, at_last = (self.needed(ops, self.lasting) for ops in (first, later))
        beyond = (at_first, stash, stash + at_last, written)
        return outside + sum(max(0, each - self.chip) for each in beyond)

    def least_with_room(self) -> dict[str, int]:
        """Bytes by op if everything fits: each op takes the input and the labels from DRAM, where
        they stay, and so what lasts on a machine without near memory, which is written back.
        """
        found = {}
        for doer in self.fusion.doers:
            read = sum(self._taken(doer, each) for each in doer.reads)
            kept = [] if self.near else [each for each in doer.results if each.persistent]
            written = sum(self.bits(each) for each in kept)
            found[doer.op.name] = -(-read // 8) + -(-written // 8)
        return found

    def _taken(self, doer: Doer, read: Read) -> int:
        tensor = read.tensor
        if not self.from_outside(tensor) and (self.near or not self.lasting(tensor)):
            return 0
        dense = self.machine.pe_array.kind in ("systolic", "row_stationary")
        if read.use is Use.MOVING and not dense:
            # A concatenated map may hold a tensor at several addresses, each of which is read.
            return self.read_by(doer.op, tensor) * max(1, read.words // tensor.elements)
        return read.words * word_bits(tensor, self.machine)


def simulated(
    random: Random, machine: Machine, drawn: Network, rule: str
) -> tuple[Compulsory, dict[str, int]]:
    """What a step must move, and bytes over the DRAM bus by op. InputError if it cannot run."""
    batch, optimizer = random.randint(1, 3), random.choice(["sgd", "momentum", "adam"])
    step = lower(drawn, rule, batch, optimizer)
    result = simulate(
        drawn,
        machine,
        rule=rule,
        batch=batch,
        optimizer=optimizer,
        schedule="serial",
        trace="dense",
    )
    moved = {op.name: int(op.bytes.dram) for op in result.ops}
    return Compulsory(drawn, Fusion(drawn, step, machine), machine), moved


def drawn_case(number: int, **keys: Any) -> tuple[Compulsory, dict[str, int]] | None:
    """A random case; None if it cannot run."""
    random = Random(number)
    try:
        machine = of_any_kind(random, fusion=random.choice(FUSIONS), **keys)
        drawn = random.choice([network, with_vector_work])(random)
        return simulated(random, machine, drawn, random.choice(FUSING_RULES))
    except InputError:
        return None


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("keys", [{}, TIGHT], ids=["any", "tight"])
def test_a_step_moves_at_least_what_it_must(keys: dict[str, Any], part: int) -> None:
    compared = 0
    for number in range(part, examples(400, 4000), PARTS):
        case = drawn_case(number, **keys)
        if case is not None:
            compulsory, moved = case
            assert 8 * sum(moved.values()) >= compulsory.least(), f"number {number}"
            compared += 1
    assert compared


@pytest.mark.parametrize("part", range(PARTS))
def test_a_step_moves_no_more_if_everything_fits(part: int) -> None:
    compared = 0
    for number in range(part, examples(400, 4000), PARTS):
        case = drawn_case(number, **AMPLE)
        if case is not None:
            compulsory, moved = case
            expected = compulsory.least_with_room()
            assert {name: moved[name] for name in expected} == expected, f"number {number}"
            assert 8 * sum(moved.values()) >= compulsory.least(), f"number {number}"
            compared += 1
    assert compared


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("arch", ["near-memory", "von-neumann", "systolic-32x32"])
def test_built_in_networks_move_at_least_what_they_must(arch: str, name: str, fusion: str) -> None:
    for rule in ("bp", "dfa"):
        machine = load_machine(arch, {"fusion": fusion})
        compulsory, moved = simulated(Random(1), machine, load_network(name), rule)
        assert 8 * sum(moved.values()) >= compulsory.least() > 0
