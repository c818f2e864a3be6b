"""The mesh between PEs and global buffer: load per link for each kind of transfer.

`kernels.links.mesh` defines the numbering of links.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.links import mesh as k
from accelsim.kernels.links.servers import share
from accelsim.machine.architecture import Machine

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Mesh:
    """A mesh of rows x cols PEs; the ports of the global buffer are at column 0.

    Each method returns int64[links], in the caller's unit (words or bits). ``pes``: the PEs of the
    partition that sends or receives.
    """

    rows: int
    cols: int
    port_rows: tuple[int, ...]

    @classmethod
    def of(cls, architecture: Machine) -> Mesh | None:
        """The machine's mesh, or None if its NoC is a tree.

        Port i of n is in row floor((2 i + 1) rows / (2 n)).
        """
        noc, array = architecture.noc, architecture.pe_array
        if noc.topology != "mesh":
            return None
        ports = noc.buffer_ports
        return cls(
            array.rows,
            array.cols,
            tuple((2 * port + 1) * array.rows // (2 * ports) for port in range(ports)),
        )

    @property
    def links(self) -> int:
        """Number of links: four per PE, and two per port."""
        return 4 * self.rows * self.cols + 2 * len(self.port_rows)

    @property
    def nearest(self) -> tuple[int, ...]:
        """The nearest port of each row; of two equally near ones, the first."""
        return tuple(
            min(
                range(len(self.port_rows)), key=lambda port: (abs(self.port_rows[port] - row), port)
            )
            for row in range(self.rows)
        )

    def _none(self) -> Ints:
        return np.zeros(self.links, np.int64)

    def _ports(self) -> tuple[Ints, Ints]:
        return np.array(self.port_rows, np.int64), np.array(self.nearest, np.int64)

    def spread(self, pes: range, amount: int, receivers: int) -> Ints:
        """Global buffer to PEs: each unit goes to a group of ``receivers`` neighbouring PEs.

        The groups share ``amount`` units equally.
        """
        loads = self._none()
        k.multicast(
            pes.start,
            len(pes),
            max(1, min(receivers, len(pes))),
            amount,
            *self._ports(),
            self.rows,
            self.cols,
            loads,
        )
        return loads

    def gather(self, pes: range, amount: int) -> Ints:
        """PEs to global buffer: every PE sends an equal share."""
        loads = self._none()
        k.gather(pes.start, len(pes), amount, *self._ports(), self.rows, self.cols, loads)
        return loads

    def exchange(self, pes: range, amount: int) -> Ints:
        """PEs to PEs: every pair exchanges an equal share. A PE's share for itself crosses no
        link.
        """
        loads = self._none()
        k.all_pairs(pes.start, len(pes), amount, self.rows, self.cols, loads)
        return loads

    def reduce(self, pes: range, shared: int, amount: int) -> Ints:
        """Partial sums of groups of ``shared`` neighbouring PEs, one transfer per edge."""
        edges = reduction_edges(pes, shared, self.cols)
        sources, targets = (np.array([edge[end] for edge in edges], np.int64) for end in (0, 1))
        amounts = np.array(
            [share(amount, edge, len(edges)) for edge in range(len(edges))], np.int64
        )
        loads = self._none()
        k.unicast(sources, targets, amounts, self.rows, self.cols, loads)
        return loads


def reduction_edges(pes: range, shared: int, cols: int) -> list[tuple[int, int]]:
    """(sender, receiver) of the partial sums of groups of ``shared`` neighbouring PEs.

    They form binary trees: PE i of a group sends to PE i - s, where s is the largest power of 2
    that divides i. With ``shared`` 1, partial sums climb the columns: every PE sends to the one
    above it, or within a single row to the previous one.
    """
    if shared == 1:
        return [(pe, pe - cols) for pe in pes if pe - cols in pes] or [
            (pe, pe - 1) for pe in pes if pe - 1 in pes
        ]
    senders = [
        i
        for s in (1 << level for level in range((shared - 1).bit_length()))
        for i in range(s, shared, 2 * s)
    ]
    return [
        (start + i, start + i - (i & -i))
        for start in pes[: len(pes) // shared * shared : shared]
        for i in senders
    ]
