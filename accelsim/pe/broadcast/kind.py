"""Broadcast arrays: PEs with FIFOs that receive every moving word (`docs/pe-broadcast.md`)."""

from __future__ import annotations

from accelsim.pe.broadcast.model import BroadcastModel
from accelsim.pe.broadcast.parts import joins_groups
from accelsim.pe.kind import Loops, OperandReads, Tile, turns, written
from accelsim.pe.mapping import Mapping
from accelsim.pe.skipping.array import SkippingArray
from accelsim.pe.skipping.loops import accumulation, tiled
from accelsim.pe.skipping.outer_sums import OuterSums, outer_sums
from accelsim.pe.skipping.receivers import ChannelTakers, channel_takers
from accelsim.pe.timing import ArrayTiming, TimingModel
from accelsim.step.ops import Contraction, Use
from accelsim.zeros.masks import MaskSource


class Broadcast(SkippingArray):
    """Each token is multiplied with the stored words of its column."""

    swaps_loops = False
    """Off: a token serves all channels that the PEs have accumulators for."""

    def moving_groups(self, op: Contraction) -> int:
        """One if the zeros between groups are words: every token then goes to all PEs."""
        return 1 if joins_groups(self.architecture, op) else op.nest.groups

    def channel_takers(self, op: Contraction, per_tile: int) -> ChannelTakers:
        """Groups run one after another. A token serves all channels of its group that the PEs have
        accumulators for.
        """
        groups, served = self.moving_groups(op), per_tile * self.architecture.accumulators
        return channel_takers(op.nest.channels, groups, per_tile, served, apart=True)

    def outer_sums(self, op: Contraction, tile: Tile) -> OuterSums:
        """Division of an outer product. A PE has sums for each of its channels."""
        held = self.architecture.accumulators
        return outer_sums(self, op, tile, min(-(-op.nest.channels // tile.channels), held), held)

    def timing(self, masks: MaskSource) -> TimingModel:
        return BroadcastModel(self.architecture, masks)

    def masks_words(self, op: Contraction, use: Use) -> bool:
        """Only the moving operand has mask bits: stored stationary words have indices instead."""
        return use is Use.MOVING and super().masks_words(op, use)

    def operand_reads(self, timing: ArrayTiming) -> OperandReads:
        """Words read per active MAC. A token is read from its FIFO, once for all of its MACs.
        Indices of compressed columns are counted as control actions, not here.
        """
        active = timing.executed - timing.gated
        indexed = "index_read" not in timing.actions
        return OperandReads(0, active, timing.sum_updates, indexed)

    def loops(self, mapping: Mapping) -> Loops:
        """Loop nest: each word of the reduction is broadcast, then every PE runs through its output
        channels.
        """
        nest = mapping.op.nest
        names, word, words = nest.names, nest.names.reduction, nest.reduction
        # Structural zeros between groups are either words or separate the vectors of the groups.
        apart = 1 if joins_groups(self.architecture, mapping.op) else nest.groups
        tiles = -(-nest.channels // apart // mapping.channels_per_tile)
        held = min(tiles, self.architecture.accumulators)
        others = mapping.copies
        if nest.outer_product:
            # The moving vector is cut into segments, which the groups of PEs take one at a time. A
            # segment is broadcast word by word.
            word, words = "(n, c)", words * -(-nest.depth // mapping.positions)
        groups = f"parallel {names.positions} over {others} groups of PEs"
        lanes = self.architecture.pe_array.lanes
        accumulate = f"{lanes} at a time: multiply, {accumulation(mapping)}"
        return written(
            [
                ("scratchpad", turns("group", apart, 1)),
                ("scratchpad", tiled(names.channels, tiles, held, "channel tiles")),
                (
                    "scratchpad",
                    tiled(names.positions, mapping.position_tiles, 1, "position tiles"),
                ),
                ("PE array", groups if others > 1 else ""),
                ("PE array", f"for {word} in {words}: broadcast"),
                ("PE array", f"parallel {names.channels} over {mapping.channels_per_tile} PEs"),
                ("lanes", f"for {names.channels} in {held}, {accumulate}"),
            ]
        )
