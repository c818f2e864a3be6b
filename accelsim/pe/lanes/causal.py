"""Timing of causal attention before the data come: the shape of its zeros is known beforehand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accelsim.pe.mapping import Mapping
from accelsim.step.ops import Contraction
from accelsim.step.zero_sources import Causal, Dense


def known_streams(op: Contraction) -> bool:
    """Whether all zeros of an op's streams are those of causal attention."""
    causal = isinstance(op.moving.zeros, Causal) and isinstance(op.stationary.zeros, Dense)
    return causal and op.needed is None


def causal_outputs(op: Contraction) -> Causal | None:
    """Shape of the needed outputs, or None if a mask selects them, or all are needed."""
    needed = op.needed.zeros if op.needed is not None else None
    return needed if isinstance(needed, Causal) else None


def needed_before(shape: Causal) -> NDArray[np.int64]:
    """Needed outputs of each key among the first positions: int64 (positions + 1, keys)."""
    latest = np.arange(shape.queries) + shape.keys - shape.queries
    needed = np.tile(np.arange(shape.keys) <= latest[:, None], (shape.heads, 1))
    return np.concatenate(
        [np.zeros((1, shape.keys), np.int64), needed.cumsum(axis=0, dtype=np.int64)]
    )


def passes(mapping: Mapping, before: NDArray[np.int64]) -> int:
    """Times that all lanes start an output, one after another: in each tile of channels and for the
    positions of each fill, as often as for the channel with the most needed outputs.

    ``before``: see `needed_before`.
    """
    ends = np.append(np.arange(0, mapping.positions, mapping.fill_positions), mapping.positions)
    fills = np.diff(before[ends], axis=0)
    starts = np.arange(0, mapping.channels, mapping.channels_per_tile)
    keys = np.arange(mapping.channels) % before.shape[1]
    most = np.maximum.reduceat(fills[:, keys], starts, axis=1)
    return int((-(-most // mapping.positions_per_tile)).sum())
