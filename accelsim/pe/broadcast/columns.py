"""The stationary operand of a broadcast array as a table of columns: what a token costs each PE
that holds output channels.
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
    """How PEs hold the channels of a vector: interleaved over ``pes``, ``lanes`` stored entries a
    cycle, indices of ``index_bits`` bits.
    """

    pes: int
    lanes: int
    index_bits: int
    compressed: bool


def columns(nonzero: Words, macs: Words, outputs: int, store: Store) -> Columns:
    """nonzero and macs uint64 (columns, ceil(outputs / 64)): non-zero words, and places of the op's
    loop nest.

    Compressed, the non-zeros alone are there. Else every word has a place, that of a structural
    zero too, and each token walks all of them.
    """
    totals = np.zeros((len(nonzero), 4), np.int64)
    totals[:, 1] = popcounts(nonzero)
    if not store.compressed:
        totals[:, 0] = popcounts(macs)
        none = np.zeros((0, store.pes), np.int32)
        return Columns(outputs, flat(macs), flat(nonzero), totals, none, none)
    entries, padding = column_costs(flat(nonzero), outputs, store.pes, store.index_bits)
    walked = entries + padding
    costs = np.maximum(1, -(-walked // store.lanes)).astype(np.int32)
    totals[:, 0] = totals[:, 1]
    totals[:, 2], totals[:, 3] = costs.sum(axis=1), walked.sum(axis=1)
    return Columns(outputs, flat(nonzero), flat(nonzero), totals, costs, walked)


def kernel_columns(
    op: Contraction, masks: MaskSource, groups: range, first: int, end: int, keep: bool
) -> tuple[Words, Words]:
    """(non-zeros, MACs) of FF's or EP's columns, (tap, channel) in the order of the stream: uint64
    (columns, ceil((end - first) / 64)).

    ``groups``: those whose channels the vector has; of their output channels [first, end). With
    ``keep`` structural zeros are columns' zeros.
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
    """Masks uint64 (outputs, R, S, Cw) of groups as one block-diagonal one."""
    if len(weights) == 1:
        return weights[0]
    own = len(weights[0])
    wide = np.zeros(
        (own * len(weights), *weights[0].shape[1:3], reduction * len(weights)), np.bool_
    )
    for i, words in enumerate(weights):
        wide[i * own : (i + 1) * own, ..., i * reduction : (i + 1) * reduction] = to_mask(
            words, reduction
        )
    return from_mask(wide)


def _turned(weights: Words, channels: int, dilation: tuple[int, int], keep: bool) -> Words:
    """Masks uint64 (outputs, R, S, Cw) by column: uint64 (taps * channels, ceil(outputs / 64))."""
    words = expand_kernel(weights, dilation, keep)
    outputs, taps, width = words.shape
    turned = transpose_bits(words.reshape(outputs, taps * width), taps * width * 64).reshape(
        taps, width * 64, -1
    )
    return np.ascontiguousarray(turned[:, :channels]).reshape(taps * channels, -1)


def error_columns(
    op: Contraction, masks: MaskSource, first: int, end: int, keep: bool
) -> tuple[Words, Words]:
    """(non-zeros, MACs) of WG's columns, (sample, error row, error column): channels [first, end)
    of the errors.

    With ``keep`` the stride zeros between errors are columns without a word.
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
    """Non-zeros of the columns of a feedback matrix with zeros, a column an error: channels [first,
    end) of one pixel of the target map.
    """
    nest = op.nest
    rows = slice(pixel * nest.channels + first, pixel * nest.channels + end)
    traced = masks.stationary(op)
    if traced is not None and not nest.stored:
        return transpose_bits(traced.words.reshape(-1, traced.words.shape[-1])[rows], nest.depth)
    mask = np.zeros((nest.depth, end - first), np.bool_)
    named = masks.feedback_indices(op)[rows]
    mask[named, np.arange(end - first)[:, None]] = True
    return from_mask(mask)
