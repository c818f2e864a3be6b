"""Accountings: the counts of the papers for the same ops. The machine's own counts are the result
itself.

- ``weights-once`` (Han et al. 2020, tables 2 and 4): each backward weight is read once per EP pass;
  two operations per MAC.
- ``neuron`` (Crafton et al. 2019, table 1 and figure 8): words that a neuron must send or receive
  in the backward pass of one example.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from accelsim.machine.architecture import Machine
from accelsim.machine.words import value_bits
from accelsim.step.ops import Contraction, Op, Pass, Tensor, TrainingStep, Use
from accelsim.workload.network import Layer, Network


@dataclass(frozen=True)
class WeightsOnce:
    """EP of a step under ``weights-once``.

    ``bits``: total bits of the values of the distinct weights that it multiplies with.
    ``index_bits``: total bits of their indices, if they are sparse. ``ops``: operations, 2 per MAC.
    """

    bits: int
    index_bits: int
    ops: int


@dataclass(frozen=True)
class Neuron:
    """The backward pass of one example under ``neuron``: words that neurons send or receive, and
    MACs of EP and WG.
    """

    words: int
    macs: int


def accountings(step: TrainingStep, network: Network, architecture: Machine) -> dict[str, Any]:
    """Both accountings of a step, in the form of a result.

    Bytes use the machine's word sizes and count values only, without indices, as Han et al. do.
    """
    once = weights_once(step.ops, lambda tensor: value_bits(tensor, architecture))
    words = neuron(step.ops, network.weighted, network.output, step.batch)
    return {
        "weights-once": {"EP": {"bytes": -(-once.bits // 8), "ops": once.ops}},
        "neuron": {"words": words.words, "macs": words.macs},
    }


def weights_once(ops: Iterable[Op], bits: Callable[[Tensor], int]) -> WeightsOnce:
    """Count the EP contractions among the ops: whole batch, all MACs of their loop nests.

    ``bits``: bits per value of a tensor.
    """
    propagating = [op for op in contractions(ops) if op.pass_ is Pass.EP]
    weights = stationary(propagating)
    return WeightsOnce(
        sum(tensor.elements * bits(tensor) for tensor in weights),
        sum(tensor.elements * tensor.index_bits for tensor in weights),
        2 * sum(op.dense_macs for op in propagating),
    )


def neuron(ops: Iterable[Op], layers: Sequence[Layer], output: Layer, batch: int) -> Neuron:
    """Count words and MACs of the ops of ``layers``.

        BP:               |W| + |A| + |E| words
        direct feedback:  |A| x (non-zeros per neuron) words

    Here |W| is the number of weights, |A| of layer outputs and |E| of output errors. Fixed weights
    that EP multiplies with errors other than the output error (not in Crafton et al.) count as |W|.
    Without EP no words move.
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
    """The contractions among the ops."""
    return [op for op in ops if isinstance(op, Contraction)]


def stationary(ops: Iterable[Contraction]) -> list[Tensor]:
    """Distinct stationary operands of the ops, in order."""
    return list(
        {
            operand.tensor.name: operand.tensor
            for op in ops
            for operand in op.operands_of(Use.STATIONARY)
        }.values()
    )


def _from_output(op: Contraction, output: Layer) -> bool:
    """Whether an EP op reads the output error and no other error."""
    return op.moving.tensor.name.startswith(f"{output.name}.error")
