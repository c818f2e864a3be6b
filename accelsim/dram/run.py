"""A DRAM without a machine: clocks, commands and energy of one request list (`accelsim dram`)."""

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
from accelsim.kernels.dram.timing import active_clocks

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
    """One command on a command bus.

    ``bank`` is numbered by rank, then by bank group. ``row`` is -1 for commands without a row.
    """

    clock: int
    name: str
    channel: int
    bank: int
    row: int


@dataclass(frozen=True)
class DramRun:
    """Result of serving a request list. Clocks are tCK.

    - ``accepted``, ``done``: int64 (N), clocks of the hand-over and of the last data. A read
      answered by a waiting write is done one clock after its hand-over. A write merged into a
      waiting write of the same burst is done together with it.
    - ``rows``: hits, misses (closed rows) and conflicts of the requests that needed an RD or WR.
    - ``commands``: by name. PRE closes one bank, PREA all banks of a rank.
    - ``counts``: the commands as priced actions, and standby clocks of all ranks up to the last
      data.
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
        """Clock of the last data of the last request."""
        return int(self.done.max())

    @property
    def read_latencies(self) -> NDArray[np.int64]:
        """Clocks from hand-over to last data of every read: int64 (reads)."""
        reads = ~self.requests.writes
        return self.done[reads] - self.accepted[reads]

    @property
    def energy_by_part_pj(self) -> dict[str, float] | None:
        """Energy in pJ of ACT (with its PRE), RD, WR, REF and standby; None if the standard states
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
        """Priced actions whose energy has no verified source."""
        return tuple(
            price.action
            for price in dram_prices(self.spec)
            if not price.verified and price.action in DRAM_EVENTS
        )


def simulate(
    spec: DramSpec, requests: Requests, max_outstanding: int | None = None, traced: bool = False
) -> DramRun:
    """Serve at least one request under the standard's own policy.

    Each channel takes its requests in their order, at most one per clock. ``max_outstanding``
    (>= 1): maximum number of reads of all channels handed over and not yet done, as for a driver
    with that many slots. ``traced``: record every command. Equal inputs give equal runs.
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
        room = commands  # the number of commands is known only after the first run
    ranks = dram.ranks.shape[0] * dram.ranks.shape[1]
    active = sum(int(active_clocks(last, of_channel)) for of_channel in dram.ranks)
    total = dram.tally.sum(axis=0)
    closed_by_prea = int(run.control[:, queues.PREA_BANKS].sum())
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
    without_command = run.requests[:, queues.ISSUED] < 0
    names = {name: int(total[code]) for code, name in TRACED.items() if code != controller.PREA}
    return DramRun(
        spec=spec,
        requests=requests,
        max_outstanding=max_outstanding,
        accepted=run.requests[:, queues.ACCEPT].copy(),
        done=run.requests[:, queues.DONE].copy(),
        forwarded_reads=int((without_command & ~requests.writes).sum()),
        merged_writes=int((without_command & requests.writes).sum()),
        rows=(int(total[state.HITS]), int(total[state.MISSES]), int(total[state.CONFLICTS])),
        commands={
            **names,
            "PRE": names["PRE"] - closed_by_prea,
            "PREA": int(run.control[:, queues.PREAS].sum()),
        },
        counts=counts,
        trace=tuple(
            Command(clock, TRACED[code], channel, bank, row)
            for clock, code, channel, bank, row in run.trace.tolist()
        ),
    )
