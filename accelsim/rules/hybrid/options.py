"""Declaration of hdfa and its options: those of its feedback steps, and of the mix."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from accelsim.rules.declaration import Rule, RuleSpec
from accelsim.rules.revised.options import REVISED, Binary, RevisedOptions


class HybridOptions(RevisedOptions):
    """Options of ``hdfa``: feedback is binary unless told otherwise."""

    listed_order: ClassVar[tuple[str, ...]] = (
        "p",
        "groups",
        "sparsity",
        "binary",
        "gamma",
        "init",
        "per_step",
        "exponent",
        "order",
        "modules",
        "scale",
    )

    binary: Binary = True
    p: Annotated[
        float, Field(ge=0, le=1, description="Probability of a step of backpropagation.")
    ] = 0.1
    gamma: Annotated[
        float,
        Field(ge=0, le=1, description="Mix of the two momenta in the update of a DFA step."),
    ] = 0.9


def feedback_rule(rule: RuleSpec[HybridOptions]) -> RuleSpec[RevisedOptions]:
    """The rule of the feedback steps, with the options that were given for it, and always binary
    where this rule is.
    """
    given = dict(rule.options.given)
    if rule.options.binary:
        given["binary"] = True
    chosen = {name: value for name, value in given.items() if name in RevisedOptions.model_fields}
    return RuleSpec(REVISED, RevisedOptions.model_validate(chosen))


HDFA = Rule(
    "hdfa",
    family="hdfa",
    description="Hybrid: a step of backpropagation with probability p, else one of the revised "
    "rule (algorithm 1).",
    numbers="accelsim.rules.hybrid.numbers:hybrid",
    options=HybridOptions,
    kinds="accelsim.rules.hybrid.ops:step_kinds",
)
