"""A mapping: one op's loop nest bound to PEs, lanes and memories.

Plain data. `PEKind.map` builds it for `accelsim/mapping/mapper.py`; `sim/` executes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.lanes.tiles import CHANNELS_OUTERMOST, POSITIONS_OUTER
from accelsim.step.ops import Contraction, Tensor

POSITIONS_OUTERMOST = CHANNELS_OUTERMOST.copy()
POSITIONS_OUTERMOST[POSITIONS_OUTER] = 1


class Route(StrEnum):
    """Path of words between a memory and the PEs.

    - MULTICAST: global buffer to many PEs.
    - SCATTER: global buffer to one PE each.
    - PEER: home PE to another PE over the NoC (remote words).
    - REDUCE: partial sums between PEs over the NoC (remote words).
    - COLLECT: PE to global buffer.
    - PASS: PE to the vector unit, which keeps no word of them.
    - HOME: into or out of the PE's own scratchpad (local words).
    - BUFFER: global buffer to vector unit or back.
    - LOAD: DRAM to the place where the words stay from step to step: home scratchpads, or, without
      receivers, the global buffer.
    """

    MULTICAST = "multicast"
    SCATTER = "scatter"
    PEER = "peer"
    REDUCE = "reduce"
    COLLECT = "collect"
    PASS = "pass"
    HOME = "home"
    BUFFER = "buffer"
    LOAD = "load"


@dataclass(frozen=True)
class Transfer:
    """Words of one tensor that an op moves over one route.

    - ``inbound``: towards the PEs or the vector unit.
    - ``words``: words moved, re-fetches included; ``bits``: bits per word.
    - ``deliveries``: words delivered into PEs, i.e. the sum over the words of the PEs that take
      each; by default each word goes to one.
    - ``dram_words``: words that cross the DRAM bus if the tensor lives in DRAM.
    - ``spilled``: the words did not fit the scratchpads, so they always cross the DRAM bus.
    - ``masked``: zeros are skipped, so a PE stores a mask bit beside each word that arrives.
    - ``partial``: the words are partial sums of the tensor.
    """

    tensor: Tensor
    route: Route
    inbound: bool
    words: int
    bits: int
    deliveries: int = -1
    dram_words: int = 0
    spilled: bool = False
    masked: bool = False
    partial: bool = False

    def __post_init__(self) -> None:
        if self.deliveries < 0:
            object.__setattr__(self, "deliveries", self.words)

    @property
    def enters_pes(self) -> bool:
        """Whether the words come over the NoC, not from the PE's own scratchpad."""
        between = self.route in (Route.PEER, Route.REDUCE)
        return between or self.route in (Route.MULTICAST, Route.SCATTER, Route.LOAD)


@dataclass(frozen=True)
class Tiling:
    """Loop order and tile sizes of an op, at two levels: tiles of the global buffer and tiles of
    the PEs.

    ``channel_pes`` PEs work on output channels in parallel; the remaining factor of PEs works on
    positions. A channel tile has one channel per PE of the first kind. A position tile has one
    output per lane of the second.

    Global buffer: it stages ``buffer_channels`` x ``buffer_positions`` tiles at a time.
    ``buffer_order`` (channels or positions) is its outer loop.

    PEs: ``order`` is their outer loop. Under ``channels`` a PE keeps a channel's stationary words
    while all positions pass. Under ``positions`` it keeps the moving words of ``together`` position
    tiles while all channels pass.

    Stationary words arrive in chunks of ``chunk`` words of an output's reduction. If a chunk is
    less than the reduction, PEs carry the partial sums of ``together`` position tiles from chunk to
    chunk.
    """

    channel_pes: int
    order: str
    together: int
    chunk: int
    buffer_order: str
    buffer_channels: int
    buffer_positions: int


@dataclass(frozen=True)
class Mapping:
    """Mapping of a contraction (docs/mapping.md): PEs are output channels; lanes and spare PEs are
    output positions.

    - ``pes``: PEs that the op may use.
    - ``channels``, ``positions``: extents of the outputs: C and N*H*W in EP, K and R*S*C in WG,
      else K and N*P*Q.
    - ``channels_per_tile`` x ``positions_per_tile``: lanes of a tile, one output each.
    - ``fill_positions``: positions delivered to the PEs at once; among these a PE packs its
      scheduled outputs.
    - ``copies``: copies of the stationary operand that work in parallel, one in each group of PEs
      that works on different positions of the same channels.
    - ``reduction_pes``: PEs that share the reduction of each output (EP under `psum_reduce`), each
      over the channels whose weights it holds. If > 1, lanes are output channels.
    - ``tiling``: the chosen loop nest, or None for the canonical one.
    - ``positions_outermost``: in the canonical loop nest all channel tiles pass for a position
      tile, not all position tiles for a channel tile.
    - ``kept_sums``: partial sums in a PE's scratchpad while the samples of an outer product pass; 0
      if lanes hold their sums themselves.
    """

    op: Contraction
    pes: int
    channels: int
    positions: int
    channels_per_tile: int
    positions_per_tile: int
    fill_positions: int
    copies: int
    transfers: tuple[Transfer, ...]
    reduction_pes: int = 1
    tiling: Tiling | None = None
    kept_sums: int = 0
    positions_outermost: bool = False

    @property
    def nest(self) -> NDArray[np.int64]:
        """Order in which tiles are visited, in the form that `kernels.lanes.tiles` takes: int64
        (5).
        """
        t = self.tiling
        if t is None:
            return POSITIONS_OUTERMOST if self.positions_outermost else CHANNELS_OUTERMOST
        return np.array(
            [
                t.together,
                t.buffer_channels,
                t.buffer_positions,
                t.order == "positions",
                t.buffer_order == "positions",
            ],
            np.int64,
        )

    @property
    def channel_tiles(self) -> int:
        """Number of channel tiles."""
        return -(-self.channels // self.channels_per_tile)

    @property
    def position_tiles(self) -> int:
        """Number of position tiles."""
        return -(-self.positions // self.positions_per_tile)
