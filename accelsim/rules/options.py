"""Rules as users write them, ``name:key=value,key=value``, and what a rule declares about itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from accelsim.errors import Fault, InputError
from accelsim.network import Network
from accelsim.ops import Pass, TrainingStep
from accelsim.spec.suggest import did_you_mean

OptionValue = int | float | bool | str

_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TYPE_RULES = {int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True)
class Option:
    """An option of a rule: ``least`` and ``most`` bound numbers (inclusive), ``choices`` lists what a word may be."""

    name: str
    type_: type[OptionValue]
    default: OptionValue
    description: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """What a value must be, as error messages word it."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        bounds = " and ".join(f"{sign} {bound:g}" for sign, bound in ((">=", self.least), ("<=", self.most)) if bound is not None)
        return f"{_TYPE_RULES[self.type_]} {bounds}".rstrip()

    def parse(self, text: str) -> OptionValue:
        """The value; ValueError when it breaks the option's rule."""
        words: dict[str, OptionValue] = {"true": True, "false": False} if self.type_ is bool else {word: word for word in self.choices}
        if words:
            if text not in words:
                raise ValueError(text)
            return words[text]
        if not _NUMBER.fullmatch(text) or (self.type_ is int and not _WHOLE.fullmatch(text)):
            raise ValueError(text)
        value = int(text) if self.type_ is int else float(text)
        if (self.least is not None and value < self.least) or (self.most is not None and value > self.most):
            raise ValueError(text)
        return value


@dataclass(frozen=True)
class RuleSpec:
    """A rule with every option's value. ``str()`` is its canonical spelling: the options that differ from the defaults, in declared order."""

    name: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    defaults: Mapping[str, OptionValue] = field(default_factory=dict)

    def __str__(self) -> str:
        given = [f"{key}={_spell(value)}" for key, value in self.options.items() if value != self.defaults.get(key)]
        return f"{self.name}:{','.join(given)}" if given else self.name


def _spell(value: OptionValue) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


Lower = Callable[[Network, RuleSpec, int, str, frozenset[Pass]], TrainingStep]
"""(network, rule, batch, optimizer, passes) -> the step."""


@dataclass(frozen=True)
class RuleInfo:
    """A learning rule. ``family``: rules whose errors have zeros alike, so that they may share traces (DESIGN 5)."""

    name: str
    family: str
    description: str
    options: tuple[Option, ...]
    lower: Lower


def parse_rule(text: str, rules: Mapping[str, RuleInfo]) -> RuleSpec:
    """``"sdfa:k=2,rank=10"`` -> RuleSpec. Options may be separated by ``;`` too, as in lists of rules. InputError with every fault."""
    name, _, rest = text.strip().partition(":")
    if name not in rules:
        raise InputError(Fault("", 0, 0, f"rule must be one of {', '.join(rules)}, got {name!r}{did_you_mean(name, rules)}"))
    info = rules[name]
    known = {option.name: option for option in info.options}
    defaults = {option.name: option.default for option in info.options}
    given: dict[str, OptionValue] = {}
    faults: list[Fault] = []
    for part in filter(None, re.split("[,;]", rest)):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            faults.append(Fault("", 0, 0, f"rule option must be written key=value, got {part.strip()!r}"))
        elif key not in known:
            allowed = ", ".join(known) or "none"
            faults.append(Fault("", 0, 0, f"option of rule {name} must be one of {allowed}, got {key!r}{did_you_mean(key, known)}"))
        elif key in given:
            faults.append(Fault("", 0, 0, f"option {key} of rule {name} must be given once, got it again"))
        else:
            try:
                given[key] = known[key].parse(value)
            except ValueError:
                faults.append(Fault("", 0, 0, f"option {key} of rule {name} must be {known[key].rule}, got {value!r}"))
    if faults:
        raise InputError(*faults)
    return RuleSpec(name, defaults | given, defaults)
