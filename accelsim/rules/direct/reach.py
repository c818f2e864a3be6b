"""Neurons of a map that a vector of errors reaches through a feedback matrix."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from accelsim.workload.network import Shape


class Reach(NamedTuple):
    """One matrix has ``length`` columns and a row per neuron of ``neurons`` (rows, columns,
    channels). It carries ``vectors`` vectors of errors per sample.
    """

    neurons: Shape
    length: int
    vectors: int

    @property
    def rows(self) -> int:
        """Rows of the matrix."""
        return prod(self.neurons)


def reach(shape: Shape, errors: Shape) -> Reach:
    """Reach into a map ``shape`` of the errors at a map ``errors``.

    Where both have the same positions, as for tokens, the errors of a position reach that position
    alone, all through one matrix. Else the errors of all positions reach the whole map.
    """
    if shape[:2] == errors[:2] != (1, 1):
        return Reach((1, 1, shape[2]), errors[2], shape[0] * shape[1])
    return Reach(shape, prod(errors), 1)
