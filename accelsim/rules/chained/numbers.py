"""Numbers of backpropagation (``bp``), feedback alignment (``fa``, Lillicrap et al. 2016), which is
the same chain through fixed random weights, and ``frozen``.
"""

from __future__ import annotations

from accelsim.layers.model import Model
from accelsim.layers.numerics import WeightedNumerics
from accelsim.numerics.arrays import Array
from accelsim.rules.declaration import RuleSpec
from accelsim.rules.options import Scaled
from accelsim.rules.spelling import AnyRule
from accelsim.rules.walk.numbers import BackwardWalk, RuleNumerics
from accelsim.workload.network import INPUT, Layer
from accelsim.zeros.feedback import feedback_random, like_weights


class Backprop(RuleNumerics):
    """The exact gradient: errors pass through the transposed weights of one layer after another."""

    def cross(
        self,
        layer: Layer,
        numerics: WeightedNumerics,
        error: Array,
        walk: BackwardWalk,
        wanted: bool,
    ) -> tuple[Array, ...]:
        return numerics.backward(error, wanted)


class FeedbackAlignment(RuleNumerics):
    """Errors pass through a fixed random tensor of each layer's weight shape instead of the
    weights.

    The entries have the standard deviation of the initial weights of a hidden layer, in the output
    layer too, times ``scale``.
    """

    def __init__(self, model: Model, seed: int, scale: float = 1.0) -> None:
        super().__init__(model)
        self.transport = {
            layer.name: (
                scale * like_weights(layer.weight_shape, feedback_random(seed, layer.name))
            ).astype(model.dtype)
            for layer in model.network.weighted
            if layer.inputs[0] != INPUT or layer.recurrent
        }

    def cross(
        self,
        layer: Layer,
        numerics: WeightedNumerics,
        error: Array,
        walk: BackwardWalk,
        wanted: bool,
    ) -> tuple[Array, ...]:
        return numerics.backward(error, wanted, self.transport.get(layer.name))

    def feedback_weights(self) -> dict[str, Array]:
        return self.transport


class Frozen(RuleNumerics):
    """Only the output layer learns (``frozen``): the baseline that any rule must beat."""

    direct = True

    def cross(
        self,
        layer: Layer,
        numerics: WeightedNumerics,
        error: Array,
        walk: BackwardWalk,
        wanted: bool,
    ) -> tuple[Array, ...]:
        numerics.learn(error)
        return ()


def backprop(model: Model, _seed: int, _rule: AnyRule) -> Backprop:
    """Numbers of ``bp``."""
    return Backprop(model)


def feedback_alignment(model: Model, seed: int, rule: RuleSpec[Scaled]) -> FeedbackAlignment:
    """Numbers of ``fa``."""
    return FeedbackAlignment(model, seed, rule.options.scale)


def frozen(model: Model, _seed: int, _rule: AnyRule) -> Frozen:
    """Numbers of ``frozen``."""
    return Frozen(model)
