"""Learning rules as the command line writes them: ``bp``, ``sdfa:k=2,rank=10``, and lists
``bp,revised:groups=8;binary=true``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from accelsim.config.describe import join
from accelsim.config.suggest import did_you_mean
from accelsim.errors import Fault, InputError

OptionValue = int | float | bool | str


@dataclass(frozen=True)
class Option:
    """An option of a learning rule. ``default`` None: the rule does without it. ``minimum`` and
    ``maximum`` are inclusive.
    """

    name: str
    type: type[int | float | bool | str]
    default: OptionValue | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    description: str = ""

    @property
    def rule(self) -> str:
        """What a value must be: ``an integer >= 1``, ``a number from 0 to 1``, ``true or false``,
        ``bw or random``.
        """
        if self.choices:
            return join(self.choices)
        words = {bool: "true or false", int: "an integer", float: "a number", str: "a text"}[
            self.type
        ]
        if self.minimum is not None and self.maximum is not None:
            return f"{words} from {self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            return f"{words} >= {self.minimum:g}"
        return f"{words} <= {self.maximum:g}" if self.maximum is not None else words

    def parse(self, text: str) -> OptionValue:
        """The value that ``text`` spells; ValueError when it breaks the option's rule."""
        if self.choices and text not in self.choices:
            raise ValueError(self.rule)
        if self.type is bool:
            if text not in ("true", "false"):
                raise ValueError(self.rule)
            return text == "true"
        if self.type is str:
            if not text:
                raise ValueError(self.rule)
            return text
        value = int(text) if self.type is int else float(text)
        outside = (self.minimum is not None and value < self.minimum) or (
            self.maximum is not None and value > self.maximum
        )
        if (
            outside or not math.isfinite(value) or "_" in text
        ):  # Python reads 1_0 as 10; people do not
            raise ValueError(self.rule)
        return value


RuleTable = Mapping[str, tuple[Option, ...]]
"""Learning rule to its options, in the order in which they are written."""


@dataclass(frozen=True)
class RuleSpec:
    """A learning rule with the options that were given, in the table's order. ``str()`` gives the
    canonical text.
    """

    name: str
    options: tuple[tuple[str, OptionValue], ...] = ()
    defaults: tuple[tuple[str, OptionValue], ...] = field(default=(), repr=False, compare=False)

    @property
    def text(self) -> str:
        """``sdfa:k=2,rank=10``; reading it again gives an equal RuleSpec."""
        return self._written(",")

    @property
    def listed(self) -> str:
        """The text for a comma-separated list: ``sdfa:k=2;rank=10``."""
        return self._written(";")

    def _written(self, separator: str) -> str:
        words = separator.join(f"{name}={spelt(value)}" for name, value in self.options)
        return f"{self.name}:{words}" if words else self.name

    def __str__(self) -> str:
        return self.text

    def given(self, option: str) -> bool:
        """Whether the option was written."""
        return any(name == option for name, _ in self.options)

    def get(self, option: str) -> OptionValue | None:
        """The value given, else the default, else None."""
        return dict(self.options).get(option, dict(self.defaults).get(option))


def spelt(value: OptionValue) -> str:
    """The value as users write it: ``true``, ``0.5``, ``16``."""
    return (
        str(value).lower()
        if isinstance(value, bool)
        else repr(value)
        if isinstance(value, float)
        else str(value)
    )


def parse_rule(text: str, table: RuleTable) -> RuleSpec:
    """One rule; options are separated by ``,`` or ``;``. InputError with all that is wrong with
    it.
    """
    name, colon, rest = text.strip().partition(":")
    name = name.strip()
    if name not in table:
        raise InputError(
            f"unknown rule {name or 'of no name'}{did_you_mean(name, table)} (accelsim list rules)"
        )
    known = {option.name: option for option in table[name]}
    values: dict[str, OptionValue] = {}
    faults: list[Fault | str] = []
    seen: set[str] = set()
    for part in rest.replace(";", ",").split(",") if colon else ():
        key, equals, value = (word.strip() for word in part.partition("="))
        if key in known and key in seen:
            faults.append(f"{name}.{key} must appear once, got it again")
        elif not equals or not key:
            faults.append(f"{name} must be written name:key=value,key=value, got {text.strip()!r}")
        elif key not in known:
            faults.append(
                f"{name}.{key} is not a known "
                f"option{did_you_mean(key, known) or _known_options(known)}"
            )
        else:
            try:
                values[key] = known[key].parse(value)
            except ValueError:
                faults.append(
                    f"{name}.{key} must be {known[key].rule}, got "
                    f"{value or 'nothing'}{did_you_mean(value, known[key].choices)}"
                )
        seen.add(key)
    if faults:
        raise InputError(*dict.fromkeys(faults))
    defaults = tuple(
        (option.name, option.default) for option in table[name] if option.default is not None
    )
    return RuleSpec(name, tuple((key, values[key]) for key in known if key in values), defaults)


def _known_options(known: Mapping[str, Option]) -> str:
    return f"; known options: {', '.join(known)}" if known else "; the rule has none"


def parse_rules(text: str, table: RuleTable) -> tuple[RuleSpec, ...]:
    """A comma-separated list of rules, options bound with ``;``. InputError with the faults of all
    of them, or when a rule appears twice.

    ``key=value`` after a comma can be no rule, so it is taken as a further option of the rule
    before: ``sdfa:k=2,rank=10`` is one rule here too.
    """
    parts: list[str] = []
    for part in text.split(","):
        if parts and "=" in part and ":" not in part and ":" in parts[-1]:
            parts[-1] += f";{part}"
        else:
            parts.append(part)
    specs: list[RuleSpec] = []
    faults: list[Fault] = []
    for part in parts:
        try:
            spec = parse_rule(part, table)
        except InputError as error:
            faults.extend(error.faults)
            continue
        if spec in specs:
            faults.append(Fault("", 0, 0, f"{spec.text} must appear once, got it again"))
        specs.append(spec)
    if faults:
        raise InputError(*faults)
    return tuple(specs)
