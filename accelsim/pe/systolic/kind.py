"""Systolic arrays: closed form per fold with SCALE-Sim's dataflows (`docs/pe-systolic.md`).

A ragged fold costs a full array.
"""

from __future__ import annotations

from accelsim.kernels.dense.systolic import fold_cycles
from accelsim.pe.dense.array import DenseArray
from accelsim.pe.dense.product import matrix_product
from accelsim.pe.kind import Loops, OperandReads, elements, turns, written
from accelsim.pe.mapping import Mapping, Route, Transfer
from accelsim.pe.placement import Placement
from accelsim.pe.systolic.section import SystolicArray
from accelsim.pe.systolic.traffic import fold_traffic
from accelsim.pe.timing import ArrayTiming
from accelsim.step.ops import Contraction, Use

DATAFLOWS = {"output_stationary": "os", "weight_stationary": "ws", "input_stationary": "is"}


class Systolic(DenseArray):
    """Matrix products, one after another; operands pass from PE to PE through registers."""

    def cycles(self, op: Contraction, pes: int) -> tuple[int, int]:
        product, array = matrix_product(op.nest), SystolicArray.of(self.architecture.pe_array)
        rows = min(array.rows, pes)
        cycles, folds = fold_cycles(
            product.m, product.n, product.k, rows, pes // rows, DATAFLOWS[array.dataflow]
        )
        return product.groups * cycles, product.groups * folds

    def operand_reads(self, timing: ArrayTiming) -> OperandReads:
        """No scratchpad reads: operands pass through registers, which count as control."""
        return OperandReads(0, 0)

    def operand_transfers(self, draft: Mapping, placement: Placement) -> tuple[Transfer, ...]:
        """Transfers of operands and partial sums. Between folds the array keeps only the operand
        that its dataflow names.
        """
        op, product = draft.op, matrix_product(draft.op.nest)
        array = SystolicArray.of(self.architecture.pe_array)
        rows = min(array.rows, placement.pes)
        traffic = fold_traffic(
            product.m, product.n, product.k, rows, placement.pes // rows, array.dataflow
        )
        moving, stationary = elements(op, Use.MOVING), elements(op, Use.STATIONARY)
        streamed = op.nest.moving_words[2] * traffic.moving_passes
        loaded = stationary * traffic.stationary_passes
        fits = [
            words * self.bits(operand.tensor) <= self.staging_bits
            for words, operand in ((moving, op.moving), (stationary, op.stationary))
        ]
        dram_moving = moving * (1 if fits[0] else traffic.moving_passes)
        dram_stationary = stationary * (1 if fits[1] else traffic.stationary_passes)
        sums = traffic.partial_sums * product.groups
        return (
            *self.spread(op, Use.MOVING, Route.SCATTER, streamed, streamed, dram_moving),
            *self.spread(op, Use.STATIONARY, Route.SCATTER, loaded, loaded, dram_stationary),
            *self.carried_sums(op, sums, Route.COLLECT, Route.SCATTER),
        )

    def loops(self, mapping: Mapping) -> Loops:
        """Loop nest of the folds: M positions, N channels and K words of reduction per group.

        Two of these axes are spatial; the third streams (`kernels.dense.systolic`).
        """
        product = matrix_product(mapping.op.nest)
        array = SystolicArray.of(self.architecture.pe_array)
        rows = min(array.rows, mapping.pes)
        cols = mapping.pes // rows
        extents = {"M": product.m, "N": product.n, "K": product.k}
        down, across, streamed = {
            "output_stationary": ("M", "N", "K"),
            "weight_stationary": ("K", "N", "M"),
            "input_stationary": ("K", "M", "N"),
        }[array.dataflow]
        parallel = f"parallel {down} over {rows} rows, {across} over {cols} columns of PEs"
        return written(
            [
                ("global buffer", turns("group", product.groups, 1)),
                ("global buffer", turns(down, extents[down], rows)),
                ("global buffer", turns(across, extents[across], cols)),
                ("PE array", parallel),
                ("PE array", f"for {streamed} in {extents[streamed]}: multiply, accumulate"),
            ]
        )
