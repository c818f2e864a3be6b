"""A mapping: one op's loop nest bound to PEs, lanes and memories. Plain data; `PEKind.map` makes it
for `accelsim/mapping/mapper.py`, `sim/` executes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.lanes.tiles import CHANNELS_OUTERMOST
from accelsim.step.ops import Contraction, Tensor


class Route(StrEnum):
    """How words get between a memory and the PEs.

    MULTICAST global buffer to many PEs; SCATTER global buffer to one PE each; PEER home PE to
    another PE over the NoC (remote words); REDUCE partial sums between PEs over the NoC (remote
    words); COLLECT PE to global buffer; HOME into or out of the PE's own scratchpad (local words);
    BUFFER global buffer to vector unit or back.
    """

    MULTICAST = "multicast"
    SCATTER = "scatter"
    PEER = "peer"
    REDUCE = "reduce"
    COLLECT = "collect"
    HOME = "home"
    BUFFER = "buffer"


@dataclass(frozen=True)
class Transfer:
    """Words of one tensor that an op moves over one route.

    ``words`` travel (re-fetches included); ``receivers`` PEs take each of them. ``dram_words`` must
    cross the DRAM bus if the tensor lives there, or always when it ``spilled`` from the
    scratchpads. ``inbound``: towards the PEs (or the vector unit). ``masked``: its zeros are
    skipped, so a PE that takes a word keeps a mask bit beside it, found as the word arrives.
    ``partial``: partial sums of what the tensor will be.
    """

    tensor: Tensor
    route: Route
    inbound: bool
    words: int
    bits: int
    receivers: int = 1
    dram_words: int = 0
    spilled: bool = False
    masked: bool = False
    partial: bool = False


@dataclass(frozen=True)
class Tiling:
    """Loop order and tile sizes of an op: two levels of tiles, those that the global buffer stages
    and those that the PEs do.

    ``channel_pes`` PEs work side by side on output channels, the others on positions. A channel
    tile has a channel for each of them, a position tile an output for each lane of the rest. The
    global buffer stages ``buffer_channels`` x ``buffer_positions`` of these tiles at a time, going
    first through the extent that ``buffer_order`` does not name. Inside, ``order`` names the outer
    loop: under ``channels`` a PE keeps a channel's stationary words while all positions pass, under
    ``positions`` it keeps the moving words of ``together`` position tiles while all channels pass.
    Stationary words come ``chunk`` of an output's reduction at a time; where that is not all of it,
    PEs carry the partial sums of ``together`` position tiles from chunk to chunk.
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
    """Mapping of a contraction (docs/mapping.md): PEs are output channels, lanes and further PEs
    output positions.

    ``channels`` and ``positions`` are the op's outputs: C and N*H*W in EP, K and R*S*C in WG, else
    K and N*P*Q. A tile gives each of ``channels_per_tile`` x ``positions_per_tile`` lanes one
    output. ``fill_positions`` positions are delivered to the PEs at once, inside which a PE packs
    its scheduled outputs. With ``reduction_pes`` > 1 that many PEs share the reduction of each
    output (EP under `psum_reduce`), each over the channels whose weights it holds, and lanes are
    output channels. ``tiling``: the loop nest that was chosen instead of the canonical one.
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

    @property
    def nest(self) -> NDArray[np.int64]:
        """The order in which tiles are visited, as `kernels.lanes.tiles` takes it."""
        t = self.tiling
        if t is None:
            return CHANNELS_OUTERMOST
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
        return -(-self.channels // self.channels_per_tile)

    @property
    def position_tiles(self) -> int:
        return -(-self.positions // self.positions_per_tile)
