"""Timing models of the PE array. A model prices a mapped op block by block; adding one is a file here and a line below."""

from __future__ import annotations

from accelsim.masks import MaskSource
from accelsim.sim.pe_models.base import ArrayTiming, PEModel
from accelsim.sim.pe_models.broadcast import BroadcastModel
from accelsim.sim.pe_models.coupled import CoupledModel
from accelsim.sim.pe_models.lanes import LanesModel
from accelsim.sim.pe_models.row_stationary import RowStationaryModel
from accelsim.sim.pe_models.systolic import SystolicModel
from accelsim.spec.architecture import Architecture

MODELS: dict[str, type[PEModel]] = {
    "lanes": LanesModel,
    "coupled": CoupledModel,
    "broadcast": BroadcastModel,
    "systolic": SystolicModel,
    "row_stationary": RowStationaryModel,
}
"""Models by kind, or by dataflow where a systolic array has a model of its own (`PEArray.model`)."""


def pe_model(architecture: Architecture, masks: MaskSource) -> PEModel:
    """The timing model that the architecture names."""
    return MODELS[architecture.pe_array.model](architecture, masks)


__all__ = ["MODELS", "ArrayTiming", "PEModel", "pe_model"]
