"""Dense systolic array: closed forms per fold, SCALE-Sim's dataflows; ragged folds cost a full
array.
"""

from __future__ import annotations

import numpy as np

from accelsim.kernels.dense.systolic import fold_cycles
from accelsim.pe.mapping import Mapping
from accelsim.pe.systolic.section import SystolicArray
from accelsim.pe.systolic.traffic import MatrixProduct, matrix_product
from accelsim.pe.timing import ArrayTiming, PEModel
from accelsim.zeros.effectual import effectual_macs

DATAFLOWS = {"output_stationary": "os", "weight_stationary": "ws", "input_stationary": "is"}


class SystolicModel(PEModel):
    """Products one after the other; every position executes, zeros are gated, and zeros that are
    not stored are no MACs.
    """

    def time(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        op, array = mapping.op, SystolicArray.of(self.architecture.pe_array)
        product = matrix_product(op)
        rows = min(array.rows, mapping.pes)
        cycles, folds = fold_cycles(
            product.m, product.n, product.k, rows, mapping.pes // rows, DATAFLOWS[array.dataflow]
        )
        return dense_timing(
            self, mapping, product, product.groups * cycles, min(blocks, product.groups * folds)
        )


def dense_timing(
    model: PEModel, mapping: Mapping, product: MatrixProduct, cycles: int, blocks: int
) -> ArrayTiming:
    """Timing of an op that multiplies all of its ``product`` in ``cycles``; zeros that sparse
    feedback does not store have their cycles.
    """
    op = mapping.op
    shares = np.arange(blocks + 1, dtype=np.int64) * cycles // blocks
    effectual = effectual_macs(op, model.masks)
    return ArrayTiming(
        block_cycles=np.diff(shares),
        outputs=product.m * product.n * product.groups,
        effectual=effectual,
        executed=op.dense_macs,
        gated=op.dense_macs - effectual if model.architecture.pe_array.gating else 0,
        busy=op.dense_macs,
        window_empty=product.macs - op.dense_macs,
        imbalance=0,
        idle=cycles * mapping.pes - product.macs,
        mask_bits=0,
    )
