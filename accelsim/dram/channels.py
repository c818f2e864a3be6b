"""DRAM channels as a machine uses them: the object layer around controllers and DMA."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accelsim.cost.counters import ActionCounts
from accelsim.dram.standard import DramSpec
from accelsim.dram.table import DramTable, controller_policy, resolve
from accelsim.kernels.dma import arrays as d
from accelsim.kernels.dma.channels import run_channel
from accelsim.kernels.dma.system import System
from accelsim.kernels.dram import queues
from accelsim.kernels.dram import state as k
from accelsim.kernels.dram.timing import active_clocks

COMMAND_ACTIONS = {
    k.ACT: "activate",
    k.PRE: "precharge",
    k.RD: "read_burst",
    k.WR: "write_burst",
    k.REF: "refresh",
}
_LOG_CLOCKS = 1 << 12
"""Clocks of a channel that the first log of bursts has room for."""


class DramChannels:
    """All channels of a DRAM and their DMA, in their state after the transfers so far.

    ``system``: arrays for kernels. ``table``: the standard, resolved.
    """

    def __init__(
        self,
        spec: DramSpec,
        channels: int | None = None,
        outstanding: int | None = None,
        oldest_first: bool = False,
    ) -> None:
        """``channels`` overrides the number of channels of the standard. ``outstanding``: bursts of
        a channel that are offered and not done, at most; the sum of its queues when None.
        ``oldest_first``: the oldest transfer first, instead of a burst of each in turn.
        """
        self.table: DramTable = resolve(spec, channels)
        shape, policy = self.table.shape, controller_policy(spec)
        settings = np.zeros(d.RECORDED + 1, np.int64)
        settings[d.OUTSTANDING] = outstanding or spec.policy.read_queue + spec.policy.write_queue
        settings[d.OLDEST_FIRST] = oldest_first
        settings[d.BURST_BYTES] = self.table.burst_bytes
        settings[d.CAPACITY_BYTES] = self.table.capacity_bytes
        settings[d.SPACING] = _spacing(self.table)
        settings[d.LATENCY] = min(shape[k.READ_DATA], shape[k.WRITE_DATA])
        requests = np.zeros((shape[k.CHANNELS] * settings[d.OUTSTANDING], 6), np.int64)
        self.system = System(
            k.new_dram(self.table.delays, shape),
            queues.new_controller(policy, requests, shape, 0),
            d.new_dma(settings, shape, 1),
        )

    def make_room(self, transfers: int) -> None:
        """Make room for a number of transfers in flight."""
        dma = self.system.dma
        more = transfers - len(dma.transfers)
        if more > 0:
            dma = dma._replace(
                transfers=np.pad(dma.transfers, ((0, more), (0, 0))),
                cursors=np.pad(dma.cursors, ((0, 0), (0, more), (0, 0))),
                members=np.pad(dma.members, ((0, 0), (0, more))),
                finished=np.pad(dma.finished, (0, more)),
            )
            dma.transfers[-more:, d.SERIAL] = queues.NOTHING
            self.system = self.system._replace(dma=dma)

    def record(self) -> None:
        """Log every burst from now on; see `bursts`."""
        self.system.dma.settings[d.RECORDED] = 1
        self.extend_log()

    def extend_log(self) -> None:
        """Enlarge the log of bursts, if it may not hold those of one more clock."""
        dma = self.system.dma
        needed = int(dma.logged[0] + dma.settings[d.OUTSTANDING])
        if dma.settings[d.RECORDED] and needed > len(dma.log):
            log = np.zeros((2 * needed + _LOG_CLOCKS, d.LOG_LENGTH), np.int64)
            log[: len(dma.log)] = dma.log
            self.system = self.system._replace(dma=dma._replace(log=log))

    @property
    def bursts(self) -> k.Ints:
        """The log: int64 (bursts, 8), see `kernels.dma.arrays.Dma`, sorted by offer, op and part. A
        channel offers at most one burst per clock.
        """
        log = self.system.dma.log[: int(self.system.dma.logged[0])]
        return log[
            np.lexsort((log[:, d.LOG_BURST], log[:, d.LOG_ORDER], log[:, d.LOG_SERIAL], log[:, 0]))
        ]

    def finish(self, end_ps: int, served: Sequence[ActionCounts], counts: ActionCounts) -> None:
        """Run idle until ``end_ps`` picoseconds, then count what belongs to no op.

        Adds to ``counts`` all commands that are not in ``served``, the counts of the ops: refreshes
        and the precharges for them. Adds ("dram", "active_standby") and ("dram",
        "precharge_standby"), in clocks, summed over all ranks. Call once, after the last transfer.
        """
        dram = self.system.dram
        end = -(-end_ps // self.table.tck_ps)
        for channel in range(len(dram.tally)):
            run_channel(channel, end + 1, self.system)
        for command, action in COMMAND_ACTIONS.items():
            total = int(dram.tally[:, command].sum())
            counts.add("dram", action, total - sum(each["dram", action] for each in served))
        active = sum(int(active_clocks(end, ranks)) for ranks in dram.ranks)
        counts.add("dram", "active_standby", active)
        ranks = dram.ranks.shape[0] * dram.ranks.shape[1]
        counts.add("dram", "precharge_standby", end * ranks - active)


def _spacing(table: DramTable) -> int:
    """Least clocks between the RDs, or the WRs, of two bursts of a channel."""
    scopes = [k.SAME_RANK, k.OTHER_RANK] if table.shape[k.RANKS] > 1 else [k.SAME_RANK]
    return max(
        1, min(int(table.delays[scope, each, each]) for scope in scopes for each in (k.RD, k.WR))
    )
