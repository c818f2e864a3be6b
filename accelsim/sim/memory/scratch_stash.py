"""The part of the stash that is in scratchpads (`placement.stash` of a machine).

A tensor of the stash goes there whole or not at all: into the room that homes of its layer's
partition, and the largest gradient, leave free; without near memory, into what all PEs have beside
their working space. Its words are spread evenly over these PEs. It leaves after its last reader.
"""

from __future__ import annotations

from accelsim.mapping.residency import Residency
from accelsim.sim.memory.held import Place
from accelsim.sim.memory.stash import Key

_TRIED = {
    "buffer": (Place.GLOBAL_BUFFER,),
    "scratchpad": (Place.SCRATCHPADS, Place.GLOBAL_BUFFER),
    "auto": (Place.GLOBAL_BUFFER, Place.SCRATCHPADS),
}


class ScratchStash:
    """Tensors of the stash in scratchpads. ``peak_bytes``: largest total so far."""

    def __init__(self, residency: Residency) -> None:
        self.tried = _TRIED[residency.placing.stash]
        self._residency = residency
        self._held: dict[Key, tuple[int, int]] = {}
        self.peak_bytes = 0

    def __contains__(self, key: Key) -> bool:
        return key in self._held

    def hold(self, key: Key, bits: int, layer: str) -> bool:
        """Take room for a tensor that an op of ``layer`` produces. False if there is too little."""
        part = self._residency.partition_of.get(layer, 0)
        if bits > self._residency.stash_rooms[part].free_for_stash():
            return False
        self._held[key] = (part, bits)
        self._residency.hold_stash(part, bits)
        held = sum(each for _, each in self._held.values())
        self.peak_bytes = max(self.peak_bytes, -(-held // 8))
        return True

    def pes(self, key: Key) -> range | None:
        """The PEs that share the tensor's words; None if it is elsewhere."""
        held = self._held.get(key)
        return None if held is None else self._residency.stash_rooms[held[0]].pes

    def release(self, key: Key) -> None:
        """Give the tensor's room back, if it has any."""
        part, bits = self._held.pop(key, (0, 0))
        self._residency.hold_stash(part, -bits)
