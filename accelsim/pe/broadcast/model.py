"""Timing of broadcast arrays (docs/pe-broadcast.md; EIE, Han et al. ISCA 2016).

Output channels are interleaved over the PEs. A vector is the work of one output position: the
moving words of its receptive field are broadcast to all PEs that share the channels, one token per
word. The PEs synchronize at the end of a vector, as those of EIE do at the end of a layer's vector.
Spare PEs form further groups, each with other positions and its own broadcast. The lanes of a PE
take stored words of one column in parallel.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from accelsim.kernels.bits.bitmaps import from_mask
from accelsim.kernels.broadcast.vectors import (
    CYCLES,
    EFFECTUAL,
    EXECUTED,
    LINES,
    SERVICE,
    TOKENS,
)
from accelsim.kernels.lanes.outer_products import segment_sizes
from accelsim.kernels.lanes.tiles import TileShape, tile_sums
from accelsim.kernels.lanes.zero_skip import stream_lengths
from accelsim.machine.words import access_bits, line_bits, value_bits
from accelsim.pe.broadcast.forward import ForwardVectors, needed_outputs
from accelsim.pe.broadcast.gradients import GradientVectors
from accelsim.pe.broadcast.parts import (
    Counts,
    Part,
    Vectors,
    parts_of,
    skipped_words,
)
from accelsim.pe.broadcast.section import BroadcastArray
from accelsim.pe.mapping import Mapping
from accelsim.pe.skipping.setting import keeps_zeros
from accelsim.pe.timing import ArrayTiming, TimingModel, run_bits
from accelsim.step.ops import Contraction
from accelsim.zeros.effectual import effectual_macs, repeats

POINTER_BITS = 16
"""Bits of a pointer to a column's first entry. Each token makes a PE read two pointers (EIE; from
memory, not checked against the paper).
"""


class BroadcastModel(TimingModel):
    """Timing model of broadcast arrays."""

    @property
    def _array(self) -> BroadcastArray:
        return BroadcastArray.of(self.architecture.pe_array)

    def time(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        op = mapping.op
        parts = parts_of(mapping, self.architecture)
        if op.nest.sums_samples:
            gradient = GradientVectors(self.architecture, self.masks, mapping)
            return self._timing(
                mapping, blocks, parts, [gradient.of(part) for part in parts], False
            )
        skips = self.architecture.pe_array.skip_outputs
        needed = needed_outputs(op, self.masks) if skips else None
        forward = ForwardVectors(self.architecture, self.masks, op)
        vectors = [forward.of(part, needed) for part in parts]
        return self._timing(mapping, blocks, parts, vectors, needed is not None)

    def _timing(
        self,
        mapping: Mapping,
        blocks: int,
        parts: list[Part],
        per_part: list[Vectors],
        masked: bool,
    ) -> ArrayTiming:
        op, array = mapping.op, self.architecture.pe_array
        nest = op.nest
        cycles = np.stack([vectors.sums[:, CYCLES] for vectors in per_part]).astype(np.int32)
        needed = np.stack([vectors.needed > 0 for vectors in per_part], axis=1)
        tile = TileShape(1, mapping.positions_per_tile, mapping.fill_positions)
        blocks = min(blocks, len(parts) * mapping.position_tiles)
        block_cycles = tile_sums(
            cycles,
            len(parts),
            mapping.positions,
            from_mask(needed) if masked else None,
            tile,
            blocks,
        )[0]
        used = 0
        for pes in sorted({part.store.pes for part in parts}):
            rows = np.array([part.store.pes == pes for part in parts])
            mask = from_mask(np.ascontiguousarray(needed[:, rows])) if masked else None
            used += (
                pes
                * array.lanes
                * tile_sums(cycles[rows], int(rows.sum()), mapping.positions, mask, tile, 1)[3]
            )
        weights = repeats(mapping.positions, len(per_part[0].sums))
        totals = [(vectors.sums * weights[:, None]).sum(axis=0) for vectors in per_part]
        sums = np.array(totals).sum(axis=0)
        executed, effectual, service = (int(sums[name]) for name in (EXECUTED, EFFECTUAL, SERVICE))
        gated = executed - effectual if array.gating else 0
        outputs = sum(int((vectors.needed * weights).sum()) for vectors in per_part)
        actions: Counter[str] = Counter()
        runs: Counter[int] = Counter()
        for part, total, vectors in zip(parts, totals, per_part, strict=True):
            active = int(total[EFFECTUAL if array.gating else EXECUTED])
            actions.update(self._actions(op, part, total, active))
            if not part.store.compressed:
                runs.update(_runs(vectors, weights))
        compressed = skipped_words(self.architecture, op).stationary
        word = value_bits(op.stationary.tensor, self.architecture)
        return ArrayTiming(
            block_cycles=block_cycles,
            outputs=nest.channels * nest.positions if nest.outer_product else outputs,
            effectual=effectual_macs(op, self.masks),
            executed=executed,
            gated=gated,
            busy=executed,
            window_empty=service * array.lanes - executed,
            imbalance=used - service * array.lanes,
            idle=int(block_cycles.sum()) * mapping.pes * array.lanes - used,
            mask_bits=sum(
                self._mask_bits(op, part, vectors, weights, masked)
                for part, vectors in zip(parts, per_part, strict=True)
            ),
            actions=actions,
            sum_updates=executed - gated if mapping.kept_sums else 0,
            # The rest of the lines of compressed columns counts as indices.
            stationary_bits=(executed - gated) * word if compressed else None,
            stationary_runs=runs,
        )

    def _mask_bits(
        self, op: Contraction, part: Part, vectors: Vectors, weights: Counts, masked: bool
    ) -> int:
        """Mask bits read, line by line: those in search of the next non-zero moving word, once per
        broadcast, and those of needed outputs.
        """
        nest, width, positions = op.nest, self.architecture.scratchpad.width_bits, weights.sum()
        bits = int(positions) * line_bits(part.outputs, 1, width) if masked else 0
        if not skipped_words(self.architecture, op).moving:
            return bits
        if nest.outer_product:
            segments = Counter(segment_sizes(nest.depth, len(weights)).tolist())
            return nest.samples * run_bits(segments, 1, width)
        if nest.sums_samples:
            return int(positions) * line_bits(nest.reduction, 1, width)
        taps = nest.reads(keeps_zeros(self.architecture, op))
        lengths = stream_lengths(part.depth(nest), *taps)
        scheduled = weights * (vectors.needed > 0)
        visited = np.resize(lengths, len(scheduled)).astype(np.int64)
        return bits + int((-(-visited // width) * width * scheduled).sum())

    def _actions(self, op: Contraction, part: Part, sums: Counts, active: int) -> dict[str, int]:
        """Control actions of a part: FIFO slots written and read, bits of the accesses to pointers,
        and bits of the lines of a column beyond those of the words with a MAC.
        """
        tokens = int(sums[TOKENS]) * part.store.pes
        actions = {"fifo_write": tokens, "fifo_read": tokens}
        if part.store.compressed:
            width = self.architecture.scratchpad.width_bits
            word = value_bits(op.stationary.tensor, self.architecture)
            own = self.architecture.pe_array.pointer_memory_bytes
            lines = int(sums[LINES]) * width
            actions["pointer_read"] = access_bits(
                2 * tokens, POINTER_BITS, POINTER_BITS if own else width
            )
            actions["index_read"] = lines - active * word
        return actions


def _runs(vectors: Vectors, weights: Counts) -> dict[int, int]:
    """Number of words of a dense column that a PE walks for a token -> how often it does."""
    tokens = vectors.sums[:, TOKENS] * weights
    often = np.bincount(vectors.rows.ravel(), np.repeat(tokens, vectors.rows.shape[1]))
    return {words: int(times) for words, times in enumerate(often) if words and times}
