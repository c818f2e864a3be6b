"""Declaration of hdfa and its options: those of the feedback steps, and those of the mix."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from accelsim.rules.declaration import Rule, RuleSpec
from accelsim.rules.revised.options import REVISED, Binary, RevisedOptions


class HybridOptions(RevisedOptions):
    """Options of ``hdfa``. Feedback is binary by default."""

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
        float, Field(ge=0, le=1, description="Probability that a step uses backpropagation.")
    ] = 0.1
    gamma: Annotated[
        float,
        Field(ge=0, le=1, description="Mix of the two momenta in the update of a DFA step."),
    ] = 0.9


def feedback_rule(rule: RuleSpec[HybridOptions]) -> RuleSpec[RevisedOptions]:
    """Rule of the feedback steps, with the options that were given for them. It is binary if hdfa's
    own option is.
    """
    given = dict(rule.options.given)
    if rule.options.binary:
        given["binary"] = True
    chosen = {name: value for name, value in given.items() if name in RevisedOptions.model_fields}
    return RuleSpec(REVISED, RevisedOptions.model_validate(chosen))


HDFA = Rule(
    "hdfa",
    family="hdfa",
    description="Hybrid: each step uses backpropagation with probability p, else the revised "
    "rule (algorithm 1).",
    numbers="accelsim.rules.hybrid.numbers:hybrid",
    options=HybridOptions,
    kinds="accelsim.rules.hybrid.ops:step_kinds",
)
