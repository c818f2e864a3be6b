"""Broadcast of moving words into FIFOs (DESIGN 4, `broadcast`; EIE, Han et al. ISCA 2016).
`docs/pe-broadcast.md` has an example.

PEs hold output channels, interleaved. A vector is one output position: the moving words of its
receptive field are broadcast, a token each, to all PEs that share the channels, and PEs meet at its
end, as EIE's do at the end of a layer's vector. Spare PEs take further positions, each group with a
broadcast of its own. A PE's lanes take stored words of one column side by side.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.bitmaps import (
    PackedMask,
    Words,
    flat,
    from_mask,
    slice_channels,
    to_mask,
)
from accelsim.kernels.bits.taps import MapTaps, forward_taps
from accelsim.kernels.broadcast.gradients import gradient_sums, outer_sums
from accelsim.kernels.broadcast.vectors import (
    CYCLES,
    EFFECTUAL,
    EXECUTED,
    SERVICE,
    TOKENS,
    WALKED,
    Columns,
    vector_sums,
)
from accelsim.kernels.lanes.tiles import TileShape, tile_sums
from accelsim.kernels.lanes.zero_skip import stream_cycles, stream_lengths
from accelsim.machine.words import value_bits
from accelsim.pe.broadcast.columns import (
    Store,
    columns,
    error_columns,
    kernel_columns,
    neuron_columns,
)
from accelsim.pe.broadcast.section import BroadcastArray
from accelsim.pe.mapping import Mapping
from accelsim.pe.timing import ArrayTiming, PEModel
from accelsim.step.geometry import bounds_of, moving_extents, stream_taps
from accelsim.step.ops import Op, OpKind, Pass, Use
from accelsim.zeros.effectual import effectual_macs, repeats, words_or_ones

Counts = NDArray[np.int64]
POINTER_BITS = 16
"""Of a pointer to a column's first entry; each token makes its PEs read two (EIE, from memory)."""
_ONE_TAP = np.zeros((1, 1), np.int32)
_NO_MASK = np.zeros((0, 1, 1), np.uint64)


@dataclass(frozen=True)
class Part:
    """Output channels [first, end) of some groups, counted from the first of these, that PEs reduce
    together.
    """

    groups: range
    first: int
    end: int
    store: Store

    @property
    def outputs(self) -> int:
        return self.end - self.first


@dataclass(frozen=True)
class Vectors:
    """``sums`` int64 (distinct positions, 6) of a part's vectors, ``needed`` outputs int64
    (distinct positions) of each.
    """

    sums: Counts
    needed: Counts


