"""Quantities with units as YAML writes them ("64KiB", "800MHz", "2pJ"): annotated types that
resolve to plain numbers.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from accelsim.config.describe import Rule

_QUANTITY = re.compile(r"^\s*([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*([A-Za-z]+)\s*$")

BYTES = {
    "B": 1,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "kB": 1_000,
    "MB": 1_000_000,
    "GB": 1_000_000_000,
}
HERTZ = {"Hz": 1, "kHz": 1_000, "MHz": 1_000_000, "GHz": 1_000_000_000}
PICOJOULES = {"fJ": 1e-3, "pJ": 1.0, "nJ": 1e3}
MILLIWATTS = {"nW": 1e-6, "uW": 1e-3, "mW": 1.0, "W": 1e3}


Units = dict[str, int] | dict[str, float]
# Maximum characters, and maximum exponent. A larger exponent is a mistake, and would create a
# number with that many digits.
_LONGEST = 40


def quantity_rule(units: Units) -> str:
    """Words of the rule, for faults and documentation."""
    return f"a number with a unit of {', '.join(units)}"


def parse_quantity(value: object, units: Units, whole: bool) -> int | float:
    """Number in the base unit: ``"64KiB"`` -> 65536.

    Raises ValueError, worded for a fault, unless the text is a number with one of ``units``, and an
    integer in the smallest unit if ``whole``.
    """
    rule = quantity_rule(units)
    match = _QUANTITY.match(value) if isinstance(value, str) and len(value) <= _LONGEST else None
    if match is None or match[2] not in units:
        raise ValueError(f"must be {rule}")
    mantissa, _, exponent = match[1].lower().partition("e")
    if abs(int(exponent or 0)) > _LONGEST:
        raise ValueError(f"must be {rule}")
    scaled = (
        Fraction(mantissa) * Fraction(10) ** int(exponent or 0) * Fraction(str(units[match[2]]))
    )
    if not whole:
        return float(scaled)
    if scaled.denominator != 1:
        raise ValueError(
            f"must be {rule}, and come to a whole number of "
            f"{min(units, key=lambda unit: units[unit])}"
        )
    return int(scaled)


def _quantity(units: Units, whole: bool) -> tuple[BeforeValidator, WithJsonSchema, Rule]:
    pattern = rf"^\s*[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\s*({'|'.join(units)})\s*$"
    return (
        BeforeValidator(lambda value: parse_quantity(value, units, whole)),
        WithJsonSchema({"type": "string", "pattern": pattern}),
        Rule(
            quantity_rule(units),
            next(unit for unit, scale in units.items() if scale == 1),
            tuple(units.items()),
        ),
    )


Bytes = Annotated[int, *_quantity(BYTES, whole=True)]
Hertz = Annotated[int, *_quantity(HERTZ, whole=True)]
Picojoules = Annotated[float, *_quantity(PICOJOULES, whole=False)]
Milliwatts = Annotated[float, *_quantity(MILLIWATTS, whole=False)]
