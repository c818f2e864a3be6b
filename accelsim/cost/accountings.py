"""Named ways of counting the same ops, as the papers count them; the machine's own counts are the
result itself.

``weights-once`` (Han et al. 2020, tables 2 and 4): each backward weight is read once in an EP pass,
two operations a MAC. ``neuron`` (Crafton et al. 2019, table 1 and figure 8): words that a neuron
must send or receive for one example's backward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from accelsim.machine.architecture import Architecture
from accelsim.machine.words import value_bits
from accelsim.step.ops import Contraction, Op, Pass, Tensor, TrainingStep, Use
from accelsim.workload.network import Layer, Network


@dataclass(frozen=True)
class WeightsOnce:
    """EP of a step: bits of the distinct weights that it multiplies with, of their indices where
    they are sparse, and operations (2 a MAC).
    """

    bits: int
    index_bits: int
    ops: int


@dataclass(frozen=True)
class Neuron:
    """The backward pass of one example: words that neurons send or receive, and MACs of EP and
    WG.
    """

    words: int
    macs: int


def accountings(step: TrainingStep, network: Network, architecture: Architecture) -> dict[str, Any]:
    """Both accountings of a step; bytes at the machine's word sizes, values alone as Han et al.
    count.
    """
    once = weights_once(step.ops, lambda tensor: value_bits(tensor, architecture))
    words = neuron(step.ops, network.weighted, network.output, step.batch)
    return {
        "weights-once": {"EP": {"bytes": -(-once.bits // 8), "ops": once.ops}},
        "neuron": {"words": words.words, "macs": words.macs},
    }


def weights_once(ops: Iterable[Op], bits: Callable[[Tensor], int]) -> WeightsOnce:
    """The EP contractions among the ops, whole batch, all MACs of their loop nests. ``bits``: of
    one value of a tensor.
    """
    propagating = [op for op in contractions(ops) if op.pass_ is Pass.EP]
    weights = stationary(propagating)
    return WeightsOnce(
        sum(tensor.elements * bits(tensor) for tensor in weights),
        sum(tensor.elements * tensor.index_bits for tensor in weights),
        2 * sum(op.dense_macs for op in propagating),
    )


def neuron(ops: Iterable[Op], layers: Sequence[Layer], output: Layer, batch: int) -> Neuron:
    """|W| + |A| + |E| words with BP, |A| x (non-zeros a neuron) with direct feedback, of the ops of
    these ``layers``.

    |A| are the outputs of the layers, |E| the output errors. Fixed weights that EP reads otherwise
    than from the output error, which Crafton has not, stand in |W|'s place. Without EP among the
    ops no words move.
    """
    names = {layer.name for layer in layers}
    backward = [
        op for op in contractions(ops) if op.layer in names and op.pass_ in (Pass.EP, Pass.WG)
    ]
    propagating = [op for op in backward if op.pass_ is Pass.EP]
    errors = prod(output.out_shape)
    neurons = sum(prod(layer.out_shape) for layer in layers)
    feedback = [op for op in propagating if op.nest.unshared]
    words = 0
    if feedback and all(_from_output(op, output) for op in propagating):
        words = neurons * (feedback[0].nest.stored or errors)
    elif propagating:
        words = sum(tensor.elements for tensor in stationary(propagating)) + neurons + errors
    return Neuron(words, sum(op.dense_macs for op in backward) // batch)


def contractions(ops: Iterable[Op]) -> list[Contraction]:
    """Those of the ops that multiply and accumulate."""
    return [op for op in ops if isinstance(op, Contraction)]


def stationary(ops: Iterable[Contraction]) -> list[Tensor]:
    """The distinct stationary operands of the ops, in order."""
    return list(
        {
            operand.tensor.name: operand.tensor
            for op in ops
            for operand in op.operands_of(Use.STATIONARY)
        }.values()
    )


def _from_output(op: Contraction, output: Layer) -> bool:
    """Whether EP's op reads the output error and nothing else."""
    return op.moving.tensor.name.startswith(f"{output.name}.error")
