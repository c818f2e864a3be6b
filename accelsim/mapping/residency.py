"""Placement of weights, feedback, gradients and optimizer state in the scratchpads of a near-memory
machine (docs/memories.md).

Each layer is assigned one partition of the array (`layer_partitions.py`). Feedback read by a single
op (e.g. one time step) may live in another. Room is given out kind by kind (`rooms.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from accelsim.machine.architecture import Machine
from accelsim.machine.words import home_bits, word_bits
from accelsim.mapping.layer_partitions import layer_partitions
from accelsim.mapping.placing import Placing
from accelsim.mapping.rooms import Homed, Rooms
from accelsim.mapping.stash_room import StashRoom
from accelsim.pe.placement import Home
from accelsim.step.ops import Contraction, Op, Role, Tensor, TrainingStep, Use, VectorWork
from accelsim.step.stash import stash_tensors


def updates_in_pe(op: Op, architecture: Machine) -> bool:
    """Whether the PEs, not the vector unit, execute this update of weights that they hold, or this
    sum of gradients of such weights.
    """
    return (
        architecture.organization == "near_memory"
        and architecture.vector_unit.update_in_pe
        and isinstance(op, VectorWork)
        and (op.updates_weights or op.adds_gradients)
    )


@dataclass
class Residency:
    """Homes of tensors, partitions of layers, and free space of the PEs.

    - ``partition_of``: partition by layer. Empty on a von Neumann machine.
    - ``partition_of_feedback``: partition by name of stored feedback. Regenerated feedback has
      none.
    - ``homes``: home by tensor name.
    - ``free_bytes``: bytes of every PE that gradients can still take, by partition.
    - ``stash_rooms``: room that homes leave free, by partition; one for the whole array without
      near memory.
    - ``fused``: WG op name to the WU op, or the sum of gradients, that follows it tile by tile. A
      fused gradient needs space for one tile only.
    - ``fused_gradients``: names of these gradients.
    - ``placing``: the decisions behind all this.
    """

    partition_of: dict[str, int] = field(default_factory=dict)
    partition_of_feedback: dict[str, int] = field(default_factory=dict)
    homes: dict[str, Home] = field(default_factory=dict)
    free_bytes: list[int] = field(default_factory=list)
    stash_rooms: list[StashRoom] = field(default_factory=list)
    pes_per_partition: int = 1
    fused: dict[str, Op] = field(default_factory=dict)
    fused_gradients: set[str] = field(default_factory=set)
    placing: Placing = field(default_factory=Placing)

    def home(self, tensor: Tensor) -> Home | None:
        """The tensor's home in the scratchpads, or None if it has none."""
        return self.homes.get(tensor.name)

    def partition(self, op: Op) -> int | None:
        """Partition whose PEs hold the op's stationary operand; None if any partition may execute
        the op.
        """
        feedback = next(
            (
                operand.tensor
                for operand in op.operands
                if operand.use is Use.STATIONARY and operand.tensor.role is Role.FEEDBACK
            ),
            None,
        )
        return (
            self.partition_of.get(op.layer)
            if feedback is None
            else self.partition_of_feedback.get(feedback.name)
        )

    def hold_gradient(self, part: int, nbytes: int) -> None:
        """Take bytes of every PE of a partition for a gradient, or give them back if negative."""
        self.stash_rooms[part].gradient_bytes += nbytes
        self.free_bytes[part] = self.stash_rooms[part].free_for_gradients()

    def hold_stash(self, part: int, bits: int) -> None:
        """Take bits of a room for the stash, or give them back if negative."""
        self.stash_rooms[part].stash_bits += bits
        if self.partition_of:
            self.free_bytes[part] = self.stash_rooms[part].free_for_gradients()

    def spilled_words(self) -> int:
        """Words of all homed tensors that live in DRAM."""
        return sum(home.spilled for home in self.homes.values())


