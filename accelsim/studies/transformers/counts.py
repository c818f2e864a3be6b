"""Counts of error propagation in a transformer, from its ops alone, the same for every machine."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction, Pass, Role, TrainingStep
from accelsim.workload.loading import load_network


@dataclass(frozen=True)
class Counts:
    """Of one training step: ``macs`` of EP; ``transported``, words of weights that EP reads
    transposed; ``chain``, most products of EP that wait for one another.
    """

    macs: int
    transported: int
    chain: int


def counts(workload: str, rule: str, batch: int) -> Counts:
    """Counts of a workload under a rule."""
    step = lower(load_network(workload), rule, batch)
    backward = [op for op in step.ops if op.pass_ is Pass.EP]
    weights = [
        op.stationary.tensor
        for op in backward
        if isinstance(op, Contraction) and op.stationary.tensor.role is Role.WEIGHT
    ]
    return Counts(
        sum(op.dense_macs for op in backward),
        sum(tensor.elements for tensor in weights),
        _chain(step),
    )


def _chain(step: TrainingStep) -> int:
    longest: dict[str, int] = {}
    for op in step.ops:
        before = max((longest[name] for name in op.depends_on), default=0)
        counted = op.pass_ is Pass.EP and isinstance(op, Contraction)
        longest[op.name] = before + counted
    return max(longest.values())
