"""Broadcast of moving words into FIFOs (docs/pe-broadcast.md; EIE, Han et al. ISCA 2016).

PEs hold output channels, interleaved. A vector is one output position: the moving words of its
receptive field are broadcast, a token each, to all PEs that share the channels, and PEs meet at its
end, as EIE's do at the end of a layer's vector. Spare PEs take further positions, each group with a
broadcast of its own. A PE's lanes take stored words of one column side by side.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from accelsim.kernels.bits.bitmaps import from_mask
from accelsim.kernels.broadcast.vectors import (
    CYCLES,
    EFFECTUAL,
    EXECUTED,
    SERVICE,
    TOKENS,
    WALKED,
)
from accelsim.kernels.lanes.tiles import TileShape, tile_sums
from accelsim.kernels.lanes.zero_skip import stream_lengths
from accelsim.machine.words import value_bits
from accelsim.pe.broadcast.forward import ForwardVectors, needed_outputs
from accelsim.pe.broadcast.gradients import GradientVectors
from accelsim.pe.broadcast.parts import (
    Counts,
    Part,
    Vectors,
    keeps_zeros,
    parts_of,
    skipped_words,
)
from accelsim.pe.broadcast.section import BroadcastArray
from accelsim.pe.mapping import Mapping
from accelsim.pe.timing import ArrayTiming, TimingModel
from accelsim.step.ops import Contraction
from accelsim.zeros.effectual import effectual_macs, repeats

POINTER_BITS = 16
"""Bits of a pointer to a column's first entry; each token makes its PEs read two (EIE, from
memory).
"""


class BroadcastModel(TimingModel):
    """The array of FIFOs."""

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
        self, mapping: Mapping, blocks: int, parts: list[Part], found: list[Vectors], masked: bool
    ) -> ArrayTiming:
        op, array = mapping.op, self.architecture.pe_array
        nest = op.nest
        cycles = np.stack([vectors.sums[:, CYCLES] for vectors in found]).astype(np.int32)
        wanted = np.stack([vectors.needed > 0 for vectors in found], axis=1)
        tile = TileShape(1, mapping.positions_per_tile, mapping.fill_positions)
        blocks = min(blocks, len(parts) * mapping.position_tiles)
        block_cycles = tile_sums(
            cycles,
            len(parts),
            mapping.positions,
            from_mask(wanted) if masked else None,
            tile,
            blocks,
        )[0]
        used = 0
        for pes in sorted({part.store.pes for part in parts}):
            rows = np.array([part.store.pes == pes for part in parts])
            own = from_mask(np.ascontiguousarray(wanted[:, rows])) if masked else None
            used += (
                pes
                * array.lanes
                * tile_sums(cycles[rows], int(rows.sum()), mapping.positions, own, tile, 1)[3]
            )
        weights = repeats(mapping.positions, len(found[0].sums))
        totals = [(vectors.sums * weights[:, None]).sum(axis=0) for vectors in found]
        sums = np.array(totals).sum(axis=0)
        executed, effectual, service = (int(sums[name]) for name in (EXECUTED, EFFECTUAL, SERVICE))
        gated = executed - effectual if array.gating else 0
        outputs = sum(int((vectors.needed * weights).sum()) for vectors in found)
        actions: Counter[str] = Counter()
        for part, total in zip(parts, totals, strict=True):
            actions.update(
                self._actions(op, part, total, int(total[EFFECTUAL if array.gating else EXECUTED]))
            )
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
                self._looked_at(op, part, vectors, weights, masked)
                for part, vectors in zip(parts, found, strict=True)
            ),
            moving_reads=int(sums[TOKENS]),
            actions=actions,
        )

    def _looked_at(
        self, op: Contraction, part: Part, vectors: Vectors, weights: Counts, masked: bool
    ) -> int:
        """Bits in which the next non-zero moving word is looked for, once for all PEs of a
        broadcast, and bits of needed outputs.
        """
        nest = op.nest
        looked_at = int(weights.sum()) * part.outputs if masked else 0
        if not skipped_words(self.architecture, op).moving:
            return looked_at
        if nest.outer_product:
            return nest.samples * nest.depth
        if nest.sums_samples:
            return nest.reduction * int(weights.sum())
        taps = nest.reads(keeps_zeros(self.architecture))
        lengths = stream_lengths(part.depth(nest), *taps)
        scheduled = weights * (vectors.needed > 0)
        visited = np.resize(lengths, len(scheduled)).astype(np.int64)
        return looked_at + int((visited * scheduled).sum())

    def _actions(self, op: Contraction, part: Part, sums: Counts, active: int) -> dict[str, int]:
        """Control's actions of a part: FIFO slots written and read, bits of pointers and indices,
        and of stored words read for no MAC.
        """
        tokens = int(sums[TOKENS]) * part.store.pes
        actions = {"fifo_write": tokens, "fifo_read": tokens}
        if part.store.compressed:
            walked = int(sums[WALKED])
            word = value_bits(op.stationary.tensor, self.architecture)
            actions["pointer_read"] = tokens * 2 * POINTER_BITS
            actions["index_read"] = walked * self._array.index_bits + (walked - active) * word
        return actions
