"""DRAM channels as a machine's simulation uses them: the object layer around the bank-state
kernels.
"""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.cost.counters import ActionCounts
from accelsim.dram.standard import DramSpec
from accelsim.dram.table import DramTable, resolve
from accelsim.kernels.dram import state as k
from accelsim.kernels.dram.streams import active_clocks, refresh_until

COMMAND_ACTIONS = {
    k.ACT: "activate",
    k.PRE: "precharge",
    k.RD: "read_burst",
    k.WR: "write_burst",
    k.REF: "refresh",
}


@dataclass(frozen=True)
class RowCounts:
    """Bursts by the state of their row: open (hit), closed (miss), or another row open
    (conflict).
    """

    hits: int
    misses: int
    conflicts: int


class DramChannels:
    """All channels of a DRAM, in their state after the transfers so far.

    Transfers are served first come, first served: in the order of the calls, and burst by burst in
    address order on each channel, with open pages. Bursts are moved whole: a transfer that begins
    or ends inside a burst moves all of it.
    """

    def __init__(self, spec: DramSpec, channels: int | None = None) -> None:
        """``channels`` overrides the number of channels of the standard."""
        self.table: DramTable = resolve(spec, channels)
        self.state: k.Dram = k.new_dram(self.table.delays, self.table.shape)
        """State for kernels that move data themselves. Their caller then calls
        `counted_elsewhere`.
        """
        self._counted = self._tally[:, : k.COMMANDS].copy()

    def counted_elsewhere(self) -> None:
        """Mark all commands so far as counted by the user of ``state``."""
        self._counted = self._tally[:, : k.COMMANDS].copy()

    @property
    def _tally(self) -> k.Ints:
        return self.state.tally

    @property
    def rows(self) -> RowCounts:
        """Row hits, misses and conflicts so far."""
        hits, misses, conflicts = (
            int(self._tally[:, column].sum()) for column in (k.HITS, k.MISSES, k.CONFLICTS)
        )
        return RowCounts(hits, misses, conflicts)

    def count(self, counts: ActionCounts) -> None:
        """Add the commands since the last call to ``counts``.

        Refreshes are left out: they depend on time, not on transfers, and `finish` counts them.
        """
        commands = self._tally[:, : k.COMMANDS]
        for command, times in enumerate((commands - self._counted).sum(axis=0)):
            if command != k.REF:
                counts.add("dram", COMMAND_ACTIONS[command], int(times))
        self._counted = commands.copy()

    def finish(self, end_ps: int, counts: ActionCounts) -> None:
        """Run idle until ``end_ps`` picoseconds, then count refreshes and standby clocks.

        Adds the actions ("dram", "refresh"), ("dram", "active_standby") and ("dram",
        "precharge_standby"); standby is in clocks, summed over all ranks. Call once, after the last
        transfer. A command after ``end_ps`` extends the time.
        """
        end = -(-end_ps // self.table.tck_ps)
        channels = [k.channel_of(self.state, number) for number in range(len(self._tally))]
        for channel in channels:
            refresh_until(end, channel)
        end = max(end, int(self._tally[:, k.LAST].max()))
        active = sum(int(active_clocks(end, channel)) for channel in channels)
        ranks = len(channels) * self.state.ranks.shape[1]
        self.count(counts)
        counts.add("dram", COMMAND_ACTIONS[k.REF], int(self._tally[:, k.REF].sum()))
        counts.add("dram", "active_standby", active)
        counts.add("dram", "precharge_standby", end * ranks - active)
