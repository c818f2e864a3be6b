"""Mappings other than the canonical one: what a tiling of an op needs of scratchpads and global
buffer, and the words that it moves.

Every count follows from the loop nest that `Tiling` describes. The footprints are those of
`footprint`: what a memory holds of the moving operand is the rows and columns that a run of
positions spans, whole channels.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from accelsim.machine.architecture import Architecture
from accelsim.mapping.footprint import (
    Footprint,
    gradient_channels,
    moving_footprint,
    reduction_footprint,
)
from accelsim.mapping.mapper import Mapper, extents, moving_words, operand_of
from accelsim.pe.mapping import Mapping, Route, Tiling, Transfer
from accelsim.step.geometry import bounds_of, moving_extents
from accelsim.step.ops import Op, OpKind, Pass, Use

CHANNELS, POSITIONS = "channels", "positions"
ORDERS = (CHANNELS, POSITIONS)


@dataclass(frozen=True)
class Demand:
    """What a tiling needs and moves.

    ``scratchpad_bits`` of a PE's working space and ``buffer_bits`` of one half of the staging
    double buffer. Words in all: ``moving`` and ``stationary`` over the NoC, as often as they come;
    ``carried`` partial sums written to the scratchpads and read again; ``dram_moving`` and
    ``dram_stationary`` where the operand lives in DRAM.
    """

    scratchpad_bits: int
    buffer_bits: int
    moving: int
    stationary: int
    carried: int
    dram_moving: int
    dram_stationary: int


class Tiler:
    """The tilings of one op on one machine."""

    def __init__(self, mapper: Mapper, architecture: Architecture, op: Op) -> None:
        """Mappings are those of the moment: gradients take the room that their homes have now.
        InputError where the op fits the machine in no way.
        """
        self.op = op
        self.canonical = mapper.map(op)
        self._written = mapper.output_transfers(op)
        self._mapper = mapper
        self._architecture = architecture
        self._bounds = bounds_of(op)
        self._outputs = extents(op)
        self._moving_bits = mapper.bits(operand_of(op, Use.MOVING).tensor)
        self._stationary_bits = mapper.bits(operand_of(op, Use.STATIONARY).tensor)
        self._elements = operand_of(op, Use.STATIONARY).tensor.elements
        groups_of_pes = max(1, self.canonical.pes // self.canonical.channels_per_tile)
        self._outputs_per_pe = max(1, self.canonical.positions_per_tile // groups_of_pes)

    @property
    def geometry(self) -> Hashable:
        """All that legality and demands depend on: ops of equal geometry have the same tilings."""
        mapping = self.canonical
        words = (
            self._moving_bits,
            self._stationary_bits,
            self._elements,
            self.staged,
            self._passes_buffer,
        )
        shape = (
            mapping.channels_per_tile,
            mapping.positions_per_tile,
            mapping.fill_positions,
            mapping.reduction_pes,
        )
        return (self.op.kind, self.op.pass_, self._bounds, *words, *shape)

    @property
    def tileable(self) -> bool:
        """Whether there is a choice at all.

        There is none for an outer product, whose operands come once; for reductions that PEs share;
        for a feedback op that sends each neuron the errors which its row of B names; and for
        systolic arrays, whose dataflow is the choice.
        """
        named = (
            any(
                transfer.route is Route.SCATTER and transfer.inbound
                for transfer in self.canonical.transfers
            )
            and self.op.kind is OpKind.FEEDBACK
        )
        return (
            self._architecture.pe_array.skips
            and self.op.kind is not OpKind.OUTER
            and self.canonical.reduction_pes == 1
            and not named
        )

    @property
    def reduction(self) -> int:
        """Words of one output's reduction."""
        return self._outputs.reduction

    def channel_tiles(self, channel_pes: int) -> int:
        return -(-self.canonical.channels // channel_pes)

    def positions_per_tile(self, channel_pes: int) -> int:
        """Lanes of the PEs that work on different positions. Where weights have homes the canonical
        mapping says which.
        """
        if self._mapper.near_memory:
            return self.canonical.positions_per_tile
        return self.canonical.pes // channel_pes * self._outputs_per_pe

    def position_tiles(self, channel_pes: int) -> int:
        return -(-self.canonical.positions // self.positions_per_tile(channel_pes))

    @cached_property
    def channel_splits(self) -> tuple[int, ...]:
        """PEs that may work on output channels: divisors of the array, no more than the next one
        above the channels; homes leave no choice.
        """
        if self._mapper.near_memory:
            return (self.canonical.channels_per_tile,)
        pes = self.canonical.pes
        divisors = [d for d in range(1, pes + 1) if pes % d == 0]
        return tuple(
            d
            for d in divisors
            if d < self.canonical.channels
            or d == min(e for e in divisors if e >= min(pes, self.canonical.channels))
        )

    @cached_property
    def _moving_words(self) -> tuple[int, int, int]:
        return moving_words(self.op)

    @cached_property
    def staged(self) -> bool:
        """Whether the PEs stage stationary words: all but those that they hold, or generate,
        themselves.
        """
        if not self._mapper.near_memory or self.op.pass_ is Pass.WG:
            return True
        tensor = operand_of(self.op, Use.STATIONARY).tensor
        return any(
            t.tensor == tensor and t.route in (Route.SCATTER, Route.PEER)
            for t in self.canonical.transfers
        )

    def faults(self, tiling: Tiling) -> list[str]:
        """Why the machine cannot execute the tiling, ``<field> must be <rule>, got <value>`` each;
        empty when it can.
        """
        found = [
            f"{name} must be {rule}, got {value}"
            for name, value, rule, holds in (
                (
                    "channel_pes",
                    tiling.channel_pes,
                    one_of(self.channel_splits),
                    tiling.channel_pes in self.channel_splits,
                ),
                ("order", tiling.order, one_of(self.orders), tiling.order in self.orders),
                (
                    "buffer_order",
                    tiling.buffer_order,
                    one_of(ORDERS),
                    tiling.buffer_order in ORDERS,
                ),
            )
            if not holds
        ]
        if found:
            return found
        extent = {
            "together": (tiling.together, self.position_tiles(tiling.channel_pes)),
            "chunk": (tiling.chunk, self.reduction),
            "buffer_channels": (tiling.buffer_channels, self.channel_tiles(tiling.channel_pes)),
            "buffer_positions": (tiling.buffer_positions, self.position_tiles(tiling.channel_pes)),
        }
        found = [
            f"{name} must be 1 to {most}, got {value}"
            for name, (value, most) in extent.items()
            if not 1 <= value <= most
        ]
        if not self.staged and tiling.chunk < self.reduction:
            found.append(
                f"chunk must be {self.reduction}, the whole reduction, where stationary words are "
                f"at home, got {tiling.chunk}"
            )
        whole = all(
            extent[name][0] == extent[name][1] for name in ("buffer_channels", "buffer_positions")
        )
        if self.op.pass_ is Pass.WG and not whole:
            found.append(
                "buffer_channels and buffer_positions must be all tiles in WG, whose batch passes "
                "through the buffer"
            )
        if (
            tiling.buffer_positions < extent["buffer_positions"][1]
            and tiling.buffer_positions % tiling.together
        ):
            found.append(
                f"buffer_positions must be a multiple of together ({tiling.together}) or all "
                f"tiles, got {tiling.buffer_positions}"
            )
        return found or self.capacity_faults(self.demand(tiling))

    def capacity_faults(self, demand: Demand) -> list[str]:
        """What of a demand does not fit."""
        found = []
        staging = 8 * self._architecture.global_buffer.staging_bytes
        if demand.scratchpad_bits > self._mapper.working_bits:
            found.append(
                f"the tile of a PE must be at most scratchpad.working, {self._mapper.working_bits} "
                f"bits, got {demand.scratchpad_bits}: "
                "a smaller chunk, or fewer position tiles together, may fit"
            )
        if demand.buffer_bits > staging:
            found.append(
                f"the tile of the global buffer must be at most global_buffer.staging, {staging} "
                f"bits, got {demand.buffer_bits}: "
                "smaller buffer_channels or buffer_positions may fit"
            )
        return found

    def fits_buffer(self, channel_pes: int, channels: int, positions: int) -> bool:
        """Whether the global buffer can stage so many tiles of channels and positions."""
        if self.op.pass_ is Pass.WG:
            return True
        return (
            self._buffer_bits(channel_pes, channels, positions)
            <= 8 * self._architecture.global_buffer.staging_bytes
        )

    def _buffer_bits(self, channel_pes: int, channels: int, positions: int) -> int:
        tiles = self.channel_tiles(channel_pes)
        moving = (
            self._footprint(positions * self.positions_per_tile(channel_pes)).largest
            * self._moving_bits
        )
        stationary = -(-self._elements * min(channels, tiles) // tiles) * self._stationary_bits
        return moving + (stationary if self._passes_buffer else 0)

    @lru_cache  # noqa: B019  a tiler lives as long as the choice for its op
    def _footprint(self, group: int) -> Footprint:
        return moving_footprint(self.op, group)

    @lru_cache  # noqa: B019
    def _gradient_channels(self, group: int) -> Footprint:
        return gradient_channels(self.op, group)

    @lru_cache  # noqa: B019
    def _reduction_footprint(self, chunk: int) -> Footprint:
        return reduction_footprint(self.op, chunk)

    @cached_property
    def orders(self) -> tuple[str, ...]:
        """WG's moving words are not kept while channels pass: its reduction is the batch."""
        return (CHANNELS,) if self.op.pass_ is Pass.WG else ORDERS

    def mapping(self, tiling: Tiling | None) -> Mapping:
        """The op under a tiling without `faults`; None: under the canonical mapping."""
        if tiling is None:
            return self.canonical
        op, mapper, demand = self.op, self._mapper, self.demand(tiling)
        per_tile = self.positions_per_tile(tiling.channel_pes)
        groups = max(1, self.canonical.pes // tiling.channel_pes)
        positions_groups = min(groups, -(-self.canonical.positions // self._outputs_per_pe))
        uses = (
            1 if op.kind is OpKind.FEEDBACK else -(-self._moving_words[2] // self._moving_words[0])
        )
        receivers = tiling.channel_pes * (
            positions_groups if op.kind is OpKind.FEEDBACK else min(positions_groups, uses)
        )
        transfers = [
            *mapper.spread(
                op, Use.MOVING, Route.MULTICAST, demand.moving, receivers, demand.dram_moving
            )
        ]
        transfers += self._stationary(demand, positions_groups)
        if demand.carried:
            sums, psum = op.outputs[0], self._architecture.precision.psum
            transfers += [
                Transfer(sums, Route.HOME, inbound, demand.carried, psum, partial=True)
                for inbound in (False, True)
            ]
        fill = (
            tiling.together * per_tile
            if tiling.order == POSITIONS
            else self._fill(tiling, per_tile)
        )
        return replace(
            self.canonical,
            channels_per_tile=tiling.channel_pes,
            positions_per_tile=per_tile,
            fill_positions=fill,
            transfers=(*transfers, *mapper.needed_transfers(op), *self._written),
            tiling=tiling,
        )

    def _fill(self, tiling: Tiling, per_tile: int) -> int:
        """Positions delivered at once while a PE keeps its channel: the canonical choice, within
        what the buffer stages.
        """
        return (
            max(1, min(self.canonical.fill_positions // per_tile, tiling.buffer_positions))
            * per_tile
        )

    def _stationary(self, demand: Demand, groups: int) -> list[Transfer]:
        op, mapper = self.op, self._mapper
        if not self.staged:
            return []
        if op.pass_ is Pass.WG:
            return [
                *mapper.spread(
                    op,
                    Use.STATIONARY,
                    Route.SCATTER,
                    demand.stationary,
                    groups,
                    demand.dram_stationary,
                )
            ]
        tensor = operand_of(op, Use.STATIONARY).tensor
        if not mapper.near_memory:
            masked = mapper.skipped(op, Use.STATIONARY)
            return [
                Transfer(
                    tensor,
                    Route.MULTICAST,
                    True,
                    demand.stationary,
                    self._stationary_bits,
                    groups,
                    demand.dram_stationary,
                    masked=masked,
                )
            ]
        found = []
        for t in self.canonical.transfers:
            if t.tensor == tensor and t.route in (Route.SCATTER, Route.PEER):
                held = self._held(t)
                words = held * demand.stationary // tensor.elements
                dram_words = held * demand.dram_stationary // tensor.elements if t.spilled else 0
                found.append(replace(t, words=words, receivers=groups, dram_words=dram_words))
        return found

    def _held(self, transfer: Transfer) -> int:
        """Words of the tensor that a canonical transfer brings, each counted once."""
        tensor = transfer.tensor
        home = self._mapper.home(tensor)
        resident, spilled = (home.resident, home.spilled) if home else (0, tensor.elements)
        return spilled if transfer.spilled else resident

    def demand(self, tiling: Tiling) -> Demand:
        """What the tiling needs and moves."""
        return self._gradient(tiling) if self.op.pass_ is Pass.WG else self._reduction(tiling)

    def _reduction(self, t: Tiling) -> Demand:
        """FF, EP and feedback: one output a lane."""
        per_tile, tiles, columns = (
            self.positions_per_tile(t.channel_pes),
            self.channel_tiles(t.channel_pes),
            self.position_tiles(t.channel_pes),
        )
        chunks = -(-self.reduction // t.chunk) if self.staged else 1
        outer_tiles, outer_columns = (
            -(-tiles // t.buffer_channels),
            -(-columns // t.buffer_positions),
        )
        groups = self._groups(t, columns, per_tile)
        lanes_bits = (
            self._outputs_per_pe
            * self._architecture.precision.psum
            * (t.together if chunks > 1 else 1)
        )
        # As in the canonical mapping: words of the next chunk take the places of those that the
        # last tile has used.
        held_bits = t.chunk * self._stationary_bits if self.staged else 0
        elements = self._elements
        if t.order == POSITIONS:
            footprint = self._footprint(t.together * per_tile)
            moving_pad = footprint.largest * self._moving_bits * (1 if t.together >= columns else 2)
            moving = footprint.total + (outer_tiles - 1) * self._coming_again(t, columns, footprint)
        else:
            moving_pad, per_pass = self._streamed(
                self._mapper.working_bits - lanes_bits - held_bits, t, per_tile
            )
            moving = per_pass * self._group_visits(t.channel_pes) // self._channel_groups
        staged = self._footprint(t.buffer_positions * per_tile)
        return Demand(
            scratchpad_bits=moving_pad + held_bits + lanes_bits,
            buffer_bits=self._buffer_bits(t.channel_pes, t.buffer_channels, t.buffer_positions),
            moving=moving,
            stationary=self._stationary_words(t, chunks, groups) if self.staged else 0,
            carried=self.canonical.channels * self.canonical.positions * (chunks - 1),
            dram_moving=staged.total
            * (outer_tiles if t.buffer_order == CHANNELS and outer_columns > 1 else 1),
            dram_stationary=elements
            * (outer_columns if t.buffer_order == POSITIONS and outer_tiles > 1 else 1),
        )

    def _coming_again(self, t: Tiling, columns: int, groups: Footprint) -> int:
        """Words of the groups of positions that come again with each outer tile of channels: all
        but a group that nothing comes between.
        """
        if t.together >= columns:
            return 0
        if t.buffer_order == CHANNELS:
            return groups.total
        if t.together >= t.buffer_positions:
            return 0
        last_outer = columns % t.buffer_positions or t.buffer_positions
        return groups.total - (groups.last if last_outer <= t.together else 0)

    def _stationary_words(self, t: Tiling, chunks: int, groups: int) -> int:
        """Stationary words that come to the PEs: again with each group of positions, unless nothing
        comes between.
        """
        elements, channels = self._elements, self.canonical.channels
        tiles = self.channel_tiles(t.channel_pes)
        outer_columns = -(-self.position_tiles(t.channel_pes) // t.buffer_positions)
        alone = tiles % t.buffer_channels or t.buffer_channels
        total = 0
        for first, last, side_by_side in (
            (0, tiles - alone, t.buffer_channels),
            (tiles - alone, tiles, alone),
        ):
            if chunks > 1 or (t.order == POSITIONS and side_by_side > 1):
                passes = groups
            else:
                stays = side_by_side == 1 and (
                    t.buffer_order == CHANNELS or tiles <= t.buffer_channels
                )
                passes = 1 if stays else outer_columns
            ends = [
                elements * min(tile * t.channel_pes, channels) // channels for tile in (first, last)
            ]
            total += (ends[1] - ends[0]) * passes
        return total

    @cached_property
    def _passes_buffer(self) -> bool:
        """Whether stationary words come through the global buffer."""
        return self.staged and (
            not self._mapper.near_memory or any(t.spilled for t in self.canonical.transfers)
        )

    def _groups(self, t: Tiling, columns: int, per_tile: int) -> int:
        """Groups of position tiles in all; a row of a feedback matrix serves one neuron, so that
        samples alone make groups.
        """
        if self.op.kind is OpKind.FEEDBACK:
            return -(-self._bounds.n // (t.together * per_tile))
        whole, rest = divmod(columns, t.buffer_positions)
        return whole * -(-t.buffer_positions // t.together) + -(-rest // t.together)

    def _streamed(self, room: int, t: Tiling, per_tile: int) -> tuple[int, int]:
        """(bits in a PE, words a pass over the positions) of moving words that are not kept from
        channel to channel.

        With room for the rows that a kernel spans each comes once, with room for its columns again
        for each kernel row, else for each tap.
        """
        b, array = self._bounds, self._architecture.pe_array
        least = array.lanes * 2 * array.staged_positions * self._moving_bits
        if self.op.kind is OpKind.FEEDBACK:
            return least, b.n * b.c
        _, cols, channels = moving_extents(self.op)
        once = self._footprint(t.buffer_positions * per_tile).total
        _, again_per_row, again_per_tap = self._moving_words
        rows_bits = ((b.r - 1) * b.dilation[0] + 1) * cols * channels * self._moving_bits
        columns_bits = ((b.s - 1) * b.dilation[1] + 1) * channels * self._moving_bits
        if rows_bits <= room:
            return max(rows_bits, least), once
        if columns_bits <= room:
            return max(columns_bits, least), max(once, again_per_row)
        return least, max(once, again_per_tap)

    @property
    def _channel_groups(self) -> int:
        return 1 if self.op.kind is OpKind.FEEDBACK else self._bounds.groups

    @lru_cache  # noqa: B019
    def _group_visits(self, channel_pes: int) -> int:
        """How often a group of channels of the moving map comes: once for each channel tile that
        works on the group.
        """
        tiles, each = (
            self.channel_tiles(channel_pes),
            self.canonical.channels // self._channel_groups,
        )
        ends = [
            (i * channel_pes, min((i + 1) * channel_pes, self.canonical.channels) - 1)
            for i in range(tiles)
        ]
        return sum(last // each - first // each + 1 for first, last in ends)

    def _gradient(self, t: Tiling) -> Demand:
        """WG: one weight a lane, reduced over the batch in chunks of errors."""
        op, b = self.op, self._bounds
        per_tile, tiles, columns = (
            self.positions_per_tile(t.channel_pes),
            self.channel_tiles(t.channel_pes),
            self.position_tiles(t.channel_pes),
        )
        chunks, groups = -(-self.reduction // t.chunk), -(-columns // t.together)
        channels, maps = (
            self._gradient_channels(t.together * per_tile),
            self._reduction_footprint(t.chunk),
        )
        own = min(b.c // b.groups, self._outputs_per_pe * t.together, channels.largest)
        moving = channels.total * maps.total * self._group_visits(t.channel_pes)
        errors = sum(
            operand.tensor.elements for operand in op.operands if operand.use is Use.STATIONARY
        )
        passes = 1 if chunks == 1 else groups
        unique = b.n * b.h * b.w * b.c
        samples = b.n if self._mapper.near_memory else 1
        staged_bits = (
            unique // samples * self._moving_bits
            + errors // samples // tiles * self._stationary_bits
        )
        staged = staged_bits <= 8 * self._architecture.global_buffer.staging_bytes
        rows_bits = (
            ((b.r - 1) * b.dilation[0] + 1) * b.w * b.c * self._moving_bits
        ) + b.q * self.canonical.channels * self._stationary_bits
        return Demand(
            scratchpad_bits=t.chunk * self._stationary_bits
            + maps.largest * own * self._moving_bits
            + self._outputs_per_pe * t.together * self._architecture.precision.psum,
            buffer_bits=min(staged_bits, rows_bits),
            moving=moving,
            stationary=errors * passes,
            carried=self.canonical.channels * self.canonical.positions * (chunks - 1),
            dram_moving=unique
            if staged
            else min(moving, unique * tiles * -(-channels.total // (b.c // b.groups))),
            dram_stationary=errors * (1 if staged else passes),
        )


def one_of(values: tuple[object, ...]) -> str:
    """``1, 2 or 4``."""
    listed = [str(value) for value in values]
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}"
