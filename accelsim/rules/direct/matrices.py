"""Feedback matrices of direct feedback, as operands of EP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accelsim.rules.direct.reach import Reach
from accelsim.rules.walk.backward import feedback_bits
from accelsim.step.contraction import Nest, feedback_nest
from accelsim.step.ops import Operand, Role, Tensor, Use
from accelsim.step.zero_sources import Draw, TraceZeros
from accelsim.workload.lowering import step_name
from accelsim.zeros.patterns import SparseDraw, StepRows

MatrixDraw = Callable[[str, int, int], Draw]
"""(layer that holds the matrix, its rows, its columns) -> draw of the sparse B."""


@dataclass(frozen=True)
class Matrices:
    """Feedback matrices with ``nonzeros`` weights per row at positions given by ``draw``, or dense
    ones (0 and None). The weights have one bit each if ``binary``.
    """

    nonzeros: int = 0
    draw: MatrixDraw | None = None
    binary: bool = False

    def nest(self, batch: int, to: Reach) -> Nest:
        """Loop nest of the product with errors."""
        return feedback_nest(batch * to.vectors, to.neurons, to.length, self.nonzeros)

    def operand(self, layer: str, to: Reach, step: int | None = None) -> Operand:
        """Operand B that a layer holds, of a time step if each has its own. Its shape is (channels,
        rows, columns, errors), where the first three are those of the neurons.
        """
        rows, columns, channels = to.neurons
        key = f"{layer}.feedback"
        stored = to.rows * self.nonzeros if self.nonzeros else -1
        tensor = Tensor(
            key if step is None else step_name(key, step),
            Role.FEEDBACK,
            (channels, rows, columns, to.length),
            stored,
            feedback_bits(self.binary),
            True,
            channels,
            (to.length - 1).bit_length() if self.nonzeros else 0,
        )
        if self.draw is None:
            return Operand(tensor, Use.STATIONARY, TraceZeros(key))
        drawn = self.draw(layer, to.rows, to.length)
        return Operand(tensor, Use.STATIONARY, StepRows(drawn, step or 0, key))


def sparse_draw(k: int, rank: int = 0) -> MatrixDraw:
    """Draw of ``k`` weights per neuron."""
    return lambda layer, rows, columns: SparseDraw(layer, rows, columns, k, rank)
