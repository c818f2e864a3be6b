"""Cache of outer-product lanes, shared by the runs of one process.

Other machines, rules and policies ask for the same lanes. A result depends only on the bits of the
masks, the loop bounds, the window and the skip mode, so the key holds a digest of the bits. Outer
products are the only streams that take longer to compute than to look up (docs/decisions.md).
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
"""Maximum number of cached results. Each holds one cycle count per lane: half a MiB for the largest
vocabulary among the built-in workloads.
"""

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
    """Cached `kernels.lanes.outer_products.outer_cycles`.

    Returns the cycles of every lane, int32 (K or 1, segments or 1), which must not be modified, and
    the number of executed MACs. ``activation``, ``error``: uint64 (distinct samples, words).
    """
    key = (samples, channels, outputs, segments, window, mode, *_bits(activation), *_bits(error))
    if key in _known:
        _known.move_to_end(key)
        return _known[key]
    result = _known[key] = outer_cycles(
        activation, error, samples, channels, outputs, segments, window, mode
    )
    if len(_known) > MOST:
        _known.popitem(last=False)
    return result


def _bits(words: Words) -> tuple[tuple[int, ...], bytes]:
    """Shape and digest of a mask."""
    return words.shape, blake2b(np.ascontiguousarray(words).data, digest_size=16).digest()
