"""Arrays of zero-skipping lanes, each with its own window (`docs/pe-lanes.md`)."""

from __future__ import annotations

from accelsim.pe.kind import Loops
from accelsim.pe.lanes.expected import ExpectedLanes
from accelsim.pe.lanes.model import LanesModel
from accelsim.pe.lanes.section import LanesArray
from accelsim.pe.lanes.walks import LaneWalks
from accelsim.pe.mapping import Mapping
from accelsim.pe.skipping.array import SkippingArray
from accelsim.pe.skipping.loops import reduction_loop, spatial_loops, tile_loops
from accelsim.pe.timing import TimingModel
from accelsim.zeros.masks import MaskSource


class Lanes(SkippingArray):
    """Each lane reduces one output."""

    def timing(self, masks: MaskSource) -> TimingModel:
        return LanesModel(self.architecture, masks)

    def expected_timing(self, masks: MaskSource) -> TimingModel:
        return ExpectedLanes(
            self.architecture, masks, LaneWalks(LanesArray.of(self.architecture.pe_array).window)
        )

    def loops(self, mapping: Mapping) -> Loops:
        return [*tile_loops(mapping), *spatial_loops(mapping), *reduction_loop(mapping)]
