"""Row-stationary array: processing passes one after the other; every position executes, zeros are
gated.
"""

from __future__ import annotations

from accelsim.pe.mapping import Mapping
from accelsim.pe.row_stationary.passes import row_mapping
from accelsim.pe.systolic.model import dense_timing
from accelsim.pe.systolic.traffic import matrix_product
from accelsim.pe.timing import ArrayTiming, PEModel


class RowStationaryModel(PEModel):
    """The op as a convolution of passes. Padding and stride zeros are ordinary inputs: they are
    multiplied, and gated.
    """

    def time(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        rows = row_mapping(mapping.op, self.architecture, mapping.pes)
        return dense_timing(
            self, mapping, matrix_product(mapping.op), rows.cycles, min(blocks, rows.passes)
        )
