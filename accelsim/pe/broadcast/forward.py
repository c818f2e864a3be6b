"""Vectors of FF and EP: the moving words of an output position, broadcast one token at a time."""

from __future__ import annotations

import numpy as np

from accelsim.kernels.bits.bitmaps import (
    PackedMask,
    Words,
    flat,
    from_mask,
    slice_channels,
    to_mask,
)
from accelsim.kernels.bits.taps import MapTaps, Taps
from accelsim.kernels.broadcast.vectors import EFFECTUAL, EXECUTED, TOKENS, Columns, vector_sums
from accelsim.kernels.lanes.zero_skip import stream_cycles
from accelsim.machine.architecture import Machine
from accelsim.pe.broadcast.columns import columns, kernel_columns, neuron_columns
from accelsim.pe.broadcast.parts import (
    NO_MASK,
    Counts,
    Part,
    Rows,
    Vectors,
    add_equal_costs,
    needed_rows,
    skipped_words,
)
from accelsim.pe.broadcast.section import BroadcastArray
from accelsim.pe.skipping.setting import keeps_zeros
from accelsim.step.ops import Contraction
from accelsim.zeros.effectual import moving_words
from accelsim.zeros.masks import MaskSource

_ONE_TAP = np.zeros((1, 1), np.int32)


def needed_outputs(op: Contraction, masks: MaskSource) -> Words | None:
    """Outputs that the mask f' leaves needed: uint64 (samples, positions, channel words); None if
    all are.
    """
    mask = masks.needed(op)
    if mask is None:
        return None
    channels = op.nest.channels
    words = (
        mask.words
        if mask.channels == channels
        else from_mask(to_mask(mask.words, mask.channels).reshape(-1, channels))
    )
    return words.reshape(-1, op.nest.map_positions, words.shape[-1])


class ForwardVectors:
    """Counts and times the vectors of one op on one machine."""

    def __init__(self, architecture: Machine, masks: MaskSource, op: Contraction) -> None:
        self.op = op
        self.masks = masks
        self.skips_moving = skipped_words(architecture, op).moving
        self.keeps_zeros = keeps_zeros(architecture, op)
        self.fifo_depth = BroadcastArray.of(architecture.pe_array).fifo_depth
        self.words = moving_words(op, masks)
        self._alike: dict[tuple[int, int, bytes, bytes], Vectors] = {}
        """Vectors of groups without stationary zeros, which are often equal, as in attention."""

    def of(self, part: Part, needed: Words | None) -> Vectors:
        """The vectors of a part.

        ``needed``: mask over all output channels, uint64 (samples, positions, channel words), or
        None if all outputs are needed.
        """
        nest, wanted = self.op.nest, NO_MASK
        if needed is not None:
            channels = part.channels(nest)
            wanted = slice_channels(needed, channels.start, channels.stop)
        moving = part.moving(nest, self.words)
        if nest.groups == 1 or nest.stored or self.masks.stationary(self.op) is not None:
            return self._vectors(part, moving, wanted)
        key = part.first, part.end, moving.tobytes(), wanted.tobytes()
        if key not in self._alike:
            self._alike[key] = self._vectors(part, moving, wanted)
        return self._alike[key]

    def _vectors(self, part: Part, moving: Words, wanted: Words) -> Vectors:
        """The vectors of a part, from the masks of its moving words and of its needed outputs."""
        nest = self.op.nest
        samples, places = max(len(moving), len(wanted)), nest.map_positions
        rows = needed_rows(part, wanted, samples, places)
        sums = np.zeros((samples, places, 7), np.int64)
        timed = False
        if self._alike_columns(part):
            self._count_alike(part, moving, rows, sums)
        elif nest.unshared:
            timed = self._count_neurons(part, moving, wanted, sums)
        else:
            masks = kernel_columns(
                self.op, self.masks, part.groups, part.first, part.end, self.keeps_zeros
            )
            table = columns(*masks, part.outputs, part.store)
            timed = self._count(moving, table, wanted, sums, nest.reads(self.keeps_zeros))
        if not timed:
            add_equal_costs(part, rows, sums)
        return Vectors(sums.reshape(-1, 7), rows.reshape(-1, part.store.pes))

    def _alike_columns(self, part: Part) -> bool:
        """Whether the stationary operand is dense, so that all of its columns are equal."""
        nest = self.op.nest
        if self.masks.stationary(self.op) is not None or nest.stored:
            return False
        dilated = max(abs(nest.rows.dilation), abs(nest.columns.dilation)) > 1
        return not (self.keeps_zeros and (len(part.groups) > 1 or dilated))

    def _count_alike(self, part: Part, moving: Words, rows: Rows, sums: Counts) -> None:
        """Count vectors with equal columns: every token is one MAC for every needed output."""
        nest = self.op.nest
        taps = nest.reads(self.keeps_zeros)
        _, ones, length = stream_cycles(moving, part.depth(nest), *taps, 1)
        ones = ones[np.arange(len(sums)) % len(ones)]
        needed = rows.sum(axis=-1, dtype=np.int64)
        sums[..., TOKENS] = (ones if self.skips_moving else length) * (needed > 0)
        sums[..., EXECUTED] = sums[..., TOKENS] * needed
        sums[..., EFFECTUAL] = ones * needed

    def _count_neurons(self, part: Part, moving: Words, needed: Words, sums: Counts) -> bool:
        """Count and time a sparse feedback matrix, whose columns differ per pixel of the target
        map.

        Returns whether the vectors are timed.
        """
        timed = False
        every = from_mask(np.ones((1, part.outputs), np.bool_))[0]
        for pixel in range(sums.shape[1]):
            nonzero = neuron_columns(self.op, self.masks, pixel, part.first, part.end)
            macs = nonzero if self.op.nest.stored else np.broadcast_to(every, nonzero.shape)
            table = columns(nonzero, macs, part.outputs, part.store)
            mask = needed[:, pixel : pixel + 1] if len(needed) else needed
            counts = np.zeros((len(sums), 1, 7), np.int64)
            timed = self._count(moving, table, mask, counts, (_ONE_TAP, _ONE_TAP))
            sums[:, pixel] = counts[:, 0]
        return timed

    def _count(
        self, moving: Words, table: Columns, needed: Words, sums: Counts, taps: tuple[Taps, Taps]
    ) -> bool:
        """Count vectors one by one, and time them if columns differ. Returns whether they are
        timed.
        """
        channels = len(table.totals) // (taps[0].shape[1] * taps[1].shape[1])
        vector_sums(
            PackedMask(flat(moving), channels),
            self.skips_moving,
            MapTaps(*taps),
            table,
            flat(needed),
            self.fifo_depth,
            sums,
        )
        return len(table.costs) > 0
