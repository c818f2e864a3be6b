"""Costs of error propagation as the papers count them: weights read and operations, from the ops
that a rule lowers to.

A value has 32 bits unless its tensor sets another size.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from accelsim.cost.accountings import weights_once
from accelsim.rules.registry import lower, step_kinds
from accelsim.rules.spelling import AnyRule
from accelsim.step.ops import Contraction, Op, Pass, Tensor
from accelsim.workload.network import Network

FLOAT_BITS = 32
MEBIBYTE, MEGABYTE = 2**20, 10**6


@dataclass(frozen=True)
class Cost:
    """Cost of EP in one training step, or its mean over kinds of step: bits of the weights read
    once, bits of their indices, and operations (2 per MAC).
    """

    bits: Fraction
    ops: Fraction
    index_bits: Fraction = Fraction(0)

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.bits + other.bits, self.ops + other.ops, self.index_bits + other.index_bits
        )

    def __mul__(self, weight: Fraction) -> Cost:
        return Cost(self.bits * weight, self.ops * weight, self.index_bits * weight)

    def megabytes(self, unit: int) -> Fraction:
        """Weight bytes divided by ``unit``."""
        return self.bits / 8 / unit

    @property
    def gop(self) -> Fraction:
        """Operations in units of 10^9."""
        return self.ops / 10**9


def float_bits(tensor: Tensor) -> int:
    """Bits per value: the tensor's own (1 for a binary value), else 32."""
    return tensor.bits or FLOAT_BITS


def cost_of(ops: Iterable[Op]) -> Cost:
    """Cost of the EP contractions among the ops."""
    once = weights_once(ops, float_bits)
    return Cost(Fraction(once.bits), Fraction(once.ops), Fraction(once.index_bits))


def propagating(network: Network, rule: str | AnyRule, batch: int = 1) -> list[Op]:
    """EP contractions of a training step."""
    return [
        op
        for op in lower(network, rule, batch, passes=[Pass.EP]).ops
        if isinstance(op, Contraction)
    ]


def convolutions(ops: Iterable[Op]) -> list[Op]:
    """Convolutions among the ops. Han et al. leave the fully connected links out of the Revised
    rows.
    """
    return [op for op in ops if isinstance(op, Contraction) and op.nest.has_taps]


def mixed(rule: str, of_kind: dict[str, Cost]) -> Cost:
    """Mean cost of a hybrid rule, from the cost of each kind of step, weighted by the fraction of
    steps.
    """
    return sum(
        (of_kind[kind.kind] * fraction(kind.weight) for kind in step_kinds(rule)),
        Cost(Fraction(0), Fraction(0)),
    )


def fraction(value: float) -> Fraction:
    """The decimal that a float represents: 0.1 -> 1/10."""
    return Fraction(value).limit_denominator(10**6)
