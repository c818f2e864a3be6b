"""Walk through the nest of a chosen mapping: the loops of the global buffer and of the PEs, turn by
turn, and what arrives whenever the content of a memory changes (docs/mapping.md, "Chosen
mappings").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tests.oracle.counted import Counted, Deliveries, Home, Keys
from tests.oracle.printed import Element, Nest, fetched
from tests.oracle.skipping import Product, Walk


class Tiles(NamedTuple):
    """Fields of a pin, as `accelsim map` prints them."""

    channel_pes: int
    order: str
    together: int
    chunk: int
    buffer_order: str
    buffer_channels: int
    buffer_positions: int


class Turn(NamedTuple):
    """A turn of the loops: a tile of the array. ``buffered``: turn of the global buffer's loops."""

    buffered: int
    high: tuple[int, ...]
    wide: tuple[int, ...]
    group: tuple[int, ...]
    tile: int
    chunk: int
    column: int


@dataclass
class Arrivals:
    """Numbers the contents of a memory: the same number while it stays, a new one when it comes."""

    number: int = -1
    content: Hashable = None

    def __call__(self, content: Hashable) -> int:
        if self.number < 0 or content != self.content:
            self.number += 1
            self.content = content
        return self.number


class Spans:
    """Moving words sent at each moment: those of the rows and columns that the windows of its
    outputs span, if any output of the op reads them. Outputs of one row of the map need columns
    from the first to the last, others whole rows. In a gradient the errors of the moment take the
    place of outputs, and the words are those of the channels of its weights.
    """

    def __init__(self, nest: Nest) -> None:
        self.nest = nest
        self.along, self.across = nest.window_letters
        self.taken = Deliveries()
        self.outputs: dict[Hashable, dict[tuple[int, ...], Product]] = defaultdict(dict)
        self.channels: dict[Hashable, set[tuple[int, int]]] = defaultdict(set)
        self.lines: set[int] = set()
        self.columns: set[int] = set()

    def add(self, moment: Hashable, product: Product) -> None:
        """A product made of words sent at ``moment``."""
        key = tuple(product.at[each] for each in ("n", *self.along))
        self.outputs[moment].setdefault(key, product)
        group = self.nest.group_of(product.output.channel)
        deep = product.at[self.nest.depth] if self.nest.gradient else -1
        self.channels[moment].add((group, deep))
        if product.moving is not None:
            self.taken.add((moment, product.moving), product.pe)
            if self.nest.has_taps:
                self.lines.add(product.moving[1])
                self.columns.add(product.moving[2])

    @property
    def received(self) -> int:
        return self.taken.received

    @property
    def sent(self) -> int:
        return sum(self.words(each) * len(self.channels[each]) for each in self.outputs)

    def words(self, moment: Hashable) -> int:
        """Words of one channel group, or of one channel of a gradient, sent at a moment."""
        return self._words(list(self.outputs[moment].values()))

    def _words(self, outputs: list[Product]) -> int:
        """Words of one channel group, or of one channel of a gradient, for some outputs."""
        nest = self.nest
        depth = 1 if nest.gradient else nest.extent[nest.depth]
        samples = {each.at["n"] for each in outputs}
        if not nest.has_taps:
            return depth * len(samples)
        one_row = len({(each.at["n"], each.at[self.along[0]]) for each in outputs}) == 1
        total = 0
        for sample in samples:
            spots = [each.at for each in outputs if each.at["n"] == sample]
            lines = self._span(1, spots) & self.lines
            columns = self._span(2, spots) & self.columns if one_row else self.columns
            total += len(lines) * len(columns)
        return total * depth

    def _span(self, axis: int, spots: list[dict[str, int]]) -> set[int]:
        """Rows or columns from the first to the last that windows span."""
        tap = self.across[axis - 1]
        text, last = self.nest.moving.indices[axis], self.nest.extent[tap] - 1
        found: set[int] = set()
        for spot in spots:
            each = fetched(text, {**spot, tap: 0}, {**spot, tap: last})
            found |= {place for place in each if 0 <= place < self.nest.map[axis - 1]}
        return set(range(min(found), max(found) + 1)) if found else set()


def cut(items: list[int], size: int) -> list[tuple[int, ...]]:
    """Runs of ``size`` items."""
    return [tuple(items[each : each + size]) for each in range(0, len(items), size)]


