"""Interface of a layer's numbers: forward, and backward with the gradients of its parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.numerics.arrays import Array
from accelsim.workload.network import Layer


class LayerNumerics(ABC):
    """One layer's numbers. Maps are (N, H, W, C), vectors (N, 1, 1, C), in the dtype of the model.

    `forward` keeps the values that `backward` needs until the next `forward`. Arrays passed in or
    returned are never written to. After a `backward`, ``gradients`` has the keys of ``parameters``;
    it is empty if no error reached the layer.

    A parameter called "weight" is the one to which weight decay applies, which is rounded to the
    stored format of weights, and whose gradients are compared in angles
    (`accelsim.training.angles`).
    """

    def __init__(self, layer: Layer, dtype: np.dtype[Any]) -> None:
        self.layer = layer
        self.dtype = dtype
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}

    def fresh_parameters(self, random: np.random.Generator, makes_logits: bool) -> dict[str, Array]:
        """Initial parameters by name; {} for a layer without parameters. ``random`` is the layer's
        own stream of the model's seed. ``makes_logits`` is true for the layer that makes the
        network's outputs.
        """
        return {}

    def moments(self) -> dict[str, NDArray[Any]]:
        """State that training gathers besides parameters, by name: running statistics for
        evaluation, or the number of draws of a layer that draws. It is saved with a run, and set
        back after a measurement. Writing to an array changes the layer.
        """
        return {}

    def passes(self, output: Array) -> NDArray[np.bool_]:
        """Where f' is not zero, for a layer that `rectifies`: elementwise, from values of its
        output, which a max-pool may have selected.
        """
        return np.asarray(output != 0)

    def hold(self, output: Array) -> None:  # noqa: B027  # most layers keep nothing
        """Called after `forward` with the output as memory holds it, rounded to the stored format.
        A layer whose `backward` reads its output keeps it.
        """

    @abstractmethod
    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        """Output map of the layer. ``training`` affects only layers with `moments`."""

    @abstractmethod
    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        """Set ``gradients`` from the error at the output.

        Returns the error at each input, in order, if ``propagate`` is true; else ().
        """


class WeightedNumerics(LayerNumerics):
    """A layer whose weights multiply. Learning rules differ in how they carry errors past it."""

    @abstractmethod
    def learn(self, error: Array) -> None:
        """Set ``gradients`` without computing the error at the input. A recurrent layer uses each
        time step's own derivatives; no error crosses time steps.
        """

    @abstractmethod
    def backward(
        self, error: Array, propagate: bool, transport: Array | None = None
    ) -> tuple[Array, ...]:
        """As for every layer; a recurrent layer propagates through time. ``transport``, of shape
        ``weight_shape``, replaces the weights in the product that carries the error back.
        """


class ActivationNumerics(LayerNumerics):
    """An elementwise non-linearity with its derivative."""

    @abstractmethod
    def slope(self) -> Array | NDArray[np.bool_]:
        """Derivative f' at every element of the map of the last `forward`."""

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        return (error * self.slope(),) if propagate else ()


class OutputActivationNumerics(ActivationNumerics):
    """A non-linearity whose derivative is computed from its value."""

    output: Array

    @abstractmethod
    def derivative(self, output: Array) -> Array | NDArray[np.bool_]:
        """Derivative f' computed from the value of f, elementwise."""

    def hold(self, output: Array) -> None:
        self.output = output

    def slope(self) -> Array | NDArray[np.bool_]:
        return self.derivative(self.output)


class InputActivationNumerics(ActivationNumerics):
    """A non-linearity whose derivative is computed from its input."""

    input: Array

    @abstractmethod
    def value(self, maps: Array) -> Array:
        """f, elementwise."""

    @abstractmethod
    def derivative(self, maps: Array) -> Array:
        """Derivative f' at the input ``maps``, elementwise."""

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.input = inputs[0]
        return self.value(self.input)

    def slope(self) -> Array:
        return self.derivative(self.input)
