"""Ops as matrix products, and what a systolic array fetches for one: by its dataflow, fold by fold
(SCALE-Sim, Samajdar et al. 2018).

M output positions, N output channels, reduction K on R x C PEs. Output stationary: both operands
stream, the moving one again for each column fold, the stationary one for each row fold. Weight
(input) stationary: weights (inputs) are loaded once, the other operand streams again for each
column fold, and partial sums go to the global buffer and back between folds of K.
"""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.step.geometry import bounds_of
from accelsim.step.ops import Op, OpKind, Pass


@dataclass(frozen=True)
class MatrixProduct:
    """One of an op's ``groups`` products: M x K moving words by K x N stationary ones."""

    m: int
    n: int
    k: int
    groups: int = 1

    @property
    def macs(self) -> int:
        """Multiplications of all groups: the op's dense MACs, and with sparse feedback those by
        zeros that are not stored.
        """
        return self.m * self.n * self.k * self.groups


def matrix_product(op: Op) -> MatrixProduct:
    """The op as a product of its operands, in im2col form where it is a convolution.

    Every neuron has its own row of a feedback matrix, so neurons are columns and samples rows; a
    sparse matrix runs as a dense one.
    """
    b = bounds_of(op)
    if op.kind is OpKind.FEEDBACK:
        return MatrixProduct(b.n, b.k * b.p * b.q, b.c)
    c, k = b.c // b.groups, b.k // b.groups
    if op.pass_ is Pass.EP:
        return MatrixProduct(b.n * b.h * b.w, c, b.r * b.s * k, b.groups)
    if op.pass_ is Pass.WG:
        return MatrixProduct(b.r * b.s * c, k, b.n * b.p * b.q, b.groups)
    return MatrixProduct(b.n * b.p * b.q, k, b.r * b.s * c, b.groups)


@dataclass(frozen=True)
class FoldTraffic:
    """How often each operand comes in all its uses, and the partial sums that are written and read
    back.
    """

    moving_passes: int
    stationary_passes: int
    partial_sums: int


def fold_traffic(
    positions: int, channels: int, reduction: int, rows: int, cols: int, dataflow: str
) -> FoldTraffic:
    """Traffic of one group's matrix product; ``dataflow``: output_stationary, weight_stationary or
    input_stationary.
    """
    reduction_folds = -(-reduction // rows)
    if dataflow == "output_stationary":
        return FoldTraffic(-(-channels // cols), -(-positions // rows), 0)
    sums = positions * channels * (reduction_folds - 1)
    if dataflow == "weight_stationary":
        return FoldTraffic(-(-channels // cols), 1, sums)
    return FoldTraffic(1, -(-positions // cols), sums)
