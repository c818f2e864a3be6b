"""Contractions as matrix products."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.step.contraction import Nest


@dataclass(frozen=True)
class MatrixProduct:
    """``groups`` products of equal size: M x K moving words times K x N stationary words."""

    m: int
    n: int
    k: int
    groups: int = 1

    @property
    def macs(self) -> int:
        """Multiplications of all groups: the op's dense MACs, plus those with unstored zeros of
        sparse feedback.
        """
        return self.m * self.n * self.k * self.groups


def matrix_product(nest: Nest) -> MatrixProduct:
    """The contraction as a matrix product; a convolution in im2col form.

    Feedback: neurons are the columns and samples the rows, because every neuron has its own row of
    the feedback matrix. A sparse matrix runs as a dense one.
    """
    shared = tuple(axis for axis in nest.position_axes if axis not in nest.stationary)
    stationary_axes = tuple(axis for axis in nest.position_axes if axis in nest.stationary)
    columns = nest.channels // nest.groups * nest.size(stationary_axes)
    return MatrixProduct(nest.size(shared), columns, nest.dense_reduction, nest.groups)
