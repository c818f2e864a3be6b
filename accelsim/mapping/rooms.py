"""Room in the scratchpads of a near-memory machine, given out kind by kind (docs/memories.md).

`Placing.order` is the order of the kinds; each has a method of `Rooms`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.machine.architecture import Machine
from accelsim.machine.words import word_bits
from accelsim.mapping.placing import Placing
from accelsim.mapping.stash_room import StashRoom
from accelsim.pe.placement import Home
from accelsim.step.ops import Role, Tensor


@dataclass(frozen=True)
class Homed:
    """A tensor that lives in the scratchpads of one partition.

    ``bits``: of the whole tensor at home, mask bits or indices included. ``by_row``: a row of the
    tensor, a feedback matrix, belongs to one target neuron, so spare PEs share a channel's rows
    instead of copying them. ``in_tiles``: a gradient that needs room for one tile only.
    """

    tensor: Tensor
    part: int
    bits: int
    by_row: bool = False
    in_tiles: bool = False


class Rooms:
    """Room of each PE while it is given out. Output channel k of a tensor has its home in PE
    (offset + k) mod PEs; the offset rotates from tensor to tensor.

    - ``load``: int64 (partitions, PEs), bytes given out for good.
    - ``held``: int64 (partitions), bytes in every PE that are kept free of later kinds.
    - ``homes``: home by tensor name.
    """

    def __init__(
        self,
        architecture: Machine,
        placing: Placing,
        tensors: Sequence[Homed],
        stash_bits: Sequence[int],
        pes: int,
    ) -> None:
        """``stash_bits``: bits of all tensors of the stash, by partition. ``pes``: PEs of each."""
        partitions = len(stash_bits)
        pad = architecture.scratchpad
        self.capacity = pad.capacity_bytes - pad.working_bytes
        self.load = np.zeros((partitions, pes), np.int64)
        self.held = np.zeros(partitions, np.int64)
        self.homes: dict[str, Home] = {}
        self._architecture = architecture
        self._placing = placing
        self._tensors = tensors
        self._stash_bits = stash_bits
        self._for_gradients, self._for_stash = [0] * partitions, [0] * partitions
        self._pes = pes
        self._offset = [0] * partitions
        self._to_copy: list[tuple[int, Homed]] = []
        self._copied = False

    def give_out(self) -> None:
        """Give out all room, kind by kind."""
        kinds = {
            "weights": self._weights,
            "copies": self._copies,
            "feedback": self._feedback,
            "gradients": self._gradients,
            "optimizer_state": self._optimizer_state,
            "stash": self._stash,
        }
        for kind in self._placing.order:
            kinds[kind]()

    def stash_rooms(self) -> list[StashRoom]:
        """Room that homes leave free, by partition. Of gradients and stash, the kind whose turn
        came first has its room kept free of the other.
        """
        order = self._placing.order
        stash_first = order.index("stash") < order.index("gradients")
        return [
            StashRoom(
                range(part * self._pes, (part + 1) * self._pes),
                int((self.capacity - row).sum()),
                int(self.capacity - row.max()),
                0 if stash_first else self._for_gradients[part],
                self._for_stash[part] if stash_first else 0,
            )
            for part, row in enumerate(self.load)
        ]

    def _of(self, role: Role) -> list[Homed]:
        return [each for each in self._tensors if each.tensor.role is role]

    def _weights(self) -> None:
        """Home PEs. What does not fit spills to DRAM."""
        self._give_homes(Role.WEIGHT)

    def _feedback(self) -> None:
        """As weights; its channels are the outputs of EP. Copies follow if their turn is over."""
        self._give_homes(Role.FEEDBACK)
        if self._copied:
            self._copies()

    def _give_homes(self, role: Role) -> None:
        for each in self._of(role):
            part, first = each.part, self._offset[each.part]
            self.homes[each.tensor.name] = self._place(first, each)
            if not each.by_row:
                self._to_copy.append((first, each))
            self._offset[part] = (first + each.tensor.home_channels) % self._pes

    def _copies(self) -> None:
        """Copies in the spare PEs of tensors with fewer channels than PEs."""
        for first, each in self._to_copy:
            self._copy(first, each)
        self._to_copy = []
        self._copied = True

    def _gradients(self) -> None:
        """Keep room for the largest gradient of each partition."""
        for part in range(len(self.load)):
            largest = max(
                (
                    self._slice(each.tensor)
                    for each in self._of(Role.GRADIENT)
                    if each.part == part and not each.in_tiles
                ),
                default=0,
            )
            self._for_gradients[part] = min(self._free(part), largest)
            self.held[part] += self._for_gradients[part]

    def _optimizer_state(self) -> None:
        """Spread each state over the PEs. What does not fit, or is evicted, is in DRAM."""
        for each in self._of(Role.OPTIMIZER_STATE):
            need = self._slice(each.tensor)
            evicted = each.tensor.name in self._placing.evicted
            taken = 0 if evicted else min(need, self._free(each.part))
            self.load[each.part] += taken
            resident = each.tensor.elements * taken // need
            self.homes[each.tensor.name] = Home(resident, each.tensor.elements - resident)

    def _stash(self) -> None:
        """Keep room for the whole stash of each partition, an equal share in every PE."""
        if self._placing.stash == "buffer":
            return
        for part, bits in enumerate(self._stash_bits):
            self._for_stash[part] = min(self._free(part), -(-bits // (8 * self._pes)))
            self.held[part] += self._for_stash[part]

    def _free(self, part: int) -> int:
        """Bytes that can still be given out in every PE."""
        return max(0, int(self.capacity - self.held[part] - self.load[part].max()))

    def _slice(self, tensor: Tensor) -> int:
        return slice_bytes(tensor, self._pes, word_bits(tensor, self._architecture))

    def _place(self, offset: int, homed: Homed) -> Home:
        """Place every channel of a tensor in its home PE while that PE has room; other channels
        spill.
        """
        tensor, load = homed.tensor, self.load[homed.part]
        pes, channels = len(load), tensor.home_channels
        shares = max(1, pes // channels) if homed.by_row else 1
        words = -(-_channel_words(tensor) // shares)
        each = -(-words * homed.bits // (8 * tensor.elements))
        slots = channels * shares
        slots_per_pe = np.full(pes, slots // pes, np.int64)
        slots_per_pe[(offset + np.arange(slots % pes)) % pes] += 1
        # A compressed tensor that is all zeros takes no space.
        fitting = (
            np.minimum(slots_per_pe, np.maximum(0, self._room(homed.part, load) // each))
            if each
            else slots_per_pe
        )
        load += fitting * each
        resident = tensor.elements * int(fitting.sum()) // slots
        return Home(resident, tensor.elements - resident)

    def _room(self, part: int, load: NDArray[np.int64]) -> NDArray[np.int64]:
        """Bytes that PEs with these loads can still give out."""
        room: NDArray[np.int64] = self.capacity - self.held[part] - load
        return room

    def _copy(self, offset: int, homed: Homed) -> None:
        tensor, load = homed.tensor, self.load[homed.part]
        home = self.homes[tensor.name]
        if home.spilled:
            return
        channels = tensor.home_channels
        each = -(-_channel_words(tensor) * homed.bits // (8 * tensor.elements))
        most, limit = len(load) // channels, self._placing.most_copies(tensor.name)
        for copies in range(most if limit is None else min(most, limit), 1, -1):
            spare = (offset + np.arange(channels, channels * copies)) % len(load)
            if (self._room(homed.part, load[spare]) >= each).all():
                load[spare] += each
                self.homes[tensor.name] = Home(home.resident, 0, copies)
                return


def slice_bytes(tensor: Tensor, pes: int, bits: int) -> int:
    """Bytes of the largest slice of a tensor that is spread over the PEs by channel.

    Spare PEs share a channel's words. ``bits``: bits per word.
    """
    channels = tensor.home_channels
    words = -(-tensor.elements // channels)
    held = -(-channels // pes) * words if channels >= pes else -(-words // (pes // channels))
    return -(-held * bits // 8)


def _channel_words(tensor: Tensor) -> int:
    return -(-tensor.elements // tensor.home_channels)
