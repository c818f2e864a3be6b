"""Where the tensors of a step are: homes in scratchpads, filled channel by channel and byte by byte
(docs/memories.md, "Homes"), and places in the global buffer while a step runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from accelsim.step.ops import Contraction, Op, Pass, Role, Tensor, TrainingStep, Use, VectorWork

DEFAULT = ("weights", "copies", "feedback", "gradients", "optimizer_state", "stash")
"""Order in which kinds of tensors get room, unless a machine says otherwise."""


class Held(NamedTuple):
    """Words of a tensor in the PEs and in DRAM, and copies of the former."""

    resident: int
    spilled: int
    copies: int


@dataclass(frozen=True)
class Pads:
    """Keys of a near-memory machine. ``room``: bytes of a PE's scratchpad for homes.

    ``home_bits``: bits of all words of a tensor in its home, by name. ``word_bits``: bits of one
    word, likewise. ``order``, ``most``: kinds in the order in which they get room, and the limit of
    copies, if any. ``stashes``: whether the stash may be in scratchpads. ``single``, ``evicted``:
    tensors without copies, and optimizer states in DRAM, by name.
    """

    pes: int
    partitions: int
    room: int
    stores_feedback: bool
    updates_in_pe: bool
    fuses: bool
    home_bits: dict[str, int]
    word_bits: dict[str, int]
    order: tuple[str, ...] = DEFAULT
    most: int | None = None
    stashes: bool = False
    single: frozenset[str] = frozenset()
    evicted: frozenset[str] = frozenset()


@dataclass
class Homes:
    """Homes of a step's tensors, partition by partition.

    ``used``: bytes that each PE of each partition has given out. ``free``: bytes of every PE that a
    gradient may take now, beside ``gradients``, bytes of every PE, and ``stashed``, bits.
    """

    step: TrainingStep
    pads: Pads
    layer: dict[str, int] = field(default_factory=dict)
    feedback: dict[str, int] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    used: list[list[int]] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    gradients: list[int] = field(default_factory=list)
    stashed: list[int] = field(default_factory=list)
    fused: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        pads = self.pads
        self.used = [[0] * pads.pes for _ in range(pads.partitions)]
        self.tensors: dict[str, tuple[str, Tensor]] = {}
        for op in self.step.ops:
            for tensor in op.tensors:
                if tensor.home_channels:
                    self.tensors.setdefault(tensor.name, (op.layer, tensor))
        self._deal_layers()
        self._fuse()
        self.kept = [0] * pads.partitions
        self.for_gradients, self.for_stash = [0] * pads.partitions, [0] * pads.partitions
        self.next_pe = [0] * pads.partitions
        uncopied: list[tuple[int, int, Tensor]] = []
        for index, kind in enumerate(pads.order):
            if kind == "weights":
                uncopied += self._place(Role.WEIGHT)
            if kind == "feedback" and pads.stores_feedback:
                uncopied += self._place(Role.FEEDBACK)
            if "copies" in pads.order[: index + 1]:
                while uncopied:
                    self._copy(*uncopied.pop(0))
            if kind == "gradients":
                self._keep(self.for_gradients, self.largest_gradient)
            if kind == "stash" and pads.stashes:
                self._keep(self.for_stash, self._share_of_stash)
            if kind == "optimizer_state":
                self._optimizer_state()
        first, second = self.for_gradients, self.for_stash
        loser = second if pads.order.index("gradients") < pads.order.index("stash") else first
        loser[:] = [0] * pads.partitions
        self.gradients, self.stashed = [0] * pads.partitions, [0] * pads.partitions
        self.free = [0] * pads.partitions
        for part in range(pads.partitions):
            self.count_free(part)

    def _keep(self, kept: list[int], wanted: Callable[[int], int]) -> None:
        """Keep bytes of every PE free of later kinds, by partition."""
        for part in range(self.pads.partitions):
            kept[part] = min(self._left(part), wanted(part))
            self.kept[part] += kept[part]

    # Partitions

    def _deal_layers(self) -> None:
        """Layers go to the partition that has been given the fewest bits; then feedback that one op
        alone reads goes to the one with the fewest bits of such feedback, ties as layers.
        """
        readers: dict[str, list[str]] = defaultdict(list)
        for op in self.step.ops:
            for name in {each.tensor.name for each in op.operands}:
                readers[name].append(op.name)
        given = [0] * self.pads.partitions
        alone = [0] * self.pads.partitions
        stored = [
            (layer, tensor)
            for layer, tensor in self.tensors.values()
            if tensor.role is Role.WEIGHT
            or (tensor.role is Role.FEEDBACK and self.pads.stores_feedback)
        ]
        single = [
            tensor
            for _, tensor in stored
            if tensor.role is Role.FEEDBACK and len(readers[tensor.name]) == 1
        ]
        for op in self.step.ops:
            if op.layer in self.layer:
                continue
            own = [tensor for layer, tensor in stored if layer == op.layer and tensor not in single]
            part = given.index(min(given)) if own else 0
            self.layer[op.layer] = part
            for tensor in own:
                given[part] += tensor.elements * self.pads.word_bits[tensor.name]
        for layer, tensor in stored:
            if tensor.role is Role.FEEDBACK:
                self.feedback[tensor.name] = self.layer[layer]
        for tensor in single:
            part = min(range(len(given)), key=lambda each: (alone[each], given[each], each))
            self.feedback[tensor.name] = part
            for bits in (alone, given):
                bits[part] += tensor.elements * self.pads.word_bits[tensor.name]

    # Weights and feedback

    def _place(self, role: Role) -> list[tuple[int, int, Tensor]]:
        """Give homes to the tensors of a role, and list those that may be copied."""
        placed = []
        for name, (layer, tensor) in self.tensors.items():
            if tensor.role is role:
                part = self.feedback[name] if name in self.feedback else self.layer[layer]
                self._fill(part, self.next_pe[part], tensor)
                if not self._rows_have_homes(tensor):
                    placed.append((part, self.next_pe[part], tensor))
                self.next_pe[part] = (self.next_pe[part] + tensor.home_channels) % self.pads.pes
        return placed

    def _fits(self, part: int, pe: int, size: int) -> bool:
        return self.used[part][pe] + size + self.kept[part] <= self.pads.room

    def _left(self, part: int) -> int:
        """Bytes that every PE still has for kinds whose turn comes later."""
        return max(0, self.pads.room - max(self.used[part]) - self.kept[part])

    def _rows_have_homes(self, tensor: Tensor) -> bool:
        """Whether each row of the tensor serves one neuron, or is gathered by the vector unit."""
        for op in self.step.ops:
            for each in op.operands:
                if each.tensor.name != tensor.name:
                    continue
                if each.use is Use.READ and tensor.role is Role.FEEDBACK:
                    return True
                if (
                    each.use is Use.STATIONARY
                    and isinstance(op, Contraction)
                    and op.kind == "feedback"
                ):
                    return True
        return False

    def _slice(self, tensor: Tensor, parts: int) -> int:
        """Bytes of one of ``parts`` shares of a channel, whole words, whole bytes."""
        words = -(-tensor.elements // tensor.home_channels)
        share = -(-words // parts)
        word = Fraction(self.pads.home_bits[tensor.name], tensor.elements)
        return -(-share * word // 8).__int__()

    def _fill(self, part: int, first: int, tensor: Tensor) -> None:
        """Channel after channel goes to the next PE, if that PE has room for it."""
        pes, channels = self.pads.pes, tensor.home_channels
        parts = 1
        if self._rows_have_homes(tensor):
            while channels * (parts + 1) <= pes:
                parts += 1
        size, slots, there = self._slice(tensor, parts), channels * parts, 0
        for slot in range(slots):
            pe = (first + slot) % pes
            if self._fits(part, pe, size) or not size:
                self.used[part][pe] += size
                there += 1
        resident = tensor.elements * there // slots
        self.held[tensor.name] = Held(resident, tensor.elements - resident, 1)

    def _copy(self, part: int, first: int, tensor: Tensor) -> None:
        """As many copies as PEs without a channel of the tensor have room for."""
        pes, channels = self.pads.pes, tensor.home_channels
        resident, spilled, _ = self.held[tensor.name]
        if spilled or tensor.name in self.pads.single:
            return
        size = self._slice(tensor, 1)
        most = pes // channels if self.pads.most is None else self.pads.most
        for copies in range(min(most, pes // channels), 1, -1):
            spare = [(first + slot) % pes for slot in range(channels, channels * copies)]
            if all(self._fits(part, pe, size) for pe in spare):
                for pe in spare:
                    self.used[part][pe] += size
                self.held[tensor.name] = Held(resident, 0, copies)
                return

    # Room beside the homes

    def _share_of_stash(self, part: int) -> int:
        """Bytes of every PE for all that FF makes in a partition for a later pass."""
        made = {
            tensor.name: (op.layer, tensor)
            for op in self.step.ops
            if op.pass_ is Pass.FF
            for tensor in op.outputs
        }
        bits = sum(
            self.pads.home_bits[name]
            for name, (layer, tensor) in made.items()
            if self.layer[layer] == part
            and any(
                op.pass_ is not Pass.FF and tensor in {each.tensor for each in op.operands}
                for op in self.step.ops
            )
        )
        return -(-bits // (8 * self.pads.pes))

    def beside_gradients(self, part: int) -> int:
        """Bits of all PEs that are neither homes', nor gradients', nor kept for gradients."""
        gradients = max(self.gradients[part], self.for_gradients[part])
        return 8 * sum(self.pads.room - used - gradients for used in self.used[part])

    def count_free(self, part: int) -> None:
        """Bytes that every PE has for gradients, if the stash is moved to where room is."""
        room = 8 * sum(self.pads.room - used for used in self.used[part])
        stash = max(self.stashed[part], 8 * self.pads.pes * self.for_stash[part])
        even = (room - stash) // (8 * self.pads.pes)
        every = self.pads.room - max(self.used[part])
        self.free[part] = max(0, min(even, every) - self.gradients[part])

    # Gradients and optimizer state

    def _fuse(self) -> None:
        """Gradients that only an update in the PEs reads need no room of their own."""
        if not (self.pads.fuses and self.pads.updates_in_pe):
            return
        for op in self.step.ops:
            for tensor in op.outputs:
                if isinstance(op, Contraction) and op.pass_ is Pass.WG and tensor.home_channels:
                    readers = [
                        each
                        for each in self.step.ops
                        if tensor.name in {operand.tensor.name for operand in each.operands}
                    ]
                    if len(readers) == 1 and updates_homes(readers[0]):
                        self.fused.add(tensor.name)

    def spread(self, tensor: Tensor) -> int:
        """Bytes of a gradient or of state in the fullest PE: channels go round the PEs; PEs without
        one take their share of a channel's words.
        """
        pes, channels = self.pads.pes, tensor.home_channels
        words = -(-tensor.elements // channels)
        load = [0] * pes
        if channels >= pes:
            for channel in range(channels):
                load[channel % pes] += words
        else:
            sharing = pes // channels
            load = [-(-words // sharing)] * (channels * sharing)
        return -(-max(load) * self.pads.word_bits[tensor.name] // 8)

    def split(self, tensor: Tensor, layer: str) -> tuple[int, int] | None:
        """(words in the PEs, other words) of a gradient that an op of ``layer`` begins to write."""
        if not tensor.home_channels or layer not in self.layer:
            return None
        if tensor.name in self.fused:
            return tensor.elements, 0
        need = self.spread(tensor)
        there = tensor.elements * min(need, self.free[self.layer[layer]]) // need
        return there, tensor.elements - there

    def largest_gradient(self, part: int) -> int:
        """Bytes of every PE that the largest gradient of a partition takes."""
        gradients = [
            self.spread(tensor)
            for name, (layer, tensor) in self.tensors.items()
            if tensor.role is Role.GRADIENT and name not in self.fused and self.layer[layer] == part
        ]
        return max([0, *gradients])

    def _optimizer_state(self) -> None:
        """Every PE gives the same room to a state."""
        for name, (layer, tensor) in self.tensors.items():
            if tensor.role is Role.OPTIMIZER_STATE:
                part, need = self.layer[layer], self.spread(tensor)
                taken = 0 if name in self.pads.evicted else min(need, self._left(part))
                self.used[part] = [each + taken for each in self.used[part]]
                there = tensor.elements * taken // need
                self.held[name] = Held(there, tensor.elements - there, 1)


def updates_homes(op: Op) -> bool:
    """Whether an op without MACs writes tensors that live in the PEs from step to step."""
    return isinstance(op, VectorWork) and any(
        each.persistent and each.home_channels for each in op.outputs
    )
