"""PEs that take the words of an op (docs/mapping.md): a PE takes the words that its own outputs
read.

Output channel k is computed in PE k mod ``per_tile`` of its group of PEs; the groups of PEs share
the positions. A moving word of one channel group therefore goes to the PEs of that group's output
channels (`channel_takers`), in the groups of PEs whose positions read it (`moving_taken`).
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from math import gcd, lcm
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


def sending_within(room: int, nest: Nest, depth: int, share: Share) -> Sending:
    """How often a word is sent in one pass over the positions, if a PE has space for ``room``
    moving words: more than once if it cannot keep those that it needs again.

    ``depth``: channels of the moving map that the PE takes at a time.
    """
    if nest.sums_samples:
        # Position tiles are visited in the order of their first channel, so the whole maps of a
        # tile's channels stay while its taps pass. Where a PE's channels wrap around from the last
        # to the first, those stay too.
        channels = min(depth, share.run if depth % share.run == 0 else 2 * share.run)
        maps = nest.samples * nest.rows.size * nest.columns.size * channels
        return Sending.ONCE if maps <= room else Sending.PER_TAP
    if nest.rows.held * columns_of_one(nest, share) * depth <= room:
        return Sending.ONCE  # its columns of all rows that a kernel spans
    if nest.columns.held * depth <= room:
        return Sending.PER_KERNEL_ROW  # a window of the kernel's width
    return Sending.PER_TAP


@lru_cache(maxsize=4096)
def columns_of_one(nest: Nest, share: Share) -> int:
    """Columns of the moving map that the positions of one PE read; the most of any PE."""
    taps = nest.columns.reads(False)
    across, processors = len(taps), share.tile // share.run
    rows = min(nest.samples * nest.rows.positions, share.tile // gcd(across, share.tile))
    position = np.arange(rows * across, dtype=np.int64)
    processor = position % share.tile // share.run
    read = np.zeros((processors, nest.columns.size), np.bool_)
    for tap in taps.T:
        column = tap[position % across]
        read[processor[column >= 0], column[column >= 0]] = True
    return int(read.sum(axis=1).max())


def moving_held(nest: Nest, share: Share) -> int:
    """Moving words of one channel group that the positions of one PE read; the most of any PE."""
    each = nest.depth // nest.groups
    if nest.unshared:
        return _samples_of_one(nest.samples, nest.map_positions, share) * each
    if not nest.has_taps:
        whole, rest = divmod(nest.positions, share.tile)
        own = whole * share.run + min(share.run, rest)
        return -(-nest.moving_words[Sending.ONCE] // nest.groups * own // nest.positions)
    if nest.sums_samples:
        return _gradient_taken(nest, share, nest.reduction)[1]
    kernel = tuple((i, j) for i in range(nest.rows.taps) for j in range(nest.columns.taps))
    return each * _distinct(nest, kernel, share)[1]


def tile_held(nest: Nest, share: Share) -> int:
    """Moving words that the positions of one PE in one tile read; the most of any PE and tile."""
    if not nest.has_taps:
        return min(share.run, nest.positions) * nest.depth
    return moving_held(nest, share._replace(together=1))


@lru_cache(maxsize=4096)
def _samples_of_one(samples: int, pixels: int, share: Share) -> int:
    """Samples with a position in one group of PEs; the most of any."""
    if pixels >= share.tile:
        return samples
    position = np.arange(samples * pixels, dtype=np.int64)
    pairs = np.unique(position % share.tile // share.run * samples + position // pixels)
    return int(np.unique(pairs // samples, return_counts=True)[1].max())


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


def moving_sent(nest: Nest, share: Share, sending: Sending) -> int:
    """Moving words sent in a pass over the positions, of all channel groups. PEs that cannot keep
    the errors of a sample are sent them again for each position tile of a feedback's map.
    """
    if nest.unshared and sending is Sending.PER_TAP:
        return _samples_met(nest, share.tile) * nest.depth
    return nest.moving_words[sending]


def _samples_met(nest: Nest, group: int) -> int:
    """(sample, group of positions) pairs with a position."""
    pixels, groups = nest.map_positions, -(-nest.positions // group)
    return nest.samples + groups - -(-nest.positions // lcm(pixels, group))


def moving_taken(nest: Nest, share: Share, sending: Sending, chunk: int = 0) -> int:
    """Moving words that groups of PEs take in a pass over the positions, summed over all channel
    groups.

    ``share``: the positions of each group of PEs, which keep a word during ``share.together``
    tiles. ``chunk``: positions of a weight gradient's reduction for which a word is sent once; 0
    for all.
    """
    if nest.unshared:
        if sending is Sending.PER_TAP:
            return _samples_met(nest, share.run) * nest.depth
        return sample_takers(nest.samples, nest.map_positions, share) * nest.depth
    if not nest.has_taps or sending is Sending.PER_TAP:
        return nest.moving_words[sending]  # one position, hence one PE, per word and tap
    if nest.sums_samples:
        return _gradient_taken(nest, share, chunk or nest.reduction)[0]
    every = [(i, j) for i in range(nest.rows.taps) for j in range(nest.columns.taps)]
    rows = range(nest.rows.taps)
    kernels = (
        [every]
        if sending is Sending.ONCE
        else [[tap for tap in every if tap[0] == row] for row in rows]
    )
    return nest.depth * sum(_distinct(nest, tuple(kernel), share)[0] for kernel in kernels)


def last_taken(nest: Nest, share: Share) -> int:
    """The part of `moving_taken` (sent once) that is due to the last ``share.together`` tiles."""
    group = share.tile * share.together
    begin = (nest.positions - 1) // group * group
    if not nest.has_taps:
        taken = moving_taken(nest, share, Sending.ONCE)
        return taken * (nest.positions - begin) // nest.positions
    every = [(i, j) for i in range(nest.rows.taps) for j in range(nest.columns.taps)]
    kernel = np.array(every, np.int64)
    found = distinct_reads(nest.reads(False), kernel, nest.samples, share, begin)
    return nest.depth * int(found[0])


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
    total, tiles = 0, share.tile * share.together
    pixel = np.arange(pixels, dtype=np.int64)[:, None]
    for start in range(0, samples, tiles):
        sample = np.arange(start, min(start + tiles, samples))
        holder = (sample * pixels + pixel) % share.tile // share.run
        total += np.unique(pixel * share.tile + holder).size
    return total


def position_takers(positions: int, share: Share) -> int:
    """Groups of PEs with a position, counted anew per ``share.together`` tiles."""
    processors = share.tile // share.run
    sendings, rest = divmod(positions, share.tile * share.together)
    return sendings * processors + min(processors, -(-rest // share.run))


@lru_cache(maxsize=4096)
def _gradient_taken(nest: Nest, share: Share, chunk: int) -> tuple[int, int]:
    """Words that groups of PEs take for their weights: those under the taps of a channel that they
    work on during one sending. (Total, words of one channel group in one group of PEs.)
    """
    depth = nest.depth // nest.groups
    position = np.arange(nest.positions, dtype=np.int64)
    processors = share.tile // share.run
    holder = position // (share.tile * share.together) * processors
    holder += position % share.tile // share.run
    channel_of_one = holder * depth + position % depth
    order = np.argsort(channel_of_one, kind="stable")
    first = _starts(channel_of_one[order])
    sets, which = _sets(position[order] // depth, first)
    columns, whole = nest.columns.positions, Share(chunk, chunk, 1)
    kernels = [tuple(divmod(tap, columns) for tap in taps) for taps in sets]
    words = np.array([_distinct(nest, kernel, whole)[0] for kernel in kernels], np.int64)[which]
    of_one = np.add.reduceat(words, _starts(holder[order][first]))
    return nest.groups * int(of_one.sum()), int(of_one.max())


def _starts(keys: Ints) -> Ints:
    """Index of the first of each run of equal keys."""
    return np.flatnonzero(np.diff(keys, prepend=-1))


def _sets(members: Ints, first: Ints) -> tuple[list[list[int]], Ints]:
    """The different sets among runs of members, which begin at ``first``, and the set of each run.
    Members are small numbers, at least 0, in rising order within a run.
    """
    words = [
        np.bitwise_or.reduceat(np.where(members // 62 == word, 1 << members % 62, 0), first)
        for word in range(int(members.max()) // 62 + 1)
    ]
    _, alike, which = np.unique(
        np.stack(words, axis=1) if len(words) > 1 else words[0],
        return_index=True,
        return_inverse=True,
        axis=0 if len(words) > 1 else None,
    )
    ends = np.append(first[1:], len(members))
    return [members[first[run] : ends[run]].tolist() for run in alike.tolist()], which


@lru_cache(maxsize=16384)
def _distinct(nest: Nest, kernel: tuple[Tap, ...], share: Share) -> tuple[int, int]:
    """Elements of one channel of the moving map that processors read through the taps ``kernel``,
    each once per processor and ``share.together`` tiles: of all processors, and the most of one.
    """
    taps: MapTaps = nest.reads(False)
    plane, group = taps.outputs, share.tile * share.together
    single, whole = share.run == share.tile, group >= nest.samples * plane
    aligned = plane % share.tile == 0 and (plane % group == 0 or group % plane == 0 or whole)
    # Samples share no element, so equal samples count alike.
    samples = 1 if aligned or (single and (group % plane == 0 or whole)) else nest.samples
    places = np.array(kernel, np.int64).reshape(-1, 2)
    total, most = distinct_reads(taps, places, samples, share)
    repeats = nest.samples // samples
    return repeats * int(total), min(repeats, -(-group // plane)) * int(most)
