"""Components that serve one transfer at a time, first come, first served; a transfer is the unit of arbitration."""

from __future__ import annotations

from collections.abc import Hashable

import simpy

from accelsim.counters import ActionCounts
from accelsim.sim.dram import DramChannels

PICOSECONDS = 10**12


class Server:
    """A link, port or buffer that moves ``bits_per_cycle``. ``busy_cycles`` is how long it served."""

    def __init__(self, env: simpy.Environment, bits_per_cycle: int) -> None:
        self._env = env
        self._bits_per_cycle = bits_per_cycle
        self._free_at = 0
        self.busy_cycles = 0
        self.bits = 0

    def cycles(self, bits: int) -> int:
        """How long that many bits take alone."""
        return -(-bits // self._bits_per_cycle)

    def reserve(self, bits: int) -> int:
        """Take the next turn for a transfer of ``bits``; returns the cycle in which it ends. Nothing to move waits for nobody."""
        if not bits:
            return int(self._env.now)
        cycles = self.cycles(bits)
        self._free_at = max(self._free_at, int(self._env.now)) + cycles
        self.busy_cycles += cycles
        self.bits += bits
        return self._free_at


class Dram:
    """The DRAM in the accelerator's cycles: the bank-state model runs in picoseconds behind it.

    A tensor takes the first free rows that hold it (``hold`` before it is first moved), and gives them back when nobody will
    read it. What does not fit wraps around, so that traffic and time are still simulated; ``overcommitted`` tells, and results
    say so.
    """

    def __init__(self, env: simpy.Environment, channels: DramChannels, clock_hz: int, row_bytes: int) -> None:
        self._env = env
        self._channels = channels
        self._clock_hz = clock_hz
        self._row_bytes = row_bytes
        self._places: dict[Hashable, tuple[int, int]] = {}
        self._capacity_bytes = channels.table.capacity_bytes
        self.peak_bytes = 0

    @property
    def overcommitted(self) -> bool:
        """Whether tensors needed more than the DRAM has."""
        return self.peak_bytes > self._capacity_bytes

    def transfer(self, tensor: Hashable, size_bytes: int, offset_bytes: int, nbytes: int, write: bool, counts: ActionCounts) -> int:
        """Move part of a tensor of ``size_bytes``; returns the cycle in which its last data has passed. Re-reads wrap around the tensor."""
        base, _ = self._place(tensor, size_bytes)
        now_ps = -(-int(self._env.now) * PICOSECONDS // self._clock_hz)
        done = now_ps
        offset = offset_bytes % size_bytes
        while nbytes > 0:
            address = (base + offset) % self._capacity_bytes
            part = min(nbytes, size_bytes - offset, self._capacity_bytes - address)
            done = self._channels.transfer(now_ps, address, part, write, counts)
            nbytes -= part
            offset = (offset + part) % size_bytes
        return -(-done * self._clock_hz // PICOSECONDS)

    def hold(self, tensor: Hashable, size_bytes: int) -> None:
        """Find the tensor its rows now, although nothing moves yet."""
        self._place(tensor, size_bytes)

    def release(self, tensor: Hashable) -> None:
        """Give back the tensor's rows, if it has any."""
        self._places.pop(tensor, None)

    def finish(self, cycle: int, counts: ActionCounts) -> None:
        """Idle until ``cycle``: background and refresh go to ``counts``."""
        self._channels.finish(-(-cycle * PICOSECONDS // self._clock_hz), counts)

    def _place(self, tensor: Hashable, size_bytes: int) -> tuple[int, int]:
        """(first byte, end of its rows) of a tensor, found at its first transfer."""
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
