"""Interface of a learning rule's numbers, and the backward walk through the layers that all rules
share.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import InputError
from accelsim.layers.model import Model
from accelsim.layers.numerics import WeightedNumerics
from accelsim.numerics.arrays import Array
from accelsim.workload.network import INPUT, Layer, Network

BP, FEEDBACK, LEFT_OUT = "bp", "feedback", "left out"
"""Kinds of training step: by backpropagation, by fixed feedback, or skipped."""


@dataclass(frozen=True)
class BackwardWalk:
    """State of one backward walk when it reaches a layer.

    ``errors``: by name, the errors at the outputs of this layer and of all weighted layers after
    it, and at the network's output. ``labels``: the correct classes (rows,), time-major for
    sequences. ``arrived``: by name, the errors that have arrived at the outputs of layers that the
    walk has still to reach.
    """

    errors: dict[str, Array]
    labels: NDArray[np.integer[Any]]
    arrived: dict[str, Array]


class RuleNumerics(ABC):
    """Carries the output error to the layers. One object belongs to one model, because it may hold
    feedback weights.

    ``direct``: if true, a map that weighted layers read gets its error only from their feedback;
    errors from its other readers, such as an identity shortcut, stop there. From such a map, errors
    pass as in backpropagation back to the weights that produced it. ``taps``: maps that get their
    error from the rule alone, which adds it to `BackwardWalk.arrived`.
    """

    direct = False
    taps: frozenset[str] = frozenset()
    momentum_mix: float | None = None
    """Share of a feedback step's own momentum in the update, if the rule keeps one momentum per
    kind of step (`accelsim.training.optimizers`); else None.
    """

    def __init__(self, model: Model) -> None:
        self.model = model

    def begin(self, step: int) -> str:
        """Kind of training step number ``step``; called before the step. For a rule with a
        `momentum_mix`, BP or FEEDBACK selects the momentum of the step. LEFT_OUT means that the
        step is skipped.
        """
        return FEEDBACK if self.direct else BP

    def propagate(self, error: Array, labels: NDArray[np.integer[Any]]) -> dict[str, Array]:
        """Set every layer's gradients from the error at the logits (rows, classes), after a
        forward pass. ``labels`` are the correct classes (rows,).

        The error is the gradient of the mean loss, so it is already divided by the number of
        rows, and gradients are sums over rows. For sequences rows are time-major, T * N of them;
        for output maps they are the positions of the samples. Returns the error at the output of
        each weighted layer, by name.
        """
        output = self.model.network.output
        pending = {output.name: error.reshape(-1, *output.out_shape)}
        walk = BackwardWalk(dict(pending), labels, pending)
        for layer in reversed(self.model.network.layers):
            arrived = pending.pop(layer.name, None)
            numerics = self.model.layers[layer.name]
            if arrived is None:
                numerics.gradients = {}
                continue
            wanted = [
                name != INPUT
                and name not in self.taps
                and takes_error_from(self.model.network, name, layer, self.direct)
                for name in layer.inputs
            ]
            if layer.weighted:
                walk.errors[layer.name] = arrived = self.model.stored_error(arrived)
                leaving = self.cross(
                    layer, cast("WeightedNumerics", numerics), arrived, walk, any(wanted)
                )
                if not isinstance(leaving, tuple):
                    raise InputError(
                        f"{type(self).__name__}.cross must return a tuple of the error at the "
                        f"input map of {layer.name}, or (), got {leaving!r:.60}"
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
        """Set the layer's gradients from the ``error`` at its output.

        Returns the error at its input map if ``wanted``, else ().
        """

    def feedback_weights(self) -> dict[str, Array]:
        """Feedback values by name, each stored entry once; {} without feedback. For counts and
        angles.
        """
        return {}

    @property
    def feedback_numerics(self) -> RuleNumerics:
        """For a rule with two kinds of step, the numbers of its feedback steps; for other rules,
        this object itself.
        """
        return self

    def feedback_from_output(self, layer: str) -> Array | None:
        """Matrix B (neurons of the layer's input map, classes), if one matrix for all time steps
        carries the error there from the network's output; else None.
        """
        return None


def takes_error_from(network: Network, name: str, reader: Layer, direct: bool) -> bool:
    """True if the map ``name`` receives an error from its reader ``reader``."""
    return (
        not direct
        or reader.weighted
        or not any(layer.weighted for layer in network.consumers[name])
    )


def spread_over(error: Array, shape: tuple[int, int, int]) -> Array:
    """Resize a map (N, h, w, c) to the rows and columns (H, W) of ``shape`` by nearest neighbour:
    element (y, x) reads (y * h // H, x * w // W).
    """
    rows = np.arange(shape[0]) * error.shape[1] // shape[0]
    columns = np.arange(shape[1]) * error.shape[2] // shape[1]
    return np.ascontiguousarray(error[:, rows][:, :, columns])
