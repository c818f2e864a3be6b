"""Learning rules that have numbers, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from accelsim.errors import InputError
from accelsim.layers.model import Model
from accelsim.rules.chained.numbers import Backprop, FeedbackAlignment, Frozen
from accelsim.rules.direct.numbers import dense_draw, direct_feedback, sparse_draw
from accelsim.rules.hybrid.numbers import Hybrid
from accelsim.rules.modular.numbers import (
    Build,
    convolution_link,
    dense_link,
    module_feedback,
    revised_link,
)
from accelsim.rules.sequence.numbers import SequenceFeedback, SequenceOptions
from accelsim.rules.spelling import RuleSpec
from accelsim.rules.walk.numbers import RuleNumerics

Make = Callable[[Model, int, RuleSpec], RuleNumerics]
Value = TypeVar("Value", int, float, bool, str)


def rule_numerics(rule: RuleSpec, model: Model, seed: int) -> RuleNumerics:
    """The rule's numbers for a model. InputError for rules that have none, and for options that do
    not fit the model.
    """
    if rule.name not in RULES:
        raise InputError(
            f"rule must be one that can be trained ({', '.join(RULES)}), got {rule.name}"
        )
    return RULES[rule.name](model, seed, rule)


def _value(rule: RuleSpec, option: str, default: Value) -> Value:
    value = rule.get(option)
    return default if value is None else type(default)(value)


def _scale(rule: RuleSpec) -> float:
    return _value(rule, "scale", 1.0)


def _per_step(rule: RuleSpec) -> bool:
    return _value(rule, "per_step", False)


def _sparse(model: Model, seed: int, rule: RuleSpec) -> RuleNumerics:
    draw = sparse_draw(_scale(rule), _value(rule, "k", 1), _value(rule, "rank", 0))
    return direct_feedback(model, seed, draw, _per_step(rule))


def _dense(binary: bool) -> Make:
    return lambda model, seed, rule: direct_feedback(
        model, seed, dense_draw(_scale(rule), binary), _per_step(rule)
    )


def _modular(build: Callable[[RuleSpec], Build]) -> Make:
    def make(model: Model, seed: int, rule: RuleSpec) -> RuleNumerics:
        if model.network.vocabulary:
            raise InputError(
                f"{rule.name} must have a network without recurrent layers, got "
                f"{model.network.name}"
            )
        return module_feedback(
            model, seed, tuple(filter(None, _value(rule, "modules", "").split("+"))), build(rule)
        )

    return make


def _revised(model: Model, seed: int, rule: RuleSpec) -> RuleNumerics:
    if not model.network.vocabulary:
        return _REVISED_MODULES(model, seed, rule)
    options = SequenceOptions(
        powers=True,
        density=1 - _value(rule, "sparsity", 0.0),
        binary=_value(rule, "binary", False),
        from_weights=_value(rule, "init", "random") == "bw",
        by_distance=_value(rule, "exponent", "distance") == "distance",
        per_step=_per_step(rule),
        scale=_scale(rule),
    )
    return SequenceFeedback(model, seed, options)


def _hybrid(model: Model, seed: int, rule: RuleSpec) -> RuleNumerics:
    other = None if rule.name == "bp-only" else _revised(model, seed, rule)
    return Hybrid(other, Backprop(model), _value(rule, "p", 0.1), seed)


_REVISED_MODULES = _modular(
    lambda rule: revised_link(
        _scale(rule),
        _value(rule, "groups", 1),
        _value(rule, "binary", False),
        _value(rule, "order", "counted") == "printed",
    )
)

RULES: dict[str, Make] = {
    "bp": lambda model, _seed, _rule: Backprop(model),
    "fa": lambda model, seed, rule: FeedbackAlignment(model, seed, _scale(rule)),
    "dfa": _dense(binary=False),
    "bdfa": _dense(binary=True),
    "sdfa": _sparse,
    "ssdfa": _sparse,
    "modular": _modular(lambda rule: dense_link(_scale(rule))),
    "conv-dfa": _modular(lambda rule: convolution_link(_scale(rule), dilated=False)),
    "dilated": _modular(lambda rule: convolution_link(_scale(rule), dilated=True)),
    "triangular": lambda model, seed, rule: SequenceFeedback(
        model, seed, SequenceOptions(per_step=_per_step(rule), scale=_scale(rule))
    ),
    "revised": _revised,
    "hdfa": _hybrid,
    "bp-only": _hybrid,
    "frozen": lambda model, _seed, _rule: Frozen(model),
}
"""Rule name to its numbers, made from a model, the seed of its feedback, and the rule with its
options.
"""
