"""What a learning rule's numbers offer, and the walk back through the layers that all of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from accelsim.network import INPUT
from accelsim.reference.model import Model
from accelsim.reference.numerics import Array


class RuleNumerics(ABC):
    """Carries the output error to the layers. One object belongs to one model: it may hold feedback weights."""

    @abstractmethod
    def propagate(self, error: Array) -> dict[str, Array]:
        """Set every layer's gradients from the error at the logits (N, classes) after a forward.

        Returns the errors at the weighted layers' own outputs, by layer.
        """


def walk_back(model: Model, errors: Mapping[str, Array], through_weights: bool, stops: frozenset[str] = frozenset()) -> dict[str, Array]:
    """Carry errors, given by the layer at whose output they stand, back through the network; errors that meet are summed.

    Weighted layers take their gradient and pass the error on only with ``through_weights``; nothing flows into the
    outputs of ``stops`` (their error is given). Returns the errors at the weighted layers' own outputs.
    """
    pending = dict(errors)
    found: dict[str, Array] = {}
    for layer in reversed(model.network.layers):
        numerics = model.layers[layer.name]
        error = pending.pop(layer.name, None)
        if error is None:
            numerics.gradients = {}
            continue
        if layer.weighted:
            found[layer.name] = error
        targets = [name for name in layer.inputs if name != INPUT and name not in stops]
        propagate = bool(targets) and (through_weights or not layer.weighted)
        for name, arriving in zip(layer.inputs, numerics.backward(error, propagate), strict=False):
            if name in targets:
                pending[name] = pending[name] + arriving if name in pending else arriving
    return found
