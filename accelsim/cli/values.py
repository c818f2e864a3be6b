"""Conversion of command-line options from texts to the values that the package takes. Every invalid
text raises an InputError that names the option.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from accelsim.config.reading.values import Faults, comma_list, one_of, whole
from accelsim.errors import InputError

if TYPE_CHECKING:
    from accelsim.rules.spelling import AnyRule

__all__ = ["Faults", "comma_list", "one_of", "whole"]


def rule_list(option: str, text: str) -> tuple[AnyRule, ...]:
    """Learning rules separated by commas, parsed as by `accelsim.rules.spelling.parse_rules`; empty
    items are refused.
    """
    from accelsim.rules.spelling import parse_rules

    comma_list(option, text)
    return parse_rules(text)


def table_list(option: str, text: str, as_json: bool) -> tuple[str, ...]:
    """Names of tables to print below a summary; () for none. InputError if combined with
    ``--json``, which prints no tables.
    """
    if not text:
        return ()
    if as_json:
        raise InputError(f"{option} must be left out with --json, got {text}")
    from accelsim.report.tables.registry import chosen

    return chosen(comma_list(option, text), option)


def variant_list(option: str, text: str) -> tuple[str, ...]:
    """Names of structural variants, separated by commas; ``all`` is every one."""
    from accelsim.machine.variants import chosen

    return chosen(option, text)
