"""``frozen``: the output layer learns on top of random, fixed features: what all that the other rules do to hidden layers is worth.

EP is the loss alone (and, where layers without weights follow the last one with weights, their backward work); WG and WU are the output
layer's. What other layers would stash for their backward work is dropped.
"""

from __future__ import annotations

from accelsim.network import Network
from accelsim.ops import Pass, TrainingStep
from accelsim.rules.forward import lower_forward
from accelsim.rules.info import RuleInfo
from accelsim.rules.local_backward import lower_loss, vector_backward
from accelsim.rules.lowering import Lowering
from accelsim.rules.update import weight_gradient, weight_update
from accelsim.spec.rule import RuleSpec


def lower_frozen(network: Network, rule: RuleSpec, batch: int, optimizer: str, passes: frozenset[Pass]) -> TrainingStep:
    """A training step of the output layer alone: no weighted layer hands its error on."""
    low = Lowering(network, batch, direct=True)
    lower_forward(low)
    lower_loss(low)
    for layer in reversed(network.layers):
        error = low.error(layer)
        if error is None:
            continue
        if layer.weighted:
            weight_gradient(low, layer, error)
        else:
            vector_backward(low, layer, error)
        if layer.weighted or layer.kind == "batch_norm":
            weight_update(low, layer, optimizer)
    return low.finish(str(rule), passes)


RULES = (RuleInfo("frozen", "frozen", "Only the output layer learns; hidden layers keep their random weights.", (), lower_frozen),)
