"""Learning rules in the spelling of users: ``bp``, ``sdfa:k=2,rank=10``,
``drtp.py:drtp:binary=true`` for a rule of a plug-in's file, and lists such as
``bp,revised:groups=8;binary=true``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from accelsim.config.plugins.files import SUFFIX
from accelsim.config.plugins.names import split_file
from accelsim.config.plugins.source import Plugin
from accelsim.config.registries import RULES
from accelsim.config.registry import Registry
from accelsim.config.suggest import did_you_mean
from accelsim.errors import Fault, InputError
from accelsim.rules.declaration import Rule, RuleSpec
from accelsim.rules.options import OptionValue

AnyRule = RuleSpec[Any]
"""A rule with options of any type."""


def declared(name: str, registry: Registry = RULES) -> Rule:
    """The declaration of a rule. InputError for an unknown name."""
    rule: Rule = registry.resolve(name)
    return rule


def parse_rule(rule: str | AnyRule, registry: Registry = RULES) -> AnyRule:
    """A rule with its options, from a text such as ``"sdfa:k=2,rank=10"``. ``,`` or ``;`` separates
    the options.

    ``FILE.py:NAME`` runs the file and takes its rule of that name. Therefore only texts of the user
    may be read here, not texts from a file or a trace. InputError with every fault: unknown rule,
    broken plug-in, unknown option, value of the wrong type.
    """
    if isinstance(rule, RuleSpec):
        return rule
    file, text = split_file(rule.strip())
    name, colon, rest = text.partition(":")
    declaration, plugin = _declaration(file, name.strip(), registry)
    values = _option_values(declaration, rule.strip(), rest if colon else None)
    return RuleSpec(declaration, declaration.options.model_validate(values), plugin)


def _declaration(file: str, name: str, registry: Registry) -> tuple[Rule, Plugin | None]:
    """The declaration of a rule and its plug-in, from ``file`` if it is given, else from the
    registry.
    """
    if file and not name:
        raise InputError(f"rule must be written FILE{SUFFIX}:NAME, got {file}")
    if file:
        return registry.from_file(file, name)
    name, _, label = name.partition("@")
    if label and (name not in registry or registry.label(name) != label):
        hint = (
            f"write FILE{SUFFIX}:{name} or add --plugin FILE{SUFFIX}"
            if label.endswith(SUFFIX)
            else f"is {label} installed?"
        )
        raise InputError(f"unknown rule {name}@{label}; {hint}")
    return declared(name, registry), registry.plugin(name)


def _option_values(rule: Rule, text: str, written: str | None) -> dict[str, OptionValue]:
    known, name = rule.options.names(), rule.name
    values: dict[str, OptionValue] = {}
    faults: list[Fault | str] = []
    seen: set[str] = set()
    for part in () if written is None else written.replace(";", ",").split(","):
        key, equals, value = (word.strip() for word in part.partition("="))
        if key in known and key in seen:
            faults.append(f"{name}.{key} must appear once, got it again")
        elif not equals or not key:
            faults.append(f"{name} must be written name:key=value,key=value, got {text!r}")
        elif key not in known:
            faults.append(
                f"{name}.{key} is not a known option"
                f"{did_you_mean(key, known) or _known_options(known)}"
            )
        else:
            try:
                values[key] = rule.options.read(key, value)
            except ValueError as error:
                choices = [str(choice) for choice in rule.options.hint(key).literals]
                faults.append(
                    f"{name}.{key} must be {error}, got "
                    f"{value or 'nothing'}{did_you_mean(value, choices)}"
                )
        seen.add(key)
    if faults:
        raise InputError(*dict.fromkeys(faults))
    return values


def _known_options(known: Sequence[str]) -> str:
    return f"; known options: {', '.join(known)}" if known else "; the rule has none"


def parse_rules(
    rules: str | Sequence[str | AnyRule], registry: Registry = RULES
) -> tuple[AnyRule, ...]:
    """Rules from a comma-separated list or from a sequence. InputError with the faults of all
    rules, and for a rule that a list has twice.

    In a list, ``;`` separates the options of one rule. A part ``key=value`` after a comma cannot be
    a rule, so it is taken as another option of the preceding rule: ``sdfa:k=2,rank=10`` is one rule
    in a list too.
    """
    specs: list[AnyRule] = []
    faults: list[Fault] = []
    before = ""
    for part in _parts(rules) if isinstance(rules, str) else rules:
        text = str(part).strip()
        try:
            spec = parse_rule(part, registry)
        except InputError as error:
            hint = _binding_hint(text, before, registry)
            faults += [replace(fault, message=fault.message + hint) for fault in error.faults]
        else:
            if isinstance(rules, str) and spec in specs:
                faults.append(Fault("", 0, 0, f"{spec.text} must appear once, got it again"))
            faults += _homonyms(spec, specs)
            specs.append(spec)
        before = text if _known(text, registry) else before
    if faults:
        raise InputError(*faults)
    return tuple(specs)


def _homonyms(spec: AnyRule, before: Sequence[AnyRule]) -> list[Fault]:
    """Faults of rules from different files with the same text, which results could not tell
    apart.
    """
    return [
        Fault("", 0, 0, f"{spec.text} must be one rule, got it from {spec.plugin.owners(other)}")
        for other in (each.plugin for each in before if each.text == spec.text)
        if spec.plugin and other and not spec.plugin.is_version_of(other)
    ]


def _parts(text: str) -> list[str]:
    parts: list[str] = []
    for part in text.split(","):
        if parts and "=" in part and ":" not in part and ":" in split_file(parts[-1])[1]:
            parts[-1] += f";{part}"
        else:
            parts.append(part)
    return parts


def _known(text: str, registry: Registry) -> Rule | None:
    """The declaration of the rule that the text names, whatever its options; None for an unknown
    rule.
    """
    file, rest = split_file(text)
    try:
        return _declaration(file, rest.partition(":")[0].strip(), registry)[0]
    except InputError:
        return None


def _binding_hint(text: str, before: str, registry: Registry) -> str:
    """A hint that ``text`` may be meant as an option of the preceding rule ``before``, with the
    correct spelling; ``""`` where that is not likely.
    """
    rule = _known(before, registry)
    if rule is None or not text or _known(text, registry):
        return ""
    names, has_options = rule.options.names(), ":" in split_file(before)[1]
    key, equals, _ = (word.strip() for word in text.partition("="))
    meant = equals or (has_options and (key in names or not did_you_mean(text, registry.names())))
    if not names or ":" in text or not meant:
        return ""
    option = text if equals else f"{text}=VALUE"
    written = f"{before};{option}" if has_options else f"{before}:{option}"
    return f"; use ; between the options of one rule, as in {written}"
