"""A mapping: one op's loop nest bound to PEs, lanes and memories. Plain data; `mapper.py` makes it, `sim/` executes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from accelsim.ops import Op, Tensor


class Route(StrEnum):
    """How words get between a memory and the PEs.

    MULTICAST global buffer to many PEs; SCATTER global buffer to one PE each; PEER home PE to another PE over the NoC (remote
    words); REDUCE partial sums between PEs over the NoC (remote words); COLLECT PE to global buffer; HOME into or out of the
    PE's own scratchpad (local words); BUFFER global buffer to vector unit or back.
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

    ``words`` travel (re-fetches included); ``receivers`` PEs take each of them. ``dram_words`` must cross the DRAM bus if the
    tensor lives there, or always when it ``spilled`` from the scratchpads. ``inbound``: towards the PEs (or the vector unit).
    ``masked``: its zeros are skipped, so a PE that takes a word keeps a mask bit beside it, found as the word arrives.
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


@dataclass(frozen=True)
class Mapping:
    """Canonical mapping of a contraction (DESIGN 4): PEs are output channels, lanes and further PEs output positions.

    ``channels`` and ``positions`` are the op's outputs: C and N*H*W in EP, K and R*S*C in WG, else K and N*P*Q. A tile gives
    each of ``channels_per_tile`` x ``positions_per_tile`` lanes one output. ``fill_positions`` positions are delivered to the
    PEs at once, inside which a PE packs its scheduled outputs. With ``reduction_pes`` > 1 that many PEs share the reduction of
    each output (EP under `psum_reduce`), each over the channels whose weights it holds, and lanes are output channels.
    """

    op: Op
    pes: int
    channels: int
    positions: int
    channels_per_tile: int
    positions_per_tile: int
    fill_positions: int
    copies: int
    transfers: tuple[Transfer, ...]
    reduction_pes: int = 1

    @property
    def channel_tiles(self) -> int:
        return -(-self.channels // self.channels_per_tile)

    @property
    def position_tiles(self) -> int:
        return -(-self.positions // self.positions_per_tile)
