"""The DRAM as the machine's events see it: transfers in picoseconds, over the bank-state
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
    """How bursts found their rows: open (hit), closed (miss), another row open (conflict)."""

    hits: int
    misses: int
    conflicts: int


class DramChannels:
    """All channels of a DRAM, in the state that the transfers so far have left.

    Transfers are served first come, first served: in the order of the calls, burst by burst in
    address order on each channel, with open pages. Bursts are moved whole: a transfer that begins
    or ends inside a burst moves all of it.
    """

    def __init__(self, spec: DramSpec, channels: int | None = None) -> None:
        """``channels`` replaces the number of channels that the standard states."""
        self.table: DramTable = resolve(spec, channels)
        self.state: k.Dram = k.new_dram(self.table.delays, self.table.shape)
        """For kernels that move data themselves; they call `counted_elsewhere` when they have."""
        self._counted = self._tally[:, : k.COMMANDS].copy()

    def counted_elsewhere(self) -> None:
        """All commands so far have been counted by whoever had the ``state``."""
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
        """Add the commands since the last call, without refreshes: those are due to time, whoever
        comes next, and `finish` counts them.
        """
        commands = self._tally[:, : k.COMMANDS]
        for command, times in enumerate((commands - self._counted).sum(axis=0)):
            if command != k.REF:
                counts.add("dram", COMMAND_ACTIONS[command], int(times))
        self._counted = commands.copy()

    def finish(self, end_ps: int, counts: ActionCounts) -> None:
        """Run idle until ``end_ps``: all refreshes, ("dram", "refresh"), and ("dram",
        "active_standby" | "precharge_standby"), clocks of all ranks.

        Call once, after the last transfer. A command that goes after ``end_ps`` extends the time.
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
