"""Coupled lanes (docs/pe-coupled.md; TensorDash, Mahmoud et al., MICRO 2020): the 16 lanes of a PE
reduce one output together.

Which pairs are executed, skipped and gated, tiles, barrier and unscheduled outputs are those of
`lanes`; a stream costs what its PE's staging buffer makes of it. An outer product has no reduction
but over samples, so a PE needs a cycle for each of its outputs, 48 samples at most going into one.
"""

from __future__ import annotations

from accelsim.kernels.bits.bitmaps import PackedMask
from accelsim.kernels.bits.taps import MapTaps
from accelsim.kernels.coupled import streams as coupled_streams
from accelsim.kernels.coupled.staging import LANES
from accelsim.kernels.lanes.pair_streams import pair_stream_cycles
from accelsim.kernels.lanes.weight_gradient import wgrad_cycles
from accelsim.kernels.lanes.zero_skip import stream_cycles
from accelsim.machine.architecture import Architecture
from accelsim.pe.lanes.model import LanesModel
from accelsim.pe.lanes.streams import Cycles, Words
from accelsim.pe.lanes.walks import ONE_TAP, Walks
from accelsim.zeros.masks import MaskSource


class CoupledWalks(Walks):
    """PEs with a staging buffer. Set bits are those of any array of lanes: a window of one position
    finds them cheapest.
    """

    lanes_per_output = LANES

    def every(self, length: Cycles) -> Cycles:
        cycles: Cycles = -(-length // LANES)
        return cycles

    def moving(self, moving: PackedMask, taps: MapTaps) -> tuple[Cycles, Cycles]:
        found = stream_cycles(*moving, *taps, 1)[1]
        return coupled_streams.stream_cycles(*moving, *taps), found

    def pairs(
        self, moving: PackedMask, stationary: Words, taps: MapTaps, skip: str = "both"
    ) -> tuple[Cycles, Cycles]:
        found = pair_stream_cycles(*moving, stationary, *taps, LANES, skip)[1]
        return coupled_streams.pair_stream_cycles(*moving, stationary, *taps, skip), found

    def gradients(
        self, x: PackedMask, e: PackedMask, samples: int, taps: MapTaps, skip: str
    ) -> tuple[Cycles, int]:
        found = wgrad_cycles(x, e, samples, taps, 1, skip)[1]
        return coupled_streams.wgrad_cycles(x, e, samples, taps, skip), found

    def outer(
        self, x: PackedMask, e: PackedMask, samples: int, segments: int, skip: str
    ) -> tuple[Cycles, int]:
        x, e = (PackedMask(each.words[:, None, None], each.channels) for each in (x, e))
        return self.gradients(x, e, samples, ONE_TAP, skip)


class CoupledModel(LanesModel):
    """The array of coupled lanes."""

    def __init__(self, architecture: Architecture, masks: MaskSource) -> None:
        super().__init__(architecture, masks, CoupledWalks())
