"""Locations of tensors while the whole-machine twin runs: space in the global buffer, free bytes of
the scratchpads, and rows of DRAM.

Homes of weights, copies and optimizer state, and the room beside them, are decided before a run
(`accelsim.mapping.residency`, given to the twin). Everything that changes during the run is kept
here.
"""

from __future__ import annotations

from collections.abc import Hashable

from accelsim.machine.architecture import Machine
from accelsim.machine.words import word_bits
from accelsim.mapping.residency import Residency
from accelsim.mapping.rooms import slice_bytes
from accelsim.step.ops import Pass, Role, Tensor, TrainingStep

Key = tuple[int, str]


class Places:
    """Tensors of a run of one or more steps. A (step, name) is in the buffer, split between PEs and
    another memory, stashed in scratchpads, or in DRAM.

    ``stashed``: partition and bits of tensors that FF made, a later pass reads, and the scratchpads
    hold. ``gradients``: bytes of every PE that gradients take, by partition.
    """

    def __init__(self, architecture: Machine, residency: Residency, step: TrainingStep) -> None:
        self.architecture, self.residency = architecture, residency
        buffer = architecture.global_buffer
        self.room = 8 * (buffer.capacity_bytes - 2 * buffer.staging_bytes)
        self.buffered: dict[Key, int] = {}
        self.local: dict[Key, tuple[int, int, int]] = {}
        self.stashed: dict[Key, tuple[int, int]] = {}
        self.gradients = [0 for _ in residency.stash_rooms]
        self.readers_left: dict[Key, int] = {}
        self.readers: dict[str, int] = {}
        self.tensors: dict[str, Tensor] = {}
        for op in step.ops:
            for name in {operand.tensor.name for operand in op.operands}:
                self.readers[name] = self.readers.get(name, 0) + 1
            for tensor in (*(operand.tensor for operand in op.operands), *op.outputs):
                self.tensors.setdefault(tensor.name, tensor)
        made = {t.name for op in step.ops if op.pass_ is Pass.FF for t in op.outputs}
        self.kept_for_later = {
            operand.tensor.name
            for op in step.ops
            for operand in op.operands
            if op.pass_ is not Pass.FF and operand.tensor.name in made
        }
        self.pinned: set[str] = set()
        if architecture.organization == "near_memory":
            half = self.room // 2
            for tensor in self.tensors.values():
                if (
                    tensor.persistent
                    and not tensor.home_channels
                    and self.room - self.bits(tensor) >= half
                ):
                    self.pinned.add(tensor.name)
                    self.room -= self.bits(tensor)

    def bits(self, tensor: Tensor) -> int:
        return tensor.elements * word_bits(tensor, self.architecture)

    def standing(self) -> dict[str, int]:
        """Bytes of tensors that stay in DRAM for the whole run."""
        generated = (
            self.architecture.organization == "near_memory"
            and self.architecture.near_memory.feedback == "prng"
        )
        found = {}
        for tensor in self.tensors.values():
            home = self.residency.home(tensor)
            if not tensor.persistent or (generated and tensor.role is Role.FEEDBACK):
                continue
            if home.spilled if home else tensor.name not in self.pinned:
                found[tensor.name] = -(-self.bits(tensor) // 8)
        return found

    def key(self, step: int, name: str) -> Key | str:
        """Key of a tensor: (step, name) if a step produces it; otherwise the name, shared by all
        steps.
        """
        return (step, name) if (step, name) in self.readers_left else name

    def from_dram(self, step: int, tensor: Tensor) -> bool:
        key = (step, tensor.name)
        on_chip = key in self.buffered or key in self.stashed or tensor.name in self.pinned
        return not on_chip

    def stash_pes(self, step: int, tensor: Tensor) -> range | None:
        """PEs that share the words of a tensor stashed in scratchpads."""
        held = self.stashed.get((step, tensor.name))
        return self.residency.stash_rooms[held[0]].pes if held else None

    def split(self, step: int, tensor: Tensor) -> tuple[int, int] | None:
        """(words with a home in the PEs, other words), or None if the tensor has no home."""
        if (step, tensor.name) in self.local:
            return self.local[step, tensor.name][:2]
        home = self.residency.home(tensor)
        return (home.resident, home.spilled) if home else None

    def make(self, step: int, tensor: Tensor, split: tuple[int, int] | None, layer: str) -> None:
        """Allocate space for a tensor that an op is about to write: in the PEs, then in the buffer
        if the rest fits there completely.
        """
        if tensor.persistent:
            return
        key, words = (step, tensor.name), tensor.elements
        self.readers_left[key] = self.readers.get(tensor.name, 0)
        if split is not None:
            part, words = self.residency.partition_of[layer], split[1]
            wanted = slice_bytes(
                tensor, self.residency.pes_per_partition, word_bits(tensor, self.architecture)
            )
            taken = (
                0
                if tensor.name in self.residency.fused_gradients
                else min(wanted, self.residency.free_bytes[part])
            )
            self.gradients[part] += taken
            self._recount(part)
            self.local[key] = (*split, taken)
        need = words * word_bits(tensor, self.architecture)
        if tensor.role is Role.OPTIMIZER_STATE or key in self.buffered or key in self.stashed:
            return
        policy = self.architecture.placement.stash
        if tensor.name not in self.kept_for_later:
            policy = "buffer"
        if policy == "scratchpad" and self._stash(key, need, layer):
            return
        if need <= self.room:
            self.buffered[key] = need
            self.room -= need
        elif policy == "auto":
            self._stash(key, need, layer)

    def _stash(self, key: Key, need: int, layer: str) -> bool:
        """Put a tensor into the scratchpads if all of it fits beside homes, earlier stash, and what
        gradients have or are sure to get.
        """
        part = self.residency.partition_of.get(layer, 0)
        room = self.residency.stash_rooms[part]
        beside = max(self.gradients[part], room.for_gradients) * len(room.pes)
        stashed = sum(bits for where, bits in self.stashed.values() if where == part)
        if stashed + need > 8 * (room.total_bytes - beside):
            return False
        self.stashed[key] = (part, need)
        self._recount(part)
        return True

    def _recount(self, part: int) -> None:
        """Bytes of every PE that are left for gradients."""
        if not self.residency.partition_of:
            return
        room = self.residency.stash_rooms[part]
        stashed = sum(bits for where, bits in self.stashed.values() if where == part)
        stashed = max(stashed, 8 * room.for_stash * len(room.pes))
        shared = (8 * room.total_bytes - stashed) // (8 * len(room.pes))
        left = min(room.every_bytes, shared) - self.gradients[part]
        self.residency.free_bytes[part] = max(0, left)

    def ended(self, step: int, read: list[str], made: list[str], layer: str) -> list[str]:
        """Release the tensors that no later op reads, when an op has ended. Returns their names."""
        gone = []
        for name in read:
            if (step, name) in self.readers_left:
                self.readers_left[step, name] -= 1
                gone += self._drop(step, name, layer)
        for name in made:
            gone += self._drop(step, name, layer)
        return gone

    def _drop(self, step: int, name: str, layer: str) -> list[str]:
        if self.readers_left.get((step, name), 1) > 0:
            return []
        self.room += self.buffered.pop((step, name), 0)
        if (step, name) in self.stashed:
            self._recount(self.stashed.pop((step, name))[0])
        taken = self.local.pop((step, name), None)
        if taken is not None:
            part = self.residency.partition_of[layer]
            self.gradients[part] -= taken[2]
            self._recount(part)
        return [name]


class Rows:
    """Rows of DRAM. A tensor is placed in the first run of free rows that holds it."""

    def __init__(self, row_bytes: int) -> None:
        self.row_bytes = row_bytes
        self.owner: list[Hashable] = []
        self.first: dict[Hashable, int] = {}

    def place(self, tensor: Hashable, nbytes: int) -> int:
        """First byte of the tensor's location, which is allocated if needed."""
        if tensor not in self.first:
            rows, start = -(-nbytes // self.row_bytes), 0
            while any(owner is not None for owner in self.owner[start : start + rows]):
                start += 1
            self.owner += [None] * (start + rows - len(self.owner))
            self.owner[start : start + rows] = [tensor] * rows
            self.first[tensor] = start * self.row_bytes
        return self.first[tensor]

    def release(self, tensor: Hashable) -> None:
        self.first.pop(tensor, None)
        self.owner = [None if owner == tensor else owner for owner in self.owner]

    @property
    def peak_bytes(self) -> int:
        """Bytes up to the highest row ever used."""
        return len(self.owner) * self.row_bytes


def updates_in_pe(op_pass: Pass, outputs: tuple[Tensor, ...], architecture: Machine) -> bool:
    """True if an op without MACs runs on the array because PEs update the weights they hold."""
    near = architecture.organization == "near_memory" and architecture.vector_unit.update_in_pe
    return near and op_pass is Pass.WU and any(tensor.home_channels for tensor in outputs)
