"""Timing models of the PE array. A model prices a mapped op block by block; adding one is a file
here and a line below.
"""

from __future__ import annotations

from accelsim.machine.architecture import Architecture
from accelsim.pe.broadcast.model import BroadcastModel
from accelsim.pe.coupled.model import CoupledModel
from accelsim.pe.lanes.model import LanesModel
from accelsim.pe.row_stationary.model import RowStationaryModel
from accelsim.pe.systolic.model import SystolicModel
from accelsim.pe.timing import ArrayTiming, PEModel
from accelsim.zeros.masks import MaskSource

MODELS: dict[str, type[PEModel]] = {
    "lanes": LanesModel,
    "coupled": CoupledModel,
    "broadcast": BroadcastModel,
    "systolic": SystolicModel,
    "row_stationary": RowStationaryModel,
}
"""Models by kind."""


def pe_model(architecture: Architecture, masks: MaskSource) -> PEModel:
    """The timing model that the architecture names."""
    return MODELS[architecture.pe_array.kind](architecture, masks)


__all__ = ["MODELS", "ArrayTiming", "PEModel", "pe_model"]
