"""Lowering: a network and a learning rule become the ops of one training step, or the numbers that
train. No machine takes part.

Each rule is one entry of `accelsim.config.registries.RULES`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from accelsim.config.describe import join
from accelsim.config.registries import RULES
from accelsim.errors import Fault, InputError
from accelsim.rules.declaration import RuleSpec, StepKind
from accelsim.rules.spelling import AnyRule, declared, parse_rule, parse_rules
from accelsim.rules.walk.backward import lower_step
from accelsim.rules.walk.vector_costs import OPTIMIZER
from accelsim.step.ops import Pass, TrainingStep
from accelsim.workload.network import Network

if TYPE_CHECKING:  # ops are lowered without numpy
    from accelsim.layers.model import Model
    from accelsim.rules.walk.numbers import RuleNumerics

ALL_PASSES = frozenset(Pass)


def family(rule: str | AnyRule) -> str:
    """The rule's trace family. Rules of one family produce the same zeros in their errors, with any
    options (docs/traces.md).

    For a text whose rule is not registered, the family is the rule's name without its plug-in's
    label; no code of a plug-in runs.
    """
    if isinstance(rule, RuleSpec):
        return rule.rule.family
    name = rule.partition(":")[0].partition("@")[0].strip()
    return declared(name).family if RULES.is_read(name) else name


def same_family(text: str, rule: AnyRule) -> bool:
    """True when the rule that a trace states as text belongs to the family of ``rule``. A rule's
    own traces always do, even when its plug-in is not registered.
    """
    return family(text) in (rule.rule.family, rule.name)


def step_kinds(rule: str | AnyRule) -> tuple[StepKind, ...]:
    """The kinds of training step of a rule, with the fraction of steps of each. InputError as
    `parse_rule`.
    """
    spec = parse_rule(rule)
    return spec.rule.step_kinds(spec)


def step_rules(rule: str | AnyRule) -> str:
    """The rules of the kinds of step, as text: ``bp and revised``."""
    return join([kind.rule.name for kind in step_kinds(rule)], "and")


def check_rule(network: Network, rule: str | AnyRule, optimizer: str = "momentum") -> None:
    """InputError as `lower` when the rule, with that optimizer, does not suit the network; every
    kind of step is checked. Training calls it, so that it refuses the same rules as a simulation.
    """
    for kind in step_kinds(rule):
        kind.finish(lower(network, kind.rule, 1, optimizer))


def lower(
    network: Network,
    rule: str | AnyRule,
    batch: int,
    optimizer: str = "momentum",
    passes: Iterable[Pass] = ALL_PASSES,
) -> TrainingStep:
    """The training step of a network under a learning rule, for a ``batch`` of samples.

    ``optimizer``: sgd, momentum, adam, adamw or lion, with 0, 1, 2, 2 or 1 words of state per
    weight. ``passes``: the
    passes whose ops are kept. An op that depended on a dropped op depends on the dependencies of
    that op instead. Biases have no ops, as in the papers' counts.

    InputError for a rule that does not exist or does not suit the network, a batch below 1, an
    unknown optimizer, no passes, or a rule of several kinds of step.
    """
    spec = parse_rule(rule)
    faults: list[Fault] = []
    if batch < 1:
        faults.append(Fault("", 0, 0, f"batch must be >= 1, got {batch}"))
    if optimizer not in OPTIMIZER:
        faults.append(
            Fault("", 0, 0, f"optimizer must be one of {', '.join(OPTIMIZER)}, got {optimizer}")
        )
    wanted = frozenset(passes)
    if not wanted:
        faults.append(Fault("", 0, 0, f"passes must be one or more of {', '.join(Pass)}, got none"))
    if faults:
        raise InputError(*faults)
    if spec.rule.kinds:
        raise InputError(
            f"{spec.name} must be lowered as its kinds of step, {step_rules(spec)}, got {spec}"
        )
    propagation = spec.rule.propagation(network, spec)
    return lower_step(network, str(spec), propagation, batch, optimizer, wanted)


def rule_numerics(rule: str | AnyRule, model: Model, seed: int) -> RuleNumerics:
    """The numbers of a rule for a model. ``seed``: of its feedback matrices. InputError for a rule
    that cannot be trained, and for options that do not fit the model.
    """
    spec = parse_rule(rule)
    if not spec.rule.numbers and spec.plugin:
        raise InputError(
            f"rule {spec.title} must have numbers to be trained, got a declaration without them"
        )
    if not spec.rule.numbers:
        trained = [name for name in RULES.names(unread=False) if declared(name).numbers]
        raise InputError(
            f"rule must be one that can be trained ({', '.join(trained)}), got {spec.name}"
        )
    return spec.rule.numerics(model, seed, spec)


__all__ = [
    "ALL_PASSES",
    "check_rule",
    "declared",
    "family",
    "lower",
    "parse_rule",
    "parse_rules",
    "rule_numerics",
    "same_family",
    "step_kinds",
    "step_rules",
]
