"""``loss.EP``: softmax and cross-entropy, the start of every backward walk."""

from __future__ import annotations

from math import prod

from accelsim.rules.walk import vector_costs
from accelsim.step.ops import Pass, Use
from accelsim.workload.lowering import Lowering, Work, operands


def lower_loss(low: Lowering) -> None:
    """Emit ``loss.EP``, which reads the network's output and labels and makes the error at the
    output. Each further output has an op of its own, ``loss.EP.<layer>``.
    """
    for layer in low.network.losses:
        main = layer is low.network.output
        error = low.output_error() if main else low.loss_error(layer)
        elements = low.samples * prod(layer.out_shape)
        labels = low.labels() if main else low.labels(layer)
        low.vector(
            "loss.EP" if main else f"loss.EP.{layer.name}",
            "loss",
            Pass.EP,
            Work("softmax_loss", elements, vector_costs.SOFTMAX_LOSS),
            operands([*low.outputs[layer.name], *labels], Use.READ),
            error,
        )
        low.contributions[layer.name].append(error)
