"""Backpropagation: the exact gradient of the loss."""

from __future__ import annotations

from accelsim.reference.model import Model
from accelsim.reference.numerics import Array
from accelsim.reference.rule import RuleNumerics, walk_back


class Backprop(RuleNumerics):
    """Errors go through every layer's transpose, one after the other."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def propagate(self, error: Array) -> dict[str, Array]:
        output = self.model.network.output
        return walk_back(self.model, {output.name: error.reshape(len(error), *output.out_shape)}, through_weights=True)
