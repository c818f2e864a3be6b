"""The multicast tree between global buffer and PEs: lengths of the links that words cross.

The tree is an H-tree over the array, with the global buffer at its root. A node is in the middle of
its part of the array. Its two links lead to the middles of the halves, so each is a quarter of the
side that they divide, which is the longer one. PEs are numbered along the leaves.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache

from accelsim.machine.architecture import Machine
from accelsim.sim.planning.mesh import reduction_edges


@dataclass(frozen=True)
class Tree:
    """The links of a tree over rows x cols PEs. Lengths are in sides of a PE."""

    rows: int
    cols: int

    @classmethod
    def of(cls, architecture: Machine) -> Tree:
        """The tree over the machine's array."""
        return cls(architecture.pe_array.rows, architecture.pe_array.cols)

    @cached_property
    def levels(self) -> tuple[float, ...]:
        """Length of a link per level, from the root down. A single PE is half a side away."""
        depth = (self.rows * self.cols - 1).bit_length()
        sides, lengths = [float(self.cols), float(self.rows)], []
        for _ in range(depth):
            longer = 0 if sides[0] >= sides[1] else 1
            lengths.append(sides[longer] / 4)
            sides[longer] /= 2
        return tuple(lengths) or (0.5,)

    @property
    def path(self) -> float:
        """Length of the path from the root to a PE."""
        return sum(self.levels)

    @lru_cache  # noqa: B019  it lives as long as its machine's run
    def multicast(self, pes: range, receivers: int) -> float:
        """Mean length of the links that a word crosses to a group of ``receivers`` neighbours among
        ``pes``, each link once.
        """
        receivers = max(1, min(receivers, len(pes)))
        if receivers == 1:
            return self.path
        groups = len(pes) // receivers
        depth, total = len(self.levels), 0.0
        for first in pes[: groups * receivers : receivers]:
            last = first + receivers - 1
            for level, length in enumerate(self.levels, 1):
                below = depth - level
                total += ((last >> below) - (first >> below) + 1) * length
        return total / groups

    @lru_cache  # noqa: B019
    def exchange(self, pes: range) -> float:
        """Mean distance of two PEs, along rows and columns; 0 from a PE to itself."""
        axes = (
            Counter(pe // self.cols for pe in pes),
            Counter(pe % self.cols for pe in pes),
        )
        total = sum(
            here * there * abs(a - b)
            for axis in axes
            for a, here in axis.items()
            for b, there in axis.items()
        )
        return total / len(pes) ** 2

    @lru_cache  # noqa: B019
    def reduce(self, pes: range, shared: int) -> float:
        """Mean distance of the PEs that send and receive partial sums of groups of ``shared``
        neighbours.
        """
        edges = reduction_edges(pes, shared, self.cols)
        distances = (
            abs(source // self.cols - target // self.cols)
            + abs(source % self.cols - target % self.cols)
            for source, target in edges
        )
        return sum(distances) / max(1, len(edges))
