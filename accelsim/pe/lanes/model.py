"""Timing of zero-skipping lanes (docs/pe-lanes.md): each lane reduces one output and looks
``window`` positions ahead in its stream.

The kernels give exact cycles per lane. This model selects the pair mask for the skip mode, handles
channel groups, and synchronizes the lanes at each tile's barrier.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.bitmaps import from_mask, popcounts, to_mask
from accelsim.kernels.lanes.outer_products import segment_sizes
from accelsim.kernels.lanes.tiles import TileShape, tile_sums
from accelsim.kernels.lanes.zero_skip import stream_lengths
from accelsim.machine.architecture import Machine
from accelsim.pe.lanes.feedback import feedback_streams
from accelsim.pe.lanes.forward import convolution_streams
from accelsim.pe.lanes.gradients import GradientLanes, gradient_lanes
from accelsim.pe.lanes.reductions import shared_reductions
from accelsim.pe.lanes.section import LanesArray
from accelsim.pe.lanes.streams import Cycles, Streams, Words
from accelsim.pe.lanes.walks import LaneWalks, Walks
from accelsim.pe.mapping import Mapping
from accelsim.pe.skipping.setting import Skipped, keeps_zeros, skipped
from accelsim.pe.timing import ArrayTiming, TimingModel, run_bits
from accelsim.step.ops import Contraction
from accelsim.zeros.effectual import effectual_macs, repeats
from accelsim.zeros.masks import MaskSource

Lanes = TypeVar("Lanes", Streams, GradientLanes)


class Macs(NamedTuple):
    """MACs of one op: executed ones, the effectual ones among those, and the effectual ones of the
    whole op.
    """

    executed: int
    executed_effectual: int
    effectual: int


class LanesModel(TimingModel):
    """Timing model of skipping lanes.

    ``walks``: the cost of a stream; lanes with windows by default.
    """

    def __init__(
        self, architecture: Machine, masks: MaskSource, walks: Walks | None = None
    ) -> None:
        super().__init__(architecture, masks)
        self.walks = walks or LaneWalks(LanesArray.of(architecture.pe_array).window)
        self._lanes: tuple[Contraction | None, int, Streams | GradientLanes | None] = (
            None,
            0,
            None,
        )

    def time(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        op = mapping.op
        if op.nest.sums_samples:
            return self._gradient(mapping, blocks)
        return self._streams(mapping, blocks)

    def _skip(self, op: Contraction) -> Skipped:
        """Operands whose zeros are skipped in this op."""
        return skipped(self.architecture, op)

    def _of_last_op(self, op: Contraction, segments: int, lanes: Callable[[], Lanes]) -> Lanes:
        """The lanes of an op, cached for the other mappings of that op, since they do not depend on
        the mapping.
        """
        if self._lanes[0] is not op or self._lanes[1] != segments:
            self._lanes = (op, segments, lanes())
        return self._lanes[2]  # type: ignore[return-value]  # what this op's lanes() returned

    # FF and EP: a lane reduces one output position of one channel.

    def _all_streams(self, op: Contraction) -> Streams:
        if op.nest.unshared:
            return feedback_streams(op, self.masks, self._skip(op), self.walks)
        keep = keeps_zeros(self.architecture, op)
        return convolution_streams(op, self.masks, self._skip(op), self.walks, keep)

    def _streams(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        op, array = mapping.op, self.architecture.pe_array
        skip = self._skip(op)
        streams = self._of_last_op(op, 0, lambda: self._all_streams(op))
        needed = self._needed(op) if array.skip_outputs else None
        distinct = streams.cycles.shape[1] if needed is None else len(needed)
        streams = streams.repeated(distinct)
        weights = repeats(mapping.positions, distinct)
        scheduled = weights * (mapping.channels if needed is None else popcounts(needed))
        barrier = streams.cycles
        if mapping.reduction_pes > 1:
            keep = keeps_zeros(self.architecture, op)
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
        macs = Macs(executed, effectual, effectual_macs(op, self.masks))
        runs = self._runs(op, distinct, scheduled, mapping.reduction_pes)
        return self._timing(mapping, block_cycles, outputs, lane_cycles, used, macs, runs)

    def _runs(
        self, op: Contraction, distinct: int, scheduled: NDArray[np.int64], shared: int
    ) -> Counter[int]:
        """Lengths of the streams of the scheduled outputs, ``shared`` PEs having a part of each."""
        lengths = self._visited(op, distinct).astype(np.int64)
        if shared > 1:
            lengths = lengths // op.nest.depth * -(-op.nest.depth // shared)
        runs: Counter[int] = Counter()
        for length in np.unique(lengths):
            runs[int(length)] = shared * int(scheduled[lengths == length].sum())
        return runs

    def _visited(self, op: Contraction, distinct: int) -> Cycles:
        """Stream length at each distinct position: int32 (distinct)."""
        nest = op.nest
        if nest.unshared:
            return np.full(distinct, nest.reduction, np.int32)
        keep = keeps_zeros(self.architecture, op)
        channels = nest.depth // (1 if keep else nest.groups)
        return np.resize(stream_lengths(channels, *nest.reads(keep)), distinct)

    def _timing(
        self,
        mapping: Mapping,
        block_cycles: NDArray[np.int64],
        outputs: int,
        lane_cycles: int,
        used: int,
        macs: Macs,
        runs: Counter[int],
    ) -> ArrayTiming:
        array, skip = self.architecture.pe_array, self._skip(mapping.op)
        available = int(block_cycles.sum()) * mapping.pes * array.lanes
        lane_cycles, used = (
            lane_cycles * self.walks.lanes_per_output,
            used * self.walks.lanes_per_output,
        )
        active = macs.executed_effectual if array.gating else macs.executed
        return ArrayTiming(
            block_cycles=block_cycles,
            outputs=outputs,
            effectual=macs.effectual,
            executed=macs.executed,
            gated=macs.executed - active,
            busy=macs.executed,
            window_empty=lane_cycles - macs.executed,
            imbalance=used - lane_cycles,
            idle=available - used,
            mask_bits=sum(skip) * run_bits(runs, 1, self.architecture.scratchpad.width_bits),
            sum_updates=active if mapping.kept_sums else 0,
            runs=runs,
            in_order=self.walks.in_order or not any(skip),
        )

    def _needed(self, op: Contraction) -> Words | None:
        """Outputs that the mask f' leaves needed: uint64 (distinct positions, channel words); None
        if all are.
        """
        mask = self.masks.needed(op)
        if mask is None:
            return None
        channels = op.nest.channels
        if mask.channels == channels:
            return mask.words.reshape(-1, mask.words.shape[-1])
        return from_mask(to_mask(mask.words, mask.channels).reshape(-1, channels))

    def _gradient(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        op = mapping.op
        skip = self._skip(op)
        segments = mapping.positions if op.nest.outer_product else 0
        keep = keeps_zeros(self.architecture, op)
        lanes = self._of_last_op(
            op, segments, lambda: gradient_lanes(op, self.masks, skip, self.walks, keep, segments)
        )
        cycles = lanes.cycles
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
        effectual = lanes.executed if all(skip) else effectual_macs(op, self.masks)
        macs = Macs(lanes.executed, effectual, effectual)
        return self._timing(
            mapping,
            block_cycles,
            outputs,
            lane_cycles,
            used,
            macs,
            self._gradient_runs(mapping, lanes.visited),
        )

    def _gradient_runs(self, mapping: Mapping, visited: int) -> Counter[int]:
        """Runs of a gradient's lanes: whole streams, or a segment in each sample of an outer
        product, also if the segment is one word. Lanes that reduce an output together have no
        segments.
        """
        nest = mapping.op.nest
        if nest.outer_product and self.walks.lanes_per_output == 1:
            sizes = Counter(segment_sizes(nest.depth, mapping.positions).tolist())
            lanes = nest.channels * nest.samples
            return Counter({size: lanes * number for size, number in sizes.items() if size})
        streams = mapping.channels * mapping.positions
        return Counter({visited // streams: streams})


def _total(
    values: Cycles | NDArray[np.int64],
    scheduled: NDArray[np.int64],
    needed: Words | None,
    weights: NDArray[np.int64],
    channels: int,
) -> int:
    """Sum of ``values`` (K or 1, distinct positions) over the scheduled outputs.

    Each distinct position occurs ``weights`` times. ``needed``: mask of scheduled outputs, or None.
    """
    if len(values) == 1:
        return int((values[0].astype(np.int64) * scheduled).sum())
    if needed is None:
        return int((values.sum(axis=0, dtype=np.int64) * weights).sum())
    return int(((values.T * to_mask(needed, channels)).sum(axis=1, dtype=np.int64) * weights).sum())
