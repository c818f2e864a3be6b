"""Effectual MACs of an op, both operands non-zero, counted from its masks without a machine.

Sums factor over popcounts: a source position of FF or EP meets one output for every tap that reads it, and each pair of WG
positions contributes popcount(error) x popcount(activation). Only masked weights need the channels themselves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accelsim.geometry import bounds_of, moving_extents, stream_taps
from accelsim.kernels.bitmaps import ones, popcounts, slice_channels, to_mask
from accelsim.kernels.taps import Taps
from accelsim.masks import MaskSource
from accelsim.ops import Op, OpKind, Pass, Use

Words = NDArray[np.uint64]
Counts = NDArray[np.int64]


def repeats(total: int, distinct: int) -> Counts:
    """How often each of ``distinct`` items occurs among ``total`` that repeat them cyclically: int64 (distinct)."""
    counts = np.full(distinct, total // distinct, np.int64)
    counts[: total % distinct] += 1
    return counts


def effectual_macs(op: Op, masks: MaskSource) -> int:
    """Pairs of the op's loop nest with both operands non-zero; an operand without a mask is dense, padding and stride zeros never count."""
    if not op.is_contraction:
        return 0
    if op.kind is OpKind.FEEDBACK:
        return _feedback(op, masks)
    if op.pass_ is Pass.WG:
        return gradient_pairs(op, masks)
    b = bounds_of(op)
    height, width, channels = moving_extents(op)
    bound = masks.operand(op, Use.MOVING)
    moving = bound.words if bound else ones(height * width, channels).reshape(1, height, width, -1)
    weights = masks.operand(op, Use.STATIONARY)
    rows, cols = stream_taps(op, keep_zeros=False)
    samples = repeats(b.n, len(moving))
    if weights is not None:
        return _masked_weights(op, moving, weights.words, rows, cols, samples)
    uses = np.multiply.outer(_uses(rows, height), _uses(cols, width))
    outputs = (b.c if op.pass_ is Pass.EP else b.k) // b.groups
    return int((popcounts(moving).astype(np.int64) * uses[None] * samples[:, None, None]).sum()) * outputs


def gradient_pairs(op: Op, masks: MaskSource, skip_moving: bool = True, skip_stationary: bool = True) -> int:
    """Pairs of WG whose skipped operands are non-zero: both for effectual MACs, one for what a lane executes that skips only that one."""
    b = bounds_of(op)
    if not (skip_moving or skip_stationary):
        return op.dense_macs
    x, e = masks.operand(op, Use.MOVING), masks.operand(op, Use.STATIONARY)
    activation = x.words if x else ones(b.h * b.w, b.c).reshape(1, b.h, b.w, -1)
    error = e.words if e else ones(b.p * b.q, b.k).reshape(1, b.p, b.q, -1)
    rows, cols = stream_taps(op, keep_zeros=False)
    distinct = _common(len(activation), len(error), b.n)
    samples = repeats(b.n, distinct)
    total = 0
    for group in range(b.groups):
        own_x, own_e = (words if b.groups == 1 else _slice(words, group, size // b.groups) for words, size in ((activation, b.c), (error, b.k)))
        count_x = popcounts(own_x) if skip_moving else np.full(own_x.shape[:3], b.c // b.groups)
        count_e = popcounts(own_e) if skip_stationary else np.full(own_e.shape[:3], b.k // b.groups)
        count_x, count_e = (np.resize(counts, (distinct, *counts.shape[1:])).astype(np.int64) for counts in (count_x, count_e))
        for r in range(b.r):
            for s in range(b.s):
                total += int((_window(count_x, rows[:, r], cols[:, s], b.c // b.groups, skip_moving) * count_e * samples[:, None, None]).sum())
    return total


def _window(counts: Counts, rows: Taps, cols: Taps, channels: int, skipped: bool) -> Counts:
    """Counts at the source of every output position for one tap: (S, P, Q); padding is zero where it is skipped, dense otherwise."""
    inside = (rows >= 0)[:, None] & (cols >= 0)[None, :]
    found = counts[:, np.maximum(rows, 0)][:, :, np.maximum(cols, 0)]
    return np.where(inside[None], found, 0 if skipped else channels)


def _common(first: int, second: int, batch: int) -> int:
    return min(batch, int(np.lcm(first, second)))


def _slice(words: Words, group: int, size: int) -> Words:
    return slice_channels(words, group * size, (group + 1) * size)


def _uses(taps: Taps, size: int) -> Counts:
    """How many (output, kernel) taps read each source index."""
    return np.bincount(taps[taps >= 0], minlength=size).astype(np.int64)


def _masked_weights(op: Op, moving: Words, weights: Words, rows: Taps, cols: Taps, samples: Counts) -> int:
    b = bounds_of(op)
    total = 0
    channels = moving_extents(op)[2]
    size = channels // b.groups
    stationary = to_mask(weights, b.c // b.groups).reshape(b.groups, b.k // b.groups, b.r, b.s, b.c // b.groups)
    for group in range(b.groups):
        active = to_mask(moving if b.groups == 1 else _slice(moving, group, size), size)
        per_output = stationary[group].sum(axis=3 if op.pass_ is Pass.EP else 0)
        weight_uses = per_output.transpose(1, 2, 0) if op.pass_ is Pass.EP else per_output
        for r in range(b.r):
            for s in range(b.s):
                weighed = active * (_uses(rows[:, r], active.shape[1])[:, None] * _uses(cols[:, s], active.shape[2])[None, :])[None, :, :, None]
                total += int(((weighed * samples[:, None, None, None]).sum(axis=(0, 1, 2)) * weight_uses[r, s]).sum())
    return total


def _feedback(op: Op, masks: MaskSource) -> int:
    b = bounds_of(op)
    bound = masks.operand(op, Use.MOVING)
    if bound is None:
        return op.dense_macs
    samples = repeats(b.n, len(bound.words))
    if not b.nonzeros:
        return int((popcounts(bound.words).reshape(-1) * samples).sum()) * b.k * b.p * b.q
    active = to_mask(bound.words.reshape(len(bound.words), -1), b.c)
    uses = np.bincount(masks.feedback_indices(op).reshape(-1), minlength=b.c)
    return int(((active * uses[None]).sum(axis=1) * samples).sum())
