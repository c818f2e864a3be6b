"""Base classes of layers that multiply their input map by one weight tensor."""

from __future__ import annotations

from abc import abstractmethod
from math import prod, sqrt
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from accelsim.layers.numerics import WeightedNumerics
from accelsim.numerics.arrays import Array
from accelsim.step.contraction import Nest
from accelsim.step.ops import Pass, Role, Use
from accelsim.workload.lowering import gradient_of, operands
from accelsim.workload.network import Layer

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value


class ContractionLayer(Layer):
    """A layer with one op per pass for the whole batch, and in a sequence network for all time
    steps.
    """

    weighted: ClassVar[bool] = True

    @abstractmethod
    def nest(self, samples: int) -> Nest:
        """Loop nest of FF for ``samples`` samples."""

    def forward(self, low: Lowering) -> None:
        """Emit ``<layer>.FF``."""
        out = low.tensors(f"{self.name}.out", Role.ACTIVATION, self.out_shape)
        low.outputs[self.name] = out
        read = operands(low.input_of(self), Use.MOVING, f"{self.name}.input") + operands(
            [low.weight(self)], Use.STATIONARY, f"{self.name}.weight"
        )
        low.contraction(f"{self.name}.FF", self.name, Pass.FF, self.nest(low.samples), read, out)

    def backward(self, low: Lowering, error: Value) -> None:
        """Emit ``<layer>.WG``."""
        read = operands(low.input_of(self), Use.MOVING, f"{self.name}.input") + operands(
            error, Use.STATIONARY, f"{self.name}.error"
        )
        nest, gradient = self.nest(low.samples).gradient, gradient_of(low.weight(self))
        low.contraction(f"{self.name}.WG", self.name, Pass.WG, nest, read, [gradient])


class ContractionNumerics(WeightedNumerics):
    """Numbers of a layer with one weight tensor of shape ``layer.weight_shape``."""

    @abstractmethod
    def carry(self, error: Array, weight: Array) -> Array:
        """Error at the input, computed from the error at the output and ``weight``."""

    def backward(
        self, error: Array, propagate: bool, transport: Array | None = None
    ) -> tuple[Array, ...]:
        self.learn(error)
        return (
            (self.carry(error, self.parameters["weight"] if transport is None else transport),)
            if propagate
            else ()
        )

    def fresh_parameters(self, random: np.random.Generator, makes_logits: bool) -> dict[str, Array]:
        """Draw normal weights with variance 2 / fan-in (He et al. 2015, eq. 10), or 1 / fan-in**2
        for the layer that makes the logits (Yang & Hu 2021, maximal update).

        Logits of order 1 would make the first errors point to a few classes. Feedback alignment
        without batch norm does not recover from that, because all its updates then have the same
        direction.
        """
        shape = self.layer.weight_shape
        fan_in = prod(shape[1:])
        deviation = 1 / fan_in if makes_logits else sqrt(2 / fan_in)
        return {"weight": (random.standard_normal(shape) * deviation).astype(self.dtype)}
