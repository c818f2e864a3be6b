"""Transfers of a DRAM without a machine, for tests: by the kernels that move a machine's blocks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from accelsim.cost.counters import ActionCounts
from accelsim.dram.channels import COMMAND_ACTIONS, DramChannels
from accelsim.errors import InputError
from accelsim.kernels.dma import arrays as d
from accelsim.kernels.dma.channels import full, run_channels
from accelsim.kernels.dma.transfers import start
from accelsim.kernels.dram import queues
from accelsim.kernels.dram import state as k

Name = tuple[int, int, int]


@dataclass(frozen=True)
class Transfer:
    """``nbytes`` of a tensor at ``base`` of ``size`` bytes, from ``offset`` on, offered from
    ``clock`` on. ``key``: number of its op, and of the tensor within the op.
    """

    clock: int
    base: int
    size: int
    offset: int
    nbytes: int
    write: bool
    key: tuple[int, int] = (0, 0)


class Moves:
    """Transfers on their way, each with a name: its key, and how many have had that key before.

    ``order``: names in the order of start. ``ends``: clock of the last data of each that has ended.
    ``commands``: ACTs, PREs, RDs and WRs issued for each.
    """

    def __init__(self, channels: DramChannels) -> None:
        self.channels = channels
        self.reached = 0
        self.flying = 0
        self.order: list[Name] = []
        self.ends: dict[Name, int] = {}
        self.commands: dict[Name, tuple[int, int, int, int]] = {}
        self._names: dict[int, Name] = {}

    def run(self, transfers: Iterable[Transfer]) -> None:
        """Start each transfer at its clock, in the order of clocks, and run to the end of all."""
        for transfer in transfers:
            self._run_to(transfer.clock)
            self._start(transfer)
        self._run_to(queues.NEVER)

    def _start(self, wanted: Transfer) -> None:
        dma = self.channels.system.dma
        free = (index for index, row in enumerate(dma.transfers) if row[d.SERIAL] < 0)
        index = next(free, len(dma.transfers))
        self.channels.make_room(index + 1)
        dram, _, dma = self.channels.system
        row = dma.transfers[index]
        row[d.SERIAL], row[d.ORDER] = wanted.key
        row[d.BASE], row[d.SIZE], row[d.IS_STORE] = wanted.base, wanted.size, wanted.write
        start(index, wanted.offset, wanted.nbytes, wanted.clock, dram.shape, dma)
        self.flying += 1
        name = (*wanted.key, sum(each[:2] == wanted.key for each in self.order))
        self._names[index] = name
        self.order.append(name)

    def _run_to(self, clock: int) -> None:
        while self.flying and self.reached < clock:
            dma = self.channels.system.dma
            reached = run_channels(self.reached, clock, self.channels.system)
            assert reached >= self.reached
            for index in dma.finished[1 : 1 + dma.finished[0]].tolist():
                row, key = dma.transfers[index], self._names[index]
                self.ends[key] = int(row[d.UNTIL])
                assert row[d.UNTIL] >= reached
                acts, pres, columns = (
                    dma.cursors[:, index, d.ACTS : d.COLUMNS + 1].sum(axis=0).tolist()
                )
                read, written = (0, columns) if row[d.IS_STORE] else (columns, 0)
                self.commands[key] = (acts, pres, read, written)
                row[d.SERIAL] = -1
                self.flying -= 1
            dma.finished[0] = 0
            self.reached = reached
            if full(dma):
                self.channels.extend_log()
        if not self.flying and clock < queues.NEVER:
            self.reached = clock


def transfer(
    dram: DramChannels,
    start_ps: int,
    address: int,
    nbytes: int,
    write: bool,
    counts: ActionCounts | None = None,
) -> int:
    """Move ``nbytes`` (>= 1) from ``address`` alone. Returns the time of the last data in ps.

    ``start_ps``: time at which the transfer is handed over, not before the last data of an earlier
    one. ``counts`` receives the commands issued for it. Raises InputError if the range does not lie
    inside the DRAM.
    """
    table = dram.table
    if nbytes < 1 or address < 0 or address + nbytes > table.capacity_bytes:
        raise InputError(
            f"a DRAM transfer must lie within its {table.capacity_bytes} bytes, got {nbytes} "
            f"bytes at address {address}"
        )
    moves = Moves(dram)
    clock = -(-start_ps // table.tck_ps)
    moves.run([Transfer(clock, address, nbytes, 0, nbytes, write)])
    if counts is not None:
        for command, count in zip((k.ACT, k.PRE, k.RD, k.WR), moves.commands[0, 0, 0], strict=True):
            counts.add("dram", COMMAND_ACTIONS[command], count)
    return moves.ends[0, 0, 0] * table.tck_ps
