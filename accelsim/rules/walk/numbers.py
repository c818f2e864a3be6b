"""What a learning rule's numbers offer, and the walk back through the layers that all of them
share.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from accelsim.layers.model import Model
from accelsim.layers.numerics import WeightedNumerics
from accelsim.numerics.arrays import Array
from accelsim.workload.network import INPUT, Layer, Network

BP, FEEDBACK, LEFT_OUT = "bp", "feedback", "left out"
"""Kinds of training step: errors by backpropagation, errors by fixed feedback, and no step at all.
"""


@dataclass(frozen=True)
class BackwardWalk:
    """One walk back through the network: what is known when it arrives at a layer.

    ``errors``: those at the outputs of the weighted layers behind the layer, its own, and the one
    at the network's output. ``labels``: the right classes (N,), time-major on sequences.
    """

    errors: dict[str, Array]
    labels: NDArray[np.integer[Any]]


class RuleNumerics(ABC):
    """Carries the output error to the layers. One object belongs to one model: it may hold feedback
    weights.

    ``direct``: a map that weighted layers read gets its error from their feedback alone, so that
    what would come through its other readers, as an identity shortcut, stops there. Such maps then
    act locally back to the weights that made them.
    """

    direct = False
    momentum_mix: float | None = None
    """Share of a feedback step's own momentum in the update, where the rule keeps one per kind of
    step (`accelsim.training.optimizers`).
    """

    def __init__(self, model: Model) -> None:
        self.model = model

    def begin(self, step: int) -> str:
        """The kind of training step number ``step``; called before it. BP and FEEDBACK say which
        momentum the step uses where a rule has a `momentum_mix`; LEFT_OUT is no step at all.
        """
        return FEEDBACK if self.direct else BP

    def propagate(self, error: Array, labels: NDArray[np.integer[Any]]) -> dict[str, Array]:
        """Set every layer's gradients from the error at the logits (N, classes) after a forward,
        and the right classes (N,).

        The error is the gradient of the mean loss: it is divided by the N rows already, so that
        gradients are sums over rows. On sequences rows are time-major, T * N of them.

        Returns the errors at the weighted layers' own outputs, by layer.
        """
        output = self.model.network.output
        pending = {output.name: error.reshape(len(error), *output.out_shape)}
        walk = BackwardWalk(dict(pending), labels)
        for layer in reversed(self.model.network.layers):
            arrived = pending.pop(layer.name, None)
            numerics = self.model.layers[layer.name]
            if arrived is None:
                numerics.gradients = {}
                continue
            wanted = [
                name != INPUT and takes_error_from(self.model.network, name, layer, self.direct)
                for name in layer.inputs
            ]
            if layer.weighted:
                walk.errors[layer.name] = arrived = self.model.stored_error(arrived)
                leaving = self.cross(
                    layer, cast("WeightedNumerics", numerics), arrived, walk, any(wanted)
                )
            else:
                leaving = numerics.backward(arrived, any(wanted))
            for name, want, part in zip(layer.inputs, wanted, leaving, strict=False):
                if want:
                    pending[name] = pending[name] + part if name in pending else part
        return {
            name: array
            for name, array in walk.errors.items()
            if self.model.network.layer(name).weighted
        }

    @abstractmethod
    def cross(
        self,
        layer: Layer,
        numerics: WeightedNumerics,
        error: Array,
        walk: BackwardWalk,
        wanted: bool,
    ) -> tuple[Array, ...]:
        """Set the layer's gradients from the ``error`` at its output; if ``wanted``, also the error
        at its input map, else ().
        """

    def feedback_weights(self) -> dict[str, Array]:
        """Every array of feedback values, each stored entry once; {} for rules without feedback.
        For counts and angles.
        """
        return {}

    @property
    def feedback_numerics(self) -> RuleNumerics:
        """The numbers of its steps by feedback, of a rule of several kinds of step; else itself."""
        return self

    def feedback_from_output(self, layer: str) -> Array | None:
        """B (neurons of the layer's input map, classes) where the rule carries the error there from
        the network's output by one matrix for all time steps; else None.
        """
        return None


def takes_error_from(network: Network, name: str, reader: Layer, direct: bool) -> bool:
    """Whether the map of that name gets an error from that reader of it."""
    return (
        not direct
        or reader.weighted
        or not any(layer.weighted for layer in network.consumers[name])
    )


def spread_over(error: Array, shape: tuple[int, int, int]) -> Array:
    """A map (N, h, w, c) at rows x columns of ``shape``, nearest neighbour: element (y, x) reads (y
    * h // H, x * w // W).
    """
    rows = np.arange(shape[0]) * error.shape[1] // shape[0]
    columns = np.arange(shape[1]) * error.shape[2] // shape[1]
    return np.ascontiguousarray(error[:, rows][:, :, columns])
