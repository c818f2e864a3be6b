"""Partial sums of outer products: gradients of fully connected and recurrent layers.

A lane takes its segment of the moving vector sample after sample (a time step is a sample too), so
it adds to every output of its segment before the first one is complete. Outputs beyond the
accumulators are partial sums in the scratchpad: each MAC reads one and writes it back. The first
write of a sum needs no read, because flags in registers mark the sums that are still zero; the read
that takes a complete sum to its gradient makes up for it. With one sample, every product is a
complete output.

Sums take working space. If a segment's sums do not fit, the lane takes the segment in parts, one
after another, each over all samples.
"""

from __future__ import annotations

from typing import NamedTuple

from accelsim.pe.kind import PEKind, Tile
from accelsim.step.ops import Contraction


class OuterSums(NamedTuple):
    """Division of an outer product, and its partial sums.

    ``positions``: segments of the moving vector, over all lanes and parts. ``kept``: partial sums
    in a PE's scratchpad; 0 if there are none. ``error_passes``: times that a PE is sent the errors
    of all samples.
    """

    positions: int
    kept: int
    error_passes: int


def outer_sums(
    kind: PEKind, op: Contraction, tile: Tile, channels: int, accumulators: int
) -> OuterSums:
    """Divide the moving vector of an outer product over the lanes and parts of a tile.

    ``channels``: output channels that a PE works on at a time. ``accumulators``: sums that it holds
    outside the scratchpad.

    A part is as long as its sums have room beside two windows of both operands per lane. With
    several parts a PE keeps the errors of all samples from part to part if they take at most half
    of the space and leave room for a sum per lane; else they are sent again for each part.
    """
    array, nest = kind.architecture.pe_array, op.nest
    segment, per_word = -(-nest.positions // tile.positions), channels * array.outputs_per_pe
    if nest.samples == 1 or segment * per_word <= accumulators:
        return OuterSums(min(tile.positions, nest.positions), 0, 1)
    moving, stationary = kind.bits(op.moving.tensor), kind.bits(op.stationary.tensor)
    free = kind.working_bits - array.lanes * 2 * array.staged_positions * (moving + stationary)
    word_bits = per_word * kind.architecture.precision.psum
    if segment * word_bits <= free:
        return OuterSums(min(tile.positions, nest.positions), segment * per_word, 1)
    errors = nest.samples * channels * stationary
    keeps = errors <= kind.working_bits // 2 and errors + word_bits <= free
    parts = -(-segment // max(1, (free - errors * keeps) // word_bits))
    positions = min(tile.positions * parts, nest.positions)
    sums = -(-nest.positions // positions) * per_word
    # Parts of one output per lane need no sums outside the accumulators.
    return OuterSums(positions, sums if sums > accumulators else 0, 1 if keeps else parts)
