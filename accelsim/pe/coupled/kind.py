"""Arrays of coupled lanes: the lanes of a PE reduce one output cooperatively
(`docs/pe-coupled.md`).
"""

from __future__ import annotations

from accelsim.pe.coupled.model import CoupledModel, CoupledWalks
from accelsim.pe.kind import Loops
from accelsim.pe.lanes.expected import ExpectedLanes
from accelsim.pe.mapping import Mapping
from accelsim.pe.skipping.array import SkippingArray
from accelsim.pe.skipping.loops import reduction_loop, spatial_loops, tile_loops
from accelsim.pe.timing import TimingModel
from accelsim.zeros.masks import MaskSource


class Coupled(SkippingArray):
    """Each PE reduces one output at a time."""

    deals_vectors = False
    """Off: a PE reduces each output of an outer product over the samples."""

    def timing(self, masks: MaskSource) -> TimingModel:
        return CoupledModel(self.architecture, masks)

    def expected_timing(self, masks: MaskSource) -> TimingModel:
        return ExpectedLanes(self.architecture, masks, CoupledWalks())

    def loops(self, mapping: Mapping) -> Loops:
        lanes = self.architecture.pe_array.lanes
        shared = f"parallel {mapping.op.nest.names.reduction} over {lanes} lanes"
        return [
            *tile_loops(mapping),
            *spatial_loops(mapping),
            ("lanes", f"{shared} of a staging buffer"),
            *reduction_loop(mapping),
        ]
