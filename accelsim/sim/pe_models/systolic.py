"""Dense systolic array: closed forms per fold, SCALE-Sim's dataflows; ragged folds cost a full array."""

from __future__ import annotations

import numpy as np

from accelsim.effectual import effectual_macs
from accelsim.kernels.systolic import fold_cycles
from accelsim.mapper import extents
from accelsim.mapping import Mapping
from accelsim.ops import OpKind, Pass
from accelsim.sim.pe_models.base import ArrayTiming, PEModel

DATAFLOWS = {"output_stationary": "os", "weight_stationary": "ws", "input_stationary": "is"}


class SystolicModel(PEModel):
    """GEMM of M output positions, N output channels and K reduction, a group at a time; every position executes, zeros are gated."""

    def time(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        op = mapping.op
        bounds = op.bounds
        assert bounds is not None
        array = self.architecture.pe_array
        outputs = extents(op)
        groups = bounds.groups if op.kind is not OpKind.FEEDBACK else 1
        positions = bounds.r * bounds.s * bounds.c // groups if op.pass_ is Pass.WG else outputs.positions
        rows = min(array.rows, mapping.pes)
        cycles, folds = fold_cycles(positions, outputs.channels // groups, outputs.reduction, rows, mapping.pes // rows, DATAFLOWS[array.dataflow])
        cycles, folds = cycles * groups, folds * groups
        blocks = min(blocks, folds)
        shares = np.arange(blocks + 1, dtype=np.int64) * cycles // blocks
        effectual = effectual_macs(op, self.masks)
        lane_cycles = cycles * mapping.pes
        return ArrayTiming(
            block_cycles=np.diff(shares),
            outputs=outputs.channels * positions,
            effectual=effectual,
            executed=op.dense_macs,
            gated=op.dense_macs - effectual if array.gating else 0,
            busy=op.dense_macs,
            window_empty=0,
            imbalance=0,
            idle=lane_cycles - op.dense_macs,
            mask_bits=0,
        )