def allocate(
    step: TrainingStep,
    architecture: Machine,
    partitions: int,
    encoded_bits: Mapping[str, int] | None = None,
    placing: Placing | None = None,
) -> Residency:
    """Allocate homes for the tensors of a step. A von Neumann machine has no homes.

    ``partitions``: number of partitions. ``placing``: by default that of the canonical mapping.
    ``encoded_bits``: bits, indices included, of tensors in
    compressed formats, by name. Each of their channels takes an equal share and needs no mask bits.
    """
    encoded = encoded_bits or {}
    placing = placing or Placing.canonical(architecture.placement)
    array = architecture.pe_array
    pes = array.rows * array.cols // partitions
    residency = Residency(pes_per_partition=pes, free_bytes=[0] * partitions, placing=placing)
    if architecture.organization != "near_memory":
        residency.stash_rooms = [_beside_working_space(architecture)]
        return residency
    homed = list(_homed_tensors(step))
    stored = [
        (layer, tensor)
        for layer, tensor in homed
        if tensor.role is Role.WEIGHT
        or (tensor.role is Role.FEEDBACK and not architecture.generates_feedback)
    ]
    residency.partition_of, residency.partition_of_feedback = layer_partitions(
        step, stored, architecture, partitions
    )
    _fuse_updates(residency, step, architecture)
    rows = _matrices(step) | _gathered(step)
    spread = [each for each in homed if each[1].role in {Role.GRADIENT, Role.OPTIMIZER_STATE}]
    tensors = [
        Homed(
            tensor,
            residency.partition_of_feedback.get(tensor.name, residency.partition_of[layer]),
            encoded.get(tensor.name, tensor.elements * home_bits(tensor, architecture)),
            tensor.name in rows,
            tensor.name in residency.fused_gradients,
        )
        for layer, tensor in stored + spread
    ]
    stash_bits = [0] * partitions
    for layer, tensor in stash_tensors(step):
        bits = encoded.get(tensor.name, tensor.elements * word_bits(tensor, architecture))
        stash_bits[residency.partition_of[layer]] += bits
    rooms = Rooms(architecture, placing, tensors, stash_bits, pes)
    rooms.give_out()
    residency.homes = rooms.homes
    residency.stash_rooms = rooms.stash_rooms()
    residency.free_bytes = [room.free_for_gradients() for room in residency.stash_rooms]
    return residency


def _beside_working_space(architecture: Machine) -> StashRoom:
    """Room of scratchpads without homes: all but working space and registers."""
    pad, array = architecture.scratchpad, architecture.pe_array
    registers = -(-array.register_bits(architecture.precision) // 8)
    each = pad.capacity_bytes - max(pad.working_bytes, registers)
    pes = range(array.rows * array.cols)
    return StashRoom(pes, each * len(pes), each)


def _matrices(step: TrainingStep) -> set[str]:
    """Names of feedback of which each row serves one neuron."""
    return {
        operand.tensor.name
        for op in step.ops
        if isinstance(op, Contraction) and op.nest.unshared
        for operand in op.operands_of(Use.STATIONARY)
    }


def _gathered(step: TrainingStep) -> set[str]:
    """Names of feedback that vector work reads. Copies in spare PEs would save it nothing."""
    return {
        operand.tensor.name
        for op in step.ops
        for operand in op.operands
        if operand.use is Use.READ and operand.tensor.role is Role.FEEDBACK
    }


def _fuse_updates(residency: Residency, step: TrainingStep, architecture: Machine) -> None:
    """Fuse WG and WU of each weight that the PEs update and whose gradient has no other reader. A
    sum with gradients of earlier microbatches is fused like WU if it follows WG.
    """
    if architecture.near_memory.update != "fused":
        return
    makers = {
        tensor.name: op
        for op in step.ops
        if isinstance(op, Contraction) and op.nest.sums_samples
        for tensor in op.outputs
        if tensor.home_channels
    }
    neighbours = {(first.name, second.name) for first, second in pairwise(step.ops)}
    readers: dict[str, list[Op]] = {}
    for op in step.ops:
        for operand in op.operands:
            if operand.tensor.name in makers:
                readers.setdefault(operand.tensor.name, []).append(op)
    for name, read_by in readers.items():
        reader, maker = read_by[0], makers[name]
        follows = (maker.name, reader.name) in neighbours or any(
            tensor.persistent for tensor in reader.outputs
        )
        if len(read_by) == 1 and follows and updates_in_pe(reader, architecture):
            residency.fused[maker.name] = reader
            residency.fused_gradients.add(name)


def _homed_tensors(step: TrainingStep) -> Iterable[tuple[str, Tensor]]:
    seen: set[str] = set()
    for op in step.ops:
        for tensor in (*(operand.tensor for operand in op.operands), *op.outputs):
            if tensor.home_channels and tensor.name not in seen:
                seen.add(tensor.name)
                yield op.layer, tensor
