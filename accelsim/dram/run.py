"""A DRAM by itself: what one list of requests costs in clocks, commands and energy (`accelsim
dram`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.cost.counters import ActionCounts
from accelsim.cost.energy import EnergyTable
from accelsim.dram.prices import DRAM_EVENTS, dram_prices
from accelsim.dram.requests import Requests
from accelsim.dram.standard import DramSpec
from accelsim.dram.table import controller_policy, resolve
from accelsim.kernels.dram import controller, queues, state
from accelsim.kernels.dram.streams import active_clocks

TRACED = {
    state.ACT: "ACT",
    state.PRE: "PRE",
    state.RD: "RD",
    state.WR: "WR",
    state.REF: "REF",
    controller.PREA: "PREA",
}


@dataclass(frozen=True)
class Command:
    """One command on a command bus: its clock, name, channel, bank (rank-major, then bank group)
    and row (-1 where it has none).
    """

    clock: int
    name: str
    channel: int
    bank: int
    row: int


@dataclass(frozen=True)
class DramRun:
    """What the requests of a list got. Clocks are tCK.

    ``accepted``, ``done`` int64[N]: clocks of the hand-over and of the last data; a read that a
    waiting write answered is done a clock after its hand-over, a write that joined a waiting one of
    its burst with that one. ``rows``: hits, misses (closed rows) and conflicts of the requests that
    took an RD or WR. ``commands`` by name; PRE closes one bank, PREA those of a rank. ``counts``:
    the same as priced actions, with the clocks of all ranks in standby up to the last data.
    """

    spec: DramSpec
    requests: Requests
    max_outstanding: int | None
    accepted: NDArray[np.int64]
    done: NDArray[np.int64]
    forwarded_reads: int
    merged_writes: int
    rows: tuple[int, int, int]
    commands: dict[str, int]
    counts: ActionCounts
    trace: tuple[Command, ...]

    @property
    def total_cycles(self) -> int:
        """Clock of the last data of all."""
        return int(self.done.max())

    @property
    def read_latencies(self) -> NDArray[np.int64]:
        """Clocks from hand-over to last data of every read."""
        reads = ~self.requests.writes
        return self.done[reads] - self.accepted[reads]

    @property
    def energy_by_part_pj(self) -> dict[str, float] | None:
        """pJ of ACTs (with their PREs), RDs, WRs, REFs and standby; None where the standard states
        no energies.
        """
        if self.spec.energy is None:
            return None
        table = EnergyTable(dram_prices(self.spec))
        return {
            name.removesuffix("_per_clk"): table.total(
                ActionCounts({("dram", action): self.counts["dram", action]})
            )
            for action, name in DRAM_EVENTS.items()
        }

    @property
    def unverified_energies(self) -> tuple[str, ...]:
        """Priced actions whose energies have no verified source."""
        return tuple(
            price.action
            for price in dram_prices(self.spec)
            if not price.verified and price.action in DRAM_EVENTS
        )


def simulate(
    spec: DramSpec, requests: Requests, max_outstanding: int | None = None, traced: bool = False
) -> DramRun:
    """Serve requests (at least one) by the standard's own policy.

    ``max_outstanding`` (>= 1): most reads that are handed over and not yet done, as a driver with
    that many slots has. ``traced``: keep every command. The same input gives the same run.
    """
    table, policy = resolve(spec), controller_policy(spec, max_outstanding)
    listed = np.zeros((len(requests), 6), np.int64)
    listed[:, queues.ARRIVES] = requests.cycles
    listed[:, queues.BURST] = requests.addresses // table.burst_bytes
    listed[:, queues.IS_WRITE] = requests.writes
    queues.locate(listed, table.shape)
    room = 0
    while True:
        run = queues.new_controller(policy, listed, table.shape, room)
        dram = state.new_dram(table.delays, table.shape)
        last = int(controller.run(run, dram))
        commands = int(run.traced[0])
        if not traced or commands <= room:
            break
        room = commands  # how many there are is known only now
    channels = [state.channel_of(dram, number) for number in range(len(dram.tally))]
    ranks = len(channels) * dram.ranks.shape[1]
    active = sum(int(active_clocks(last, channel)) for channel in channels)
    total = dram.tally.sum(axis=0)
    closed_together = int(run.control[:, queues.PREA_BANKS].sum())
    counts = ActionCounts(
        {
            ("dram", "activate"): int(total[state.ACT]),
            ("dram", "precharge"): int(total[state.PRE]),
            ("dram", "read_burst"): int(total[state.RD]),
            ("dram", "write_burst"): int(total[state.WR]),
            ("dram", "refresh"): int(total[state.REF]),
            ("dram", "active_standby"): active,
            ("dram", "precharge_standby"): last * ranks - active,
        }
    )
    without_command = run.served[:, queues.ISSUED] < 0
    names = {name: int(total[code]) for code, name in TRACED.items() if code != controller.PREA}
    return DramRun(
        spec=spec,
        requests=requests,
        max_outstanding=max_outstanding,
        accepted=run.served[:, queues.ACCEPT].copy(),
        done=run.served[:, queues.DONE].copy(),
        forwarded_reads=int((without_command & ~requests.writes).sum()),
        merged_writes=int((without_command & requests.writes).sum()),
        rows=(int(total[state.HITS]), int(total[state.MISSES]), int(total[state.CONFLICTS])),
        commands={
            **names,
            "PRE": names["PRE"] - closed_together,
            "PREA": int(run.control[:, queues.PREAS].sum()),
        },
        counts=counts,
        trace=tuple(
            Command(clock, TRACED[code], channel, bank, row)
            for clock, code, channel, bank, row in run.trace.tolist()
        ),
    )
