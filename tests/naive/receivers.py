"""Plain walk over the outputs of a convolution: which PE has which output, which moving words that
output reads, and which words each PE therefore takes.

Positions and channels are dealt as docs/mapping.md says. Nothing of the mapper's formulas is used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from accelsim.pe.mapping import Tiling
from tests.naive.bounds import Bounds
from tests.naive.loop_nest import outer_tiles

Word = tuple[int, ...]
PE = tuple[int, int]


def distinct_reads(
    rows: np.ndarray,
    cols: np.ndarray,
    kernel: list[tuple[int, int]],
    samples: int,
    share: tuple[int, int, int],
) -> tuple[int, int]:
    """Elements that processors take, as in `accelsim.kernels.bits.reads`: a set per processor and
    group of tiles.
    """
    run, tile, together = share
    taken: dict[tuple[int, int], set[Word]] = defaultdict(set)
    position = 0
    for sample in range(samples):
        for row in rows:
            for col in cols:
                processor = position % tile // run
                held = taken[position // (tile * together), processor]
                for i, j in kernel:
                    if row[i] >= 0 and col[j] >= 0:
                        held.add((sample, int(row[i]), int(col[j])))
                position += 1
    return sum(map(len, taken.values())), max(map(len, taken.values()))


@dataclass(frozen=True)
class Reads:
    """What the outputs of one op read. ``pass_``: FF, EP or WG."""

    b: Bounds
    pass_: str
    joined: bool = False
    """Whether zeros between groups are words, so that an output reads all channels."""

    @property
    def channels(self) -> int:
        return self.b.c if self.pass_ == "EP" else self.b.k

    @property
    def positions(self) -> int:
        b = self.b
        if self.pass_ == "WG":
            return b.r * b.s * (b.c // b.groups)
        return b.n * (b.h * b.w if self.pass_ == "EP" else b.p * b.q)

    def group(self, channel: int) -> int:
        """Channel group of an output channel."""
        return channel // (self.channels // self.b.groups)

    def depths(self, channel: int) -> range:
        """Moving channels that an output channel reads."""
        every = self.b.k if self.pass_ == "EP" else self.b.c
        if self.joined:
            return range(every)
        size = every // self.b.groups
        return range(self.group(channel) * size, (self.group(channel) + 1) * size)

    def elements(self, position: int) -> Iterator[tuple[int, int, Word]]:
        """(kernel row, kernel column, element) that a position reads; of a weight, its own tap."""
        b = self.b
        if self.pass_ == "WG":
            tap = position // (b.c // b.groups)
            for n in range(b.n):
                for y in range(b.p):
                    for x in range(b.q):
                        at = self.source(y, x, tap // b.s, tap % b.s)
                        if at:
                            yield tap // b.s, tap % b.s, (n, *at)
            return
        height, width = (b.h, b.w) if self.pass_ == "EP" else (b.p, b.q)
        n, y, x = position // (height * width), position // width % height, position % width
        for i in range(b.r):
            for j in range(b.s):
                at = (self.back if self.pass_ == "EP" else self.source)(y, x, i, j)
                if at:
                    yield i, j, (n, *at)

    def source(self, y: int, x: int, i: int, j: int) -> Word:
        """Input element under tap (i, j) of output (y, x); () outside the map."""
        b = self.b
        h = y * b.stride[0] - b.padding[0] + i * b.dilation[0]
        w = x * b.stride[1] - b.padding[1] + j * b.dilation[1]
        return (h, w) if 0 <= h < b.h and 0 <= w < b.w else ()

    def back(self, y: int, x: int, i: int, j: int) -> Word:
        """Output element whose tap (i, j) is on input (y, x); () if there is none."""
        b = self.b
        h = y + b.padding[0] - i * b.dilation[0]
        w = x + b.padding[1] - j * b.dilation[1]
        if h % b.stride[0] or w % b.stride[1]:
            return ()
        p, q = h // b.stride[0], w // b.stride[1]
        return (p, q) if 0 <= p < b.p and 0 <= q < b.q else ()

    def words(self, channel: int, position: int) -> Iterator[tuple[int, int, Word]]:
        """(kernel row, kernel column, moving word) that an output reads."""
        if self.pass_ == "WG":
            depth = self.depths(channel)
            own = depth[position % len(depth)]
            for i, j, element in self.elements(position):
                yield i, j, (own, *element)
            return
        for i, j, element in self.elements(position):
            for own in self.depths(channel):
                yield i, j, (own, *element)


@dataclass
class Dealt:
    """Channels and positions over PEs: ``per_tile`` channels and ``tile`` positions side by side,
    ``run`` of these positions in one PE.
    """

    reads: Reads
    per_tile: int
    run: int
    tile: int

    def pe(self, channel: int, position: int) -> PE:
        return channel % self.per_tile, position % self.tile // self.run

    def taken(
        self, again: Callable[[int, int, int, int], tuple[int, ...]]
    ) -> tuple[int, int, dict[PE, int]]:
        """(words sent, words taken, words per PE). A word is sent once, and taken once per PE, for
        each value of ``again`` (channel, kernel row, kernel column, position).
        """
        sent: set[Word] = set()
        taken: dict[PE, set[Word]] = defaultdict(set)
        for channel in range(self.reads.channels):
            for position in range(self.reads.positions):
                for i, j, word in self.reads.words(channel, position):
                    event = (*again(channel, i, j, position), *word)
                    sent.add(event)
                    taken[self.pe(channel, position)].add(event)
        sizes = {pe: len(words) for pe, words in taken.items()}
        return len(sent), sum(sizes.values()), sizes


@dataclass
class TiledWalk:
    """Words that PEs take under a tiling: each load brings the words that a PE does not hold."""

    dealt: Dealt
    t: Tiling
    taken: int = 0
    held: dict[PE, set[Word]] = field(default_factory=dict)

    def run(self) -> int:
        dealt, t, reads = self.dealt, self.t, self.dealt.reads
        tiles = -(-reads.channels // dealt.per_tile)
        columns = -(-reads.positions // dealt.tile)
        before: list[int] = []
        for high, wide in outer_tiles(t, tiles, columns):
            groups = [wide[i : i + t.together] for i in range(0, len(wide), t.together)]
            if t.order == "positions":
                for group in groups:
                    if group != before:
                        self.held = {}
                        before = group
                    self.load(high, group)
            else:
                for tile in high:
                    self.held = {}
                    self.load([tile], wide)
        return self.taken

    def load(self, tiles: list[int], columns: list[int]) -> None:
        dealt = self.dealt
        for channel in range(dealt.reads.channels):
            for position in range(dealt.reads.positions):
                if channel // dealt.per_tile in tiles and position // dealt.tile in columns:
                    held = self.held.setdefault(dealt.pe(channel, position), set())
                    for _, _, word in dealt.reads.words(channel, position):
                        if word not in held:
                            held.add(word)
                            self.taken += 1
