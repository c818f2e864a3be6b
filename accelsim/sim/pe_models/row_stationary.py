"""Row-stationary array: processing passes one after the other; every position executes, zeros are gated."""

from __future__ import annotations

import numpy as np

from accelsim.effectual import effectual_macs
from accelsim.mapping import Mapping
from accelsim.row_stationary import row_mapping
from accelsim.sim.pe_models.base import ArrayTiming, PEModel


class RowStationaryModel(PEModel):
    """The op as a convolution of passes. Padding and stride zeros are ordinary inputs: they are multiplied, and gated."""

    def time(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        op = mapping.op
        rows = row_mapping(op, self.architecture, mapping.pes)
        blocks = min(blocks, rows.passes)
        shares = np.arange(blocks + 1, dtype=np.int64) * rows.cycles // blocks
        effectual = effectual_macs(op, self.masks)
        images, filters, _, height, width = rows.shape[:5]
        return ArrayTiming(
            block_cycles=np.diff(shares),
            outputs=rows.groups * images * filters * height * width,
            effectual=effectual,
            executed=op.dense_macs,
            gated=op.dense_macs - effectual if self.architecture.pe_array.gating else 0,
            busy=op.dense_macs,
            window_empty=0,
            imbalance=0,
            idle=rows.cycles * mapping.pes - op.dense_macs,
            mask_bits=0,
        )
