"""Feedback alignment (Lillicrap et al. 2016): backpropagation's chain through fixed random weights
(``fa``).

Each layer has a fixed feedback tensor of its weights' shape in place of their transpose, in
recurrent layers too. It never learns, so a near-memory machine keeps each of its words by the PE
that multiplies with it in EP, and nothing is transposed.
"""

from __future__ import annotations

from accelsim.rules.chained.backprop import Backprop
from accelsim.rules.direct.ops import SCALE
from accelsim.rules.info import RuleInfo
from accelsim.rules.spelling import RuleSpec
from accelsim.rules.walk.backward import lower_step
from accelsim.rules.walk.lowering import Lowering, layer_bounds, operands
from accelsim.rules.walk.recurrent import cell_bounds
from accelsim.step.ops import Operand, Pass, Role, Tensor, TrainingStep, Use
from accelsim.workload.network import Layer, Network


class FeedbackAlignment(Backprop):
    """Backpropagation's EP with ``<layer>.feedback`` as its stationary operand."""

    def stationary(self, low: Lowering, layer: Layer) -> tuple[Operand, ...]:
        """The layer's fixed feedback, at home where EP's output channels are."""
        channels = (cell_bounds(layer, 1) if layer.recurrent else layer_bounds(layer, 1)).c
        feedback = Tensor(
            f"{layer.name}.feedback",
            Role.FEEDBACK,
            layer.weight_shape,
            persistent=True,
            home_channels=channels,
        )
        return operands([feedback], Use.STATIONARY)


def lower_fa(
    network: Network, rule: RuleSpec, batch: int, optimizer: str, passes: frozenset[Pass]
) -> TrainingStep:
    """Feedback alignment's training step."""
    return lower_step(network, str(rule), FeedbackAlignment(), batch, optimizer, passes)


RULES = (
    RuleInfo(
        "fa",
        "fa",
        "Feedback alignment: backpropagation's chain through fixed random weights.",
        (SCALE,),
        lower_fa,
    ),
)
