"""Ops of the rules that pass errors from layer to layer, and of the one that passes none.

* Backpropagation (``bp``): each layer's error is computed from the next layer's error and
  transposed weights, so EP is a chain. ``bp-only`` (Han et al. 2020) takes only a fraction ``p`` of
  the training steps, all by backpropagation. It is the control for hdfa, to show how much its
  feedback steps add.
* Feedback alignment (``fa``, Lillicrap et al. 2016): the same chain through a fixed feedback tensor
  of each layer's weight shape, in recurrent layers too. The tensor never changes, so a near-memory
  machine stores each word in the PE that multiplies by it in EP, and nothing is transposed.
* ``frozen``: only the output layer learns, on top of random, fixed features. Baseline: any rule
  must beat this. EP is the loss, followed by the backward ops of any unweighted layers after the
  last weighted layer. WG and WU exist for the output layer only. Stashes for the backward ops of
  other layers are dropped.
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
    """Error propagation through the layers' own weights. EP of a convolution is the transposed
    convolution at the resolution of its input. In a recurrent layer EP is a chain over time steps.
    """

    direct = False
    carried = True

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        """Emit ``<layer>.EP``; see `ErrorPropagation.propagate`."""
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
        """Nest of a layer's EP, from its forward nest."""
        return forward.backward

    def stationary(self, low: Lowering, layer: Layer) -> tuple[Operand, ...]:
        """Stationary operand of the layer's EP."""
        return operands([low.weight(layer)], Use.STATIONARY, f"{layer.name}.weight")


class FeedbackAlignment(Backprop):
    """Backpropagation's EP with ``<layer>.feedback`` as the stationary operand."""

    def backward(self, forward: Nest) -> Nest:
        return forward.backward_by_channel

    def stationary(self, low: Lowering, layer: Layer) -> tuple[Operand, ...]:
        """The layer's fixed feedback. Its home is spread over the output channels of EP."""
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
    """Errors end at the last weighted layer of the network."""

    direct = True
    carried = False

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        """Return the error at the layer's output, and propagate nothing; see
        `ErrorPropagation.propagate`.
        """
        return error


def backprop(_network: Network, _rule: AnyRule) -> Backprop:
    """Ops of ``bp`` and ``bp-only``."""
    return Backprop()


def feedback_alignment(_network: Network, _rule: AnyRule) -> FeedbackAlignment:
    """Ops of ``fa``."""
    return FeedbackAlignment()


def frozen(_network: Network, _rule: AnyRule) -> NoPropagation:
    """Ops of ``frozen``."""
    return NoPropagation()
