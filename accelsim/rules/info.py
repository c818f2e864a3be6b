"""What a learning rule declares about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from accelsim.rules.spelling import Option, RuleSpec
from accelsim.step.ops import Pass, TrainingStep
from accelsim.workload.network import Network

Lower = Callable[[Network, RuleSpec, int, str, frozenset[Pass]], TrainingStep]
"""(network, rule, batch, optimizer, passes) -> the step."""


@dataclass(frozen=True)
class StepKind:
    """One kind of training step of a rule that takes several: its fraction of all steps, and the
    rule that lowers it.

    ``finish``: what the several-kinded rule changes in that step's ops (its optimizer keeps more
    state, say).
    """

    kind: str
    weight: float
    rule: RuleSpec
    finish: Callable[[TrainingStep], TrainingStep] = field(
        default=lambda step: step, repr=False, compare=False
    )


@dataclass(frozen=True)
class RuleInfo:
    """A learning rule. ``family``: rules whose errors have zeros alike, so that they may share
    traces (DESIGN 5).

    ``steps``: the kinds of step of a rule that takes several; such a rule is not lowered itself.
    """

    name: str
    family: str
    description: str
    options: tuple[Option, ...]
    lower: Lower
    steps: Callable[[RuleSpec], tuple[StepKind, ...]] | None = None


def whole(rule: RuleSpec, option: str) -> int:
    """The value of an option that is an integer (or, as 0 and 1, a boolean)."""
    value = rule.get(option)
    assert isinstance(value, int)
    return value
