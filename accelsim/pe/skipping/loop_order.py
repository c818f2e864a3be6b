"""Loop order of the canonical mapping where PEs hold the stationary words of all their channels.

Channels stay in the PEs in any order. If moving words of all positions do not, all channel tiles
pass for a position tile, so that a moving word is not sent again for each channel tile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from accelsim.kernels.bits.reads import Share
from accelsim.pe.mapping import Mapping, Route, Transfer
from accelsim.pe.skipping.receivers import (
    Sending,
    moving_held,
    moving_taken,
    sending_within,
    tile_held,
)
from accelsim.step.ops import Use

if TYPE_CHECKING:
    from accelsim.pe.skipping.array import SkippingArray


def positions_outermost(kind: SkippingArray, draft: Mapping) -> bool:
    """Whether all channel tiles pass for a position tile, if no stationary words are sent: the
    moving words of a tile stay meanwhile, but those of all positions would not. Needed outputs that
    are packed have tiles of their own.
    """
    op, nest = draft.op, draft.op.nest
    packs = op.needed is not None and kind.architecture.pe_array.skip_outputs
    one = 1 in (draft.channel_tiles, draft.position_tiles)
    if not kind.swaps_loops or one or draft.reduction_pes > 1 or packs:
        return False
    if nest.groups > 1 or nest.unshared or nest.stored or nest.sums_samples:
        return False
    words, share = kind.moving_room(draft) // kind.bits(op.moving.tensor), kind.share(draft)
    if moving_held(nest, share) <= words or tile_held(nest, share) > words:
        return False
    sending = sending_within(words, nest, nest.depth, share)
    tile = moving_taken(nest, share._replace(together=1), Sending.ONCE)
    again = moving_taken(nest, share, sending) * draft.channel_tiles
    return sending is Sending.ONCE or tile < again


def tile_by_tile(kind: SkippingArray, draft: Mapping) -> tuple[Transfer, ...]:
    """Transfers of the moving operand while all channel tiles pass for a position tile: once if
    PEs keep the rows that a kernel spans, else once per position tile.
    """
    op, nest, share = draft.op, draft.op.nest, kind.share(draft)
    bits, unique = kind.bits(op.moving.tensor), nest.moving_words[Sending.ONCE]
    rows = sending_within(kind.moving_room(draft) // bits, nest, nest.depth, share) is Sending.ONCE
    kept = draft.position_tiles if rows else 1
    taken = moving_taken(nest, share._replace(together=kept), Sending.ONCE)
    sent = unique
    if not rows and nest.has_taps:
        sent = moving_taken(nest, Share(share.tile, share.tile, 1), Sending.ONCE)
    takers = min(nest.channels, draft.channels_per_tile)
    staged = unique // nest.samples * bits <= kind.staging_bits
    return kind.spread(
        op, Use.MOVING, Route.MULTICAST, sent, taken * takers, unique if staged else sent
    )
