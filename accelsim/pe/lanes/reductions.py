"""EP under `psum_reduce`: PEs share each output's reduction, every PE over the channels whose
weights it holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.bitmaps import PackedMask, from_mask, packed, to_mask
from accelsim.kernels.bits.taps import expand_kernel
from accelsim.kernels.lanes.zero_skip import stream_lengths
from accelsim.pe.lanes.streams import Cycles, tile_positions
from accelsim.pe.lanes.walks import Walks
from accelsim.pe.skipping.setting import Skipped
from accelsim.step.ops import Contraction
from accelsim.zeros.effectual import stationary_masks
from accelsim.zeros.masks import MaskSource


@dataclass(frozen=True)
class SharedLanes:
    """Of the PEs that share an output's reduction, int32 and int64 (C or 1, positions): the
    ``slowest``'s cycles, and all of theirs in ``total``.
    """

    slowest: Cycles
    total: NDArray[np.int64]


def shared_reductions(
    op: Contraction,
    masks: MaskSource,
    skip: Skipped,
    walks: Walks,
    keep_zeros: bool,
    pes: int,
    distinct: int,
) -> SharedLanes:
    """PE j reduces channels j, j + pes, ... of every output; zeros fill up the last round."""
    nest = op.nest
    taps = nest.reads(keep_zeros)
    height, width, channels = nest.moving_map
    traced = masks.moving(op)
    mask = (
        to_mask(traced.words, channels)
        if traced and skip.moving
        else np.ones((1, height, width, channels), np.bool_)
    )
    own = _dealt(mask, pes)
    rounds, samples = own.shape[-1], len(mask)
    # Where stationary words alone are skipped, those that fill up a round are, though the operand
    # has no mask.
    if not skip.stationary or (skip.moving and masks.stationary(op) is None):
        cycles, _ = walks.moving(packed(own.reshape(-1, height, width, rounds)), taps)
        if not skip.moving:
            cycles = np.broadcast_to(walks.every(stream_lengths(rounds, *taps)), cycles.shape)
        shares = tile_positions(cycles.reshape(pes, -1), distinct)
        return SharedLanes(
            shares.max(axis=0, keepdims=True), shares.sum(axis=0, keepdims=True, dtype=np.int64)
        )
    stationary = _dealt(to_mask(stationary_masks(op, masks)[0], channels), pes)
    slowest, total = np.zeros((1, 1), np.int32), np.zeros((1, 1), np.int64)
    for pe in range(pes):
        kernel = expand_kernel(
            from_mask(np.ascontiguousarray(stationary[pe])),
            (abs(nest.rows.dilation), abs(nest.columns.dilation)),
            keep_zeros,
        )
        moving = from_mask(np.ascontiguousarray(own[pe]))
        mode = "both" if skip.moving else "stationary"
        found = [
            walks.pairs(PackedMask(moving[sample], rounds), kernel, taps, mode)[0]
            for sample in range(samples)
        ]
        cycles = tile_positions(np.concatenate(found, axis=1), distinct)
        slowest, total = np.maximum(slowest, cycles), total + cycles
    return SharedLanes(slowest, total)


def _dealt(mask: NDArray[np.bool_], pes: int) -> NDArray[np.bool_]:
    """Channels of (..., C) dealt to PEs: (pes, ..., rounds)."""
    channels = mask.shape[-1]
    rounds = -(-channels // pes)
    padded = np.zeros((*mask.shape[:-1], rounds * pes), np.bool_)
    padded[..., :channels] = mask
    return np.moveaxis(padded.reshape(*mask.shape[:-1], rounds, pes), -1, 0)
