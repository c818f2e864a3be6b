"""The global buffer, and the stash in scratchpads, while a step runs: lists of tensors, each from
the start of its producer to the end of its last reader (docs/memories.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from accelsim.step.ops import Op, Pass, Role, Tensor, TrainingStep
from tests.oracle.places import Homes


@dataclass
class Buffer:
    """Tensors in the global buffer. ``room``: bits beside the double buffer for DRAM transfers.

    ``policy``: `placement.stash`. ``pads``: bits of scratchpads beside their working space, on a
    machine without homes. ``stashed``: (partition, bits) of tensors that scratchpads hold.

    ``sizes``: bits of whole tensors as stored, by name. ``part_bits``: bits of some of a tensor's
    elements.
    """

    step: TrainingStep
    homes: Homes | None
    room: int
    encoded: dict[str, tuple[int, int]]
    word_bits: dict[str, int]
    there: dict[str, int] = field(default_factory=dict)
    pinned: dict[str, int] = field(default_factory=dict)
    splits: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    alive: dict[str, int] = field(default_factory=dict)
    stash: dict[str, int] = field(default_factory=dict)
    peak: int = 0
    policy: str = "buffer"
    pads: int = 0
    stashed: dict[str, tuple[int, int]] = field(default_factory=dict)
    most_stashed: int = 0

    def __post_init__(self) -> None:
        if self.homes is None:
            return
        for op in self.step.ops:
            for tensor in op.tensors:
                size = self.size(tensor, tensor.elements)
                if (
                    tensor.persistent
                    and not tensor.home_channels
                    and tensor.name not in self.pinned
                    and sum(self.pinned.values()) + size <= self.room - self.room // 2
                ):
                    self.pinned[tensor.name] = size

    def size(self, tensor: Tensor, elements: int) -> int:
        """Bits of ``elements`` of a tensor: a share of its encoded size, rounded up, or words."""
        if tensor.name in self.encoded:
            bits, whole = self.encoded[tensor.name]
            return -(-elements * bits // whole)
        return elements * self.word_bits[tensor.name]

    @property
    def free(self) -> int:
        return self.room - sum(self.there.values()) - sum(self.pinned.values())

    def readers(self, name: str) -> list[Op]:
        return [op for op in self.step.ops if name in {each.tensor.name for each in op.operands}]

    def begin(self, op: Op) -> None:
        """An op begins to read. A map that comes from outside, FF reads and a later pass reads too
        waits from its first reader to its last.
        """
        for tensor in (each.tensor for each in op.operands):
            readers = self.readers(tensor.name)
            outside = all(tensor not in each.outputs for each in self.step.ops)
            passes = {each.pass_ for each in readers}
            if (
                outside
                and not tensor.persistent
                and op is readers[0]
                and Pass.FF in passes
                and passes != {Pass.FF}
            ):
                self.stash[tensor.name] = -(-self.size(tensor, tensor.elements) // 8)
                self.peak = max(self.peak, sum(self.stash.values()))

    def start(self, tensor: Tensor, split: tuple[int, int] | None, layer: str) -> None:
        """An op begins to write a tensor of which ``split`` words stay in the PEs."""
        if tensor.persistent:
            return
        readers = self.readers(tensor.name)
        self.alive[tensor.name] = len(readers)
        outside = tensor.elements
        if split is not None:
            assert self.homes is not None
            part, taken = self.homes.layer[layer], 0
            if tensor.name not in self.homes.fused:
                taken = min(self.homes.free[part], self.homes.spread(tensor))
            self.homes.gradients[part] += taken
            self.homes.count_free(part)
            self.splits[tensor.name] = (*split, taken)
            outside = split[1]
        made_in_ff = any(op.pass_ is Pass.FF and tensor in op.outputs for op in self.step.ops)
        waits = made_in_ff and any(op.pass_ is not Pass.FF for op in readers)
        if tensor.role is not Role.OPTIMIZER_STATE:
            self._give_place(tensor.name, self.size(tensor, outside), layer, waits)
        if waits:
            self.stash[tensor.name] = -(-self.size(tensor, tensor.elements) // 8)
            self.peak = max(self.peak, sum(self.stash.values()))

    def _give_place(self, name: str, size: int, layer: str, waits: bool) -> None:
        """The memories that may take the tensor, in the order of the policy."""
        chances = {"buffer": "b", "scratchpad": "sb", "auto": "bs"}[self.policy] if waits else "b"
        part = self.homes.layer[layer] if self.homes else 0
        for chance in chances:
            if chance == "b" and size <= self.free:
                self.there[name] = size
                return
            if chance == "s" and size <= self._free_in_pads(part):
                self.stashed[name] = (part, size)
                bits = sum(bits for _, bits in self.stashed.values())
                self.most_stashed = max(self.most_stashed, -(-bits // 8))
                self._tell_homes(part)
                return

    def _free_in_pads(self, part: int) -> int:
        there = sum(bits for where, bits in self.stashed.values() if where == part)
        return (self.homes.beside_gradients(part) if self.homes else self.pads) - there

    def _tell_homes(self, part: int) -> None:
        if self.homes is not None:
            there = sum(bits for where, bits in self.stashed.values() if where == part)
            self.homes.stashed[part] = there
            self.homes.count_free(part)

    def end(self, op: Op) -> list[str]:
        """An op has ended: tensors without a further reader go. Returns their names."""
        gone = []
        for name in dict.fromkeys(each.tensor.name for each in op.operands):
            if name in self.alive:
                self.alive[name] -= 1
                gone += self._drop(name, op.layer)
            elif op is self.readers(name)[-1]:
                self.stash.pop(name, None)
        for tensor in op.outputs:
            gone += self._drop(tensor.name, op.layer)
        return gone

    def _drop(self, name: str, layer: str) -> list[str]:
        if self.alive.get(name, 1):
            return []
        self.there.pop(name, None)
        self.stash.pop(name, None)
        if name in self.stashed:
            self._tell_homes(self.stashed.pop(name)[0])
        if name in self.splits:
            assert self.homes is not None
            part = self.homes.layer[layer]
            self.homes.gradients[part] -= self.splits.pop(name)[2]
            self.homes.count_free(part)
        return [name]

    def standing(self, generated: bool) -> dict[str, int]:
        """Bytes in DRAM of tensors that outlive the step, by name."""
        found = {}
        for op in self.step.ops:
            for tensor in op.tensors:
                home = self.homes.held.get(tensor.name) if self.homes else None
                outside = home.spilled > 0 if home else tensor.name not in self.pinned
                if not tensor.persistent or not outside:
                    continue
                if generated and tensor.role is Role.FEEDBACK:
                    continue
                found[tensor.name] = -(-self.size(tensor, tensor.elements) // 8)
        return found
