"""Learning rules that have numbers, by name."""

from __future__ import annotations

from collections.abc import Callable

from accelsim.errors import InputError
from accelsim.reference.backprop import Backprop
from accelsim.reference.direct_feedback import dense_direct_feedback, sparse_direct_feedback
from accelsim.reference.model import Model
from accelsim.reference.rule import RuleNumerics
from accelsim.spec.rule import RuleSpec

RULES: dict[str, Callable[[Model, int, RuleSpec], RuleNumerics]] = {
    "bp": lambda model, _seed, _rule: Backprop(model),
    "dfa": lambda model, seed, _rule: dense_direct_feedback(model, seed),
    "sdfa": lambda model, seed, rule: sparse_direct_feedback(model, seed, _whole(rule, "k", 1), _whole(rule, "rank", 0)),
    "ssdfa": lambda model, seed, _rule: sparse_direct_feedback(model, seed),
}
"""Rule name to its numbers, made from a model, the seed of its feedback, and the rule with its options."""


def rule_numerics(rule: RuleSpec, model: Model, seed: int) -> RuleNumerics:
    """The rule's numbers for a model. InputError for rules that have none, and for options that do not fit the model."""
    if rule.name not in RULES:
        raise InputError(f"rule must be one that can be trained ({', '.join(RULES)}), got {rule.name}")
    return RULES[rule.name](model, seed, rule)


def _whole(rule: RuleSpec, option: str, default: int) -> int:
    value = rule.get(option)
    return default if value is None else int(value)
