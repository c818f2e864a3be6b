"""Columns of the stationary operand on a broadcast array: the cost of each token in each PE.

A token is a broadcast moving word. Its column is the list of stationary words that it is multiplied
with, one per output channel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.bitmaps import (
    flat,
    from_mask,
    ones,
    popcounts,
    slice_channels,
    to_mask,
    transpose_bits,
)
from accelsim.kernels.bits.taps import expand_kernel
from accelsim.kernels.broadcast.columns import column_costs
from accelsim.kernels.broadcast.vectors import Columns
from accelsim.step.ops import Contraction
from accelsim.zeros.effectual import stationary_masks, summed_words
from accelsim.zeros.masks import MaskSource

Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Store:
    """How PEs store the output channels of a part.

    ``pes``: number of PEs; channels are interleaved over them. ``lanes``: stored entries that a PE
    takes per cycle. ``index_bits``: bits of an entry's relative index. ``compressed``: only
    non-zeros are stored. ``entry``, ``line``: bits of an entry and of a line of the scratchpad.
    """

    pes: int
    lanes: int
    index_bits: int
    compressed: bool
    entry: int
    line: int


def columns(nonzero: Words, macs: Words, outputs: int, store: Store) -> Columns:
    """Table of columns with the cost per token and PE.

    ``nonzero``, ``macs``: uint64 (columns, ceil(outputs / 64)), bits of non-zero words and of MACs
    in the op's loop nest. Compressed, a PE walks only its non-zeros. Uncompressed, it walks every
    word, those of structural zeros included.
    """
    totals = np.zeros((len(nonzero), 5), np.int64)
    totals[:, 1] = popcounts(nonzero)
    if not store.compressed:
        totals[:, 0] = popcounts(macs)
        none = np.zeros((0, store.pes), np.int32)
        return Columns(
            outputs, flat(macs), flat(nonzero), totals, none, none, store.entry, store.line
        )
    entries, padding = column_costs(flat(nonzero), outputs, store.pes, store.index_bits)
    walked = entries + padding
    costs = np.maximum(1, -(-walked // store.lanes)).astype(np.int32)
    totals[:, 0] = totals[:, 1]
    totals[:, 2], totals[:, 3] = costs.sum(axis=1), walked.sum(axis=1)
    totals[:, 4] = (-(-walked * np.int64(store.entry) // store.line)).sum(axis=1)
    return Columns(
        outputs, flat(nonzero), flat(nonzero), totals, costs, walked, store.entry, store.line
    )


def kernel_columns(
    op: Contraction, masks: MaskSource, groups: range, first: int, end: int, keep: bool
) -> tuple[Words, Words]:
    """Return (non-zeros, MACs) of the columns of FF or EP.

    Both are uint64 (columns, ceil((end - first) / 64)). Columns are (tap, channel), in the order of
    the moving stream. ``groups``: the channel groups of the part. ``first``, ``end``: range of
    output channels, counted from the first of these groups. ``keep``: structural zeros stay as
    zeros in the columns.
    """
    nest = op.nest
    depth, outputs = nest.depth // nest.groups, nest.channels // nest.groups
    dilation = (abs(nest.rows.dilation), abs(nest.columns.dilation))
    weights = stationary_masks(op, masks)[groups.start : groups.stop]
    width = depth * len(groups)
    nonzero = _turned(_side_by_side(weights, depth)[first:end], width, dilation, keep)
    if not keep:
        return nonzero, np.repeat(ones(1, end - first), len(nonzero), axis=0)
    taps = nest.rows.taps, nest.columns.taps
    dense = [ones(outputs * taps[0] * taps[1], depth).reshape(outputs, *taps, -1)] * len(groups)
    return nonzero, _turned(_side_by_side(dense, depth)[first:end], width, dilation, keep)


def _side_by_side(weights: list[Words], reduction: int) -> Words:
    """Masks of several groups, uint64 (outputs, R, S, Cw) each, as one block-diagonal mask."""
    if len(weights) == 1:
        return weights[0]
    outputs = len(weights[0])
    wide = np.zeros(
        (outputs * len(weights), *weights[0].shape[1:3], reduction * len(weights)), np.bool_
    )
    for i, words in enumerate(weights):
        wide[i * outputs : (i + 1) * outputs, ..., i * reduction : (i + 1) * reduction] = to_mask(
            words, reduction
        )
    return from_mask(wide)


def _turned(weights: Words, channels: int, dilation: tuple[int, int], keep: bool) -> Words:
    """Transpose masks uint64 (outputs, R, S, Cw) to columns: uint64 (taps * channels, ceil(outputs
    / 64)).
    """
    words = expand_kernel(weights, dilation, keep)
    outputs, taps, width = words.shape
    turned = transpose_bits(words.reshape(outputs, taps * width), taps * width * 64).reshape(
        taps, width * 64, -1
    )
    return np.ascontiguousarray(turned[:, :channels]).reshape(taps * channels, -1)


def error_columns(
    op: Contraction, masks: MaskSource, first: int, end: int, keep: bool
) -> tuple[Words, Words]:
    """Return (non-zeros, MACs) of the columns of WG, for channels [first, end) of the errors.

    Both are uint64 (columns, ceil((end - first) / 64)). Columns are (sample, error row, error
    column). ``keep``: stride zeros between errors are empty columns.
    """
    nest = op.nest
    error = summed_words(op, masks)
    whole = (first, end) == (0, nest.channels)
    share = error if whole else slice_channels(error, first, end)
    macs = np.broadcast_to(ones(1, end - first)[0], share.shape)
    stride = (nest.rows.dilation, nest.columns.dilation)
    if keep and max(stride) > 1:
        share, macs = (_spread(each, stride) for each in (share, macs))
    width = share.shape[-1]
    return share.reshape(-1, width), np.ascontiguousarray(macs).reshape(-1, width)


def _spread(words: Words, stride: tuple[int, int]) -> Words:
    samples, rows, cols, width = words.shape
    result = np.zeros(
        (samples, (rows - 1) * stride[0] + 1, (cols - 1) * stride[1] + 1, width), np.uint64
    )
    result[:, :: stride[0], :: stride[1]] = words
    return result


def neuron_columns(op: Contraction, masks: MaskSource, pixel: int, first: int, end: int) -> Words:
    """Non-zeros of a sparse feedback matrix for channels [first, end) of one pixel of the target
    map.

    uint64 (C, ceil((end - first) / 64)): one column per output error.
    """
    nest = op.nest
    rows = slice(pixel * nest.channels + first, pixel * nest.channels + end)
    traced = masks.stationary(op)
    if traced is not None and not nest.stored:
        return transpose_bits(traced.words.reshape(-1, traced.words.shape[-1])[rows], nest.depth)
    mask = np.zeros((nest.depth, end - first), np.bool_)
    entries, weights = masks.feedback_indices(op)[rows], masks.feedback_nonzeros(op)
    mask[entries, np.arange(end - first)[:, None]] = True if weights is None else weights[rows]
    return from_mask(mask)
