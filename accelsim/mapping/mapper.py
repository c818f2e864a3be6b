"""Canonical mapping of an op on a machine, given the homes of tensors in scratchpads."""

from __future__ import annotations

from accelsim.machine.architecture import Machine
from accelsim.machine.words import word_bits
from accelsim.mapping.residency import Residency
from accelsim.mapping.rooms import slice_bytes
from accelsim.pe.mapping import Mapping
from accelsim.pe.placement import Home
from accelsim.pe.registry import pe_kind
from accelsim.step.ops import Contraction, Op, Tensor


class Mapper:
    """Maps the ops of one step onto one machine. It is the `Placement` that PE kinds query."""

    def __init__(self, architecture: Machine, residency: Residency) -> None:
        self.kind = pe_kind(architecture)
        self.residency = residency

    @property
    def pes(self) -> int:
        """Number of PEs per op: those of one partition."""
        return self.residency.pes_per_partition

    def map(self, op: Contraction) -> Mapping:
        """The op's canonical mapping.

        InputError if the operand tile of a PE's lanes does not fit its working space.
        """
        return self.kind.map(op, self)

    def home(self, tensor: Tensor) -> Home | None:
        """The tensor's home in the scratchpads, or None if it has none."""
        return self.residency.home(tensor)

    def gradient_split(self, op: Op, tensor: Tensor) -> tuple[int, int] | None:
        """(resident, spilled) words of a gradient that stays with its weights; None if the tensor
        has no home.
        """
        partitions = self.residency.partition_of
        near_memory = self.kind.near_memory
        if not (near_memory and tensor.home_channels and op.layer in partitions):
            return None
        if tensor.name in self.residency.fused_gradients:
            return tensor.elements, 0
        need = slice_bytes(tensor, self.pes, word_bits(tensor, self.kind.architecture))
        free = self.residency.free_bytes[partitions[op.layer]]
        resident = tensor.elements * min(need, free) // need
        return resident, tensor.elements - resident
