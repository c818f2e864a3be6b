"""Effectual MACs of a contraction (both operands non-zero), counted from its masks, independent of
any machine.

The counts factor into popcounts (`kernels.bits.effectual`). An operand without a mask is dense.
Padding and stride zeros never count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.bitmaps import from_mask, ones, popcounts, split_channels, to_mask
from accelsim.kernels.bits.effectual import (
    effectual_dense,
    effectual_masked,
    grouped_wgrad,
    over_batch,
)
from accelsim.step.ops import Contraction
from accelsim.zeros.masks import BoundMask, MaskSource

Words = NDArray[np.uint64]


def repeats(total: int, distinct: int) -> NDArray[np.int64]:
    """Number of times that each of ``distinct`` items occurs among ``total`` items that repeat them
    cyclically: int64 (distinct).
    """
    counts = np.full(distinct, total // distinct, np.int64)
    counts[: total % distinct] += 1
    return counts


def effectual_macs(op: Contraction, masks: MaskSource) -> int:
    """Number of products in the op's loop nest with both operands non-zero."""
    nest = op.nest
    if nest.unshared:
        return _feedback(op, masks)
    rows, cols = nest.reads(keep_zeros=False)
    moving = moving_words(op, masks)
    parts = split_channels(moving, nest.depth, nest.groups)
    if nest.sums_samples:
        errors = split_channels(summed_words(op, masks), nest.channels, nest.groups)
        return over_batch(grouped_wgrad(parts, errors, rows, cols), nest.samples)
    if masks.stationary(op) is None:
        outputs = nest.channels // nest.groups
        every = effectual_dense(parts.reshape(-1, *parts.shape[2:]), outputs, rows, cols)
        return over_batch(every.reshape(nest.groups, -1).sum(axis=0), nest.samples)
    weights = stationary_masks(op, masks)
    depth = nest.depth // nest.groups
    flat = [group.reshape(len(group), -1, group.shape[-1]) for group in weights]
    return sum(
        over_batch(effectual_masked(part, depth, group, rows, cols), nest.samples)
        for part, group in zip(parts, flat, strict=True)
    )


def moving_words(op: Contraction, masks: MaskSource) -> Words:
    """Mask of the moving map, uint64 (S, H, W, ceil(C / 64)) with S distinct samples; one sample of
    ones if it is dense.
    """
    return _words_or_ones(masks.moving(op), op.nest.moving_map)


def summed_words(op: Contraction, masks: MaskSource) -> Words:
    """Mask of the errors that a weight gradient sums, uint64 (S, P, Q, ceil(K / 64)); one sample of
    ones if they are dense.
    """
    nest = op.nest
    return _words_or_ones(masks.stationary(op), (nest.rows.taps, nest.columns.taps, nest.channels))


def _words_or_ones(mask: BoundMask | None, extents: tuple[int, int, int]) -> Words:
    """The mask's words, or one sample of ones with ``extents`` (rows, columns, channels)."""
    rows, columns, channels = extents
    return mask.words if mask else ones(rows * columns, channels).reshape(1, rows, columns, -1)


def stationary_masks(op: Contraction, masks: MaskSource) -> list[Words]:
    """Weight masks by the op's output channels, one array per group: uint64 (outputs, R, S,
    ceil(reduction channels / 64)). A tensor stored by its reduction channels is transposed.
    """
    nest = op.nest
    taps = (nest.rows.taps, nest.columns.taps)
    by, within = (nest.depth, nest.channels) if nest.transposed else (nest.channels, nest.depth)
    width = within // nest.groups
    mask = masks.stationary(op)
    words = mask.words if mask else ones(by * taps[0] * taps[1], width).reshape(by, *taps, -1)
    share = by // nest.groups
    groups = [words[group * share : (group + 1) * share] for group in range(nest.groups)]
    if not nest.transposed:
        return groups
    return [
        from_mask(np.ascontiguousarray(to_mask(group, width).transpose(3, 1, 2, 0)))
        for group in groups
    ]


def _feedback(op: Contraction, masks: MaskSource) -> int:
    """Effectual MACs of a feedback matrix."""
    nest = op.nest
    mask, weights = masks.moving(op), masks.stationary(op)
    if weights is not None and not nest.stored:
        rows = weights.words.reshape(-1, weights.words.shape[-1])
        errors = moving_words(op, masks).reshape(-1, 1, rows.shape[-1])
        return over_batch(popcounts(errors & rows[None]).sum(axis=1), nest.samples)
    if not nest.stored:
        if mask is None:
            return op.dense_macs
        neurons = nest.channels * nest.map_positions
        return over_batch(popcounts(mask.words).reshape(-1), nest.samples) * neurons
    entries, nonzero = masks.feedback_indices(op), masks.feedback_nonzeros(op)
    if mask is None and nonzero is None:
        return op.dense_macs
    used = entries.reshape(-1) if nonzero is None else entries[nonzero]
    if mask is None:
        return len(used) * nest.samples
    active = to_mask(mask.words.reshape(len(mask.words), -1), nest.depth)
    uses = np.bincount(used, minlength=nest.depth)
    return over_batch((active * uses[None]).sum(axis=1), nest.samples)
