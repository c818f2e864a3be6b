"""Rules whose errors go from layer to layer, and the one where none do.

* Backpropagation (``bp``): each layer's error is the next one's through the transposed weights, so
  EP is a chain. ``bp-only`` (Han et al. 2020) takes a fraction ``p`` of the training's steps, each
  of them backpropagation's: its control for what the feedback steps between them add.
* Feedback alignment (``fa``, Lillicrap et al. 2016): the same chain through a fixed feedback tensor
  of each layer's weights' shape, in recurrent layers too. It never learns, so a near-memory machine
  keeps each of its words by the PE that multiplies with it in EP, and nothing is transposed.
* ``frozen``: the output layer learns on top of random, fixed features, the baseline that any rule
  must beat. EP is the loss (and, where layers without weights follow the last one with weights,
  their backward work); WG and WU are the output layer's. Stashes for the backward work of other
  layers are dropped.
"""

from __future__ import annotations

from accelsim.layers.recurrent import Recurrent
from accelsim.rules.spelling import AnyRule
from accelsim.rules.walk.backward import needed
from accelsim.step.contraction import Nest
from accelsim.step.ops import Operand, Pass, Role, Tensor, Use
from accelsim.workload.lowering import Lowering, Value, operands
from accelsim.workload.network import Layer, Network


class Backprop:
    """EP of a convolution is the transposed convolution at its input's resolution; through time it
    chains step by step.
    """

    direct = False
    carried = True

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        """Emit ``<layer>.EP``; see `ErrorPropagation`."""
        if isinstance(layer, Recurrent):
            return layer.errors_through_time(
                low, error, target, self.stationary(low, layer), self.backward
            )
        if target is not None:
            read = operands(error, Use.MOVING, f"{layer.name}.error") + self.stationary(low, layer)
            low.contraction(
                f"{layer.name}.EP",
                layer.name,
                Pass.EP,
                self.backward(layer.nest(low.samples)),
                read + needed(low, layer),
                target,
            )
        return error

    def backward(self, forward: Nest) -> Nest:
        """The nest of EP of a layer that has this one forward."""
        return forward.backward

    def stationary(self, low: Lowering, layer: Layer) -> tuple[Operand, ...]:
        """What EP of the layer multiplies with."""
        return operands([low.weight(layer)], Use.STATIONARY, f"{layer.name}.weight")


class FeedbackAlignment(Backprop):
    """Backpropagation's EP with ``<layer>.feedback`` as its stationary operand."""

    def backward(self, forward: Nest) -> Nest:
        return forward.backward_by_channel

    def stationary(self, low: Lowering, layer: Layer) -> tuple[Operand, ...]:
        """The layer's fixed feedback, at home where EP's output channels are."""
        channels = layer.nest(1).depth
        feedback = Tensor(
            f"{layer.name}.feedback",
            Role.FEEDBACK,
            layer.weight_shape,
            persistent=True,
            home_channels=channels,
        )
        return operands([feedback], Use.STATIONARY)


class NoPropagation:
    """Errors end at the first layer with weights."""

    direct = True
    carried = False

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        """The layer's own error, of which nothing goes on; see `ErrorPropagation`."""
        return error


def backprop(_network: Network, _rule: AnyRule) -> Backprop:
    """``bp`` and ``bp-only``."""
    return Backprop()


def feedback_alignment(_network: Network, _rule: AnyRule) -> FeedbackAlignment:
    """``fa``."""
    return FeedbackAlignment()


def frozen(_network: Network, _rule: AnyRule) -> NoPropagation:
    """``frozen``."""
    return NoPropagation()
