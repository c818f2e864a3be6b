"""Canonical mapping of arrays that skip zeros (docs/mapping.md).

PEs are output channels; lanes and spare PEs are output positions. Each lane reduces one output.
"""

from __future__ import annotations

from accelsim.kernels.bits.reads import Share
from accelsim.pe.kind import OperandReads, PEKind, Tile, elements
from accelsim.pe.mapping import Mapping, Route, Transfer
from accelsim.pe.placement import Placement
from accelsim.pe.skipping.loop_order import positions_outermost, tile_by_tile
from accelsim.pe.skipping.outer_sums import OuterSums, outer_sums
from accelsim.pe.skipping.receivers import (
    ChannelTakers,
    Sending,
    channel_takers,
    moving_held,
    moving_sent,
    moving_taken,
    position_takers,
    row_takers,
    sending_within,
)
from accelsim.pe.timing import ArrayTiming
from accelsim.step.ops import Contraction, Use


class SkippingArray(PEKind):
    """Base of the arrays whose lanes skip zeros."""

    def moving_groups(self, op: Contraction) -> int:
        """Channel groups of the moving operand, each sent to the PEs of its own outputs only."""
        return op.nest.groups

    def channel_takers(self, op: Contraction, per_tile: int) -> ChannelTakers:
        """PEs that take each channel group if words are sent again per channel tile."""
        return channel_takers(op.nest.channels, self.moving_groups(op), per_tile, per_tile)

    def reduction_pes(self, op: Contraction, placement: Placement) -> int:
        return min(op.nest.depth, placement.pes) if self.reduces(op) else 1

    def tile(self, op: Contraction, placement: Placement) -> Tile:
        """Outputs of a tile.

        - psum-reduced EP: lanes are output channels; PEs left over hold copies of the weights.
        - near memory: PEs are output channels; PEs left over take further positions, as far as they
          hold copies of the weights.
        - von Neumann: rows of PEs are output channels; columns are positions.
        """
        array, pes, channels = self.architecture.pe_array, placement.pes, op.nest.channels
        home = placement.home(op.stationary.tensor)
        if self.reduces(op):
            copies = max(1, pes // op.nest.depth)
            if home is not None:
                copies = min(copies, home.copies)
            return Tile(array.outputs_per_pe, copies, copies)
        if self.near_memory:
            copies = max(1, pes // channels)
            if home is not None and self.reads_at_home(op):
                copies = min(copies, home.copies)
            return Tile(min(pes, channels), array.outputs_per_pe * copies, copies)
        rows = min(array.rows, pes)
        return Tile(rows, (pes // rows) * array.outputs_per_pe, pes // rows)

    def fill_positions(self, op: Contraction, positions: int, positions_per_tile: int) -> int:
        """Number of positions whose new moving words fit half of the working space, in whole tiles.

        Each position of a row brings one column of channels.
        """
        column_bits = op.nest.depth // op.nest.groups * self.bits(op.moving.tensor)
        fitting = self.working_bits // 2 // max(1, column_bits)
        return max(1, min(fitting, positions) // positions_per_tile) * positions_per_tile

    def segments(self, op: Contraction, tile: Tile) -> int:
        return self.outer_sums(op, tile).positions

    def kept_sums(self, op: Contraction, tile: Tile) -> int:
        return self.outer_sums(op, tile).kept if self.deals(op) else 0

    def outer_sums(self, op: Contraction, tile: Tile) -> OuterSums:
        """Division of an outer product. A lane holds one sum; further ones are in the
        scratchpad.
        """
        return outer_sums(self, op, tile, 1, self.architecture.pe_array.outputs_per_pe)

    def operand_reads(self, timing: ArrayTiming) -> OperandReads:
        active = timing.executed - timing.gated
        return OperandReads(active, active, timing.sum_updates)

    def control_actions(self, timing: ArrayTiming) -> dict[str, int]:
        return {
            "registers": timing.executed,
            "window_select": timing.busy + timing.window_empty,
            "mask_read": timing.mask_bits,
            **timing.actions,
        }

    def operand_transfers(self, draft: Mapping, placement: Placement) -> tuple[Transfer, ...]:
        stationary = self._stationary(draft, placement)
        staged = any(t.inbound and not t.partial for t in stationary)
        return (*self._moving(draft, staged), *stationary)

    # Policies of a near-memory machine

    def reads_at_home(self, op: Contraction) -> bool:
        """Whether each PE multiplies with whole channels of weights that it holds, or that a spare
        PE copies.
        """
        nest = op.nest
        return not (op.stationary_arrives or nest.unshared or nest.transposed)

    def transposed(self, op: Contraction) -> bool:
        """Whether the op needs the transpose of weights that have homes."""
        return self.near_memory and op.nest.transposed and not op.stationary_arrives

    def transpose_policy(self, op: Contraction) -> str:
        """The transpose policy that applies to the op.

        Under `psum_reduce`, a grouped convolution and one of a single error channel use
        `remote_read`, and so does a single PE: too few PEs share a reduction.
        """
        policy, array = self.architecture.near_memory.transpose, self.architecture.pe_array
        few = op.nest.groups > 1 or op.nest.depth == 1 or array.rows * array.cols == 1
        return "remote_read" if policy == "psum_reduce" and few else policy

    def reduces(self, op: Contraction) -> bool:
        return self.transposed(op) and self.transpose_policy(op) == "psum_reduce"

    def fetches_transpose(self, op: Contraction) -> bool:
        """Whether PEs fetch the transpose of weights from their homes."""
        return self.transposed(op) and self.transpose_policy(op) == "remote_read"

    # The moving operand

    def moving_room(self, draft: Mapping) -> int:
        """Working bits available to the moving operand: those beside the staged stationary words of
        one output, or of one channel in WG, if they take at most half of the space.

        Otherwise these come in chunks, which leave half of it. In WG no moving words stay then from
        one position tile to the next.
        """
        op, working = draft.op, self.working_bits
        if self.deals(op):
            return working - draft.kept_sums * self.architecture.precision.psum
        if self.near_memory and not (op.stationary_arrives or self.fetches_transpose(op)):
            return working
        held = op.nest.reduction * self.bits(op.stationary.tensor)
        if held <= working // 2:
            return working - held
        if op.nest.sums_samples:
            return 0 if draft.position_tiles > 1 else working
        return working // 2

    def positions_outermost(self, draft: Mapping, placement: Placement) -> bool:
        return positions_outermost(self, draft) and not self._stationary(draft, placement)

    def _moving(self, draft: Mapping, staged: bool) -> tuple[Transfer, ...]:
        """Transfers of the moving operand, multicast to the PEs.

        Words that fit the PEs are sent once, others again for each use. ``staged``: whether
        stationary words are sent too, and would be sent again if samples were the outermost loop.
        """
        op, nest = draft.op, draft.op.nest
        bits = self.bits(op.moving.tensor)
        stored_errors = nest.channels * nest.positions * nest.stored
        if nest.stored and stored_errors < nest.samples * nest.depth:
            # B stores fewer errors than there are: each neuron is sent only its own.
            return self.spread(
                op, Use.MOVING, Route.SCATTER, stored_errors, stored_errors, stored_errors
            )
        share, unique = self.share(draft), nest.moving_words[Sending.ONCE]
        if draft.positions_outermost:
            return tile_by_tile(self, draft)
        groups, per_tile = self.moving_groups(op), draft.channels_per_tile
        depth, route = nest.depth // groups, Route.MULTICAST
        # Without sending again, a PE holds the channel groups of all its outputs.
        kept = channel_takers(nest.channels, groups, per_tile, nest.channels)
        again = self.channel_takers(op, per_tile)
        if self.reduces(op):
            # Each PE takes the errors of its own channels only.
            depth, route = -(-nest.depth // draft.reduction_pes), Route.SCATTER
            kept, again = (
                ChannelTakers(1, 1, 1),
                ChannelTakers(draft.channel_tiles, draft.channel_tiles, 1),
            )
        room = self.moving_room(draft) // bits
        if moving_held(nest, share) * depth // (nest.depth // nest.groups) * kept.held <= room:
            taken = moving_taken(nest, share, Sending.ONCE) // groups * kept.takers
            return self.spread(op, Use.MOVING, route, unique, taken, unique)
        sending = sending_within(room, nest, depth, share)
        sample = unique if staged or not self.near_memory else unique // nest.samples
        fits_buffer = sample * bits <= self.staging_bits
        return self.spread(
            op,
            Use.MOVING,
            route,
            moving_sent(nest, share, sending) // groups * again.visits,
            moving_taken(nest, share, sending) // groups * again.takers,
            unique if fits_buffer else unique // groups * again.visits,
        )

    def share(self, draft: Mapping) -> Share:
        """Positions of each group of PEs that work on the same channels, over the whole op."""
        run, tile = self.architecture.pe_array.outputs_per_pe, draft.positions_per_tile
        return Share(1 if draft.reduction_pes > 1 else min(run, tile), tile, draft.position_tiles)

    # The stationary operand

    def _stationary(self, draft: Mapping, placement: Placement) -> tuple[Transfer, ...]:
        """Transfers of the stationary operand to the PEs that need it and do not hold it."""
        op = draft.op
        passes, together, sums = self.staging(draft)
        takers = stationary_takers(draft, self.share(draft)._replace(together=together))
        if op.nest.sums_samples or (self.near_memory and op.stationary_arrives):
            every = elements(op, Use.STATIONARY)
            words, taken = every * passes, every * takers // rows_per_channel(op)
            return (*self.spread(op, Use.STATIONARY, Route.SCATTER, words, taken, words), *sums)
        tensor = op.stationary.tensor
        bits, each = self.bits(tensor), rows_per_channel(op)
        if not self.near_memory:
            largest = min(draft.channels_per_tile, draft.channels)
            staged = tensor.elements // draft.channels * largest * bits <= self.staging_bits
            fetched = tensor.elements * (1 if staged else passes)
            taken = tensor.elements * takers // each
            return (self.streamed_weights(op, tensor.elements * passes, taken, fetched), *sums)
        if op.fixed_feedback and self.architecture.near_memory.feedback == "prng":
            return ()
        home = placement.home(tensor)
        resident, spilled = (home.resident, home.spilled) if home else (0, tensor.elements)
        transfers: list[Transfer] = []
        if spilled:
            words, taken = spilled * passes, spilled * takers // each
            transfers.append(
                Transfer(tensor, Route.SCATTER, True, words, bits, taken, words, spilled=True)
            )
        if self.fetches_transpose(op):
            words, taken = resident * passes, resident * takers // each
            transfers.append(Transfer(tensor, Route.PEER, True, words, bits, taken))
        if transfers:
            transfers += sums
        if draft.reduction_pes > 1:
            reduced_sums = draft.channels * draft.positions * (draft.reduction_pes - 1)
            psum = self.architecture.precision.psum
            transfers.append(Transfer(tensor, Route.REDUCE, True, reduced_sums, psum, partial=True))
        return tuple(transfers)

    def staging(self, draft: Mapping) -> tuple[int, int, tuple[Transfer, ...]]:
        """Return (number of times staged stationary words are sent, position tiles per sending,
        transfers of the partial sums this causes).

        The words are sent once if half of the working space holds the reduction of one channel's
        outputs. Otherwise they are sent in chunks. During a chunk the PEs carry the partial sums of
        as many position tiles as fit beside it, and the chunks are sent again per group of such
        tiles. FF and EP leave half of the space to the moving operand; WG does not keep moving
        words in this case.
        """
        op, nest = draft.op, draft.op.nest
        # A row of a feedback matrix serves one neuron, so it is sent again only for further
        # samples.
        tiles = draft.position_tiles
        if nest.unshared:
            tiles = -(-nest.samples // draft.positions_per_tile)
        bits = self.bits(op.stationary.tensor)
        if self.deals(op):
            tile = Tile(draft.channels_per_tile, draft.positions_per_tile, draft.copies)
            passes = self.outer_sums(op, tile).error_passes
            return passes, tiles if passes == 1 else 1, ()
        if nest.reduction * bits <= self.working_bits // 2 or tiles == 1:
            return 1, tiles, ()
        room = self.working_bits // (2 if nest.sums_samples else 4)
        sums_bits = self.architecture.pe_array.outputs_per_pe * self.architecture.precision.psum
        together = max(1, room // sums_bits)
        chunks = -(-nest.reduction // max(1, room // bits))
        words = draft.channels * draft.positions * (chunks - 1)
        return -(-tiles // together), min(together, tiles), self.carried_sums(op, words)


def rows_per_channel(op: Contraction) -> int:
    """Rows of stationary words per channel: one, or in feedback one per target pixel."""
    return op.nest.map_positions if op.nest.unshared else 1


def stationary_takers(draft: Mapping, share: Share) -> int:
    """Groups of PEs that take a stationary word, over all of its sendings, one per
    ``share.together`` position tiles; summed over the rows that a feedback matrix stores per
    channel.
    """
    nest = draft.op.nest
    if nest.unshared:
        return row_takers(nest.samples, nest.map_positions, share)
    # Lanes beyond the end of an outer product's moving vector have no segment of it.
    segment = -(-nest.positions // draft.positions)
    return position_takers(-(-nest.positions // segment), share)
