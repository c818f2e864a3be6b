"""Expected timing of zero-skipping lanes: what a choice of mappings may know before the data come.

Zeros are taken as independent draws of the operands' densities. A stream of L positions of which a
fraction d is set then takes `Walks.expected` cycles. A barrier waits for the longest stream, which
lags behind its mean like the largest of so many normal draws as streams differ (`largest_of`).
`tests/property/test_expected_timing.py` holds this against the exact kernels. Zeros of causal
attention are known beforehand, and are timed exactly.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.taps import REMOVED, Taps
from accelsim.machine.architecture import Machine
from accelsim.pe.lanes.causal import causal_outputs, known_streams, needed_before, passes
from accelsim.pe.lanes.model import LanesModel
from accelsim.pe.lanes.walks import Walks
from accelsim.pe.mapping import Mapping
from accelsim.pe.skipping.setting import keeps_zeros, skipped
from accelsim.pe.timing import ArrayTiming, TimingModel, run_bits
from accelsim.step.ops import Contraction
from accelsim.step.zero_sources import Causal
from accelsim.zeros.densities import Densities, densities
from accelsim.zeros.masks import MaskSource


def largest_of(draws: float) -> float:
    """Expected largest of so many standard normal draws (Blom, "Statistical estimates and
    transformed beta-variables", 1958).
    """
    return NormalDist().inv_cdf((max(1.0, draws) - 0.375) / (max(1.0, draws) + 0.25))


@dataclass(frozen=True)
class Stream:
    """What a lane is expected to walk for one output.

    ``length``: positions. ``executed``, ``effectual``: products that take a cycle, and that have no
    zero. ``cycles``, ``slowest``: of a mean lane and of the last one at a barrier.
    """

    length: float
    executed: float
    effectual: float
    cycles: float
    slowest: float


@dataclass(frozen=True)
class Extent:
    """Positions of a stream, products of the loop nest among them, and products whose moving word
    is inside the map.
    """

    length: float
    macs: float
    inside: float

    def shared(self, pes: int) -> Extent:
        """The part of one of so many PEs that share the stream."""
        return Extent(self.length / pes, self.macs / pes, self.inside / pes)


class ExpectedLanes(TimingModel):
    """Timing of lanes whose zeros are known by their densities only."""

    def __init__(self, architecture: Machine, masks: MaskSource, walks: Walks) -> None:
        super().__init__(architecture, masks)
        self._walks = walks
        self._densities: dict[str, Densities] = {}
        self._extents: dict[str, tuple[Extent, Extent]] = {}
        self._exact = LanesModel(architecture, masks, walks)
        self._needed_before: dict[Causal, NDArray[np.int64]] = {}

    def time(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        op, array = mapping.op, self.architecture.pe_array
        if known_streams(op):
            return self._exact.time(mapping, blocks)
        known = self._of(op)
        share = known.needed if array.skip_outputs and not op.nest.sums_samples else 1.0
        stream = self._stream(mapping, known)
        outputs = round(share * mapping.channels * mapping.positions)
        cycles = ceil(self._passes(mapping, share) * stream.slowest)
        executed = round(outputs * stream.executed)
        effectual = round(mapping.channels * mapping.positions * stream.effectual)
        active = min(executed, round(outputs * stream.effectual)) if array.gating else executed
        lanes = outputs * mapping.reduction_pes * self._walks.lanes_per_output
        walked = max(executed, round(lanes * stream.cycles))
        available = max(cycles * mapping.pes * array.lanes, walked)
        waited = min(available - walked, round(lanes * (stream.slowest - stream.cycles)))
        parts = max(1, min(blocks, mapping.channel_tiles * mapping.position_tiles))
        shares = np.arange(parts + 1, dtype=np.int64) * cycles // parts
        runs = Counter({max(1, round(stream.length)): outputs * mapping.reduction_pes})
        skip = skipped(self.architecture, op)
        return ArrayTiming(
            block_cycles=np.diff(shares),
            outputs=outputs,
            effectual=effectual,
            executed=executed,
            gated=executed - active,
            busy=executed,
            window_empty=walked - executed,
            imbalance=waited,
            idle=available - walked - waited,
            mask_bits=sum(skip) * run_bits(runs, 1, self.architecture.scratchpad.width_bits),
            sum_updates=active if mapping.kept_sums else 0,
            runs=runs,
            in_order=self._walks.in_order or not any(skip),
        )

    def _of(self, op: Contraction) -> Densities:
        if op.name not in self._densities:
            self._densities[op.name] = densities(op, self.masks)
        return self._densities[op.name]

    def _stream(self, mapping: Mapping, known: Densities) -> Stream:
        """The mean stream of an op's outputs."""
        op, skip = mapping.op, skipped(self.architecture, mapping.op)
        if op.nest.outer_product and self._walks.lanes_per_output == 1:
            return self._segments(mapping, known)
        mean, most = (extent.shared(mapping.reduction_pes) for extent in self._extents_of(op))
        seen = known.stationary if skip.stationary else 1.0
        executed, latest = (
            seen * (extent.inside * known.moving if skip.moving else extent.macs)
            for extent in (mean, most)
        )
        cycles = self._walks.expected(mean.length, executed)
        slowest = self._walks.expected(most.length, latest)
        slowest += _spread(most.length, latest) * largest_of(self._different(mapping, known))
        return Stream(
            mean.length,
            executed,
            mean.inside * known.moving * known.stationary,
            cycles,
            max(cycles, min(slowest, self._walks.expected(most.length, most.length))),
        )

    def _different(self, mapping: Mapping, known: Densities) -> float:
        """Streams of a tile that differ: those of one position are alike for all channels unless
        zeros of the stationary operand are skipped.
        """
        op = mapping.op
        varied = skipped(self.architecture, op).stationary and known.stationary < 1
        each_channel = mapping.channels_per_tile if varied else 1
        share = 1.0 if op.nest.sums_samples else known.needed
        return each_channel * mapping.positions_per_tile * share

    def _extents_of(self, op: Contraction) -> tuple[Extent, Extent]:
        """The mean stream of an op's outputs, and one as long as the longest."""
        if op.name not in self._extents:
            self._extents[op.name] = self._measured(op)
        return self._extents[op.name]

    def _measured(self, op: Contraction) -> tuple[Extent, Extent]:
        nest = op.nest
        if nest.unshared:
            whole = Extent(nest.reduction, nest.reduction, nest.reduction)
            return whole, whole
        keep = keeps_zeros(self.architecture, op)
        taps = nest.reads(keep)
        (visited, longest), (inside, fullest) = (
            _counts(*(use(axis) for axis in taps)) for use in (_visited, _inside)
        )
        if nest.sums_samples:
            again = nest.reduction / visited
            return (
                Extent(nest.reduction, nest.reduction, inside * again),
                Extent(nest.reduction, nest.reduction, fullest * again),
            )
        each = nest.depth // nest.groups
        length, most = (each * count * (nest.groups if keep else 1) for count in (visited, longest))
        return (
            Extent(length, nest.reduction if keep else length, each * inside),
            Extent(most, nest.reduction if keep else most, each * fullest),
        )

    def _segments(self, mapping: Mapping, known: Densities) -> Stream:
        """Stream of a lane that has a segment of the moving vector in each sample of an outer
        product. A sample whose error is zero is skipped as a whole, by all lanes of a PE.
        """
        nest, skip = mapping.op.nest, skipped(self.architecture, mapping.op)
        segment = nest.positions / mapping.positions
        errors = known.stationary if skip.stationary else 1.0
        samples = nest.reduction * errors
        most = samples + _spread(nest.reduction, samples) * largest_of(mapping.channels_per_tile)
        set_words = segment * (known.moving if skip.moving else 1.0)
        each, longest = (self._walks.expected(segment, count) for count in (set_words, segment))
        slowest = min(nest.reduction, most) * each
        slowest += _spread(samples * segment, samples * set_words) * largest_of(
            mapping.positions_per_tile
        )
        return Stream(
            nest.reduction * segment,
            samples * set_words,
            nest.reduction * segment * known.moving * known.stationary,
            samples * each,
            max(samples * each, min(slowest, nest.reduction * longest)),
        )

    def _passes(self, mapping: Mapping, share: float) -> float:
        """Times that all lanes start an output, one after another, for outputs of which a share is
        needed.
        """
        shape = causal_outputs(mapping.op)
        if share < 1 and shape is not None:
            if shape not in self._needed_before:
                self._needed_before[shape] = needed_before(shape)
            return passes(mapping, self._needed_before[shape])
        whole, rest = divmod(mapping.positions, mapping.fill_positions)
        slots = whole * self._slots(mapping, mapping.fill_positions, share)
        if rest:
            slots += self._slots(mapping, rest, share)
        return slots * mapping.channel_tiles

    def _slots(self, mapping: Mapping, positions: int, share: float) -> float:
        """Outputs that the slowest lane starts, of positions delivered at once."""
        groups = max(1, mapping.copies)
        each = -(-positions // groups)
        needed = each * share
        if share < 1:
            pes = mapping.channels_per_tile * groups
            needed += sqrt(each * share * (1 - share)) * largest_of(pes)
        lanes = max(1, mapping.positions_per_tile // groups)
        return max(1.0, ceil(min(each, needed) / lanes))


def _visited(taps: Taps) -> NDArray[np.int64]:
    found: NDArray[np.int64] = np.count_nonzero(taps != REMOVED, axis=1)
    return found


def _inside(taps: Taps) -> NDArray[np.int64]:
    found: NDArray[np.int64] = np.count_nonzero(taps >= 0, axis=1)
    return found


def _counts(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> tuple[float, float]:
    """Mean and largest number of taps of a map's positions, from those of its rows and columns."""
    return float(rows.mean() * columns.mean()), float(rows.max() * columns.max())


def _spread(draws: float, successes: float) -> float:
    """Standard deviation of the successes among independent draws of one probability."""
    return sqrt(max(0.0, successes * (1 - successes / draws))) if draws else 0.0
