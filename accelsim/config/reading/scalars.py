"""Plain scalars of strict YAML.

They follow a subset of YAML 1.2's core schema. Only ``true`` and ``false`` are booleans (``on`` and
``yes`` are texts), and ``1:30`` is a text. An integer consists of plain decimal digits: ``1e9`` and
``8.0`` are numbers but not integers, and ``0x10``, ``0o10`` and ``010`` are refused.
"""

from __future__ import annotations

import re

Scalar = None | bool | int | float | str

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_OTHER_BASE = re.compile(r"[-+]?0[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
"""Texts that YAML readers interpret differently: as octal, hexadecimal or decimal."""
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "false": False,
    ".inf": float("inf"),
    "+.inf": float("inf"),
    "-.inf": float("-inf"),
    ".nan": float("nan"),
}
_LONGEST_INTEGER = 40
"""Maximum number of digits of an integer."""
_LONGEST_QUOTE = 60
"""Maximum number of characters of a quoted value."""


def refusal(text: str) -> str:
    """Rule that a plain scalar breaks and its text, or an empty text if it is allowed: ``an integer
    in plain decimal digits, or a text in quotes, got 010``.
    """
    if _INTEGER.match(text) and len(text) > _LONGEST_INTEGER:
        return f"an integer of at most {_LONGEST_INTEGER} digits, got {len(text)}"
    if _OTHER_BASE.match(text):
        return f"an integer in plain decimal digits, or a text in quotes, got {shortened(text)}"
    return ""


def shortened(text: str) -> str:
    """A text as faults quote it, cut if it is long."""
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 3] + "..."


def value(text: str) -> Scalar:
    """Value of a plain scalar that is not refused."""
    if text in _SPECIAL:
        return _SPECIAL[text]
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _NUMBER.match(text) else text
