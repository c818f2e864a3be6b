"""Mappings other than the canonical one: the tilings that a machine can execute, and their
transfers.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from accelsim.mapping.mapper import Mapper
from accelsim.mapping.tiling.arrays import CHANNELS, ORDERS, Demand, Tilings
from accelsim.mapping.tiling.demand import buffer_bits, demands, footprints, words_again
from accelsim.mapping.tiling.tiled_op import STAGING, TiledOp
from accelsim.pe.mapping import Mapping, Route, Tiling, Transfer
from accelsim.pe.skipping.receivers import Sending, last_taken, moving_taken
from accelsim.step.ops import Contraction, Use


class Tiler:
    """The tilings of one op on one machine."""

    def __init__(self, mapper: Mapper, op: Contraction) -> None:
        """Mappings depend on the current state: gradients take the space that is free now.

        InputError if the op does not fit the machine.
        """
        self.op = op
        self.kind = mapper.kind
        self.canonical = mapper.map(op)
        self.tiled = TiledOp(self.kind, self.canonical)
        self._mapper = mapper
        self._output_transfers = self.kind.output_transfers(op, mapper)

    @property
    def geometry(self) -> Hashable:
        """Key of the op's set of tilings. Ops of equal geometry have the same tilings."""
        return self.tiled.geometry

    @property
    def tileable(self) -> bool:
        """Whether there is a choice of tilings."""
        return self.tiled.tileable

    @property
    def reduction(self) -> int:
        """Words of one output's reduction."""
        return self.op.nest.reduction

    @property
    def orders(self) -> tuple[str, ...]:
        """Legal values of ``order``. WG allows only ``channels``: its reduction is the batch, so
        moving words are not kept while channels pass.
        """
        return (CHANNELS,) if self.op.nest.sums_samples else ORDERS

    def demand(self, tiling: Tiling) -> Demand:
        """Demand of a tiling."""
        return demands(self.tiled, Tilings.of([tiling])).of(0)

    def faults(self, tiling: Tiling) -> list[str]:
        """Reasons why the machine cannot execute the tiling, each ``<field> must be <rule>, got
        <value>``.

        [] if it can.
        """
        return self.extent_faults(tiling) or self.capacity_faults(self.demand(tiling))

    def extent_faults(self, tiling: Tiling) -> list[str]:
        """Those of `faults` that do not depend on the size of a memory."""
        choices = (
            ("channel_pes", tiling.channel_pes, self.tiled.channel_splits),
            ("order", tiling.order, self.orders),
            ("buffer_order", tiling.buffer_order, ORDERS),
        )
        faults = [
            f"{name} must be {one_of(values)}, got {value}"
            for name, value, values in choices
            if value not in values
        ]
        if faults:
            return faults
        tiles = self.tiled.channel_tiles(tiling.channel_pes)
        columns = self.tiled.position_tiles(tiling.channel_pes)
        extents = {
            "together": (tiling.together, columns),
            "chunk": (tiling.chunk, self.reduction),
            "buffer_channels": (tiling.buffer_channels, tiles),
            "buffer_positions": (tiling.buffer_positions, columns),
        }
        faults = [
            f"{name} must be 1 to {most}, got {value}"
            for name, (value, most) in extents.items()
            if not 1 <= value <= most
        ]
        if not self.tiled.staged and tiling.chunk < self.reduction:
            faults.append(
                f"chunk must be {self.reduction}, the whole reduction, if stationary words are "
                f"at home, got {tiling.chunk}"
            )
        whole = (tiling.buffer_channels, tiling.buffer_positions) == (tiles, columns)
        if self.op.nest.sums_samples and not whole:
            faults.append(
                "buffer_channels and buffer_positions must be all tiles in WG, whose batch passes "
                "through the buffer"
            )
        if tiling.buffer_positions < columns and tiling.buffer_positions % tiling.together:
            faults.append(
                f"buffer_positions must be a multiple of together ({tiling.together}) or all "
                f"tiles, got {tiling.buffer_positions}"
            )
        return faults

    def capacity_faults(self, need: Demand) -> list[str]:
        """Faults for the memories that a demand exceeds."""
        faults = []
        if need.scratchpad_bits > self.tiled.working_bits:
            faults.append(
                f"the tile of a PE must be at most scratchpad.working, {self.tiled.working_bits} "
                f"bits, got {need.scratchpad_bits}: a smaller chunk, or a smaller "
                f"together, may fit"
            )
        if need.buffer_bits > self.tiled.staging_bits:
            faults.append(
                f"the tile of the global buffer must be at most global_buffer.staging, "
                f"{self.tiled.staging_bits} bits, got {need.buffer_bits}: smaller buffer_channels "
                f"or buffer_positions may fit"
            )
        return faults

    def fits_buffer(self, channel_pes: int, channels: int, positions: int) -> bool:
        """Whether the global buffer can stage that many channel tiles and position tiles."""
        if self.op.nest.sums_samples:
            return True
        need = buffer_bits(self.tiled, channel_pes, channels, positions)
        return need <= self.tiled.staging_bits

    def mapping(self, tiling: Tiling | None, need: Demand | None = None) -> Mapping:
        """The op's mapping under a tiling without `faults`. None: the canonical mapping.

        ``need``: the tiling's demand, where it is known.
        """
        if tiling is None:
            return self.canonical
        op, kind, need = self.op, self.kind, need or self.demand(tiling)
        per_tile = self.tiled.positions_per_tile(tiling.channel_pes)
        moving = kind.spread(
            op,
            Use.MOVING,
            Route.MULTICAST,
            need.moving,
            self._moving_taken(tiling, need),
            need.dram_moving,
        )
        transfers = (
            *moving,
            *self._stationary(need),
            *kind.carried_sums(op, need.carried),
            *kind.needed_transfers(op),
            *self._output_transfers,
        )
        fill = tiling.together * per_tile
        if tiling.order == CHANNELS:
            # The canonical choice, within the positions that the buffer stages.
            tiles = min(self.canonical.fill_positions // per_tile, tiling.buffer_positions)
            fill = max(1, tiles) * per_tile
        return replace(
            self.canonical,
            channels_per_tile=tiling.channel_pes,
            positions_per_tile=per_tile,
            fill_positions=fill,
            copies=max(1, per_tile // self.tiled.outputs_per_pe),
            transfers=transfers,
            tiling=tiling,
        )

    def _moving_taken(self, t: Tiling, need: Demand) -> int:
        """Moving words, each counted once per PE that takes it."""
        tiled, nest = self.tiled, self.op.nest
        tiles, columns = tiled.channel_tiles(t.channel_pes), tiled.position_tiles(t.channel_pes)
        each_tile = tiled.takers(t.channel_pes, 1).takers
        if nest.sums_samples:
            share = tiled.share(t.channel_pes, t.together)
            taken = moving_taken(nest, share, need.sending, t.chunk)
            return taken // nest.groups * each_tile
        if t.order == CHANNELS:
            share = tiled.share(t.channel_pes, t.buffer_positions)
            return moving_taken(nest, share, need.sending) // nest.groups * each_tile
        once = tiled.takers(t.channel_pes, tiles).takers
        per_outer = tiled.takers(t.channel_pes, t.buffer_channels).takers
        share = tiled.share(t.channel_pes, t.together)
        taken = moving_taken(nest, share, Sending.ONCE)
        alone = Tilings.of([t])
        groups = footprints(tiled, share.tile * alone.together)
        again = int(words_again(alone, columns, groups)[0])
        # From one outer tile of channels to the next all groups of positions stay, the last, or
        # none.
        stay = taken if again == 0 else last_taken(nest, share) if again < groups.total[0] else 0
        return stay // nest.groups * once + (taken - stay) // nest.groups * per_outer

    def _stationary(self, need: Demand) -> list[Transfer]:
        op, kind = self.op, self.kind
        if not self.tiled.staged:
            return []
        words, dram_words = need.stationary, need.dram_stationary
        taken = need.stationary_taken
        near_memory = self.tiled.near_memory
        if op.nest.sums_samples or (near_memory and op.stationary_arrives):
            return [*kind.spread(op, Use.STATIONARY, Route.SCATTER, words, taken, dram_words)]
        tensor = op.stationary.tensor
        if not near_memory:
            return [kind.streamed_weights(op, words, taken, dram_words)]
        transfers = []
        for each in self.canonical.transfers:
            if each.tensor == tensor and each.route in STAGING:
                held = self._held(each)
                shares = [held * amount // tensor.elements for amount in (words, taken, dram_words)]
                transfers.append(
                    replace(
                        each,
                        words=shares[0],
                        deliveries=shares[1],
                        dram_words=shares[2] if each.spilled else 0,
                    )
                )
        return transfers

    def _held(self, transfer: Transfer) -> int:
        """Distinct words of the tensor that a canonical transfer brings."""
        home = self._mapper.home(transfer.tensor)
        if home is None:
            return transfer.tensor.elements if transfer.spilled else 0
        return home.spilled if transfer.spilled else home.resident


def one_of(values: tuple[object, ...]) -> str:
    """Text of alternatives: ``1, 2 or 4``."""
    listed = [str(value) for value in values]
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}"
