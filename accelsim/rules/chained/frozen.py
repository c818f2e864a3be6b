"""``frozen``: the output layer learns on top of random, fixed features: what all that the other
rules do to hidden layers is worth.

EP is the loss alone (and, where layers without weights follow the last one with weights, their
backward work); WG and WU are the output layer's. What other layers would stash for their backward
work is dropped.
"""

from __future__ import annotations

from accelsim.rules.info import RuleInfo
from accelsim.rules.spelling import RuleSpec
from accelsim.rules.walk.backward import lower_step
from accelsim.rules.walk.lowering import Lowering, Value
from accelsim.step.ops import Pass, TrainingStep
from accelsim.workload.network import Layer, Network


class NoPropagation:
    """Errors end at the first layer with weights."""

    direct = True

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        """The layer's own error, of which nothing goes on; see `ErrorPropagation`."""
        return error


def lower_frozen(
    network: Network, rule: RuleSpec, batch: int, optimizer: str, passes: frozenset[Pass]
) -> TrainingStep:
    """A training step of the output layer alone."""
    return lower_step(network, str(rule), NoPropagation(), batch, optimizer, passes, carried=False)


RULES = (
    RuleInfo(
        "frozen",
        "frozen",
        "Only the output layer learns; hidden layers keep their random weights.",
        (),
        lower_frozen,
    ),
)
