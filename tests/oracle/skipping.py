"""Walk through the canonical nest of an array that skips zeros: which PE receives which word, when.

Every product of every output is visited. A delivery is a word that is sent at one moment; it goes
to the PEs that have an output which reads the word then. What a PE keeps decides which moments are
one: docs/mapping.md, "What is sent".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tests.oracle.counted import Counted, Deliveries, Home, Keys, Reads
from tests.oracle.printed import Element, Nest

Index = dict[str, int]


class Output(NamedTuple):
    """An output and where it is computed.

    ``visit``: turn of the outer loop over channel tiles; ``tile``: position tile.
    """

    channel: int
    position: int
    spot: Index
    visit: Hashable
    tile: int
    pe: int


@dataclass(frozen=True)
class Product:
    """A product of an output: the PE that makes it, and the elements it reads (None: a zero)."""

    output: Output
    pe: int
    at: Index
    moving: Element | None
    stationary: Element


class Walk:
    """One op on one machine. ``home``: words of the stationary tensor in the PEs and in DRAM.
    ``made_at_home``: outputs that stay in the PEs.
    """

    def __init__(self, nest: Nest, keys: Keys, home: Home, made_at_home: int = 0) -> None:
        self.nest, self.keys, self.home, self.made_at_home = nest, keys, home, made_at_home
        self.bits = nest.word_bits
        self.sums = nest.sums()
        self.shared = nest.sharing_pes
        self.channel_pes = nest.over("PEs")
        self.copies = nest.over("groups of PEs")
        self.lanes = 1 if self.shared else keys.outputs_per_pe
        self.counted = Counted()
        self.outputs = list(self._outputs())
        self.products = list(self._products())

    def run(self) -> Counted:
        assert (self.shared, self.channel_pes, self.copies) == self._dealt()
        self.counted.kept_sums = self.kept_sums
        self._moving()
        self._stationary()
        words = self.nest.channels * self.nest.positions
        if self.nest.masked:
            self.counted.add("needed", words, words, words)
        self.counted.add("out", words, words, words - self.made_at_home)
        return self.counted

    def reads(self, skips_moving: bool = True) -> Reads:
        """Words read for the products of two elements. A broadcast word is read once for all
        channels of a PE; zeros of padding are words too, unless they are skipped. An outer product
        of several samples adds to sums in the scratchpad, if it keeps them there.
        """
        nest = self.nest
        every = [each for each in self._computed() if each.moving and not nest.is_zero(each.at)]
        macs = len(every) * nest.reduction // len(self.sums) if nest.stored else len(every)
        moving = macs
        if self.keys.broadcasts:
            moving = len(
                {
                    (each.output.visit, each.output.position, *each.at.items())
                    for each in self.products
                    if each.moving is not None or (not skips_moving and nest.beyond(each.at))
                }
            )
        return Reads(moving, self._fetched(macs), macs if self.kept_sums else 0)

    def _computed(self) -> Iterator[Product]:
        """Products of the outputs that are computed."""
        for each in self.products:
            if self.nest.computes(each.output.channel, each.output.spot):
                yield each

    def _fetched(self, macs: int) -> int:
        """Stationary words from the scratchpads, of ``macs`` that lanes read. An operand buffer
        brings the stream of a channel once per group of positions in one PE, which is as long as
        that of a mean position. Zeros of padding are words of it; those of strides may be.
        """
        nest, lanes = self.nest, self.keys.outputs_per_pe
        own_words = nest.stored or nest.unshared or nest.outer_product
        if not self.keys.shares or self.shared or own_words:
            return macs
        # A weight gradient's stream has all errors, whatever lies under them.
        every = self.keys.zeros_stay or nest.gradient
        visited = sum(
            every or each.moving is not None or nest.beyond(each.at) for each in self._computed()
        )
        return min(macs, -(-visited * -(-nest.positions // lanes) // nest.positions))

    # Who computes what

    def _dealt(self) -> tuple[int, int, int]:
        """PEs that share a reduction (0 if none do), those side by side on channels, and groups of
        such PEs with positions of their own. Rows are channels and columns positions; near memory
        all PEs are channels, and those left over further groups, as far as they hold copies of
        weights that are read at home.
        """
        nest, keys = self.nest, self.keys
        if not keys.near_memory:
            return 0, keys.rows, keys.columns
        transposed = self._transposed
        held = self.home.copies or keys.pes
        if transposed and keys.transpose == "psum_reduce" and not self._too_few_share:
            depth = nest.extent[nest.depth]
            return min(depth, keys.pes), 1, min(held, max(1, keys.pes // depth))
        groups = max(1, keys.pes // nest.channels)
        if not (nest.arrives or nest.unshared or transposed):
            groups = min(groups, held)
        return 0, min(keys.pes, nest.channels), groups

    def _outputs(self) -> Iterator[Output]:
        """Every output, channel by channel, in the PE that the nest gives it."""
        spots = self.nest.positions_of()
        across = self.copies * self.lanes
        for channel in range(self.nest.channels):
            high, pe = divmod(channel, self.channel_pes)
            if self.shared:
                high, pe = channel // self.keys.outputs_per_pe, 0
            for number, spot in enumerate(spots):
                tile, within = divmod(number // self.nest.segment, across)
                group = within // self.lanes
                yield Output(
                    channel,
                    number,
                    spot,
                    self._visit(channel, high),
                    tile,
                    group * (self.shared or self.channel_pes) + pe,
                )

    def _visit(self, channel: int, tile: int) -> Hashable:
        """Turn of the outermost loop over channels. A broadcast array takes groups one by one."""
        if not self.keys.broadcasts:
            return tile
        per_group = self.nest.channels // self.nest.groups
        at_once = self.channel_pes * self.nest.held_tiles
        return self.nest.group_of(channel), channel % per_group // at_once

    def _products(self) -> Iterator[Product]:
        for output in self.outputs:
            for tap in self.sums:
                at = {**output.spot, **tap}
                moving = self.nest.moving_element(output.channel, at)
                pe = output.pe
                if self.shared:
                    depth = self.nest.group_of(output.channel) * self.nest.extent[self.nest.depth]
                    pe += (depth + at[self.nest.depth]) % self.shared
                yield Product(
                    output, pe, at, moving, self.nest.stationary_element(output.channel, at)
                )

    # Sums of outer products

    @property
    def sums_per_word(self) -> int:
        """Sums to which a PE adds when one moving word passes its lanes."""
        return self.keys.outputs_per_pe * self.nest.held_tiles

    @property
    def kept_sums(self) -> int:
        """Sums in the scratchpad: those that wait for further samples, if the accumulators do not
        hold them.
        """
        nest, keys = self.nest, self.keys
        if not (nest.outer_product and keys.deals) or nest.extent["n"] == 1:
            return 0
        waiting = nest.segment * self.sums_per_word
        free = keys.working - keys.windows * sum(self.bits)
        kept = waiting if waiting > keys.accumulators else 0
        assert kept * keys.psum <= max(free, self.sums_per_word * keys.psum)
        return kept

    @property
    def keeps_errors(self) -> bool:
        """Whether a PE keeps the errors of all samples from part to part of its segment: they take
        at most half of the space and leave room for a sum per lane.
        """
        keys = self.keys
        errors = self.nest.extent["n"] * self.nest.held_tiles * self.bits[1]
        free = keys.working - keys.windows * sum(self.bits)
        return errors <= keys.working // 2 and errors + self.sums_per_word * keys.psum <= free

    # The moving operand

    def _moving(self) -> None:
        nest = self.nest
        if nest.stored and nest.channels * nest.positions * nest.stored < nest.moving_words:
            # Each neuron is sent the errors that its row stores.
            words = nest.channels * nest.positions * nest.stored
            self.counted.add(nest.moving.role, words, words, words)
            return
        kept = self.kept()
        sent = Deliveries()
        visits = set()
        for each in self.products:
            if each.moving is not None:
                sent.add((each.moving, self._moment(kept, each)), each.pe)
                visits.add((each.moving, each.output.visit))
        read = len({element for element, _ in visits})
        once = kept == "all" or self._stages(read)
        if nest.positions_outermost:
            assert self._tile() * self.bits[0] <= self.room
            dram = read if once or kept == "rows" else sent.sent
        else:
            dram = read if once else len(visits)
        self.counted.add(nest.moving.role, sent.sent, sent.received, dram)

    def _moment(self, kept: str, product: Product) -> Hashable:
        """The moments at which a PE that keeps ``kept`` needs a word again."""
        nest, output = self.nest, product.output
        if kept == "all":
            return None
        if nest.positions_outermost:
            return None if kept == "rows" else output.tile
        if kept == "rows":
            return output.visit
        if kept == "columns":
            return output.visit, nest.row_of(output.spot), product.at["r"]
        if nest.gradient:
            return output.visit, nest.taps_of(output.spot)
        if nest.unshared:
            return output.visit, output.tile
        return output.visit, output.position, nest.taps_of(product.at)

    def _stages(self, whole: int) -> bool:
        """Whether the global buffer stages the moving words while channel tiles pass: those of a
        sample on a near-memory machine, whose samples pass one by one, else of the batch. Staged
        stationary words would come again with each sample.
        """
        samples = self.nest.extent["n"] if self.at_home else 1
        return whole // samples * self.bits[0] <= self.keys.staging

    @property
    def at_home(self) -> bool:
        """Whether no stationary word is sent to the PEs."""
        nest, keys = self.nest, self.keys
        if not keys.near_memory or nest.arrives:
            return False
        regenerated = nest.stationary.role == "feedback" and keys.feedback == "prng"
        return regenerated or not (self.home.spilled or self.fetches)

    @property
    def fetches(self) -> bool:
        """Whether PEs fetch the transpose of weights from their homes."""
        return (
            self.keys.near_memory
            and self._transposed
            and (self.keys.transpose == "remote_read" or self._too_few_share)
        )

    @property
    def _transposed(self) -> bool:
        """Whether the op reads weights that are stored by the channels that it sums."""
        return not self.nest.arrives and self.nest.stationary.indices[0] == self.nest.depth

    @property
    def _too_few_share(self) -> bool:
        """Whether PEs fetch weights under psum_reduce too: a grouped convolution's, those of a
        single channel, or a single PE.
        """
        few = self.nest.groups > 1 or self.nest.extent[self.nest.depth] == 1 or self.keys.pes == 1
        return self.keys.transpose == "psum_reduce" and few

    @property
    def room(self) -> int:
        """Bits for moving words: those beside the staged stationary words of an output, or the
        errors of a gradient's channel. If these come in chunks, half of the space; in a gradient
        nothing stays from one position tile to the next.
        """
        nest, keys = self.nest, self.keys
        if nest.outer_product and keys.deals:
            return keys.working - self.kept_sums * keys.psum
        if keys.near_memory and not (nest.arrives or self.fetches):
            return keys.working
        held = nest.reduction * self.bits[1]
        if held <= keys.working // 2:
            return keys.working - held
        if nest.gradient and not any(each.tile for each in self.outputs):
            return keys.working
        return 0 if nest.gradient else keys.working // 2

    def kept(self) -> str:
        """What a PE keeps of the moving operand: all, rows, columns or nothing. In a gradient,
        "rows" are whole maps of the channels that the lanes of a PE reduce at a time.
        """
        nest = self.nest
        if self._all() * self.bits[0] <= self.room:
            return "all"
        if nest.gradient:
            return "rows" if self._maps() * self.bits[0] <= self.room else "nothing"
        for kept in ("rows", "columns"):
            if self.window(kept) * self.bits[0] <= self.room:
                return kept
        return "nothing"

    def _all(self) -> int:
        """Words that the outputs of a PE read, the most of any PE."""
        words: dict[int, set[Element]] = defaultdict(set)
        for each in self.products:
            if each.moving is not None:
                words[each.pe].add(each.moving)
        return max(map(len, words.values()), default=0)

    def _tile(self) -> int:
        """Words that the outputs of a PE in one position tile read; the most of any."""
        words: dict[Hashable, set[Element]] = defaultdict(set)
        for each in self.products:
            if each.moving is not None:
                words[each.pe, each.output.tile].add(each.moving)
        return max(map(len, words.values()), default=0)

    def _maps(self) -> int:
        """Words of the maps that the lanes of a PE reduce at a time. Tiles are visited in the order
        of their first channel; where the channels of a PE wrap around, the first stay too.
        """
        nest, lanes = self.nest, self.keys.outputs_per_pe
        channels = nest.extent[nest.depth]
        each = nest.moving_words // (channels * nest.groups)
        return each * min(channels, lanes if channels % lanes == 0 else 2 * lanes)

    def window(self, kept: str) -> int:
        """Words of the rows (of all columns that the PE reads) or columns from the first to the
        last that the window of an output spans, in the channels that a PE works on in one visit.
        """
        rows: dict[Hashable, set[int]] = defaultdict(set)
        columns: dict[Hashable, set[int]] = defaultdict(set)
        channels: dict[Hashable, set[int]] = defaultdict(set)
        of_pe: dict[int, set[int]] = defaultdict(set)
        for each in self.products:
            output = each.output
            if each.moving is not None:
                channels[each.pe, output.visit].add(each.moving[-1])
            if self.nest.has_taps:
                row, column = (self.nest.line(axis, each.at) for axis in (1, 2))
                if row is not None:
                    rows[output.position].add(row)
                if column is not None:
                    columns[output.position].add(column)
                    of_pe[each.pe].add(column)
        tall, wide = (
            max((max(each) - min(each) + 1 for each in found.values()), default=1)
            for found in (rows, columns)
        )
        deep = max(map(len, channels.values()), default=0)
        across = max(map(len, of_pe.values()), default=1)
        return deep * (tall * across if kept == "rows" else wide)

    # The stationary operand

    def _stationary(self) -> None:
        nest, keys = self.nest, self.keys
        role = nest.stationary_role
        if self.shared:
            self._reduced()
        if not nest.arrives and keys.near_memory:
            if role == "feedback" and keys.feedback == "prng":
                return
            if not self.home.spilled and not self.fetches:
                return
        together, carried = self._chunks()
        sent = Deliveries()
        for each in self.products:
            tile = each.output.tile
            if nest.unshared:
                # A row serves one neuron, so it comes again only for further samples.
                tile = each.at["n"] // (self.copies * self.lanes)
            group = tile // together if together else None
            if not nest.stored or each.at[nest.depth] < nest.stored:
                sent.add((each.stationary, group), each.pe)
        self.counted.sums_out = self.counted.sums_back = carried
        words = nest.stationary_words
        passes = -(-sent.sent // words)
        if not keys.near_memory or nest.arrives:
            once = self._tile_staged() and not (nest.gradient or keys.near_memory)
            dram = words * (1 if once else passes)
            self.counted.add(role, sent.sent, sent.received, dram)
            return
        share, taken = (self.home.spilled * each // words for each in (sent.sent, sent.received))
        self.counted.add(f"spilled {role}", share, taken, share)
        if self.fetches:
            share, taken = (self.home.resident * x // words for x in (sent.sent, sent.received))
            self.counted.add(f"remote {role}", share, taken, 0)

    def _tile_staged(self) -> bool:
        """Whether the global buffer stages the stationary words of the largest channel tile."""
        tiles: dict[int, set[Element]] = defaultdict(set)
        for each in self.products:
            tiles[each.output.channel // self.channel_pes].add(each.stationary)
        return max(map(len, tiles.values())) * self.bits[1] <= self.keys.staging

    def _chunks(self) -> tuple[int, int]:
        """(position tiles whose sums a PE carries from chunk to chunk, sums carried); (0, 0) if a
        PE keeps the words of a whole reduction.
        """
        nest, keys = self.nest, self.keys
        tiles = 1 + max(each.tile for each in self.outputs)
        if nest.unshared:
            tiles = -(-nest.extent["n"] // (self.copies * self.lanes))
        bits = nest.reduction * self.bits[1]
        if nest.outer_product and keys.deals:
            return 0 if self.keeps_errors or tiles == 1 else 1, 0
        if bits <= keys.working // 2 or tiles == 1:
            return 0, 0
        room = keys.working // (2 if nest.gradient else 4)
        together = max(1, room // (keys.outputs_per_pe * keys.psum))
        chunks = -(-nest.reduction // (room // self.bits[1]))
        return together, nest.channels * nest.positions * (chunks - 1)

    def _reduced(self) -> None:
        """Partial sums that cross the NoC: all but one of those of each output."""
        makers: dict[tuple[int, int], set[int]] = defaultdict(set)
        for each in self.products:
            makers[each.output.channel, each.output.position].add(each.pe)
        steps = sum(len(pes) - 1 for pes in makers.values())
        self.counted.add("reduced", steps, steps, 0)
