"""Vectors of WG: the moving words that a weight's gradient reduces over, sample by sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from accelsim.kernels.bits.bitmaps import PackedMask, Words, flat
from accelsim.kernels.bits.taps import MapTaps
from accelsim.kernels.broadcast.gradients import gradient_sums, outer_sums
from accelsim.kernels.broadcast.vectors import Columns
from accelsim.machine.architecture import Machine
from accelsim.pe.broadcast.columns import columns, error_columns
from accelsim.pe.broadcast.parts import (
    NO_MASK,
    Counts,
    Part,
    Vectors,
    add_equal_costs,
    needed_rows,
    skipped_words,
)
from accelsim.pe.broadcast.section import BroadcastArray
from accelsim.pe.mapping import Mapping
from accelsim.pe.skipping.setting import keeps_zeros
from accelsim.step.ops import Contraction
from accelsim.zeros.effectual import moving_words
from accelsim.zeros.masks import MaskSource


class GradientVectors:
    """Counts and times the vectors of one gradient op on one machine."""

    def __init__(self, architecture: Machine, masks: MaskSource, mapping: Mapping) -> None:
        self.op: Contraction = mapping.op
        self.mapping = mapping
        self.masks = masks
        self.skips_moving = skipped_words(architecture, self.op).moving
        # A skipped zero activation, or a stride zero between errors, sends no token.
        self.keeps_zeros = keeps_zeros(architecture, self.op) and not self.skips_moving
        self.fifo_depth = BroadcastArray.of(architecture.pe_array).fifo_depth
        self.words = moving_words(self.op, masks)
        self._alike: dict[tuple[int, int, bytes], Vectors] = {}
        """Vectors of groups without stationary zeros, which are often equal, as in attention."""

    def of(self, part: Part) -> Vectors:
        """The vectors of a part."""
        nest = self.op.nest
        if nest.outer_product:
            return self._outer(part)
        moving = part.moving(nest, self.words)
        if nest.groups == 1 or self.masks.stationary(self.op) is not None:
            return self._convolution(part, moving)
        key = part.first, part.end, moving.tobytes()
        if key not in self._alike:
            self._alike[key] = self._convolution(part, moving)
        return self._alike[key]

    def _convolution(self, part: Part, moving: Words) -> Vectors:
        nest = self.op.nest
        windows = [window.swapped for window in (nest.rows, nest.columns)]
        if self.keeps_zeros:
            windows = [
                replace(window, positions=(window.positions - 1) * window.stride + 1, stride=1)
                for window in windows
            ]
        rows, cols = (window.reads(keep_zeros=False) for window in windows)
        table = self._errors(part, self.keeps_zeros)
        sums = np.zeros((nest.positions, 7), np.int64)
        gradient_sums(
            PackedMask(flat(moving), nest.depth // nest.groups),
            self.skips_moving,
            MapTaps(rows, cols),
            table,
            nest.samples,
            self.fifo_depth,
            sums,
        )
        return self._gradients(part, table, sums)

    def _outer(self, part: Part) -> Vectors:
        """An outer product: one vector per segment of the moving words, sample by sample.

        Each group of PEs has one segment.
        """
        nest = self.op.nest
        table = self._errors(part, False)
        sums = np.zeros((self.mapping.positions, 7), np.int64)
        outer_sums(
            PackedMask(flat(self.words).reshape(len(self.words), -1), nest.depth),
            self.skips_moving,
            -(-nest.depth // self.mapping.positions),
            table,
            nest.samples,
            self.fifo_depth,
            sums,
        )
        return self._gradients(part, table, sums)

    def _errors(self, part: Part, keep: bool) -> Columns:
        channels = part.channels(self.op.nest)
        masks = error_columns(self.op, self.masks, channels.start, channels.stop, keep)
        return columns(*masks, part.outputs, part.store)

    @staticmethod
    def _gradients(part: Part, table: Columns, sums: Counts) -> Vectors:
        rows = needed_rows(part, NO_MASK, 1, len(sums))
        if not len(table.costs):
            add_equal_costs(part, rows, sums[None])
        return Vectors(sums, rows[0])
