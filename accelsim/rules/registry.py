"""Learning rules: a network becomes the ops of one training step, with no machine in sight.

A rule family is one module with a tuple ``RULES``; adding one touches that file and the line below.
"""

from __future__ import annotations

from collections.abc import Iterable

from accelsim.errors import Fault, InputError
from accelsim.rules import spelling
from accelsim.rules.chained import backprop, feedback_alignment, frozen
from accelsim.rules.direct import ops as direct_feedback
from accelsim.rules.hybrid import ops as hybrid
from accelsim.rules.info import RuleInfo, StepKind
from accelsim.rules.modular import ops as modular
from accelsim.rules.modular import revised
from accelsim.rules.sequence import ops as triangular
from accelsim.rules.spelling import RuleSpec, RuleTable
from accelsim.rules.walk.vector_costs import OPTIMIZER
from accelsim.step.ops import Pass, TrainingStep
from accelsim.workload.network import Network

_FAMILIES = (
    backprop,
    feedback_alignment,
    direct_feedback,
    modular,
    triangular,
    revised,
    hybrid,
    frozen,
)

RULES: dict[str, RuleInfo] = {info.name: info for module in _FAMILIES for info in module.RULES}
"""Every learning rule, by the name that users write."""

OPTIONS: RuleTable = {name: info.options for name, info in RULES.items()}
"""The options of every rule, as `accelsim.rules.spelling` reads them."""

ALL_PASSES = frozenset(Pass)


def parse_rule(rule: str | RuleSpec) -> RuleSpec:
    """``"sdfa:k=2,rank=10"`` -> the rule with its options. InputError with every fault: unknown
    rule, unknown option, bad value.
    """
    return rule if isinstance(rule, RuleSpec) else spelling.parse_rule(rule, OPTIONS)


def family(rule: str | RuleSpec) -> str:
    """The rule's trace family: rules of one family make errors with zeros alike, whatever their
    options (DESIGN 5).
    """
    name = rule.name if isinstance(rule, RuleSpec) else rule.partition(":")[0].strip()
    return RULES[name].family if name in RULES else name


def check_rule(network: Network, rule: str | RuleSpec, optimizer: str = "momentum") -> None:
    """InputError as `lower`, for each kind of step that the rule takes with that optimizer: who
    trains with it hears the same as who simulates it.
    """
    spec = parse_rule(rule)
    steps = RULES[spec.name].steps
    for kind in steps(spec) if steps else [StepKind("", 1.0, spec)]:
        kind.finish(lower(network, kind.rule, 1, optimizer))


def lower(
    network: Network,
    rule: str | RuleSpec,
    batch: int,
    optimizer: str = "momentum",
    passes: Iterable[Pass] = ALL_PASSES,
) -> TrainingStep:
    """The training step of a network under a learning rule.

    ``optimizer``: sgd, momentum or adam, with 0, 1 or 2 words of state a weight. ``passes``: ops of
    other passes are dropped and what depended on them depends on what they waited for. Biases are
    left out, as in the papers' counts. InputError on a rule that does not exist or does not suit
    the network, a scale that is not above 0, a batch below 1 or an unknown optimizer.
    """
    spec = parse_rule(rule)
    faults: list[Fault] = []
    if batch < 1:
        faults.append(Fault("", 0, 0, f"batch must be >= 1, got {batch}"))
    if optimizer not in OPTIMIZER:
        faults.append(
            Fault("", 0, 0, f"optimizer must be one of {', '.join(OPTIMIZER)}, got {optimizer}")
        )
    scale = spec.get("scale")
    if isinstance(scale, int | float) and scale <= 0:
        faults.append(Fault("", 0, 0, f"{spec.name}.scale must be a number > 0, got {scale:g}"))
    wanted = frozenset(passes)
    if not wanted:
        faults.append(Fault("", 0, 0, f"passes must be one or more of {', '.join(Pass)}, got none"))
    if faults:
        raise InputError(*faults)
    return RULES[spec.name].lower(network, spec, batch, optimizer, wanted)


__all__ = [
    "ALL_PASSES",
    "OPTIONS",
    "RULES",
    "RuleInfo",
    "RuleSpec",
    "check_rule",
    "family",
    "lower",
    "parse_rule",
]
