"""PEs that take the words of an op (docs/mapping.md): a PE takes the words that its own outputs
read.

Output channel k is computed in PE k mod ``per_tile`` of its group of PEs; the groups of PEs share
the positions. A moving word of one channel group therefore goes to the PEs of that group's output
channels (`channel_takers`), in the groups of PEs whose positions read it (`moving_taken`).
"""

from __future__ import annotations

from collections import Counter
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.reads import Share, distinct_reads
from accelsim.kernels.bits.taps import MapTaps
from accelsim.step.contraction import Nest

Ints = NDArray[np.int64]
Tap = tuple[int, int]


class Sending(IntEnum):
    """How often a moving word is sent in a pass over the positions, as an index of
    `Nest.moving_words`.
    """

    ONCE = 0
    PER_KERNEL_ROW = 1
    PER_TAP = 2


class ChannelTakers(NamedTuple):
    """PEs, of one group of PEs, that take the words of the channel groups.

    - ``visits``: channel groups sent, each counted once per sending.
    - ``takers``: PEs that take a channel group, over all visits.
    - ``held``: channel groups that a PE takes in one sending; the most of any PE.
    """

    visits: int
    takers: int
    held: int


def sending_within(room: int, nest: Nest, groups: int, outputs_per_pe: int) -> Sending:
    """How often a word is sent in one pass over the positions, if a PE has space for ``room``
    moving words: more than once if it cannot keep those that it needs again.

    ``groups``: channel groups that are sent apart.
    """
    depth = nest.depth // groups
    if nest.sums_samples:
        # Whole maps of the channels of a tile.
        maps = nest.samples * nest.rows.size * nest.columns.size * min(depth, outputs_per_pe)
        return Sending.ONCE if maps <= room else Sending.PER_TAP
    if nest.rows.held * nest.columns.size * depth <= room:
        return Sending.ONCE  # whole rows over the kernel's height
    if nest.columns.held * depth <= room:
        return Sending.PER_KERNEL_ROW  # a window of the kernel's width
    return Sending.PER_TAP


@lru_cache(maxsize=4096)
def channel_takers(
    channels: int, groups: int, per_tile: int, per_sending: int, apart: bool = False
) -> ChannelTakers:
    """PEs that take each channel group.

    ``channels``: output channels of all ``groups``, ``per_tile`` of them side by side. Words are
    sent once per ``per_sending`` output channels. ``apart``: sendings start anew in each group.
    """
    channel = np.arange(channels, dtype=np.int64)
    each = channels // groups
    group = channel // each
    sending = (channel % each if apart else channel) // per_sending
    most = int(sending.max()) + 1
    visits = np.unique(sending * groups + group).size
    taken = np.unique((channel % per_tile * most + sending) * groups + group)
    held = np.unique(taken // groups, return_counts=True)[1].max()
    return ChannelTakers(visits, taken.size, int(held))


def moving_taken(nest: Nest, share: Share, sending: Sending, chunk: int = 0) -> int:
    """Moving words that groups of PEs take in a pass over the positions, summed over all channel
    groups.

    ``share``: the positions of each group of PEs, which keep a word during ``share.together``
    tiles. ``chunk``: positions of a weight gradient's reduction for which a word is sent once; 0
    for all.
    """
    if nest.unshared:
        return sample_takers(nest.samples, nest.map_positions, share) * nest.depth
    if not nest.has_taps or sending is Sending.PER_TAP:
        return nest.moving_words[sending]  # one position, hence one PE, per word and tap
    if nest.sums_samples:
        return _gradient_taken(nest, share, chunk or nest.reduction)
    every = [(i, j) for i in range(nest.rows.taps) for j in range(nest.columns.taps)]
    rows = range(nest.rows.taps)
    kernels = (
        [every]
        if sending is Sending.ONCE
        else [[tap for tap in every if tap[0] == row] for row in rows]
    )
    return nest.depth * sum(_distinct(nest, tuple(kernel), share) for kernel in kernels)


@lru_cache(maxsize=4096)
def sample_takers(samples: int, pixels: int, share: Share) -> int:
    """(sample, group of PEs) pairs with a position. Positions run over (sample, pixel)."""
    first = np.arange(samples, dtype=np.int64) * pixels
    runs = (first + pixels - 1) // share.run - first // share.run + 1
    return int(np.minimum(runs, share.tile // share.run).sum())


@lru_cache(maxsize=4096)
def row_takers(samples: int, pixels: int, share: Share) -> int:
    """(pixel, group of PEs) pairs with a position, counted anew per ``share.together`` tiles of
    samples.
    """
    processors, total = share.tile // share.run, 0
    pixel = np.arange(pixels, dtype=np.int64)[:, None]
    for start in range(0, samples, share.tile * share.together):
        sample = np.arange(start, min(start + share.tile * share.together, samples))
        groups = (sample * pixels + pixel) % share.tile // share.run
        total += np.unique(pixel * processors + groups).size
    return total


def position_takers(positions: int, share: Share) -> int:
    """Groups of PEs with a position, counted anew per ``share.together`` tiles."""
    processors = share.tile // share.run
    sendings, rest = divmod(positions, share.tile * share.together)
    return sendings * processors + min(processors, -(-rest // share.run))


@lru_cache(maxsize=4096)
def _gradient_taken(nest: Nest, share: Share, chunk: int) -> int:
    """Words that groups of PEs take for their weights: those under the taps of a channel that they
    work on during one sending.
    """
    depth = nest.depth // nest.groups
    position = np.arange(nest.positions, dtype=np.int64)
    processors = share.tile // share.run
    holder = position // (share.tile * share.together) * processors
    holder += position % share.tile // share.run
    taps: dict[int, list[Tap]] = {}
    columns = nest.columns.positions
    for key, tap in zip(
        (holder * depth + position % depth).tolist(), (position // depth).tolist(), strict=True
    ):
        taps.setdefault(key, []).append(divmod(tap, columns))
    kernels = Counter(tuple(sorted(found)) for found in taps.values())
    whole = Share(chunk, chunk, 1)
    words = sum(times * _distinct(nest, kernel, whole) for kernel, times in kernels.items())
    return nest.groups * words


@lru_cache(maxsize=16384)
def _distinct(nest: Nest, kernel: tuple[Tap, ...], share: Share) -> int:
    """Elements of one channel of the moving map that processors read through the taps ``kernel``,
    each once per processor and ``share.together`` tiles.
    """
    taps: MapTaps = nest.reads(False)
    plane, group = taps.outputs, share.tile * share.together
    single, whole = share.run == share.tile, group >= nest.samples * plane
    aligned = plane % share.tile == 0 and (plane % group == 0 or group % plane == 0 or whole)
    # Samples share no element, so equal samples count alike.
    samples = 1 if aligned or (single and (group % plane == 0 or whole)) else nest.samples
    places = np.array(kernel, np.int64).reshape(-1, 2)
    return nest.samples // samples * int(distinct_reads(taps, places, samples, share))
