"""Contractions as matrix products."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.step.contraction import Nest


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


def matrix_product(nest: Nest) -> MatrixProduct:
    """The contraction as a product of its operands, in im2col form where it is a convolution.

    Every neuron has its own row of a feedback matrix, so neurons are columns and samples rows; a
    sparse matrix runs as a dense one.
    """
    shared = tuple(axis for axis in nest.position_axes if axis not in nest.stationary)
    own = tuple(axis for axis in nest.position_axes if axis in nest.stationary)
    columns = nest.channels // nest.groups * nest.size(own)
    return MatrixProduct(nest.size(shared), columns, nest.dense_reduction, nest.groups)
