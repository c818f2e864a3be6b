"""EP under `psum_reduce`: PEs share each output's reduction; each PE reduces the channels whose
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
    """Lanes of the PEs that share an output's reduction, per output.

    ``slowest``: int32 (C or 1, positions), cycles of the slowest PE. ``total``: int64 (C or 1,
    positions), lane cycles of all PEs.
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
    """Lanes of outputs whose reduction is shared by ``pes`` PEs.

    PE j reduces channels j, j + pes, ... of every output. Zeros pad the last round. ``distinct``:
    number of distinct positions of the result.
    """
    nest = op.nest
    taps = nest.reads(keep_zeros)
    height, width, channels = nest.moving_map
    traced = masks.moving(op)
    mask = (
        to_mask(traced.words, channels)
        if traced and skip.moving
        else np.ones((1, height, width, channels), np.bool_)
    )
    dealt = _dealt(mask, pes)
    rounds, samples = dealt.shape[-1], len(mask)
    # If only stationary words are skipped, those that pad a round are skipped too, even though the
    # operand has no mask.
    if not skip.stationary or (skip.moving and masks.stationary(op) is None):
        cycles, _ = walks.moving(packed(dealt.reshape(-1, height, width, rounds)), taps)
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
        moving = from_mask(np.ascontiguousarray(dealt[pe]))
        mode = "both" if skip.moving else "stationary"
        sample_cycles = [
            walks.pairs(PackedMask(moving[sample], rounds), kernel, taps, mode)[0]
            for sample in range(samples)
        ]
        cycles = tile_positions(np.concatenate(sample_cycles, axis=1), distinct)
        slowest, total = np.maximum(slowest, cycles), total + cycles
    return SharedLanes(slowest, total)


def _dealt(mask: NDArray[np.bool_], pes: int) -> NDArray[np.bool_]:
    """Deal channels of (..., C) to PEs: (pes, ..., rounds)."""
    channels = mask.shape[-1]
    rounds = -(-channels // pes)
    padded = np.zeros((*mask.shape[:-1], rounds * pes), np.bool_)
    padded[..., :channels] = mask
    return np.moveaxis(padded.reshape(*mask.shape[:-1], rounds, pes), -1, 0)
