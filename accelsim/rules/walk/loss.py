"""``loss.EP``: softmax and cross-entropy, the start of every backward walk."""

from __future__ import annotations

from math import prod

from accelsim.rules.walk import vector_costs
from accelsim.step.ops import Pass, Use
from accelsim.workload.lowering import Lowering, Work, operands


def lower_loss(low: Lowering) -> None:
    """Emit ``loss.EP``, which reads the network's output and labels and makes the error at the
    output.
    """
    layer = low.network.output
    error = low.output_error()
    elements = low.samples * prod(layer.out_shape)
    read = operands([*low.outputs[layer.name], *low.labels()], Use.READ)
    low.vector(
        "loss.EP",
        "loss",
        Pass.EP,
        Work("softmax_loss", elements, vector_costs.SOFTMAX_LOSS),
        read,
        error,
    )
    low.contributions[layer.name].append(error)
