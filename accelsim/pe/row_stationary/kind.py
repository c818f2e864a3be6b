"""Row-stationary arrays: sequential processing passes; every position executes, zeros are gated
(`docs/pe-systolic.md`).
"""

from __future__ import annotations

from accelsim.pe.dense.array import DenseArray
from accelsim.pe.kind import Loops, OperandReads, elements, turns, written
from accelsim.pe.mapping import Mapping, Route, Transfer
from accelsim.pe.placement import Placement
from accelsim.pe.row_stationary.passes import row_limits, row_mapping
from accelsim.pe.row_stationary.traffic import row_traffic
from accelsim.pe.timing import ArrayTiming
from accelsim.step.ops import Contraction, Use


class RowStationary(DenseArray):
    """The op as a convolution in processing passes.

    Padding and stride zeros are ordinary inputs: they are multiplied, and gated.
    """

    def cycles(self, op: Contraction, pes: int) -> tuple[int, int]:
        rows = row_mapping(op, self.architecture, pes)
        return rows.cycles, rows.passes

    def operand_reads(self, timing: ArrayTiming) -> OperandReads:
        """A PE keeps partial sums in its scratchpad: each MAC reads one and writes it back."""
        active = timing.executed - timing.gated
        return OperandReads(active, active, sums=active)

    def operand_transfers(self, draft: Mapping, placement: Placement) -> tuple[Transfer, ...]:
        """Transfers of operands and partial sums, summed over the passes."""
        op, psum = draft.op, self.architecture.precision.psum
        buffer_bits = row_limits(self.architecture)[6]
        rows = row_mapping(op, self.architecture, placement.pes)
        traffic = row_traffic(op.nest, rows, self.bits(op.moving.tensor), psum, buffer_bits)
        transfers: list[Transfer] = []
        for use, operand, words, taken, passes in (
            (
                Use.MOVING,
                op.moving,
                traffic.input_words,
                traffic.input_taken,
                traffic.input_passes,
            ),
            (
                Use.STATIONARY,
                op.stationary,
                traffic.filter_words,
                traffic.filter_taken,
                traffic.filter_passes,
            ),
        ):
            whole = elements(op, use)
            fits = whole * self.bits(operand.tensor) <= self.staging_bits
            dram_words = whole * (1 if fits else passes)
            transfers += self.spread(op, use, Route.MULTICAST, words, taken, dram_words)
        transfers += self.carried_sums(op, traffic.partial_sums, Route.COLLECT, Route.SCATTER)
        if traffic.chain_sums:
            sums = op.made[0]
            climbed = traffic.chain_sums
            transfers.append(Transfer(sums, Route.REDUCE, True, climbed, psum, partial=True))
        return tuple(transfers)

    def loops(self, mapping: Mapping) -> Loops:
        """Loop nest of the passes; the sizes are those of `RowMapping`."""
        rows = row_mapping(mapping.op, self.architecture, mapping.pes)
        images, filters, channels, height, width, taps_down, taps_across = rows.shape[:7]
        sets = f"parallel channel over r = {rows.r} sets, filter over t = {rows.t} sets"
        within = f"for channel in q = {rows.q}, filter in p = {rows.p}, "
        kernel = f"parallel kernel row over {rows.down}, output row over {rows.e} PEs of a set"
        return written(
            [
                ("global buffer", turns("group", rows.groups, 1)),
                ("global buffer", turns("image", images, rows.n)),
                ("global buffer", turns("filter", filters, rows.p * rows.t)),
                ("global buffer", turns("channel", channels, rows.q * rows.r)),
                ("global buffer", turns("output row", height, rows.e)),
                ("global buffer", turns("kernel row", taps_down, rows.down)),
                ("global buffer", turns("kernel column", taps_across, rows.across)),
                ("PE array", kernel),
                ("PE array", sets if rows.r * rows.t > 1 else ""),
                ("PE", f"for image in {rows.n}" if rows.n > 1 else ""),
                ("PE", f"for output column in {width}" if width > 1 else ""),
                ("PE", f"{within}kernel column in {rows.across}: multiply, accumulate"),
            ]
        )
