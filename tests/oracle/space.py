"""Space that the tiles of a chosen mapping need, counted at the turns of its loops
(docs/mapping.md, "Chosen mappings").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from functools import cached_property

from tests.oracle.skipping import Output
from tests.oracle.tiled import Arrivals, Spans, TiledWalk


class Space:
    """Bits of a PE's working space, and of one half of the global buffer's staging."""

    def __init__(self, walk: TiledWalk) -> None:
        self.walk, self.nest, self.tiles = walk, walk.nest, walk.tiles
        self.bits = walk.bits
        self.turns = list(walk.turns())
        self.spanned: dict[tuple[int, ...], int] = {}

    @property
    def pad(self) -> int:
        """Bits of a chunk of stationary words, of the moving words that stay, and of sums."""
        moving = self._window if self.tiles.order == "channels" else self._kept
        if self.nest.gradient:
            moving = self._maps
        return self.walk.chunk_bits + moving + self.walk.sums_bits

    @property
    def buffer(self) -> int:
        """Bits of the positions that the buffer stages, with all channels, and of the stationary
        words of its channel tiles, if these come through it.
        """
        if self.nest.gradient:
            return min(self._batch, self._row)
        wide = max(map(self._words, {turn.wide for turn in self.turns})) * self.nest.groups
        through = not self.walk.keys.near_memory or self.walk.home.spilled or self.nest.arrives
        if self.walk.at_home or not through:
            return wide * self.bits[0]
        high = {tile: turn.high for turn in self.turns for tile in turn.high}
        staged: dict[tuple[int, ...], set[Hashable]] = defaultdict(set)
        for each in self.walk.products:
            staged[high[each.output.visit]].add(each.stationary)
        return wide * self.bits[0] + max(map(len, staged.values())) * self.bits[1]

    # Moving words in a PE

    @property
    def _kept(self) -> int:
        """Words of the largest group of positions, for as many channel groups as a PE needs while
        one group of positions stays. If there are several, the next one arrives meanwhile.
        """
        arrivals = Arrivals()
        needed: dict[Hashable, set[int]] = defaultdict(set)
        sizes: dict[tuple[int, ...], int] = {}
        for turn in self.turns:
            number = arrivals(turn.group)
            sizes[turn.group] = self._words(turn.group)
            for output in self._at[turn.tile, turn.column]:
                needed[number, output.pe].add(self.nest.group_of(output.channel))
        most = max(map(len, needed.values()))
        return max(sizes.values()) * most * self.bits[0] * (1 if len(sizes) == 1 else 2)

    @property
    def _window(self) -> int:
        """Rows or columns that a kernel spans, and no less than the lanes look at."""
        kept, least = self.walk.kept(), self.walk.keys.windows
        words = least if kept == "nothing" else max(least, self.walk.window(kept))
        return words * self.bits[0]

    @property
    def _maps(self) -> int:
        """In a gradient: what the largest chunk spans of a channel's map, for as many channels as
        the weights of a PE need in a group of positions.
        """
        chunks = Spans(self.nest)
        place = {tuple(tap.values()): number for number, tap in enumerate(self.walk.sums)}
        for each in self.walk.products:
            tap = tuple(each.at[key] for key in self.nest.reduction_letters)
            chunks.add(place[tap] // self.tiles.chunk, each)
        channels: dict[Hashable, set[int]] = defaultdict(set)
        for turn in self.turns:
            for output in self._at[turn.tile, turn.column]:
                key = (turn.tile, turn.group, output.pe)
                channels[key].add(output.spot[self.nest.depth])
        largest = max(map(chunks.words, chunks.outputs))
        return largest * max(map(len, channels.values())) * self.bits[0]

    @cached_property
    def _at(self) -> dict[tuple[Hashable, int], list[Output]]:
        """Outputs by channel tile and position tile."""
        found: dict[tuple[Hashable, int], list[Output]] = defaultdict(list)
        for output in self.walk.outputs:
            found[output.visit, output.tile].append(output)
        return found

    def _words(self, columns: tuple[int, ...]) -> int:
        """Words of one channel group that the outputs of some position tiles span."""
        if columns not in self.spanned:
            spans = Spans(self.nest)
            for each in self.walk.products:
                spans.add(each.output.tile in columns, each)
            self.spanned[columns] = spans.words(True)
        return self.spanned[columns]

    # A gradient's batch in the buffer

    @property
    def _batch(self) -> int:
        """A sample (on a near-memory machine, else the batch), and its errors of a channel tile."""
        read = len({each.moving for each in self.walk.products} - {None})
        samples = self.nest.extent["n"] if self.walk.keys.near_memory else 1
        errors = self.nest.stationary_words // samples // self.walk.channel_tiles
        return read // samples * self.bits[0] + errors * self.bits[1]

    @property
    def _row(self) -> int:
        """A row of errors, and the rows of the map from the first to the last that it meets."""
        row = self.nest.window_letters[0][0]
        met: dict[int, set[int]] = defaultdict(set)
        errors: dict[tuple[int, int], set[Hashable]] = defaultdict(set)
        for each in self.walk.products:
            errors[each.at["n"], each.at[row]].add(each.stationary)
            line = self.nest.line(1, each.at)
            if line is not None:
                met[each.at[row]].add(line)
        tall = max((max(each) - min(each) + 1 for each in met.values()), default=0)
        channels = self.nest.extent[self.nest.depth] * self.nest.groups
        words = tall * self.nest.map[1] * channels
        return words * self.bits[0] + max(map(len, errors.values())) * self.bits[1]
