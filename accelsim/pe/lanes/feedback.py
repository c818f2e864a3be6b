"""Lanes of a feedback op: a target neuron reduces the output errors that its row of B stores."""

from __future__ import annotations

import numpy as np

from accelsim.kernels.bits.bitmaps import PackedMask, from_mask, ones, popcounts, to_mask
from accelsim.pe.lanes.streams import Cycles, Streams, Words
from accelsim.pe.lanes.walks import ONE_TAP, Walks
from accelsim.pe.skipping.setting import Skipped
from accelsim.step.ops import Contraction
from accelsim.zeros.effectual import moving_words
from accelsim.zeros.masks import MaskSource


def feedback_streams(op: Contraction, masks: MaskSource, skip: Skipped, walks: Walks) -> Streams:
    """Streams of all target neurons.

    A neuron reduces all C errors, or those that its row of a sparse B stores. A dense B, and the
    entries that a sparse B stores, may have zeros. Positions are (sample, row, column) of the
    target map; channels are those of the map. Rows of the result are channels, or one row if all
    channels are equal.
    """
    nest = op.nest
    errors = moving_words(op, masks)
    bound = masks.stationary(op)
    if bound is not None and not nest.stored:
        return _masked(op, errors, bound.words.reshape(-1, bound.words.shape[-1]), skip, walks)
    if nest.stored and (
        masks.feedback_nonzeros(op) is not None or int(popcounts(errors).min()) < nest.depth
    ):
        return _sparse(op, masks, errors, skip, walks)
    stored = nest.reduction
    if nest.stored:
        errors = ones(len(errors), stored).reshape(len(errors), 1, 1, -1)
    cycles, effectual = walks.moving(PackedMask(errors, stored), ONE_TAP)
    executed = effectual
    if not skip.moving:
        executed = np.full_like(cycles, stored)
        cycles = walks.every(executed)
    return Streams(
        *(
            np.repeat(values.reshape(1, -1), nest.map_positions, axis=1)
            for values in (cycles, executed, effectual)
        )
    )


def _sparse(
    op: Contraction, masks: MaskSource, errors: Words, skip: Skipped, walks: Walks
) -> Streams:
    """Streams of a sparse B when errors or stored entries have zeros: each neuron sees the errors
    that its row stores.
    """
    nest, weights = op.nest, masks.feedback_nonzeros(op)
    moving = to_mask(errors.reshape(len(errors), -1), nest.depth)[:, masks.feedback_indices(op)]
    both = moving if weights is None else moving & weights
    cycles, effectual = _walk(op, from_mask(both.reshape(-1, nest.stored)), nest.stored, walks)
    seen = np.ones_like(moving)
    if skip.moving:
        seen &= moving
    if skip.stationary and weights is not None:
        seen &= weights
    elif not skip.moving:
        full = np.full_like(cycles, nest.stored)
        return Streams(walks.every(full), full, effectual)
    if skip.moving and (skip.stationary or weights is None):
        return Streams(cycles, effectual, effectual)
    cycles, executed = _walk(op, from_mask(seen.reshape(-1, nest.stored)), nest.stored, walks)
    return Streams(cycles, executed, effectual)


def _masked(op: Contraction, errors: Words, rows: Words, skip: Skipped, walks: Walks) -> Streams:
    """Streams of a dense B with zeros. ``rows``: uint64 (neurons in map order, ceil(C / 64))."""
    nest = op.nest
    flat = errors.reshape(len(errors), 1, -1)
    _, effectual = _walk(op, (flat & rows[None]).reshape(-1, rows.shape[1]), nest.depth, walks)
    if not any(skip):
        full = np.full_like(effectual, nest.depth)
        return Streams(walks.every(full), full, effectual)
    seen = np.full_like(rows[None], np.iinfo(np.uint64).max)
    if skip.moving:
        seen = seen & flat
    if skip.stationary:
        seen = seen & rows[None]
    seen = np.broadcast_to(seen, (len(errors), *rows.shape))
    cycles, executed = _walk(
        op, np.ascontiguousarray(seen).reshape(-1, rows.shape[1]), nest.depth, walks
    )
    return Streams(cycles, executed, effectual)


def _walk(op: Contraction, rows: Words, length: int, walks: Walks) -> tuple[Cycles, Cycles]:
    """Cycles and set bits, int32 (K, samples * P * Q), of one bit row per (sample, neuron)."""
    nest = op.nest
    masks = PackedMask(rows.reshape(-1, 1, 1, rows.shape[-1]), length)
    cycles, set_bits = walks.moving(masks, ONE_TAP)
    return np.ascontiguousarray(cycles.reshape(-1, nest.channels).T), np.ascontiguousarray(
        set_bits.reshape(-1, nest.channels).T
    )