class BroadcastModel(PEModel):
    """The array of FIFOs."""

    @property
    def _array(self) -> BroadcastArray:
        return BroadcastArray.of(self.architecture.pe_array)

    def time(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        op = mapping.op
        parts = self._parts(mapping)
        needed = self._needed(op)
        if op.pass_ is Pass.WG:
            found = [
                self._outer(op, part, mapping)
                if op.kind is OpKind.OUTER
                else self._gradient(op, part)
                for part in parts
            ]
        else:
            found = [self._vectors(op, part, needed) for part in parts]
        return self._timing(mapping, blocks, parts, found, needed is not None)

    def _skip(self, op: Op) -> tuple[bool, bool]:
        """Whether zeros of the moving and of the stationary operand are skipped; a sparse feedback
        matrix has stored words alone.
        """
        mode = getattr(self.architecture.pe_array.skip, op.pass_.value.lower())
        return mode in ("moving", "both"), mode in ("stationary", "both") or (
            op.kind is OpKind.FEEDBACK and bounds_of(op).nonzeros > 0
        )

    @property
    def _keeps_zeros(self) -> bool:
        return self.architecture.pe_array.structural_zeros == "window"

    def _parts(self, mapping: Mapping) -> list[Part]:
        """Groups apart where nothing holds the zeros between them, and no more channels than PEs
        have accumulators for.
        """
        op, array = mapping.op, self._array
        b = bounds_of(op)
        groups = 1 if op.kind is OpKind.FEEDBACK else b.groups
        together = groups if self._keeps_zeros and op.pass_ is not Pass.WG else 1
        channels = mapping.channels // groups * together
        most = mapping.channels_per_tile * self.architecture.accumulators
        parts = []
        for group in range(0, groups, together):
            for first in range(0, channels, most):
                end = min(first + most, channels)
                pes = min(mapping.channels_per_tile, end - first)
                store = Store(pes, array.lanes, array.index_bits, self._skip(op)[1])
                parts.append(Part(range(group, group + together), first, end, store))
        return parts

    def _needed(self, op: Op) -> Words | None:
        """Outputs that f' leaves needed: uint64 (samples, positions, channel words)."""
        bound = (
            self.masks.operand(op, Use.NEEDED)
            if op.pass_ is Pass.EP and self.architecture.pe_array.skip_outputs
            else None
        )
        if bound is None:
            return None
        b = bounds_of(op)
        channels, places = (b.k, b.p * b.q) if op.kind is OpKind.FEEDBACK else (b.c, b.h * b.w)
        words = (
            bound.words
            if bound.channels == channels
            else from_mask(to_mask(bound.words, bound.channels).reshape(-1, channels))
        )
        return words.reshape(-1, places, words.shape[-1])

    # FF and EP

    def _vectors(self, op: Op, part: Part, needed: Words | None) -> Vectors:
        b = bounds_of(op)
        offset = (
            part.groups[0] * ((b.c if op.pass_ is Pass.EP else b.k) // b.groups)
            if op.kind is not OpKind.FEEDBACK
            else 0
        )
        own = (
            _NO_MASK
            if needed is None
            else slice_channels(needed, offset + part.first, offset + part.end)
        )
        moving = self._moving(op, part)
        samples, places = (
            max(len(moving), len(own)),
            b.p * b.q if op.kind is OpKind.FEEDBACK or op.pass_ is Pass.FF else b.h * b.w,
        )
        rows = self._rows(part, own, samples, places)
        sums = np.zeros((samples, places, 6), np.int64)
        timed = False
        bound = self.masks.operand(op, Use.STATIONARY)
        if op.kind is OpKind.FEEDBACK:
            if bound is not None or b.nonzeros:
                timed = self._neurons(op, part, moving, own, sums)
            else:
                self._alike(op, part, moving, rows, sums)
        elif bound is None and not (
            self._keeps_zeros and (len(part.groups) > 1 or max(b.dilation) > 1)
        ):
            self._alike(op, part, moving, rows, sums)
        else:
            found = columns(
                *kernel_columns(
                    op, self.masks, part.groups, part.first, part.end, self._keeps_zeros
                ),
                part.outputs,
                part.store,
            )
            timed = self._run(op, moving, found, own, sums, stream_taps(op, self._keeps_zeros))
        if not timed:
            self._equal_costs(part, rows, sums)
        return Vectors(sums.reshape(-1, 6), rows.sum(axis=-1, dtype=np.int64).reshape(-1))

    def _moving(self, op: Op, part: Part) -> Words:
        """The moving channels of the part's groups: uint64 (samples, H, W, Cw)."""
        height, width, channels = moving_extents(op)
        moving = words_or_ones(self.masks, op, Use.MOVING, height, width, channels)
        groups = 1 if op.kind is OpKind.FEEDBACK else bounds_of(op).groups
        if len(part.groups) == groups:
            return moving
        size = channels // groups
        return slice_channels(moving, part.groups[0] * size, (part.groups[-1] + 1) * size)

    def _channels(self, op: Op, part: Part) -> int:
        return (
            moving_extents(op)[2]
            // (1 if op.kind is OpKind.FEEDBACK else bounds_of(op).groups)
            * len(part.groups)
        )

    def _rows(self, part: Part, needed: Words, samples: int, places: int) -> NDArray[np.int32]:
        """Needed outputs of each PE: int32 (samples, places, PEs), or one of both extents 1 where
        all outputs are needed.
        """
        pes = part.store.pes
        held = -(-part.outputs // pes)
        if not len(needed):
            every = (
                (np.arange(held * pes) < part.outputs)
                .reshape(1, 1, held, pes)
                .sum(axis=2, dtype=np.int32)
            )
            return np.broadcast_to(every, (samples, places, pes))
        mask = np.zeros((*needed.shape[:2], held * pes), np.bool_)
        mask[..., : part.outputs] = to_mask(needed, part.outputs)
        found: NDArray[np.int32] = mask.reshape(*needed.shape[:2], held, pes).sum(
            axis=2, dtype=np.int32
        )
        return np.take(found, np.arange(samples) % len(found), axis=0)

    def _alike(
        self, op: Op, part: Part, moving: Words, rows: NDArray[np.int32], sums: Counts
    ) -> None:
        """Counts of vectors whose stationary operand has no zeros: every token is a MAC of every
        needed output.
        """
        taps = (
            (_ONE_TAP, _ONE_TAP)
            if op.kind is OpKind.FEEDBACK
            else stream_taps(op, self._keeps_zeros)
        )
        _, ones, length = stream_cycles(moving, self._channels(op, part), *taps, 1)
        samples, places = sums.shape[:2]
        if op.kind is OpKind.FEEDBACK:
            ones, length = np.repeat(ones, places, axis=1), np.repeat(length, places)
        ones = ones[np.arange(samples) % len(ones)]
        needed = rows.sum(axis=-1, dtype=np.int64)
        sums[..., TOKENS] = (ones if self._skip(op)[0] else length) * (needed > 0)
        sums[..., EXECUTED] = sums[..., TOKENS] * needed
        sums[..., EFFECTUAL] = ones * needed

    def _equal_costs(self, part: Part, rows: NDArray[np.int32], sums: Counts) -> None:
        """Time of vectors all of whose tokens cost a PE the same: the slowest PE never waits, so
        that it decides.

        Uncompressed, a PE finds its needed words by their places; else it walks all it holds, or
        drops the token if it needs none of them.
        """
        store = part.store
        if store.compressed:
            held = (
                part.outputs - np.arange(store.pes, dtype=np.int32) + store.pes - 1
            ) // store.pes
            walked = np.where(rows > 0, held, 0)
            sums[..., WALKED] = sums[..., TOKENS] * walked.sum(axis=-1)
            rows = walked
        costs = np.maximum(1, -(-rows // store.lanes))
        sums[..., CYCLES] = sums[..., TOKENS] * costs.max(axis=-1)
        sums[..., SERVICE] = sums[..., TOKENS] * costs.sum(axis=-1)

    def _run(
        self,
        op: Op,
        moving: Words,
        found: Columns,
        needed: Words,
        sums: Counts,
        taps: tuple[NDArray[np.int32], NDArray[np.int32]],
    ) -> bool:
        """Count, and where columns differ time, vectors one by one; whether they are timed."""
        channels = len(found.totals) // (taps[0].shape[1] * taps[1].shape[1])
        vector_sums(
            PackedMask(flat(moving), channels),
            self._skip(op)[0],
            MapTaps(*taps),
            found,
            flat(needed),
            self._array.fifo_depth,
            sums,
        )
        return len(found.costs) > 0

    def _neurons(self, op: Op, part: Part, moving: Words, needed: Words, sums: Counts) -> bool:
        """Feedback matrices with zeros, pixel by pixel of the target map: each has columns of its
        own.
        """
        timed = False
        for pixel in range(sums.shape[1]):
            nonzero = neuron_columns(op, self.masks, pixel, part.first, part.end)
            named = bounds_of(op).nonzeros > 0
            macs = (
                nonzero
                if named
                else np.broadcast_to(
                    from_mask(np.ones((1, part.outputs), np.bool_))[0], nonzero.shape
                )
            )
            found = columns(nonzero, macs, part.outputs, part.store)
            own = np.zeros((len(sums), 1, 6), np.int64)
            timed = self._run(
                op,
                moving,
                found,
                needed[:, pixel : pixel + 1] if len(needed) else needed,
                own,
                (_ONE_TAP, _ONE_TAP),
            )
            sums[:, pixel] = own[:, 0]
        return timed

    # WG

    def _gradient(self, op: Op, part: Part) -> Vectors:
        b = bounds_of(op)
        skip_moving = self._skip(op)[0]
        # A skipped zero activation or a stride zero between errors is no token at all.
        keep = self._keeps_zeros and not skip_moving
        stride, extents = (
            ((1, 1), ((b.p - 1) * b.stride[0] + 1, (b.q - 1) * b.stride[1] + 1))
            if keep
            else (b.stride, (b.p, b.q))
        )
        taps = (
            forward_taps(extents[0], b.h, b.r, stride[0], b.padding[0], b.dilation[0], False),
            forward_taps(extents[1], b.w, b.s, stride[1], b.padding[1], b.dilation[1], False),
        )
        channels = b.c // b.groups
        found = self._errors(op, part, keep)
        sums = np.zeros((b.r * b.s * channels, 6), np.int64)
        depth = self._array.fifo_depth
        gradient_sums(
            PackedMask(flat(self._moving(op, part)), channels),
            skip_moving,
            MapTaps(*taps),
            found,
            b.n,
            depth,
            sums,
        )
        return self._gradients(part, found, sums)

    def _errors(self, op: Op, part: Part, keep: bool) -> Columns:
        b = bounds_of(op)
        offset = part.groups[0] * (b.k // b.groups)
        return columns(
            *error_columns(op, self.masks, offset + part.first, offset + part.end, keep),
            part.outputs,
            part.store,
        )

    def _outer(self, op: Op, part: Part, mapping: Mapping) -> Vectors:
        """An outer product is one vector, sample after sample; each group of PEs has a segment of
        the moving words.
        """
        b = bounds_of(op)
        found = self._errors(op, part, False)
        x = words_or_ones(self.masks, op, Use.MOVING, 1, 1, b.c)
        sums = np.zeros((mapping.positions, 6), np.int64)
        segment = -(-b.c // mapping.positions_per_tile)
        depth = self._array.fifo_depth
        outer_sums(
            PackedMask(flat(x).reshape(len(x), -1), b.c),
            self._skip(op)[0],
            segment,
            found,
            b.n,
            depth,
            sums,
        )
        return self._gradients(part, found, sums)

    def _gradients(self, part: Part, found: Columns, sums: Counts) -> Vectors:
        if not len(found.costs):
            self._equal_costs(part, self._rows(part, _NO_MASK, 1, len(sums)), sums[None])
        return Vectors(sums, np.full(len(sums), part.outputs, np.int64))

    # All passes

    def _timing(
        self, mapping: Mapping, blocks: int, parts: list[Part], found: list[Vectors], masked: bool
    ) -> ArrayTiming:
        op, array = mapping.op, self.architecture.pe_array
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
            outputs=outputs if op.kind is not OpKind.OUTER else mapping.channels * bounds_of(op).c,
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
        self, op: Op, part: Part, vectors: Vectors, weights: Counts, masked: bool
    ) -> int:
        """Bits in which the next non-zero moving word is looked for, once for all PEs of a
        broadcast, and bits of needed outputs.
        """
        b = bounds_of(op)
        looked_at = int(weights.sum()) * part.outputs if masked else 0
        if not self._skip(op)[0]:
            return looked_at
        if op.kind is OpKind.OUTER:
            return b.n * b.c
        if op.pass_ is Pass.WG:
            return b.n * b.p * b.q * int(weights.sum())
        lengths = (
            np.full(1, b.c)
            if op.kind is OpKind.FEEDBACK
            else stream_lengths(self._channels(op, part), *stream_taps(op, self._keeps_zeros))
        )
        scheduled = weights * (vectors.needed > 0)
        return looked_at + int(
            (np.resize(lengths, len(scheduled)).astype(np.int64) * scheduled).sum()
        )

    def _actions(self, op: Op, part: Part, sums: Counts, active: int) -> dict[str, int]:
        """Control's actions of a part: FIFO slots written and read, bits of pointers and indices,
        and of stored words read for no MAC.
        """
        tokens = int(sums[TOKENS]) * part.store.pes
        actions = {"fifo_write": tokens, "fifo_read": tokens}
        if part.store.compressed:
            walked, stationary = int(sums[WALKED]), op.operand(Use.STATIONARY)
            assert stationary is not None
            word = value_bits(stationary.tensor, self.architecture)
            actions["pointer_read"] = tokens * 2 * POINTER_BITS
            actions["index_read"] = walked * self._array.index_bits + (walked - active) * word
        return actions
