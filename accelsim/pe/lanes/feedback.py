"""Lanes of a feedback op: a target neuron reduces the output errors that its row of B stores."""

from __future__ import annotations

import numpy as np

from accelsim.kernels.bits.bitmaps import from_mask, ones, popcounts, to_mask
from accelsim.pe.lanes.streams import Cycles, Streams, Words
from accelsim.pe.lanes.walks import ONE_TAP, Walks
from accelsim.step.geometry import bounds_of
from accelsim.step.ops import Op, Use
from accelsim.zeros.effectual import words_or_ones
from accelsim.zeros.masks import MaskSource


def feedback_streams(op: Op, masks: MaskSource, skip: tuple[bool, bool], walks: Walks) -> Streams:
    """Streams of every target neuron: all C errors, or the ``nonzeros`` that its row names; a trace
    may say which of a dense B are zero.

    Positions are (sample, row, column) of the target map, channels its channels; neurons alike
    share one row of the result.
    """
    b = bounds_of(op)
    errors = words_or_ones(masks, op, Use.MOVING, 1, 1, b.c)
    bound = masks.operand(op, Use.STATIONARY)
    if bound is not None and not b.nonzeros:
        return _masked(op, errors, bound.words.reshape(-1, bound.words.shape[-1]), skip, walks)
    if b.nonzeros and int(popcounts(errors).min()) < b.c:
        return _sparse(op, masks, errors, skip, walks)
    stored = b.nonzeros or b.c
    if b.nonzeros:
        errors = ones(len(errors), stored).reshape(len(errors), 1, 1, -1)
    cycles, effectual = walks.moving(errors, stored, ONE_TAP, ONE_TAP)
    executed = effectual
    if not skip[0]:
        executed = np.full_like(cycles, stored)
        cycles = walks.every(executed)
    return Streams(
        *(
            np.repeat(values.reshape(1, -1), b.p * b.q, axis=1)
            for values in (cycles, executed, effectual)
        )
    )


def _sparse(
    op: Op, masks: MaskSource, errors: Words, skip: tuple[bool, bool], walks: Walks
) -> Streams:
    """Zeros among the errors of a sparse B: each neuron sees the bits of the errors its own row
    names.
    """
    b = bounds_of(op)
    picked = to_mask(errors.reshape(len(errors), -1), b.c)[:, masks.feedback_indices(op)]
    cycles, effectual = _walk(op, from_mask(picked.reshape(-1, b.nonzeros)), b.nonzeros, walks)
    if skip[0]:
        return Streams(cycles, effectual, effectual)
    full = np.full_like(cycles, b.nonzeros)
    return Streams(walks.every(full), full, effectual)


def _masked(op: Op, errors: Words, rows: Words, skip: tuple[bool, bool], walks: Walks) -> Streams:
    """A dense B some of whose entries are zero: uint64 (neurons in map order, ceil(C / 64))."""
    b = bounds_of(op)
    flat = errors.reshape(len(errors), 1, -1)
    _, effectual = _walk(op, (flat & rows[None]).reshape(-1, rows.shape[1]), b.c, walks)
    if not any(skip):
        full = np.full_like(effectual, b.c)
        return Streams(walks.every(full), full, effectual)
    seen = np.full_like(rows[None], np.iinfo(np.uint64).max)
    if skip[0]:
        seen = seen & flat
    if skip[1]:
        seen = seen & rows[None]
    seen = np.broadcast_to(seen, (len(errors), *rows.shape))
    cycles, executed = _walk(op, np.ascontiguousarray(seen).reshape(-1, rows.shape[1]), b.c, walks)
    return Streams(cycles, executed, effectual)


def _walk(op: Op, rows: Words, length: int, walks: Walks) -> tuple[Cycles, Cycles]:
    """Cycles and set bits int32 (K, samples * P * Q) of one row of bits a (sample, neuron)."""
    b = bounds_of(op)
    cycles, found = walks.moving(rows.reshape(-1, 1, 1, rows.shape[-1]), length, ONE_TAP, ONE_TAP)
    return np.ascontiguousarray(cycles.reshape(-1, b.k).T), np.ascontiguousarray(
        found.reshape(-1, b.k).T
    )