class TiledWalk(Walk):
    """One op under a chosen mapping."""

    def __init__(self, nest: Nest, keys: Keys, home: Home, made_at_home: int, tiles: Tiles) -> None:
        super().__init__(nest, keys, home, made_at_home)
        self.tiles = tiles
        self.channel_tiles = 1 + max(each.visit for each in self.outputs)  # type: ignore[type-var]
        self.position_tiles = 1 + max(each.tile for each in self.outputs)

    def turns(self) -> Iterator[Turn]:
        """All turns, in order."""
        t = self.tiles
        highs = cut(list(range(self.channel_tiles)), t.buffer_channels)
        wides = cut(list(range(self.position_tiles)), t.buffer_positions)
        outer = [(high, wide) for high in highs for wide in wides]
        if t.buffer_order == "positions":
            outer = [(high, wide) for wide in wides for high in highs]
        chunks = range(-(-self.nest.reduction // t.chunk))
        for buffered, (high, wide) in enumerate(outer):
            groups = cut(list(wide), t.together)
            pairs = [(tile, group) for tile in high for group in groups]
            if t.order == "positions":
                pairs = [(tile, group) for group in groups for tile in high]
            for tile, group in pairs:
                for chunk in chunks:
                    for column in group:
                        yield Turn(buffered, high, wide, group, tile, chunk, column)

    def run(self) -> Counted:
        """Words of all turns."""
        by_tile: dict[tuple[Hashable, int], list[tuple[int, Product]]] = defaultdict(list)
        number = {tuple(tap.values()): place for place, tap in enumerate(self.sums)}
        for each in self.products:
            tap = tuple(each.at[key] for key in self.nest.reduction_letters)
            by_tile[each.output.visit, each.output.tile].append((number[tap], each))
        stationary = Deliveries()
        loaded: set[tuple[int, Element]] = set()
        group_now, weights_now = Arrivals(), Arrivals()
        map_now, channels_now = Arrivals(), Arrivals()
        kept = "group" if self.tiles.order == "positions" else self.kept()
        if self.nest.gradient:
            kept = "chunk"
        moving, read = Spans(self.nest), Spans(self.nest)
        for turn in self.turns():
            group, weights = group_now(turn.group), weights_now((turn.tile, turn.chunk))
            staged_map, staged_channels = map_now(turn.wide), channels_now(turn.high)
            first = turn.chunk * self.tiles.chunk
            for place, each in by_tile[turn.tile, turn.column]:
                if not first <= place < first + self.tiles.chunk:
                    continue
                stationary.add((each.stationary, weights), each.pe)
                loaded.add((staged_channels, each.stationary))
                moment: Hashable = group
                if kept == "chunk":
                    moment = (turn.tile, group, turn.chunk)
                elif kept != "group":
                    moment = (turn.buffered, turn.tile, self._again(kept, each))
                moving.add(moment, each)
                # The same channels of a map come again with another tile of channels.
                again = self.tiles.buffer_order == "channels" and len(turn.wide)
                rest = turn.high if again and self._many_wides else 0
                read.add((staged_map, rest), each)
        sent = moving.taken.sent if kept in ("columns", "nothing") else moving.sent
        words = (sent, moving.received, read.sent)
        if self.nest.gradient:
            words = (sent, moving.received, self._batch(sent, read.taken.sent))
        return self._counts(words, stationary, len(loaded))

    def _batch(self, sent: int, read: int) -> int:
        """Words of DRAM in a gradient, whose batch passes through the global buffer: once if it
        stages a sample (on a near-memory machine, else the batch) and its errors of a channel tile;
        else again for each channel tile and group of positions, but no word more than is sent.
        """
        if self.stages_batch(read):
            return read
        visits = {
            (each.output.visit, each.output.tile // self.tiles.together, self._deep(each))
            for each in self.products
        }
        words: dict[int, set[Element]] = defaultdict(set)
        for each in self.products:
            if each.moving is not None:
                words[each.moving[-1]].add(each.moving)
        return min(sent, sum(len(words[channel]) for _, _, channel in visits))

    def _deep(self, each: Product) -> int:
        """Channel of the moving map that a weight's gradient needs."""
        depth = self.nest.depth
        group = self.nest.group_of(each.output.channel)
        return group * self.nest.extent[depth] + each.at[depth]

    def stages_batch(self, read: int) -> bool:
        """Whether the global buffer stages a sample or batch of a gradient."""
        samples = self.nest.extent["n"] if self.keys.near_memory else 1
        errors = self.nest.stationary_words // samples // self.channel_tiles
        bits = read // samples * self.bits[0] + errors * self.bits[1]
        return bits <= self.keys.staging

    @property
    def _many_wides(self) -> bool:
        """Whether the global buffer stages positions in several parts."""
        return self.position_tiles > self.tiles.buffer_positions

    @property
    def room(self) -> int:
        """Bits beside a chunk of stationary words and the sums of the lanes."""
        return self.keys.working - self.sums_bits - self.chunk_bits

    @property
    def chunk_bits(self) -> int:
        """Bits of the stationary words of an output that a PE stages at a time."""
        return 0 if self.at_home else self.tiles.chunk * self.bits[1]

    @property
    def sums_bits(self) -> int:
        """Bits of the sums of a position tile, or of those that wait from chunk to chunk."""
        waiting = self.tiles.together if self.tiles.chunk < self.nest.reduction else 1
        return waiting * self.keys.outputs_per_pe * self.keys.psum

    def kept(self) -> str:
        """Rows, columns or nothing: a PE never counts on keeping all."""
        for kept in ("rows", "columns"):
            if self.window(kept) * self.bits[0] <= self.room:
                return kept
        return "nothing"

    def _again(self, kept: str, each: Product) -> Hashable:
        if kept == "rows":
            return None
        if kept == "columns":
            return self.nest.row_of(each.output.spot), each.at["r"]
        return each.output.position, self.nest.taps_of(each.at)

    def _counts(self, moving: tuple[int, int, int], stationary: Deliveries, loaded: int) -> Counted:
        nest, keys, counted = self.nest, self.keys, self.counted
        counted.add(nest.moving.role, *moving)
        chunks = -(-nest.reduction // self.tiles.chunk)
        carried = nest.channels * nest.positions * (chunks - 1)
        counted.sums_out = counted.sums_back = carried
        words = nest.channels * nest.positions
        if nest.masked:
            counted.add("needed", words, words, words)
        counted.add("out", words, words, words - self.made_at_home)
        role = nest.stationary_role
        if nest.gradient and not self.stages_batch(len({x.moving for x in self.products} - {None})):
            loaded = stationary.sent
        if not keys.near_memory or nest.arrives:
            counted.add(role, stationary.sent, stationary.received, loaded)
            return counted
        if self.at_home:
            return counted
        whole, sent, taken = nest.stationary_words, stationary.sent, stationary.received
        held = self.home.spilled
        if held:
            share = (held * each // whole for each in (sent, taken, loaded))
            counted.add(f"spilled {role}", *share)
        if self.fetches:
            held = self.home.resident
            counted.add(f"remote {role}", held * sent // whole, held * taken // whole, 0)
        return counted
