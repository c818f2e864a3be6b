"""An op on a machine as its tilings need it: extents in tiles, staging and footprints."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cached_property, lru_cache

from accelsim.kernels.bits.reads import Share
from accelsim.mapping.tiling.footprint import (
    Footprint,
    channels_of_one,
    gradient_channels,
    moving_footprint,
    reduction_footprint,
    sent_per_kernel_row,
)
from accelsim.pe.kind import PEKind
from accelsim.pe.mapping import Mapping, Route
from accelsim.pe.skipping.receivers import (
    ChannelTakers,
    channel_takers,
    position_takers,
)
from accelsim.step.ops import Contraction

STAGING = (Route.SCATTER, Route.PEER)
"""Routes of stationary words to PEs that are not their home."""


class TiledOp:
    """Extents of an op in tiles, for a given number of PEs on output channels."""

    def __init__(self, kind: PEKind, canonical: Mapping) -> None:
        self.kind = kind
        self.canonical = canonical
        self.op: Contraction = canonical.op
        self.nest = self.op.nest
        self.near_memory = kind.near_memory
        self.moving_bits = kind.bits(self.op.moving.tensor)
        self.stationary_bits = kind.bits(self.op.stationary.tensor)
        self.stationary_words = self.op.stationary.tensor.elements
        self.working_bits = kind.working_bits
        self.staging_bits = kind.staging_bits
        self.outputs_per_pe = kind.architecture.pe_array.outputs_per_pe

    @property
    def geometry(self) -> Hashable:
        """Everything that legality and demand depend on. Ops of equal geometry have the same
        tilings.
        """
        mapping = self.canonical
        words = (self.moving_bits, self.stationary_bits, self.stationary_words)
        shape = (mapping.channels_per_tile, mapping.positions_per_tile, mapping.fill_positions)
        return self.nest, *words, self.staged, self.passes_buffer, *shape, mapping.reduction_pes

    @property
    def tileable(self) -> bool:
        """Whether there is a choice of tilings.

        None exists for outer products, psum-reduced EP, sparse feedback, feedback to maps (each
        pixel has stationary rows of its own), or arrays with a fixed mapping.
        """
        nest = self.nest
        rows_of_pixels = nest.unshared and nest.map_positions > 1
        return (
            not self.kind.architecture.pe_array.has_fixed_mapping
            and not nest.outer_product
            and not self.kind.reduces(self.op)
            and not (nest.stored or rows_of_pixels)
        )

    def channel_tiles(self, channel_pes: int) -> int:
        """Number of channel tiles with ``channel_pes`` PEs on output channels."""
        return -(-self.canonical.channels // channel_pes)

    def positions_per_tile(self, channel_pes: int) -> int:
        """Lanes of the PEs that work on different positions.

        On a near-memory machine the canonical mapping fixes them.
        """
        if self.near_memory:
            return self.canonical.positions_per_tile
        return self.canonical.pes // channel_pes * self.outputs_per_pe

    def position_tiles(self, channel_pes: int) -> int:
        """Number of position tiles with ``channel_pes`` PEs on output channels."""
        return -(-self.canonical.positions // self.positions_per_tile(channel_pes))

    @cached_property
    def channel_splits(self) -> tuple[int, ...]:
        """Numbers of PEs that may work on output channels.

        They are divisors of the number of PEs, up to the first that covers all channels. On a
        near-memory machine the homes of weights leave only one choice.
        """
        if self.near_memory:
            return (self.canonical.channels_per_tile,)
        pes, channels = self.canonical.pes, self.canonical.channels
        divisors = [d for d in range(1, pes + 1) if pes % d == 0]
        above = min(d for d in divisors if d >= min(pes, channels))
        return tuple(d for d in divisors if d < channels or d == above)

    @cached_property
    def staged(self) -> bool:
        """Whether PEs stage stationary words, i.e. neither hold nor generate them."""
        if not self.near_memory or self.op.stationary_arrives:
            return True
        tensor = self.op.stationary.tensor
        return any(t.tensor == tensor and t.route in STAGING for t in self.canonical.transfers)

    @cached_property
    def passes_buffer(self) -> bool:
        """Whether stationary words come through the global buffer."""
        spilled = any(t.spilled for t in self.canonical.transfers)
        outside = spilled or self.op.stationary_arrives
        return self.staged and (not self.near_memory or outside)

    # Footprints of the moving operand

    @lru_cache  # noqa: B019  it lives as long as the choice for its op
    def footprint(self, group: int) -> Footprint:
        """Cached `moving_footprint` of the op."""
        return moving_footprint(self.nest, group)

    @lru_cache  # noqa: B019
    def sent_per_kernel_row(self, group: int) -> int:
        """Cached `sent_per_kernel_row` of the op."""
        return sent_per_kernel_row(self.nest, group)

    @lru_cache  # noqa: B019
    def gradient_channels(self, group: int) -> Footprint:
        """Cached `gradient_channels` of the op."""
        return gradient_channels(self.nest, group)

    @lru_cache  # noqa: B019
    def reduction_footprint(self, chunk: int) -> Footprint:
        """Cached `reduction_footprint` of the op."""
        return reduction_footprint(self.nest, chunk)

    @lru_cache  # noqa: B019
    def channels_of_one(self, channel_pes: int, together: int) -> int:
        """Cached `channels_of_one` of the op."""
        return channels_of_one(self.nest, self.share(channel_pes, together))

    # Receivers of the moving operand

    def takers(self, channel_pes: int, tiles: int) -> ChannelTakers:
        """PEs that take the moving words of each channel group, sent once per ``tiles`` channel
        tiles.
        """
        channels, groups = self.canonical.channels, self.nest.groups
        return channel_takers(channels, groups, channel_pes, channel_pes * tiles)

    def stationary_takers(self, channel_pes: int, together: int) -> int:
        """Groups of PEs that take a stationary word, sent once per ``together`` position tiles."""
        return position_takers(self.canonical.positions, self.share(channel_pes, together))

    def share(self, channel_pes: int, together: int) -> Share:
        """Positions of each group of PEs, which keep moving words for ``together`` tiles."""
        return Share(self.outputs_per_pe, self.positions_per_tile(channel_pes), together)
