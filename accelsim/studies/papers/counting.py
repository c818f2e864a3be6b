"""Reads and operations of error propagation, from the ops that a rule lowers to: the papers' costs.

A value has 32 bits unless its tensor says otherwise.
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
    """EP of a training step, or a mean of several kinds of step: bits of the weights read once, of
    their indices, and operations (2 a MAC).
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
        """Bytes over ``unit``."""
        return self.bits / 8 / unit

    @property
    def gop(self) -> Fraction:
        """10^9 operations."""
        return self.ops / 10**9


def float_bits(tensor: Tensor) -> int:
    """Bits of one value: 1 of a binary one, else those of a single-precision number."""
    return tensor.bits or FLOAT_BITS


def cost_of(ops: Iterable[Op]) -> Cost:
    """The EP contractions among the ops."""
    once = weights_once(ops, float_bits)
    return Cost(Fraction(once.bits), Fraction(once.ops), Fraction(once.index_bits))


def propagating(network: Network, rule: str | AnyRule, batch: int = 1) -> list[Op]:
    """The EP contractions of a training step."""
    return [
        op
        for op in lower(network, rule, batch, passes=[Pass.EP]).ops
        if isinstance(op, Contraction)
    ]


def convolutions(ops: Iterable[Op]) -> list[Op]:
    """Those of the ops that are convolutions: Han et al. leave the fully connected links out of the
    Revised rows.
    """
    return [op for op in ops if isinstance(op, Contraction) and op.nest.has_taps]


def mixed(rule: str, of_kind: dict[str, Cost]) -> Cost:
    """The mean over a hybrid rule's kinds of step, each as often as the rule takes it, of their
    costs by kind.
    """
    return sum(
        (of_kind[kind.kind] * fraction(kind.weight) for kind in step_kinds(rule)),
        Cost(Fraction(0), Fraction(0)),
    )


def fraction(value: float) -> Fraction:
    """The decimal that a float stands for: 0.1 is 1/10."""
    return Fraction(value).limit_denominator(10**6)
