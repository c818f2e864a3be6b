"""Base of dense arrays (systolic and row-stationary): every position of a product takes its
cycle.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from accelsim.pe.dense.product import matrix_product
from accelsim.pe.kind import PEKind, Tile
from accelsim.pe.mapping import Mapping
from accelsim.pe.placement import Placement
from accelsim.pe.timing import ArrayTiming, TimingModel
from accelsim.step.ops import Contraction
from accelsim.zeros.effectual import effectual_macs
from accelsim.zeros.masks import MaskSource


class DenseArray(PEKind):
    """An array that skips nothing. Zeros may be gated. The dataflow fixes the mapping."""

    def tile(self, op: Contraction, placement: Placement) -> Tile:
        """Outputs of a tile: the rows and columns of the array."""
        rows = min(self.architecture.pe_array.rows, placement.pes)
        return Tile(rows, placement.pes // rows, 1)

    def timing(self, masks: MaskSource) -> TimingModel:
        return DenseTiming(self, masks)

    @abstractmethod
    def cycles(self, op: Contraction, pes: int) -> tuple[int, int]:
        """Return (cycles, folds or passes) of an op on ``pes`` PEs."""


class DenseTiming(TimingModel):
    """Timing of dense arrays.

    Every position executes. Zeros that sparse feedback does not store take cycles but are not MACs.
    """

    def __init__(self, kind: DenseArray, masks: MaskSource) -> None:
        super().__init__(kind.architecture, masks)
        self._kind = kind

    def time(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        op, product = mapping.op, matrix_product(mapping.op.nest)
        cycles, parts = self._kind.cycles(op, mapping.pes)
        blocks = min(blocks, parts)
        shares = np.arange(blocks + 1, dtype=np.int64) * cycles // blocks
        effectual, executed = effectual_macs(op, self.masks), op.dense_macs
        return ArrayTiming(
            block_cycles=np.diff(shares),
            outputs=product.m * product.n * product.groups,
            effectual=effectual,
            executed=executed,
            gated=executed - effectual if self.architecture.pe_array.gating else 0,
            busy=executed,
            window_empty=product.macs - executed,
            imbalance=0,
            idle=cycles * mapping.pes - product.macs,
            mask_bits=0,
            runs={product.k: product.m * product.n * product.groups},
            in_order=True,
        )
