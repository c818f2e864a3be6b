"""Placement of tensors during a step: home scratchpads, else global buffer while there is room,
else DRAM. Tensors of the stash may be in scratchpads, too (`scratch_stash.py`).

A tensor keeps its place from the start of its producer to the end of its last reader. Tensors of
one step that FF produces or reads, and that a later pass reads, are the stash; the peak of their
total bytes is recorded. The network's input is one of them. It stays in DRAM, where the step finds
it, and counts from the start of the first op that reads it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from accelsim.machine.architecture import Machine
from accelsim.machine.words import word_bits
from accelsim.mapping.residency import Residency
from accelsim.mapping.rooms import slice_bytes
from accelsim.sim.encodings import Encoding
from accelsim.sim.memory.held import Held, Place
from accelsim.sim.memory.scratch_stash import ScratchStash
from accelsim.sim.memory.stash import Key, Stash
from accelsim.step.ops import Op, Role, Tensor, TrainingStep


@dataclass
class TensorMemory:
    """Placement and lifetimes of all tensors in a run of one or more steps.

    ``encodings``: sizes, by name, of tensors in compressed formats; all others are dense.
    ``warm``: tensors that stay on the chip from step to step are there when the run begins; else
    they come from DRAM in its first step. ``in_pads``: the stash in scratchpads.
    """

    architecture: Machine
    residency: Residency
    step: TrainingStep
    encodings: Mapping[str, Encoding] = field(default_factory=dict)
    warm: bool = True
    _readers: Counter[str] = field(default_factory=Counter)
    _left: dict[Key, int] = field(default_factory=dict)
    _in_buffer: dict[Key, int] = field(default_factory=dict)
    _local: dict[Key, tuple[int, int, int]] = field(default_factory=dict)
    _pinned: set[str] = field(default_factory=set)
    _produced: dict[str, Held] = field(default_factory=dict)
    _free_bits: int = 0

    def __post_init__(self) -> None:
        buffer = self.architecture.global_buffer
        self._free_bits = 8 * (buffer.capacity_bytes - 2 * buffer.staging_bytes)
        self._stash = Stash(self.step)
        self.in_pads = ScratchStash(self.residency)
        for op in self.step.ops:
            self._readers.update({operand.tensor.name for operand in op.operands})
        if self.architecture.organization == "near_memory":
            self._pin_parameters()

    def _pin_parameters(self) -> None:
        """Pin persistent tensors without a home (batch-norm parameters, embeddings) in the global
        buffer.

        First come, first served, as long as half of the buffer stays free.
        """
        limit = self._free_bits // 2
        for op in self.step.ops:
            for tensor in op.tensors:
                bits = self.bits(tensor)
                if (
                    tensor.persistent
                    and not tensor.home_channels
                    and tensor.name not in self._pinned
                    and self._free_bits - bits >= limit
                ):
                    self._pinned.add(tensor.name)
                    self._free_bits -= bits

    def bits(self, tensor: Tensor) -> int:
        """Bits of the whole tensor as stored."""
        return self._bits_of(tensor, tensor.elements)

    def _bits_of(self, tensor: Tensor, elements: int) -> int:
        encoding = self.encodings.get(tensor.name)
        return (
            encoding.bits_of(elements)
            if encoding
            else elements * word_bits(tensor, self.architecture)
        )

    def place(self, step: int, name: str) -> Key | str:
        """Key of the tensor's DRAM allocation: (step, name) for tensors a step produces, the bare
        name for inputs and persistent tensors.
        """
        return (step, name) if (step, name) in self._left else name

    def outlasting(self) -> dict[str, int]:
        """DRAM bytes of persistent tensors, by name, held from the start to the end of a run.

        A tensor that is only partly in DRAM counts in full, and so does one that comes from DRAM in
        a run that is not `warm`. Regenerated feedback has no allocation.
        """
        nbytes: dict[str, int] = {}
        for op in self.step.ops:
            for tensor in op.tensors:
                home = self.residency.home(tensor)
                outside = home.spilled > 0 if home else tensor.name not in self._pinned
                outside = outside or not self.warm
                if tensor.persistent and outside and not self._generated(tensor):
                    nbytes[tensor.name] = -(-self.bits(tensor) // 8)
        return nbytes

    def _generated(self, tensor: Tensor) -> bool:
        return tensor.role is Role.FEEDBACK and self.architecture.generates_feedback

    def held(self) -> tuple[Held, ...]:
        """Every tensor of the step and its place, in the order of the ops; for what a step
        produces, the place that it got last.
        """
        tensors = {tensor.name: tensor for op in self.step.ops for tensor in op.tensors}
        return tuple(
            self._produced.get(name) or self._held_throughout(tensor)
            for name, tensor in tensors.items()
        )

    def _held_throughout(self, tensor: Tensor) -> Held:
        """Place of a tensor that no op of the step produces, or that outlives the step."""
        bits, home = self.bits(tensor), self.residency.home(tensor)
        if self._generated(tensor):
            return Held(tensor, bits, Place.GENERATED)
        if home is not None:
            place = Place.SCRATCHPADS if home.resident else Place.DRAM
            return Held(tensor, bits, place, home.copies, home.spilled)
        return Held(tensor, bits, Place.GLOBAL_BUFFER if self.pinned(tensor) else Place.DRAM)

    def pinned(self, tensor: Tensor) -> bool:
        """Whether the tensor stays in the global buffer for the whole run."""
        return tensor.name in self._pinned

    def stays(self, tensor: Tensor) -> bool:
        """Whether words of the tensor stay on the chip from step to step, in home scratchpads or
        pinned in the global buffer.
        """
        home = self.residency.home(tensor)
        return home.resident > 0 if home else self.pinned(tensor)

    def resident_words(self) -> dict[str, int]:
        """Words of tensors that stay on the chip from step to step, by memory; copies not
        counted.
        """
        tensors = {tensor.name: tensor for op in self.step.ops for tensor in op.tensors}
        return {
            "scratchpads": sum(home.resident for home in self.residency.homes.values()),
            "global_buffer": sum(tensors[name].elements for name in self._pinned),
        }

    def in_buffer(self, step: int, tensor: Tensor) -> int:
        """Words of a tensor produced in this step that the global buffer holds."""
        if (step, tensor.name) not in self._in_buffer:
            return 0
        split = self._local.get((step, tensor.name))
        return split[1] if split else tensor.elements

    def in_dram(self, step: int, tensor: Tensor) -> bool:
        """Whether a read of the tensor goes to DRAM: it is neither in the global buffer, nor pinned
        there, nor stashed in scratchpads.
        """
        key = (step, tensor.name)
        return not (key in self._in_buffer or key in self.in_pads or tensor.name in self._pinned)

    def stash_pes(self, step: int, tensor: Tensor) -> range | None:
        """The PEs whose scratchpads hold the tensor as stash; None if it is elsewhere."""
        return self.in_pads.pes((step, tensor.name))

    def stashes(self, op: Op, tensor: Tensor) -> bool:
        """Whether an op writes a tensor of the stash, or reads it back in a later pass than FF."""
        return self._stash.crosses(op, tensor)

    @property
    def peak_stash_bytes(self) -> int:
        """Largest total of the stash so far."""
        return self._stash.peak_bytes

    def local_split(self, step: int, tensor: Tensor) -> tuple[int, int] | None:
        """(resident, spilled) words of a tensor with a home in scratchpads; None for other
        tensors.
        """
        if (step, tensor.name) in self._local:
            return self._local[step, tensor.name][:2]
        home = self.residency.home(tensor)
        return (home.resident, home.spilled) if home else None

    def start(self, step: int, op: Op) -> None:
        """Record that an op starts to read its operands."""
        for tensor in self._stash.arriving(step, op):
            self._stash.add((step, tensor.name), self.bits(tensor))

    def produce(self, step: int, tensor: Tensor, split: tuple[int, int] | None, layer: str) -> None:
        """Allocate space for a tensor that an op starts to write.

        ``split``: (resident, spilled) words of a gradient that stays in the PEs, else None.
        Persistent tensors already have their place and are skipped.
        """
        if tensor.persistent:
            return
        key = (step, tensor.name)
        self._left[key] = self._readers[tensor.name]
        words = tensor.elements
        if split is not None:
            part = self.residency.partition_of[layer]
            reserved = (
                0
                if tensor.name in self.residency.fused_gradients
                else min(self.residency.free_bytes[part], self._slice(tensor))
            )
            self.residency.hold_gradient(part, reserved)
            self._local[key] = (*split, reserved)
            words = split[1]
        placed = key in self._in_buffer or key in self.in_pads
        if tensor.role is not Role.OPTIMIZER_STATE and not placed:
            self._give_place(key, self._bits_of(tensor, words), layer)
        if tensor.name in self._stash.produced:
            self._stash.add(key, self.bits(tensor))
        at_home = words < tensor.elements
        place = Place.GLOBAL_BUFFER if key in self._in_buffer else Place.DRAM
        place = Place.SCRATCHPADS if at_home or key in self.in_pads else place
        spilled = words if at_home else 0
        self._produced[tensor.name] = Held(tensor, self.bits(tensor), place, spilled=spilled)

    def _give_place(self, key: Key, bits: int, layer: str) -> None:
        """Take room for a tensor in the first memory that has it; without any, it is in DRAM."""
        stashed = key[1] in self._stash.produced
        for place in self.in_pads.tried if stashed else (Place.GLOBAL_BUFFER,):
            if place is Place.SCRATCHPADS and self.in_pads.hold(key, bits, layer):
                return
            if place is Place.GLOBAL_BUFFER and bits <= self._free_bits:
                self._in_buffer[key] = bits
                self._free_bits -= bits
                return

    def _slice(self, tensor: Tensor) -> int:
        return slice_bytes(
            tensor, self.residency.pes_per_partition, word_bits(tensor, self.architecture)
        )

    def consumed(self, step: int, names: tuple[str, ...], layer: str) -> list[str]:
        """Record that an op of ``layer`` that read the tensors ``names`` has ended.

        Tensors without further readers lose their places. Returns their names.
        """
        freed = []
        for name in names:
            key = (step, name)
            self._stash.read(key)
            if key in self._left:
                self._left[key] -= 1
                freed += self._release(key, layer)
        return freed

    def finished(self, step: int, tensor: Tensor, layer: str) -> list[str]:
        """Record that an op that wrote the tensor has ended.

        A tensor without readers loses its place at once. Returns its name in a list, else [].
        """
        return self._release((step, tensor.name), layer)

    def _release(self, key: Key, layer: str) -> list[str]:
        if self._left.get(key, 1) > 0:
            return []
        self._free_bits += self._in_buffer.pop(key, 0)
        self.in_pads.release(key)
        self._stash.remove(key)
        if key in self._local:
            part = self.residency.partition_of[layer]
            self.residency.hold_gradient(part, -self._local.pop(key)[2])
        return [key[1]]
