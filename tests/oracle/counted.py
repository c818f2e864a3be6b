"""What the walks count, and what they take from a machine file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import NamedTuple


class Home(NamedTuple):
    """Words of a tensor in the scratchpads of the PEs, and in DRAM for lack of room there; PEs that
    hold each of the former, or 0 if the tensor has no home.
    """

    resident: int
    spilled: int
    copies: int = 1


@dataclass(frozen=True)
class Keys:
    """Keys of a machine file, sizes in bits.

    ``accumulators``: sums of a PE outside its scratchpad. ``windows``: words of each operand that
    the lanes of a PE look at, two windows per lane. ``deals``: whether lanes take segments of an
    outer product. ``broadcasts``: whether each moving word goes to all PEs, ``joined`` without
    regard to channel groups. ``shares``: whether an operand buffer reads a stationary word once for
    all lanes of a PE that work on its channel. ``zeros_stay``: whether lanes visit zeros around
    the map.
    """

    near_memory: bool
    rows: int
    columns: int
    working: int
    staging: int
    psum: int
    outputs_per_pe: int
    accumulators: int
    windows: int
    deals: bool
    broadcasts: bool
    joined: bool
    transpose: str
    feedback: str
    shares: bool = False
    zeros_stay: bool = False

    @property
    def pes(self) -> int:
        return self.rows * self.columns


class Words(NamedTuple):
    """Words sent over a route, words received by PEs, and words that cross the DRAM bus if the
    tensor lives there.
    """

    sent: int
    received: int
    dram: int


class Reads(NamedTuple):
    """Words that lanes read for their MACs. ``sums``: partial sums, also written back."""

    moving: int = 0
    stationary: int = 0
    sums: int = 0


@dataclass
class Counted:
    """Words of an op. Keys of ``moved`` are roles."""

    moved: dict[str, Words] = field(default_factory=dict)
    sums_out: int = 0
    sums_back: int = 0
    kept_sums: int = 0
    reads: Reads = field(default_factory=Reads)

    def add(self, role: str, sent: int, received: int, dram: int) -> None:
        if sent or dram:
            self.moved[role] = Words(sent, received, dram)


class Deliveries:
    """Words sent, each at a moment, and the PEs that take them."""

    def __init__(self) -> None:
        self.takers: dict[Hashable, set[int]] = defaultdict(set)

    def add(self, word: Hashable, pe: int) -> None:
        self.takers[word].add(pe)

    @property
    def sent(self) -> int:
        return len(self.takers)

    @property
    def received(self) -> int:
        return sum(map(len, self.takers.values()))
