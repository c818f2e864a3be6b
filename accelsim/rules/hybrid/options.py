"""Declaration of hdfa and its options: those of the feedback steps, and those of the mix."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from accelsim.errors import InputError
from accelsim.rules.declaration import Rule, RuleSpec, spelt
from accelsim.rules.direct.options import BDFA, DFA, DirectOptions
from accelsim.rules.options import OptionValue
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
        "granularity",
    )

    binary: Binary = True
    p: Annotated[
        float, Field(ge=0, le=1, description="Probability that a step uses backpropagation.")
    ] = 0.1
    gamma: Annotated[
        float,
        Field(ge=0, le=1, description="Mix of the two momenta in the update of a DFA step."),
    ] = 0.9
    granularity: Annotated[
        Literal["module", "layer", "sublayer", "block"],
        Field(
            description="Feedback steps: the revised rule (module), or dfa of that granularity "
            "(bdfa if binary)."
        ),
    ] = "module"


def feedback_rule(rule: RuleSpec[HybridOptions]) -> RuleSpec[Any]:
    """Rule of the feedback steps, with the options that were given for them. It is binary if hdfa's
    own option is. Raises InputError for an option that this rule does not have.
    """
    given = dict(rule.options.given)
    if rule.options.granularity != "module":
        return _direct_rule(rule, given)
    if rule.options.binary:
        given["binary"] = True
    chosen = {name: value for name, value in given.items() if name in RevisedOptions.model_fields}
    return RuleSpec(REVISED, RevisedOptions.model_validate(chosen))


def _direct_rule(
    rule: RuleSpec[HybridOptions], given: dict[str, OptionValue]
) -> RuleSpec[DirectOptions]:
    own = {*HybridOptions.model_fields} - {*RevisedOptions.model_fields} | {"binary"}
    chosen = {name: value for name, value in given.items() if name in DirectOptions.model_fields}
    lacks = [name for name in given if name not in own | {*DirectOptions.model_fields}]
    if lacks:
        raise InputError(
            f"{rule.name}.{lacks[0]} must be left out unless {rule.name}.granularity is module, "
            f"got {spelt(given[lacks[0]])}"
        )
    declaration = BDFA if rule.options.binary else DFA
    return RuleSpec(declaration, DirectOptions.model_validate(chosen))


HDFA = Rule(
    "hdfa",
    family="hdfa",
    description="Hybrid: each step uses backpropagation with probability p, else the revised "
    "rule (algorithm 1).",
    numbers="accelsim.rules.hybrid.numbers:hybrid",
    options=HybridOptions,
    kinds="accelsim.rules.hybrid.ops:step_kinds",
)
