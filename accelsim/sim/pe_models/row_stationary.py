"""Row-stationary array: processing passes one after the other; every position executes, zeros are gated."""

from __future__ import annotations

from accelsim.mapping import Mapping
from accelsim.row_stationary import row_mapping
from accelsim.sim.pe_models.base import ArrayTiming, PEModel
from accelsim.sim.pe_models.systolic import dense_timing
from accelsim.systolic_traffic import matrix_product


class RowStationaryModel(PEModel):
    """The op as a convolution of passes. Padding and stride zeros are ordinary inputs: they are multiplied, and gated."""

    def time(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        rows = row_mapping(mapping.op, self.architecture, mapping.pes)
        return dense_timing(self, mapping, matrix_product(mapping.op), rows.cycles, min(blocks, rows.passes))
