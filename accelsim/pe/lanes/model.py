"""Zero-skipping lanes (DESIGN 4, `lanes`): each lane reduces one output along its stream, looking
``window`` positions ahead.

The kernels give exact cycles a lane; this model chooses the pair mask that the skip mode leaves of
the operands, handles groups, and lets lanes meet at each tile's barrier.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.bitmaps import from_mask, popcounts, to_mask
from accelsim.kernels.bits.taps import expand_kernel
from accelsim.kernels.lanes.tiles import TileShape, tile_sums
from accelsim.kernels.lanes.zero_skip import stream_lengths
from accelsim.machine.architecture import Architecture
from accelsim.pe.lanes.feedback import feedback_streams
from accelsim.pe.lanes.gradients import GradientLanes, gradient_lanes
from accelsim.pe.lanes.reductions import shared_reductions
from accelsim.pe.lanes.section import LanesArray
from accelsim.pe.lanes.streams import Cycles, Streams, Words, per_channel
from accelsim.pe.lanes.walks import LaneWalks, Walks
from accelsim.pe.mapping import Mapping
from accelsim.pe.timing import ArrayTiming, PEModel
from accelsim.step.geometry import bounds_of, moving_extents, stream_taps
from accelsim.step.ops import Op, OpKind, Pass, Use
from accelsim.zeros.effectual import (
    effectual_macs,
    group_slices,
    repeats,
    stationary_masks,
    words_or_ones,
)
from accelsim.zeros.masks import MaskSource

Lanes = TypeVar("Lanes", Streams, GradientLanes)


class LanesModel(PEModel):
    """The array of skipping lanes. ``walks``: what a stream costs, lanes with windows when not
    given.
    """

    def __init__(
        self, architecture: Architecture, masks: MaskSource, walks: Walks | None = None
    ) -> None:
        super().__init__(architecture, masks)
        self.walks = walks or LaneWalks(LanesArray.of(architecture.pe_array).window)
        self._lanes: tuple[Op | None, int, Streams | GradientLanes | None] = (None, 0, None)

    def time(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        op = mapping.op
        return (
            self._gradient(mapping, blocks)
            if op.pass_ is Pass.WG
            else self._streams(mapping, blocks)
        )

    def _skip(self, op: Op) -> tuple[bool, bool]:
        """Whether the moving and the stationary operand's zeros are skipped in this op's pass."""
        mode = getattr(self.architecture.pe_array.skip, op.pass_.value.lower())
        return mode in ("moving", "both"), mode in ("stationary", "both")

    def _of_last_op(self, op: Op, segments: int, lanes: Callable[[], Lanes]) -> Lanes:
        """The lanes of an op, kept for the other mappings that are tried on it: they depend on
        none.
        """
        if self._lanes[0] is not op or self._lanes[1] != segments:
            self._lanes = (op, segments, lanes())
        return self._lanes[2]  # type: ignore[return-value]  # what this op's lanes() returned

    # FF and EP: a lane reduces one output position of one channel

    def _all_streams(self, op: Op) -> Streams:
        return (
            feedback_streams(op, self.masks, self._skip(op), self.walks)
            if op.kind is OpKind.FEEDBACK
            else self._convolution(op)
        )

    def _streams(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        op, array = mapping.op, self.architecture.pe_array
        skip = self._skip(op)
        streams = self._of_last_op(op, 0, lambda: self._all_streams(op))
        needed = self._needed(op) if op.pass_ is Pass.EP and array.skip_outputs else None
        distinct = streams.cycles.shape[1] if needed is None else len(needed)
        streams = streams.repeated(distinct)
        weights = repeats(mapping.positions, distinct)
        scheduled = weights * (mapping.channels if needed is None else popcounts(needed))
        barrier = streams.cycles
        if mapping.reduction_pes > 1:
            keep = array.structural_zeros == "window"
            shared = shared_reductions(
                op, self.masks, skip, self.walks, keep, mapping.reduction_pes, distinct
            )
            barrier = shared.slowest
        block_cycles, outputs, lane_cycles, used, _ = tile_sums(
            barrier,
            mapping.channels,
            mapping.positions,
            needed,
            TileShape(
                mapping.channels_per_tile, mapping.positions_per_tile, mapping.fill_positions
            ),
            min(blocks, mapping.channel_tiles * mapping.position_tiles),
            mapping.nest,
        )
        if mapping.reduction_pes > 1:
            lane_cycles = _total(shared.total, scheduled, needed, weights, mapping.channels)
            used *= mapping.reduction_pes
        executed = _total(streams.executed, scheduled, needed, weights, mapping.channels)
        effectual = _total(streams.effectual, scheduled, needed, weights, mapping.channels)
        looked_at = sum(skip) * int(
            (self._visited(op, distinct).astype(np.int64) * scheduled).sum()
        )
        return self._timing(
            mapping, block_cycles, outputs, lane_cycles, used, executed, effectual, looked_at
        )

    def _visited(self, op: Op, distinct: int) -> Cycles:
        """Length of the stream at each of the distinct positions."""
        b, array = bounds_of(op), self.architecture.pe_array
        if op.kind is OpKind.FEEDBACK:
            return np.full(distinct, b.nonzeros or b.c, np.int32)
        keep = array.structural_zeros == "window"
        channels = moving_extents(op)[2] // (1 if keep else b.groups)
        return np.resize(stream_lengths(channels, *stream_taps(op, keep)), distinct)

    def _timing(
        self,
        mapping: Mapping,
        block_cycles: NDArray[np.int64],
        outputs: int,
        lane_cycles: int,
        used: int,
        executed: int,
        effectual: int,
        mask_bits: int,
        all_effectual: int | None = None,
    ) -> ArrayTiming:
        array = self.architecture.pe_array
        available = int(block_cycles.sum()) * mapping.pes * array.lanes
        lane_cycles, used = (
            lane_cycles * self.walks.lanes_per_output,
            used * self.walks.lanes_per_output,
        )
        return ArrayTiming(
            block_cycles=block_cycles,
            outputs=outputs,
            effectual=effectual_macs(mapping.op, self.masks)
            if all_effectual is None
            else all_effectual,
            executed=executed,
            gated=executed - effectual if array.gating else 0,
            busy=executed,
            window_empty=lane_cycles - executed,
            imbalance=used - lane_cycles,
            idle=available - used,
            mask_bits=mask_bits,
        )

    def _convolution(self, op: Op) -> Streams:
        b, array = bounds_of(op), self.architecture.pe_array
        rows, cols = stream_taps(op, array.structural_zeros == "window")
        moving = words_or_ones(self.masks, op, Use.MOVING, *moving_extents(op))
        parts = [self._group(op, moving, group, rows, cols) for group in range(b.groups)]
        if b.groups == 1:
            return parts[0]
        per_group = (b.c if op.pass_ is Pass.EP else b.k) // b.groups
        return Streams(
            *(
                np.concatenate([per_channel(getattr(part, name), per_group) for part in parts])
                for name in ("cycles", "executed", "effectual")
            )
        )

    def _group(self, op: Op, moving: Words, group: int, rows: Cycles, cols: Cycles) -> Streams:
        b, array = bounds_of(op), self.architecture.pe_array
        channels = moving_extents(op)[2]
        size = channels // b.groups
        if b.groups > 1 and array.structural_zeros == "window":
            # Other groups' channels pass through the window as zeros: the stream keeps their
            # positions.
            mask = np.zeros(channels, np.bool_)
            mask[group * size : (group + 1) * size] = True
            own, size = moving & from_mask(mask), channels
        else:
            own = group_slices(moving, channels, b.groups)[group]
        cycles, effectual = self.walks.moving(own, size, rows, cols)
        length = stream_lengths(size, rows, cols)
        dense = self._dense_positions(op, length)
        if self.masks.operand(op, Use.STATIONARY) is not None:
            return self._pairs(
                op,
                own,
                self._stationary(op, group),
                size,
                rows,
                cols,
                length,
                dense,
                cycles,
                effectual,
            )
        if self._skip(op)[0]:
            return Streams(
                cycles.reshape(1, -1), effectual.reshape(1, -1), effectual.reshape(1, -1)
            )
        every = self.walks.every(length)
        if self._skip(op)[1] and array.structural_zeros == "window":
            # Dense weights have dilation and group zeros all the same, alike in every output
            # channel.
            every = self.walks.pairs(
                own[0], size, self._stationary(op, group)[:1], rows, cols, "stationary"
            )[0]
        every_cycle, macs = (np.tile(each, len(cycles)).reshape(1, -1) for each in (every, dense))
        return Streams(every_cycle, macs, effectual.reshape(1, -1))

    def _dense_positions(self, op: Op, length: Cycles) -> Cycles:
        """Positions of each stream that are MACs: with structural zeros in the window, dilation and
        group zeros are not.
        """
        if self.architecture.pe_array.structural_zeros == "removed":
            return length
        b = bounds_of(op)
        return np.full_like(length, b.r * b.s * ((b.k if op.pass_ is Pass.EP else b.c) // b.groups))

    def _stationary(self, op: Op, group: int) -> Words:
        """Weight masks by output channel, in the order of the stream: uint64 (outputs, taps,
        ceil(reduction channels / 64)).
        """
        b, keep = bounds_of(op), self.architecture.pe_array.structural_zeros == "window"
        own = stationary_masks(op, self.masks, group)
        if keep and b.groups > 1:
            reduction = (b.k if op.pass_ is Pass.EP else b.c) // b.groups
            mask = to_mask(own, reduction)
            wide = np.zeros((*mask.shape[:3], reduction * b.groups), np.bool_)
            wide[..., group * reduction : (group + 1) * reduction] = mask
            own = from_mask(wide)
        return expand_kernel(own, b.dilation, keep)

    def _pairs(
        self,
        op: Op,
        moving: Words,
        stationary: Words,
        size: int,
        rows: Cycles,
        cols: Cycles,
        length: Cycles,
        dense: Cycles,
        cycles: Cycles,
        set_bits: Cycles,
    ) -> Streams:
        """Lanes whose stationary operand has zeros too: cycles depend on the output channel."""
        skip_moving, skip_stationary = self._skip(op)
        both = [self.walks.pairs(sample, size, stationary, rows, cols) for sample in moving]
        effectual = np.concatenate([found[1] for found in both], axis=1)
        if skip_stationary and skip_moving:
            return Streams(
                np.concatenate([found[0] for found in both], axis=1), effectual, effectual
            )
        if skip_stationary:
            alone = self.walks.pairs(moving[0], size, stationary, rows, cols, "stationary")
            return Streams(
                np.tile(alone[0], (1, len(moving))), np.tile(alone[1], (1, len(moving))), effectual
            )
        if skip_moving:
            return Streams(
                per_channel(cycles.reshape(1, -1), len(stationary)),
                per_channel(set_bits.reshape(1, -1), len(stationary)),
                effectual,
            )
        every, macs = (
            np.tile(self.walks.every(length), len(moving)).reshape(1, -1),
            np.tile(dense, len(moving)).reshape(1, -1),
        )
        return Streams(
            per_channel(every, len(stationary)), per_channel(macs, len(stationary)), effectual
        )

    def _needed(self, op: Op) -> Words | None:
        """Outputs that f' leaves needed: uint64 (distinct positions, channel words)."""
        bound = self.masks.operand(op, Use.NEEDED)
        if bound is None:
            return None
        channels = bounds_of(op).k if op.kind is OpKind.FEEDBACK else bounds_of(op).c
        if bound.channels == channels:
            return bound.words.reshape(-1, bound.words.shape[-1])
        return from_mask(to_mask(bound.words, bound.channels).reshape(-1, channels))

    def _gradient(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        op, array = mapping.op, self.architecture.pe_array
        skip = self._skip(op)
        segments = mapping.positions_per_tile if op.kind is OpKind.OUTER else 0
        keep = array.structural_zeros == "window"
        found = self._of_last_op(
            op, segments, lambda: gradient_lanes(op, self.masks, skip, self.walks, keep, segments)
        )
        cycles = found.cycles
        if cycles.shape[1] == 1:
            cycles = np.repeat(cycles, mapping.positions, axis=1)
        block_cycles, outputs, lane_cycles, used, _ = tile_sums(
            cycles,
            mapping.channels,
            mapping.positions,
            None,
            TileShape(
                mapping.channels_per_tile, mapping.positions_per_tile, mapping.fill_positions
            ),
            min(blocks, mapping.channel_tiles * mapping.position_tiles),
            mapping.nest,
        )
        effectual = found.executed if all(skip) else effectual_macs(op, self.masks)
        return self._timing(
            mapping,
            block_cycles,
            outputs,
            lane_cycles,
            used,
            found.executed,
            effectual,
            sum(skip) * found.visited,
            effectual,
        )


def _total(
    values: Cycles | NDArray[np.int64],
    scheduled: NDArray[np.int64],
    needed: Words | None,
    weights: NDArray[np.int64],
    channels: int,
) -> int:
    """Sum over the scheduled outputs of ``values`` (K or 1, distinct positions), each position
    occurring ``weights`` times.
    """
    if len(values) == 1:
        return int((values[0].astype(np.int64) * scheduled).sum())
    if needed is None:
        return int((values.sum(axis=0, dtype=np.int64) * weights).sum())
    return int(((values.T * to_mask(needed, channels)).sum(axis=1, dtype=np.int64) * weights).sum())
