"""Demand of a tiling: space in scratchpads and global buffer, and words moved.

Every count follows from the loop nest that `Tiling` describes. A memory holds the part of the
moving operand that `footprint` gives: the rows and columns that a run of positions spans, with all
their channels.
"""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.mapping.footprint import Footprint
from accelsim.mapping.tiled_op import TiledOp
from accelsim.pe.mapping import Tiling
from accelsim.pe.skipping.receivers import Sending, columns_of_one
from accelsim.step.ops import Use

CHANNELS, POSITIONS = "channels", "positions"


@dataclass(frozen=True)
class Demand:
    """Space that a tiling needs, and words that it moves.

    - ``scratchpad_bits``: bits of a PE's working space.
    - ``buffer_bits``: bits of one half of the staging double buffer.
    - ``moving``, ``stationary``: words over the NoC, every fetch counted.
    - ``stationary_taken``: stationary words, each counted once per PE that takes it.
    - ``sending``: how often a moving word is sent in a pass over the positions.
    - ``carried``: partial sums written to the scratchpads and read back.
    - ``dram_moving``, ``dram_stationary``: words from DRAM, if the operand lives there.
    """

    scratchpad_bits: int
    buffer_bits: int
    moving: int
    stationary: int
    carried: int
    dram_moving: int
    dram_stationary: int
    stationary_taken: int
    sending: Sending = Sending.ONCE


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


def least_scratchpad_bits(tiled: TiledOp, t: Tiling) -> int:
    """Scratchpad bits that a tiling needs at least: a chunk of stationary words, sums that wait,
    and what one PE keeps of the moving words of a channel group. Quicker than `demand`.
    """
    chunked = tiled.staged and t.chunk < tiled.nest.reduction
    sums = tiled.outputs_per_pe * (t.together if chunked else 1)
    bits = sums * tiled.kind.architecture.precision.psum
    if tiled.staged:
        bits += t.chunk * tiled.stationary_bits
    if t.order == POSITIONS and not tiled.nest.sums_samples:
        kept = tiled.footprint(t.together * tiled.positions_per_tile(t.channel_pes)).largest
        bits += kept * tiled.moving_bits // tiled.nest.groups
    return bits


def demand(tiled: TiledOp, tiling: Tiling) -> Demand:
    """Demand of a tiling of an op."""
    if tiled.nest.sums_samples:
        return _gradient(tiled, tiling)
    return _reduction(tiled, tiling)


