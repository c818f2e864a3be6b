"""Allocation of DRAM rows to tensors."""

from __future__ import annotations

from collections.abc import Hashable

PICOSECONDS = 10**12


class DramRows:
    """First-fit allocator of DRAM rows.

    A tensor takes the first free run of rows that holds it, until it is released. Addresses beyond
    the DRAM's end wrap around, so that traffic and time are still simulated; ``overcommitted`` then
    becomes true and results state it.
    """

    def __init__(self, capacity_bytes: int, row_bytes: int) -> None:
        self._capacity_bytes = capacity_bytes
        self._row_bytes = row_bytes
        self._places: dict[Hashable, tuple[int, int]] = {}
        self.peak_bytes = 0

    @property
    def overcommitted(self) -> bool:
        """Whether tensors needed more than the DRAM's capacity."""
        return self.peak_bytes > self._capacity_bytes

    def place(self, tensor: Hashable, size_bytes: int) -> tuple[int, int]:
        """(first byte, end) of the tensor's rows, allocated on the first call.

        The rows may lie beyond the DRAM's end.
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
        """Free the tensor's rows, if it has any."""
        self._places.pop(tensor, None)
