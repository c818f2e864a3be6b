"""Effectual MACs of an op, both operands non-zero, counted from its masks without a machine.

Sums factor over popcounts (`kernels.effectual`); an operand without a mask is dense, padding and
stride zeros never count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.bitmaps import from_mask, ones, popcounts, slice_channels, to_mask
from accelsim.kernels.bits.effectual import (
    effectual_dense,
    effectual_masked,
    effectual_wgrad,
    over_batch,
)
from accelsim.step.geometry import bounds_of, moving_extents, stream_taps
from accelsim.step.ops import Op, OpKind, Pass, Use
from accelsim.zeros.masks import MaskSource

Words = NDArray[np.uint64]


def repeats(total: int, distinct: int) -> NDArray[np.int64]:
    """How often each of ``distinct`` items occurs among ``total`` that repeat them cyclically:
    int64 (distinct).
    """
    counts = np.full(distinct, total // distinct, np.int64)
    counts[: total % distinct] += 1
    return counts


def effectual_macs(op: Op, masks: MaskSource) -> int:
    """Pairs of the op's loop nest with both operands non-zero; 0 for a vector op."""
    if not op.is_contraction:
        return 0
    if op.kind is OpKind.FEEDBACK:
        return _feedback(op, masks)
    b = bounds_of(op)
    rows, cols = stream_taps(op, keep_zeros=False)
    height, width, channels = moving_extents(op)
    moving = words_or_ones(masks, op, Use.MOVING, height, width, channels)
    if op.pass_ is Pass.WG:
        error = words_or_ones(masks, op, Use.STATIONARY, b.p, b.q, b.k)
        groups = zip(
            group_slices(moving, channels, b.groups),
            group_slices(error, b.k, b.groups),
            strict=True,
        )
        return sum(over_batch(effectual_wgrad(x, e, rows, cols), b.n) for x, e in groups)
    parts = group_slices(moving, channels, b.groups)
    if masks.operand(op, Use.STATIONARY) is None:
        outputs = (b.c if op.pass_ is Pass.EP else b.k) // b.groups
        return sum(over_batch(effectual_dense(part, outputs, rows, cols), b.n) for part in parts)
    weights = [stationary_masks(op, masks, group) for group in range(b.groups)]
    flat = [own.reshape(len(own), -1, own.shape[-1]) for own in weights]
    return sum(
        over_batch(effectual_masked(part, channels // b.groups, own, rows, cols), b.n)
        for part, own in zip(parts, flat, strict=True)
    )


def words_or_ones(
    masks: MaskSource, op: Op, use: Use, height: int, width: int, channels: int
) -> Words:
    """The operand's mask, uint64 (S, H, W, ceil(C / 64)); one sample of ones when it is dense."""
    bound = masks.operand(op, use)
    return bound.words if bound else ones(height * width, channels).reshape(1, height, width, -1)


def group_slices(words: Words, channels: int, groups: int) -> list[Words]:
    """The channels of each group."""
    size = channels // groups
    return (
        [words]
        if groups == 1
        else [slice_channels(words, group * size, (group + 1) * size) for group in range(groups)]
    )


def stationary_masks(op: Op, masks: MaskSource, group: int) -> Words:
    """One group's weight masks by the op's output channel: uint64 (outputs, R, S, ceil(reduction
    channels / 64)), transposed in EP.
    """
    b = bounds_of(op)
    per_group, reduction = b.k // b.groups, b.c // b.groups
    bound = masks.operand(op, Use.STATIONARY)
    words = bound.words if bound else ones(b.k * b.r * b.s, reduction).reshape(b.k, b.r, b.s, -1)
    own = words[group * per_group : (group + 1) * per_group]
    return (
        from_mask(np.ascontiguousarray(to_mask(own, reduction).transpose(3, 1, 2, 0)))
        if op.pass_ is Pass.EP
        else own
    )


def _feedback(op: Op, masks: MaskSource) -> int:
    b = bounds_of(op)
    bound, weights = masks.operand(op, Use.MOVING), masks.operand(op, Use.STATIONARY)
    if weights is not None and not b.nonzeros:
        rows = weights.words.reshape(-1, weights.words.shape[-1])
        errors = words_or_ones(masks, op, Use.MOVING, 1, 1, b.c).reshape(-1, 1, rows.shape[-1])
        return over_batch(popcounts(errors & rows[None]).sum(axis=1), b.n)
    if bound is None:
        return op.dense_macs
    if not b.nonzeros:
        return over_batch(popcounts(bound.words).reshape(-1), b.n) * b.k * b.p * b.q
    active = to_mask(bound.words.reshape(len(bound.words), -1), b.c)
    uses = np.bincount(masks.feedback_indices(op).reshape(-1), minlength=b.c)
    return over_batch((active * uses[None]).sum(axis=1), b.n)
