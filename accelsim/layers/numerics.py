"""What every layer's numbers offer: forward, and backward with the gradients of its parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.numerics.arrays import Array
from accelsim.workload.network import Layer


class LayerNumerics(ABC):
    """One layer's numbers. Maps are (N, H, W, C), vectors (N, 1, 1, C), in the dtype of the model.

    `forward` keeps what `backward` needs until the next forward; arrays passed in or handed out are
    never written to. ``gradients`` has the keys of ``parameters`` after a backward, and is empty
    when no error reached the layer.

    The parameter of the name "weight" is the one that weight decay shrinks, that is rounded to the
    stored format of weights, and that is compared in angles (`accelsim.training.angles`).
    """

    def __init__(self, layer: Layer, dtype: np.dtype[Any]) -> None:
        self.layer = layer
        self.dtype = dtype
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}

    def fresh_parameters(self, random: np.random.Generator, makes_logits: bool) -> dict[str, Array]:
        """The parameters of a fresh network, by name; {} for layers without any. ``makes_logits``:
        the network's output.
        """
        return {}

    def moments(self) -> dict[str, Array]:
        """What training gathers for evaluation, by name; writing to an array changes the layer."""
        return {}

    @abstractmethod
    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        """The output map. ``training`` matters to kinds that gather `moments` alone."""

    @abstractmethod
    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        """Set ``gradients`` from the error at the output; the errors at the inputs, one each, or ()
        unless ``propagate``.
        """


class WeightedNumerics(LayerNumerics):
    """A layer whose weights multiply: learning rules differ in how errors get past it."""

    @abstractmethod
    def learn(self, error: Array) -> None:
        """Set ``gradients`` alone; in a recurrent layer by each time step's own derivatives, no
        error crossing time.
        """

    @abstractmethod
    def backward(
        self, error: Array, propagate: bool, transport: Array | None = None
    ) -> tuple[Array, ...]:
        """As for every layer, through time in a recurrent one; ``transport``, of the layer's
        ``weight_shape``, takes the weights' place where errors are carried back.
        """


class ActivationNumerics(LayerNumerics):
    """An elementwise non-linearity, which also says where its derivative is not zero."""

    output: Array

    @abstractmethod
    def derivative(self, output: Array) -> Array | NDArray[np.bool_]:
        """f' from f's value."""

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        return (error * self.derivative(self.output),) if propagate else ()
