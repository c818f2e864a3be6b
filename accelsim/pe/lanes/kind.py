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

    def stationary_streams(self, mapping: Mapping) -> tuple[int, int] | None:
        """Lanes of a PE work on positions of one channel, so they share its words. In an outer
        product a lane takes a segment, in a shared reduction a channel, and in feedback to maps
        each pixel has words of its own.
        """
        array, nest = LanesArray.of(self.architecture.pe_array), mapping.op.nest
        apart = nest.outer_product or nest.unshared or nest.stored or mapping.reduction_pes > 1
        if not array.operand_buffer or apart:
            return None
        return -(-mapping.positions // array.lanes), mapping.positions

    def loops(self, mapping: Mapping) -> Loops:
        return [*tile_loops(mapping), *spatial_loops(mapping), *reduction_loop(mapping)]
