"""Timing of coupled lanes (docs/pe-coupled.md; TensorDash, Mahmoud et al., MICRO 2020).

The 16 lanes of a PE reduce one output cooperatively. Executed, skipped and gated pairs, tiles,
barriers and unscheduled outputs are those of kind `lanes`; only the cycles of a stream differ, as
the staging buffer determines them.

An outer product reduces over samples only. A PE therefore needs at least one cycle per output, and
one cycle covers at most 48 samples (three rows of its staging buffer).
"""

from __future__ import annotations

from accelsim.kernels.bits.bitmaps import PackedMask
from accelsim.kernels.bits.taps import MapTaps
from accelsim.kernels.coupled import streams as coupled_streams
from accelsim.kernels.coupled.staging import LANES
from accelsim.kernels.lanes.pair_streams import pair_stream_cycles
from accelsim.kernels.lanes.weight_gradient import wgrad_cycles
from accelsim.kernels.lanes.zero_skip import stream_cycles
from accelsim.machine.architecture import Machine
from accelsim.pe.lanes.model import LanesModel
from accelsim.pe.lanes.streams import Cycles, Words
from accelsim.pe.lanes.walks import ONE_TAP, Walks
from accelsim.zeros.masks import MaskSource

ROWS = 3
"""Rows of the staging buffer."""


class CoupledWalks(Walks):
    """Streams of PEs with a staging buffer.

    The number of set bits does not depend on the kind of lane, so the fastest kernel counts them: a
    window of one position.
    """

    lanes_per_output = LANES
    in_order = True

    def every(self, length: Cycles) -> Cycles:
        cycles: Cycles = -(-length // LANES)
        return cycles

    def expected(self, length: float, set_bits: float) -> float:
        """A cycle takes at most `LANES` pairs and passes at most `ROWS` rows of as many positions.
        This bound leaves out pairs that no lane can reach.
        """
        return max(1.0, length / (ROWS * LANES), set_bits / LANES)

    def moving(self, moving: PackedMask, taps: MapTaps) -> tuple[Cycles, Cycles]:
        set_bits = stream_cycles(*moving, *taps, 1)[1]
        return coupled_streams.stream_cycles(*moving, *taps), set_bits

    def pairs(
        self, moving: PackedMask, stationary: Words, taps: MapTaps, skip: str = "both"
    ) -> tuple[Cycles, Cycles]:
        set_bits = pair_stream_cycles(*moving, stationary, *taps, LANES, skip)[1]
        return coupled_streams.pair_stream_cycles(*moving, stationary, *taps, skip), set_bits

    def gradients(
        self, x: PackedMask, e: PackedMask, samples: int, taps: MapTaps, skip: str
    ) -> tuple[Cycles, int]:
        set_bits = wgrad_cycles(x, e, samples, taps, 1, skip)[1]
        return coupled_streams.wgrad_cycles(x, e, samples, taps, skip), set_bits

    def outer(
        self, x: PackedMask, e: PackedMask, samples: int, segments: int, skip: str
    ) -> tuple[Cycles, int]:
        x, e = (PackedMask(each.words[:, None, None], each.channels) for each in (x, e))
        return self.gradients(x, e, samples, ONE_TAP, skip)


class CoupledModel(LanesModel):
    """Timing model of coupled lanes."""

    def __init__(self, architecture: Machine, masks: MaskSource) -> None:
        super().__init__(architecture, masks, CoupledWalks())
