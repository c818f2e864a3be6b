"""Lanes of outer products, kept for the runs of one process: other machines, rules and policies ask
for the same ones.

They depend on the masks' bits, the loop bounds, the window and what is skipped, and on nothing else
of a machine or a rule, so that the bits themselves are the key. Of all streams of lanes these alone
take longer to compute than to know again (docs/decisions.md).
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.lanes.outer_products import outer_cycles

Words = NDArray[np.uint64]
Lanes = tuple[NDArray[np.int32], int]

MOST = 64
"""Results kept: a cycle count a lane, half a MiB for the largest vocabulary here."""

_known: OrderedDict[tuple[Any, ...], Lanes] = OrderedDict()


def outer_lanes(
    activation: Words,
    error: Words,
    samples: int,
    channels: int,
    outputs: int,
    segments: int,
    window: int,
    mode: str,
) -> Lanes:
    """Cycles int32 (K or 1, segments or 1) of every lane, and MACs executed:
    `kernels.lanes.outer_products.outer_cycles`. Not to be written to.

    ``activation``, ``error``: uint64 (distinct samples, words).
    """
    key = (samples, channels, outputs, segments, window, mode, *_bits(activation), *_bits(error))
    if key in _known:
        _known.move_to_end(key)
        return _known[key]
    found = _known[key] = outer_cycles(
        activation, error, samples, channels, outputs, segments, window, mode
    )
    if len(_known) > MOST:
        _known.popitem(last=False)
    return found


def _bits(words: Words) -> tuple[tuple[int, ...], bytes]:
    """Shape and digest of a mask."""
    return words.shape, blake2b(np.ascontiguousarray(words).data, digest_size=16).digest()
