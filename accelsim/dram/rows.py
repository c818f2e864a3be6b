"""Which rows of the DRAM hold which tensor."""

from __future__ import annotations

from collections.abc import Hashable

PICOSECONDS = 10**12


class DramRows:
    """A tensor takes the first free rows that hold it, and gives them back when nobody will read
    it.

    What does not fit wraps around, so that traffic and time are still simulated; ``overcommitted``
    tells, and results say so.
    """

    def __init__(self, capacity_bytes: int, row_bytes: int) -> None:
        self._capacity_bytes = capacity_bytes
        self._row_bytes = row_bytes
        self._places: dict[Hashable, tuple[int, int]] = {}
        self.peak_bytes = 0

    @property
    def overcommitted(self) -> bool:
        """Whether tensors needed more than the DRAM has."""
        return self.peak_bytes > self._capacity_bytes

    def place(self, tensor: Hashable, size_bytes: int) -> tuple[int, int]:
        """(first byte, end of its rows) of a tensor: those that it has, else the first free ones,
        which may lie behind the DRAM's end.
        """
        if tensor not in self._places:
            rows = -(-size_bytes // self._row_bytes) * self._row_bytes
            start = 0
            for first, end in sorted(self._places.values()):
                if first - start >= rows:
                    break
                start = max(start, end)
            self._places[tensor] = (start, start + rows)
            self.peak_bytes = max(self.peak_bytes, start + rows)
        return self._places[tensor]

    def release(self, tensor: Hashable) -> None:
        """Give back the tensor's rows, if it has any."""
        self._places.pop(tensor, None)
