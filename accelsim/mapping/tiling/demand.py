"""Demand of tilings: space in scratchpads and global buffer, and words moved.

Every count follows from the loop nest that `Tiling` describes. A memory holds the part of the
moving operand that `footprint` gives: the rows and columns that a run of positions spans, with all
their channels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from accelsim.mapping.tiling.arrays import POSITIONS, Demands, Ints, Tilings
from accelsim.mapping.tiling.tiled_op import TiledOp
from accelsim.pe.skipping.receivers import Sending, columns_of_one
from accelsim.step.ops import Use


class Footprints(NamedTuple):
    """`Footprint` of the groups of each tiling, int64 (N) each."""

    largest: Ints
    last: Ints
    total: Ints


def buffer_bits(tiled: TiledOp, channel_pes: int, channels: int, positions: int) -> int:
    """Global-buffer bits of ``channels`` channel tiles and ``positions`` position tiles."""
    group = positions * tiled.positions_per_tile(channel_pes)
    moving = tiled.footprint(group).largest * tiled.moving_bits
    if not tiled.passes_buffer:
        return moving
    held = min(channels * channel_pes, tiled.canonical.channels)
    return moving + tiled.stationary_words // tiled.canonical.channels * held * (
        tiled.stationary_bits
    )


def least_scratchpad_bits(tiled: TiledOp, t: Tilings) -> Ints:
    """Scratchpad bits that tilings need at least: a chunk of stationary words, sums that wait, and
    what one PE keeps of the moving words of a channel group. Quicker than `demands`.
    """
    chunked = tiled.staged & (t.chunk < tiled.nest.reduction)
    sums = tiled.outputs_per_pe * np.where(chunked, t.together, 1)
    bits = sums * tiled.kind.architecture.precision.psum
    if tiled.staged:
        bits += t.chunk * tiled.stationary_bits
    if t.order == POSITIONS and not tiled.nest.sums_samples:
        per_tile = tiled.positions_per_tile(t.channel_pes)
        kept = _each(lambda tiles: tiled.footprint(tiles * per_tile).largest, t.together)
        bits += kept * tiled.moving_bits // tiled.nest.groups
    return bits


def demands(tiled: TiledOp, tilings: Tilings) -> Demands:
    """Demands of tilings of an op."""
    if tiled.nest.sums_samples:
        return _gradient(tiled, tilings)
    return _reduction(tiled, tilings)


def _reduction(tiled: TiledOp, t: Tilings) -> Demands:
    """Demands of FF, EP and feedback: one output per lane."""
    nest, pes = tiled.nest, t.channel_pes
    per_tile = tiled.positions_per_tile(pes)
    tiles, columns = tiled.channel_tiles(pes), tiled.position_tiles(pes)
    chunks = _ceil(nest.reduction, t.chunk) if tiled.staged else np.ones_like(t.chunk)
    outer_tiles, outer_columns = _ceil(tiles, t.buffer_channels), _ceil(columns, t.buffer_positions)
    psum = tiled.kind.architecture.precision.psum
    sums_bits = tiled.outputs_per_pe * psum * np.where(chunks > 1, t.together, 1)
    # As in the canonical mapping, words of the next chunk replace those that the last tile has
    # used.
    held_bits = t.chunk * tiled.stationary_bits * tiled.staged
    outer_visits = _each(lambda each: tiled.takers(pes, each).visits, t.buffer_channels)
    if t.order == POSITIONS:
        footprint = footprints(tiled, t.together * per_tile)
        buffers = np.where(t.together >= columns, 1, 2)
        again = words_again(t, columns, footprint)
        stays = np.where(again < footprint.total, tiles, t.buffer_channels)
        held = _each(lambda each: tiled.takers(pes, each).held, stays)
        moving_bits = footprint.largest * tiled.moving_bits * buffers // nest.groups * held
        moving = footprint.total - again + again // nest.groups * outer_visits
        sending = np.full_like(t.chunk, Sending.ONCE)
    else:
        room = tiled.working_bits - sums_bits - held_bits
        moving_bits, per_pass, sending = _streamed(tiled, room, t, per_tile)
        moving = per_pass // nest.groups * tiled.takers(pes, 1).visits
    staged = _each(
        lambda each: tiled.footprint(each * per_tile).total // nest.groups, t.buffer_positions
    )
    none = np.zeros_like(t.chunk)
    stationary, taken = _stationary(tiled, t, chunks) if tiled.staged else (none, none)
    moving_again = ~t.outer_positions & (outer_columns > 1)
    stationary_again = t.outer_positions & (outer_tiles > 1)
    return Demands(
        scratchpad_bits=moving_bits + held_bits + sums_bits,
        buffer_bits=_staged_bits(tiled, t),
        moving=moving,
        stationary=stationary,
        carried=tiled.canonical.channels * tiled.canonical.positions * (chunks - 1),
        dram_moving=staged * np.where(moving_again, outer_visits, nest.groups),
        dram_stationary=tiled.stationary_words * np.where(stationary_again, outer_columns, 1),
        stationary_taken=taken,
        sending=sending,
    )


def _staged_bits(tiled: TiledOp, t: Tilings) -> Ints:
    """`buffer_bits` of each tiling. Few pairs of tiles occur, each of them often."""
    most = int(t.buffer_positions.max()) + 1
    return _each(
        lambda pair: buffer_bits(tiled, t.channel_pes, *divmod(pair, most)),
        t.buffer_channels * most + t.buffer_positions,
    )


def words_again(t: Tilings, columns: int, groups: Footprints) -> Ints:
    """Words of position groups that are fetched again for each outer tile of channels.

    A group that stays in the PEs from one outer tile to the next is not fetched again.
    """
    last_outer = columns % t.buffer_positions
    last_outer = np.where(last_outer == 0, t.buffer_positions, last_outer)
    in_turn = groups.total - np.where(last_outer <= t.together, groups.last, 0)
    in_turn = np.where(t.together >= t.buffer_positions, 0, in_turn)
    again = np.where(t.outer_positions, in_turn, groups.total)
    return np.where(t.together >= columns, 0, again)


def _stationary(tiled: TiledOp, t: Tilings, chunks: Ints) -> tuple[Ints, Ints]:
    """Stationary words sent to the PEs, and those that PEs take.

    They are sent again per group of positions, unless they stay in the PEs from one group to the
    next.
    """
    channels, tiles = tiled.canonical.channels, tiled.channel_tiles(t.channel_pes)
    columns = tiled.position_tiles(t.channel_pes)
    rest = tiles % t.buffer_channels
    rest = np.where(rest == 0, t.buffer_channels, rest)
    sent, taken = np.zeros_like(rest), np.zeros_like(rest)
    edges = (np.zeros_like(rest), tiles - rest, np.full_like(rest, tiles))
    groups, in_one = _position_groups(t, columns), _ceil(columns, t.buffer_positions)
    for first, last, staged in zip(edges, edges[1:], (t.buffer_channels, rest), strict=False):
        returns = (chunks > 1) | (t.order == POSITIONS) & (staged > 1)
        stays = (staged == 1) & (~t.outer_positions | (tiles <= t.buffer_channels))
        passes = np.where(returns, groups, np.where(stays, 1, in_one))
        each = np.where(returns, t.together, np.where(stays, columns, t.buffer_positions))
        start, end = (
            tiled.stationary_words * np.minimum(tile * t.channel_pes, channels) // channels
            for tile in (first, last)
        )
        sent += (end - start) * passes
        taken += (end - start) * _each(
            lambda tiles: tiled.stationary_takers(t.channel_pes, tiles), each
        )
    return sent, taken


def _position_groups(t: Tilings, columns: int) -> Ints:
    """Number of groups of position tiles."""
    whole, rest = columns // t.buffer_positions, columns % t.buffer_positions
    return whole * _ceil(t.buffer_positions, t.together) + _ceil(rest, t.together)


def _streamed(tiled: TiledOp, room: Ints, t: Tilings, per_tile: int) -> tuple[Ints, Ints, Ints]:
    """Return (bits in a PE, words per pass over the positions, value of `Sending`) of moving words
    that are not kept.

    - Space for the rows that a kernel spans: every word is sent once.
    - Space for the columns that it spans: words are sent again per kernel row.
    - Else: words are sent again per tap.
    """
    nest, array = tiled.nest, tiled.kind.architecture.pe_array
    least = array.lanes * 2 * array.staged_positions * tiled.moving_bits
    group = t.buffer_positions * per_tile
    element_bits = nest.depth // nest.groups * tiled.moving_bits
    columns = _each(
        lambda tiles: columns_of_one(nest, tiled.share(t.channel_pes, tiles)), t.buffer_positions
    )
    rows_bits = nest.rows.held * columns * element_bits
    columns_bits = nest.columns.held * element_bits
    bits = np.full_like(room, least)
    words = np.full_like(room, nest.moving_words[Sending.PER_TAP])
    sending = np.full_like(room, Sending.PER_TAP)
    rows_fit = rows_bits <= room
    columns_fit = ~rows_fit & (columns_bits <= room)
    for fit, held, sent, how in (
        (rows_fit, rows_bits, lambda each: tiled.footprint(each).total, Sending.ONCE),
        (
            columns_fit,
            np.full_like(room, columns_bits),
            tiled.sent_per_kernel_row,
            Sending.PER_KERNEL_ROW,
        ),
    ):
        bits[fit] = np.maximum(held[fit], least)
        words[fit] = _each(sent, group[fit])
        sending[fit] = how
    return bits, words, sending


def _gradient(tiled: TiledOp, t: Tilings) -> Demands:
    """Demands of WG: one weight per lane, reduced over the batch in chunks of errors."""
    nest, mapping, pes = tiled.nest, tiled.canonical, t.channel_pes
    per_tile = tiled.positions_per_tile(pes)
    tiles, columns = tiled.channel_tiles(pes), tiled.position_tiles(pes)
    chunks, groups = _ceil(nest.reduction, t.chunk), _ceil(columns, t.together)
    channels = _each(lambda each: tiled.gradient_channels(each * per_tile).total, t.together)
    maps = _each(lambda each: tiled.reduction_footprint(each).total, t.chunk)
    largest = _each(lambda each: tiled.reduction_footprint(each).largest, t.chunk)
    held = _each(lambda each: tiled.channels_of_one(pes, each), t.together)
    visits = tiled.takers(pes, 1).visits
    moving = channels * maps * visits
    errors = sum(operand.words_read for operand in tiled.op.operands_of(Use.STATIONARY))
    passes = np.where(chunks == 1, 1, groups)
    unique = nest.moving_words[Sending.ONCE]
    samples = nest.samples if tiled.near_memory else 1
    staged_bits = (
        unique // samples * tiled.moving_bits + errors // samples // tiles * tiled.stationary_bits
    )
    staged = staged_bits <= tiled.staging_bits
    # Rows of the input map under one row of errors, and that row of errors.
    rows_bits = nest.rows.swapped.held * nest.columns.size * nest.depth * tiled.moving_bits
    rows_bits += nest.columns.taps * mapping.channels * tiled.stationary_bits
    sums = tiled.outputs_per_pe * np.where(chunks > 1, t.together, 1)
    # Unless a sample is staged, each group of positions reads the maps of its channels again.
    read_again = unique // nest.depth * channels * visits
    return Demands(
        scratchpad_bits=t.chunk * tiled.stationary_bits
        + largest * held * tiled.moving_bits
        + sums * tiled.kind.architecture.precision.psum,
        buffer_bits=np.full_like(t.chunk, min(staged_bits, rows_bits)),
        moving=moving,
        stationary=errors * passes,
        stationary_taken=errors
        * _each(
            lambda each: tiled.stationary_takers(pes, each),
            np.where(passes == 1, columns, t.together),
        ),
        carried=mapping.channels * mapping.positions * (chunks - 1),
        dram_moving=np.full_like(t.chunk, unique) if staged else np.minimum(moving, read_again),
        dram_stationary=errors * (np.ones_like(passes) if staged else passes),
        sending=np.full_like(t.chunk, Sending.ONCE),
    )


def footprints(tiled: TiledOp, groups: Ints) -> Footprints:
    """Footprints of groups of positions of each size."""
    found = [tiled.footprint(group) for group in groups.tolist()]
    rows = [(each.largest, each.last, each.total) for each in found]
    return Footprints(*np.array(rows, np.int64).T)


def _each(function: Callable[[int], int], values: Ints) -> Ints:
    """The function of each value, worked out once per distinct value."""
    listed = values.tolist()
    found = {value: function(value) for value in set(listed)}
    return np.array([found[value] for value in listed], np.int64)


def _ceil(whole: Ints | int, part: Ints) -> Ints:
    return -(-whole // part)
