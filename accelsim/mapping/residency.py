"""Placement of weights, feedback, gradients and optimizer state in the scratchpads of a near-memory
machine (docs/memories.md).

Output channel k of a layer has its home in PE (offset + k) mod PEs; the offset rotates from layer
to layer. Space is given out in this order:

- Weights, in home PEs. What does not fit spills to DRAM.
- Copies of weights, as many as fit, in the spare PEs of layers with fewer channels than PEs.
- Stored feedback; its channels are the outputs of EP. Convolutions get copies, too. Spare PEs share
  the rows of matrices.
- Gradients, while they live.
- Optimizer state, in the space beside the largest gradient.

Each layer is assigned one partition of the array. Feedback read by a single op (e.g. one time step)
may live in another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from accelsim.machine.architecture import Machine
from accelsim.machine.words import home_bits, word_bits
from accelsim.pe.placement import Home
from accelsim.step.ops import Contraction, Op, Role, Tensor, TrainingStep, Use, VectorWork


def updates_in_pe(op: Op, architecture: Machine) -> bool:
    """Whether the PEs, not the vector unit, execute this update of weights that they hold."""
    return (
        architecture.organization == "near_memory"
        and architecture.vector_unit.update_in_pe
        and isinstance(op, VectorWork)
        and op.updates_weights
    )


@dataclass
class Residency:
    """Homes of tensors, partitions of layers, and free space of the PEs.

    - ``partition_of``: partition by layer. Empty on a von Neumann machine.
    - ``partition_of_feedback``: partition by name of stored feedback. Regenerated feedback has
      none.
    - ``homes``: home by tensor name.
    - ``free_bytes``: bytes that are free in every PE, by partition.
    - ``fused``: WG op name to the WU op that follows it tile by tile. A fused gradient needs space
      for one tile only.
    - ``fused_gradients``: names of these gradients.
    """

    partition_of: dict[str, int] = field(default_factory=dict)
    partition_of_feedback: dict[str, int] = field(default_factory=dict)
    homes: dict[str, Home] = field(default_factory=dict)
    free_bytes: list[int] = field(default_factory=list)
    pes_per_partition: int = 1
    fused: dict[str, Op] = field(default_factory=dict)
    fused_gradients: set[str] = field(default_factory=set)

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

    def spilled_words(self) -> int:
        """Words of all homed tensors that live in DRAM."""
        return sum(home.spilled for home in self.homes.values())


def allocate(
    step: TrainingStep,
    architecture: Machine,
    partitions: int,
    encoded_bits: Mapping[str, int] | None = None,
) -> Residency:
    """Allocate homes for the tensors of a step. A von Neumann machine has no homes.

    ``partitions``: number of partitions. ``encoded_bits``: bits, indices included, of tensors in
    compressed formats, by name. Each of their channels takes an equal share and needs no mask bits.
    """
    encoded = encoded_bits or {}
    array = architecture.pe_array
    pes = array.rows * array.cols // partitions
    residency = Residency(pes_per_partition=pes, free_bytes=[0] * partitions)
    capacity = architecture.scratchpad.capacity_bytes - architecture.scratchpad.working_bytes
    if architecture.organization != "near_memory":
        return residency
    homed = list(_homed_tensors(step))
    roles = (
        (Role.WEIGHT, Role.FEEDBACK)
        if architecture.near_memory.feedback == "stored"
        else (Role.WEIGHT,)
    )
    _assign_partitions(
        residency,
        step,
        [(layer, tensor) for layer, tensor in homed if tensor.role in roles],
        architecture,
        partitions,
    )
    _fuse_updates(residency, step, architecture)
    load = np.zeros((partitions, pes), np.int64)
    offset = [0] * partitions
    matrices = {
        operand.tensor.name
        for op in step.ops
        if isinstance(op, Contraction) and op.nest.unshared
        for operand in op.operands_of(Use.STATIONARY)
    } | _gathered(step)
    for role in roles:
        copied: list[tuple[int, int, Tensor]] = []
        for layer, tensor in homed:
            if tensor.role is role:
                part = residency.partition_of_feedback.get(
                    tensor.name, residency.partition_of[layer]
                )
                bits = encoded.get(tensor.name, tensor.elements * home_bits(tensor, architecture))
                by_row = tensor.name in matrices
                residency.homes[tensor.name] = _place(
                    load[part], offset[part], tensor, by_row, bits, capacity
                )
                copied += [] if by_row else [(part, offset[part], tensor)]
                offset[part] = (offset[part] + tensor.home_channels) % pes
        for part, start, tensor in copied:
            bits = encoded.get(tensor.name, tensor.elements * home_bits(tensor, architecture))
            _copy(residency, load[part], start, tensor, bits, capacity)
    residency.free_bytes = [int(capacity - row.max()) for row in load]
    _place_optimizer_state(residency, homed, architecture)
    return residency


def _gathered(step: TrainingStep) -> set[str]:
    """Names of feedback that vector work reads. Copies in spare PEs would save it nothing."""
    return {
        operand.tensor.name
        for op in step.ops
        for operand in op.operands
        if operand.use is Use.READ and operand.tensor.role is Role.FEEDBACK
    }


def _fuse_updates(residency: Residency, step: TrainingStep, architecture: Machine) -> None:
    """Fuse WG and WU of each weight that the PEs update and whose gradient has no other reader."""
    if architecture.near_memory.update != "fused":
        return
    makers = {
        tensor.name: op
        for op in step.ops
        if isinstance(op, Contraction) and op.nest.sums_samples
        for tensor in op.outputs
        if tensor.home_channels
    }
    readers: dict[str, list[Op]] = {}
    for op in step.ops:
        for operand in op.operands:
            if operand.tensor.name in makers:
                readers.setdefault(operand.tensor.name, []).append(op)
    for name, read_by in readers.items():
        if len(read_by) == 1 and updates_in_pe(read_by[0], architecture):
            residency.fused[makers[name].name] = read_by[0]
            residency.fused_gradients.add(name)


def slice_bytes(tensor: Tensor, pes: int, bits: int) -> int:
    """Bytes of the largest slice of a tensor that is spread over the PEs by channel.

    Spare PEs share a channel's words. ``bits``: bits per word.
    """
    channels = tensor.home_channels
    words = -(-tensor.elements // channels)
    held = -(-channels // pes) * words if channels >= pes else -(-words // (pes // channels))
    return -(-held * bits // 8)


def _homed_tensors(step: TrainingStep) -> Iterable[tuple[str, Tensor]]:
    seen: set[str] = set()
    for op in step.ops:
        for tensor in (*(operand.tensor for operand in op.operands), *op.outputs):
            if tensor.home_channels and tensor.name not in seen:
                seen.add(tensor.name)
                yield op.layer, tensor


def _assign_partitions(
    residency: Residency,
    step: TrainingStep,
    stored: list[tuple[str, Tensor]],
    architecture: Machine,
    partitions: int,
) -> None:
    """Assign layers and stored feedback to partitions.

    - Layers, in order: to the partition with the fewest bytes so far.
    - Then feedback with a single reader, tensor by tensor: to the partition with the fewest bytes
      of such feedback, because its ops may run at once. Ties go to the partition with the fewest
      bytes.
    - Other feedback stays with its layer.
    """
    readers = Counter(
        name for op in step.ops for name in {operand.tensor.name for operand in op.operands}
    )
    single = [
        tensor for _, tensor in stored if tensor.role is Role.FEEDBACK and readers[tensor.name] == 1
    ]
    single_names = {tensor.name for tensor in single}
    size: dict[str, int] = {}
    for layer, tensor in stored:
        if tensor.name not in single_names:
            size[layer] = size.get(layer, 0) + tensor.elements * word_bits(tensor, architecture)
    held, single_bits = [0] * partitions, [0] * partitions
    for op in step.ops:
        if op.layer not in residency.partition_of:
            lightest = (
                min(range(partitions), key=lambda part: (held[part], part))
                if op.layer in size
                else 0
            )
            residency.partition_of[op.layer] = lightest
            held[lightest] += size.get(op.layer, 0)
    for layer, tensor in stored:
        if tensor.role is Role.FEEDBACK:
            residency.partition_of_feedback[tensor.name] = residency.partition_of[layer]
    for tensor in single:
        lightest = min(range(partitions), key=lambda part: (single_bits[part], held[part], part))
        residency.partition_of_feedback[tensor.name] = lightest
        for bits in (held, single_bits):
            bits[lightest] += tensor.elements * word_bits(tensor, architecture)


def _place(
    load: NDArray[np.int64], offset: int, tensor: Tensor, by_row: bool, bits: int, capacity: int
) -> Home:
    """Place every channel of a tensor in its home PE while that PE has space; other channels spill.

    ``load``: int64 (PEs), bytes used, updated in place. ``bits``: bits of the whole tensor.
    ``by_row``: a row of a feedback matrix belongs to one target neuron, so spare PEs share a
    channel's rows instead of copying them.
    """
    pes, channels = len(load), tensor.home_channels
    shares = max(1, pes // channels) if by_row else 1
    held = -(-_channel_words(tensor) // shares)
    each = -(-held * bits // (8 * tensor.elements))
    slots = channels * shares
    slots_per_pe = np.full(pes, slots // pes, np.int64)
    slots_per_pe[(offset + np.arange(slots % pes)) % pes] += 1
    # A compressed tensor that is all zeros takes no space.
    fitting = (
        np.minimum(slots_per_pe, np.maximum(0, (capacity - load) // each)) if each else slots_per_pe
    )
    load += fitting * each
    resident = tensor.elements * int(fitting.sum()) // slots
    return Home(resident, tensor.elements - resident)


def _channel_words(tensor: Tensor) -> int:
    return -(-tensor.elements // tensor.home_channels)


def _copy(
    residency: Residency,
    load: NDArray[np.int64],
    offset: int,
    tensor: Tensor,
    bits: int,
    capacity: int,
) -> None:
    home = residency.homes[tensor.name]
    channels, each = (
        tensor.home_channels,
        -(-_channel_words(tensor) * bits // (8 * tensor.elements)),
    )
    if home.spilled:
        return
    for copies in range(len(load) // channels, 1, -1):
        spare = (offset + np.arange(channels, channels * copies)) % len(load)
        if (load[spare] + each <= capacity).all():
            load[spare] += each
            residency.homes[tensor.name] = Home(home.resident, 0, copies)
            return


def _place_optimizer_state(
    residency: Residency, homed: list[tuple[str, Tensor]], architecture: Machine
) -> None:
    pes = residency.pes_per_partition
    free = list(residency.free_bytes)
    for part in range(len(free)):
        gradients = [
            slice_bytes(tensor, pes, word_bits(tensor, architecture))
            for layer, tensor in homed
            if tensor.role is Role.GRADIENT
            and tensor.name not in residency.fused_gradients
            and residency.partition_of[layer] == part
        ]
        free[part] = max(0, free[part] - max(gradients, default=0))
    for layer, tensor in homed:
        if tensor.role is not Role.OPTIMIZER_STATE:
            continue
        part = residency.partition_of[layer]
        need = slice_bytes(tensor, pes, word_bits(tensor, architecture))
        resident_bytes = min(need, free[part])
        resident = tensor.elements * resident_bytes // need
        free[part] -= resident_bytes
        residency.free_bytes[part] -= resident_bytes
        residency.homes[tensor.name] = Home(resident, tensor.elements - resident)