def _reduction(tiled: TiledOp, t: Tiling) -> Demand:
    """Demand of FF, EP and feedback: one output per lane."""
    nest, mapping = tiled.nest, tiled.canonical
    per_tile = tiled.positions_per_tile(t.channel_pes)
    tiles, columns = tiled.channel_tiles(t.channel_pes), tiled.position_tiles(t.channel_pes)
    chunks = -(-nest.reduction // t.chunk) if tiled.staged else 1
    outer_tiles, outer_columns = -(-tiles // t.buffer_channels), -(-columns // t.buffer_positions)
    psum = tiled.kind.architecture.precision.psum
    sums_bits = tiled.outputs_per_pe * psum * (t.together if chunks > 1 else 1)
    # As in the canonical mapping, words of the next chunk replace those that the last tile has
    # used.
    held_bits = t.chunk * tiled.stationary_bits if tiled.staged else 0
    if t.order == POSITIONS:
        footprint = tiled.footprint(t.together * per_tile)
        buffers = 1 if t.together >= columns else 2
        moving_bits = footprint.largest * tiled.moving_bits * buffers
        again = words_again(t, columns, footprint)
        kept = tiled.takers(t.channel_pes, tiles if again < footprint.total else t.buffer_channels)
        moving_bits = moving_bits // nest.groups * kept.held
        outer = tiled.takers(t.channel_pes, t.buffer_channels)
        moving = footprint.total - again + again // nest.groups * outer.visits
        sending = Sending.ONCE
    else:
        room = tiled.working_bits - sums_bits - held_bits
        moving_bits, per_pass, sending = _streamed(tiled, room, t, per_tile)
        moving = per_pass // nest.groups * tiled.takers(t.channel_pes, 1).visits
    outer_visits = tiled.takers(t.channel_pes, t.buffer_channels).visits
    staged = tiled.footprint(t.buffer_positions * per_tile)
    stationary, taken = _stationary(tiled, t, chunks) if tiled.staged else (0, 0)
    moving_again = t.buffer_order == CHANNELS and outer_columns > 1
    stationary_again = t.buffer_order == POSITIONS and outer_tiles > 1
    return Demand(
        scratchpad_bits=moving_bits + held_bits + sums_bits,
        buffer_bits=buffer_bits(tiled, t.channel_pes, t.buffer_channels, t.buffer_positions),
        moving=moving,
        stationary=stationary,
        carried=mapping.channels * mapping.positions * (chunks - 1),
        dram_moving=staged.total // nest.groups * (outer_visits if moving_again else nest.groups),
        dram_stationary=tiled.stationary_words * (outer_columns if stationary_again else 1),
        stationary_taken=taken,
        sending=sending,
    )


def words_again(t: Tiling, columns: int, groups: Footprint) -> int:
    """Words of position groups that are fetched again for each outer tile of channels.

    A group that stays in the PEs from one outer tile to the next is not fetched again.
    """
    if t.together >= columns:
        return 0
    if t.buffer_order == CHANNELS:
        return groups.total
    if t.together >= t.buffer_positions:
        return 0
    last_outer = columns % t.buffer_positions or t.buffer_positions
    return groups.total - (groups.last if last_outer <= t.together else 0)


def _stationary(tiled: TiledOp, t: Tiling, chunks: int) -> tuple[int, int]:
    """Stationary words sent to the PEs, and those that PEs take.

    They are sent again per group of positions, unless they stay in the PEs from one group to the
    next.
    """
    channels, tiles = tiled.canonical.channels, tiled.channel_tiles(t.channel_pes)
    columns = tiled.position_tiles(t.channel_pes)
    rest = tiles % t.buffer_channels or t.buffer_channels
    sent = taken = 0
    for first, last, staged in (
        (0, tiles - rest, t.buffer_channels),
        (tiles - rest, tiles, rest),
    ):
        if chunks > 1 or (t.order == POSITIONS and staged > 1):
            passes, each = _position_groups(t, columns), t.together
        elif staged == 1 and (t.buffer_order == CHANNELS or tiles <= t.buffer_channels):
            passes, each = 1, columns
        else:
            passes, each = -(-columns // t.buffer_positions), t.buffer_positions
        start, end = (
            tiled.stationary_words * min(tile * t.channel_pes, channels) // channels
            for tile in (first, last)
        )
        sent += (end - start) * passes
        taken += (end - start) * tiled.stationary_takers(t.channel_pes, each)
    return sent, taken


def _position_groups(t: Tiling, columns: int) -> int:
    """Number of groups of position tiles."""
    whole, rest = divmod(columns, t.buffer_positions)
    return whole * -(-t.buffer_positions // t.together) + -(-rest // t.together)


def _streamed(tiled: TiledOp, room: int, t: Tiling, per_tile: int) -> tuple[int, int, Sending]:
    """Return (bits in a PE, words per pass over the positions, how often a word is sent) of moving
    words that are not kept.

    - Space for the rows that a kernel spans: every word is sent once.
    - Space for the columns that it spans: words are sent again per kernel row.
    - Else: words are sent again per tap.
    """
    nest, array = tiled.nest, tiled.kind.architecture.pe_array
    least = array.lanes * 2 * array.staged_positions * tiled.moving_bits
    group = t.buffer_positions * per_tile
    element_bits = nest.depth // nest.groups * tiled.moving_bits
    columns = columns_of_one(nest, tiled.share(t.channel_pes, t.buffer_positions))
    rows_bits = nest.rows.held * columns * element_bits
    columns_bits = nest.columns.held * element_bits
    if rows_bits <= room:
        return max(rows_bits, least), tiled.footprint(group).total, Sending.ONCE
    if columns_bits <= room:
        words = tiled.sent_per_kernel_row(group)
        return max(columns_bits, least), words, Sending.PER_KERNEL_ROW
    return least, nest.moving_words[Sending.PER_TAP], Sending.PER_TAP


def _gradient(tiled: TiledOp, t: Tiling) -> Demand:
    """Demand of WG: one weight per lane, reduced over the batch in chunks of errors."""
    nest, mapping = tiled.nest, tiled.canonical
    per_tile = tiled.positions_per_tile(t.channel_pes)
    tiles, columns = tiled.channel_tiles(t.channel_pes), tiled.position_tiles(t.channel_pes)
    chunks, groups = -(-nest.reduction // t.chunk), -(-columns // t.together)
    channels = tiled.gradient_channels(t.together * per_tile)
    maps = tiled.reduction_footprint(t.chunk)
    held = tiled.channels_of_one(t.channel_pes, t.together)
    visits = tiled.takers(t.channel_pes, 1).visits
    moving = channels.total * maps.total * visits
    errors = sum(operand.words_read for operand in tiled.op.operands_of(Use.STATIONARY))
    passes = 1 if chunks == 1 else groups
    unique = nest.moving_words[Sending.ONCE]
    samples = nest.samples if tiled.near_memory else 1
    staged_bits = (
        unique // samples * tiled.moving_bits + errors // samples // tiles * tiled.stationary_bits
    )
    staged = staged_bits <= tiled.staging_bits
    # Rows of the input map under one row of errors, and that row of errors.
    rows_bits = nest.rows.swapped.held * nest.columns.size * nest.depth * tiled.moving_bits
    rows_bits += nest.columns.taps * mapping.channels * tiled.stationary_bits
    sums = tiled.outputs_per_pe * (t.together if chunks > 1 else 1)
    # Unless a sample is staged, each group of positions reads the maps of its channels again.
    read_again = unique // nest.depth * channels.total * visits
    return Demand(
        scratchpad_bits=t.chunk * tiled.stationary_bits
        + maps.largest * held * tiled.moving_bits
        + sums * tiled.kind.architecture.precision.psum,
        buffer_bits=min(staged_bits, rows_bits),
        moving=moving,
        stationary=errors * passes,
        stationary_taken=errors
        * tiled.stationary_takers(
            t.channel_pes, tiled.position_tiles(t.channel_pes) if passes == 1 else t.together
        ),
        carried=mapping.channels * mapping.positions * (chunks - 1),
        dram_moving=unique if staged else min(moving, read_again),
        dram_stationary=errors * (1 if staged else passes),
    )
