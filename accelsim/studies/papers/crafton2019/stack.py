"""The network part that Crafton et al. 2019 count: its fully connected layers at batch 1, with
features from frozen convolutions.

The paper's accounting mixes two conventions, which are kept here. BP propagates an error through
the first of these layers into the frozen features, which makes its MACs 2|W|. The feedback rules do
not; their |B| and |b| cover hidden neurons only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from accelsim.cost.accountings import Neuron, neuron
from accelsim.rules.registry import lower
from accelsim.step.ops import Op, Pass, Role, Tensor
from accelsim.workload.network import Layer, Network

PASSES = (Pass.EP, Pass.WG, Pass.WU)


@dataclass(frozen=True)
class Stack:
    """Fully connected layers of ``network``."""

    network: Network

    @property
    def layers(self) -> tuple[Layer, ...]:
        return tuple(layer for layer in self.network.layers if layer.kind == "fc")

    @property
    def shape(self) -> tuple[int, ...]:
        """Neurons of each layer, preceded by the number of features."""
        return (prod(self.layers[0].in_shape), *(prod(layer.out_shape) for layer in self.layers))

    def ops(self, rule: str, into_features: bool | None = None) -> list[Op]:
        """Backward ops of the layers. ``into_features``: include EP into the frozen features; by
        default for BP only, as the paper counts.
        """
        names = {layer.name for layer in self.layers}
        with_first = rule == "bp" if into_features is None else into_features
        first = self.layers[0].name
        step = lower(self.network, rule, 1, "sgd", PASSES)
        return [
            op
            for op in step.ops
            if op.layer in names and (with_first or op.pass_ is not Pass.EP or op.layer != first)
        ]

    def neuron(self, rule: str, into_features: bool | None = None) -> Neuron:
        """The paper's accounting: words that leave or reach neurons, and MACs."""
        return neuron(self.ops(rule, into_features), self.layers, self.network.output, 1)


@dataclass(frozen=True)
class Symbols:
    """Quantities of the paper's formulas: ``w`` weights, ``b`` feedback weights, ``a`` neurons,
    ``e`` output errors.
    """

    w: int
    b: int
    a: int
    e: int


def symbols(stack: Stack, nonzeros: int) -> Symbols:
    """Quantities from the layers' sizes, independent of ops. ``nonzeros``: feedback weights per
    hidden neuron.
    """
    shape = stack.shape
    weights = sum(before * after for before, after in pairwise(shape))
    return Symbols(weights, nonzeros * sum(shape[1:-1]), sum(shape[1:]), shape[-1])


@dataclass(frozen=True)
class Traffic:
    """Words that the ops of a backward pass read and write.

    ``reads``: weights and feedback once each, errors read by WG, and output errors read by EP.
    ``writes``: new weights. ``operands``: all operands of all ops, including activations, gradients
    and masks, counted per op.
    """

    reads: int
    writes: int
    operands: int


def traffic(stack: Stack, ops: list[Op]) -> Traffic:
    """Traffic of the ops."""
    persistent = _distinct(
        operand.tensor
        for op in ops
        for operand in op.operands
        if operand.tensor.role in (Role.WEIGHT, Role.FEEDBACK)
    )
    output = f"{stack.network.output.name}.error"
    arriving = _distinct(
        o.tensor
        for op in ops
        if op.pass_ is Pass.EP
        for o in op.operands
        if o.tensor.name == output
    )
    words = sum(tensor.elements for tensor in (*persistent, *arriving))
    return Traffic(
        reads=words + _errors(op for op in ops if op.pass_ is Pass.WG),
        writes=_written_weights(ops),
        operands=sum(operand.tensor.elements for op in ops for operand in op.operands),
    )


def _written_weights(ops: Iterable[Op]) -> int:
    written = _distinct(tensor for op in ops if op.pass_ is Pass.WU for tensor in op.outputs)
    return sum(tensor.elements for tensor in written if tensor.role is Role.WEIGHT)


def _errors(ops: Iterable[Op]) -> int:
    errors = _distinct(
        operand.tensor for op in ops for operand in op.operands if operand.tensor.role is Role.ERROR
    )
    return sum(tensor.elements for tensor in errors)


def _distinct(tensors: Iterable[Tensor]) -> list[Tensor]:
    """One tensor per name."""
    return list({tensor.name: tensor for tensor in tensors}.values())
