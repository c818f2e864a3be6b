"""Named ways of counting the same ops, as the papers count them; the machine's own counts are the result itself.

``weights-once`` (Han et al. 2020, tables 2 and 4): each backward weight is read once in an EP pass, two operations a MAC.
``neuron`` (Crafton et al. 2019, table 1 and figure 8): words that a neuron must send or receive for one example's backward pass.
"""

from __future__ import annotations

from math import prod
from typing import Any

from accelsim.network import Network
from accelsim.ops import Op, OpKind, Pass, Tensor, TrainingStep, Use
from accelsim.residency import value_bits
from accelsim.spec.architecture import Architecture


def accountings(step: TrainingStep, network: Network, architecture: Architecture) -> dict[str, Any]:
    """Both accountings of a step; bytes at the machine's word sizes."""
    return {"weights-once": {"EP": weights_once(step, architecture)}, "neuron": neuron(step, network)}


def weights_once(step: TrainingStep, architecture: Architecture) -> dict[str, int]:
    """Bytes of the distinct weights that EP multiplies with, values alone as Han et al. count; and 2 operations a dense MAC, whole batch."""
    weights = {tensor.name: tensor for op in _contractions(step, Pass.EP) for tensor in _stationary(op)}
    bits = sum(tensor.elements * value_bits(tensor, architecture) for tensor in weights.values())
    return {"bytes": -(-bits // 8), "ops": 2 * sum(op.dense_macs for op in _contractions(step, Pass.EP))}


def neuron(step: TrainingStep, network: Network) -> dict[str, int]:
    """Words that move and MACs of EP and WG, per example (Crafton: |W| + |A| + |E| with BP, |A| x (non-zeros a neuron) with direct feedback).

    |A| are the outputs of all layers with weights, |E| the output errors. Fixed weights that EP reads otherwise than from the output error,
    which Crafton has not, stand in |W|'s place. Without EP among the passes no words move.
    """
    backward = [*_contractions(step, Pass.EP), *_contractions(step, Pass.WG)]
    errors = prod(network.output.out_shape)
    neurons = sum(prod(layer.out_shape) for layer in network.weighted)
    feedback = [op for op in backward if op.kind is OpKind.FEEDBACK]
    words = 0
    if feedback and all(_from_output(op, network) for op in backward if op.pass_ is Pass.EP):
        assert feedback[0].bounds is not None
        words = neurons * (feedback[0].bounds.nonzeros or errors)
    elif any(op.pass_ is Pass.EP for op in backward):
        weights = {tensor.name: tensor for op in backward if op.pass_ is Pass.EP for tensor in _stationary(op)}
        words = sum(tensor.elements for tensor in weights.values()) + neurons + errors
    return {"words": words, "macs": sum(op.dense_macs for op in backward) // step.batch}


def _contractions(step: TrainingStep, pass_: Pass) -> list[Op]:
    return [op for op in step.ops if op.pass_ is pass_ and op.is_contraction]


def _stationary(op: Op) -> list[Tensor]:
    return [operand.tensor for operand in op.operands if operand.use is Use.STATIONARY]


def _from_output(op: Op, network: Network) -> bool:
    """Whether EP's op reads the output error and nothing else."""
    moving = op.operand(Use.MOVING)
    return moving is not None and moving.tensor.name.startswith(f"{network.output.name}.error")
