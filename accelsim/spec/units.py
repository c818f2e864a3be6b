"""Quantities with units, as YAML spells them ("64KiB", "800MHz", "0.625ns"), as annotated types that resolve to plain numbers."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

_QUANTITY = re.compile(r"^\s*([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*([A-Za-z]+)\s*$")

BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
HERTZ = {"Hz": 1, "kHz": 1_000, "MHz": 1_000_000, "GHz": 1_000_000_000}
PICOSECONDS = {"ps": 1, "ns": 1_000, "us": 1_000_000}
PICOJOULES = {"fJ": 1e-3, "pJ": 1.0, "nJ": 1e3}
MILLIWATTS = {"nW": 1e-6, "uW": 1e-3, "mW": 1.0, "W": 1e3}


def parse_quantity(value: object, units: dict[str, int] | dict[str, float], whole: bool) -> int | float:
    """``"64KiB"`` -> 65536. ValueError (worded for a fault line) unless a number with one of ``units``, whole where asked."""
    rule = f"a number with a unit of {', '.join(units)}"
    match = _QUANTITY.match(value) if isinstance(value, str) else None
    if match is None or match[2] not in units:
        raise ValueError(f"must be {rule}")
    scaled = float(match[1]) * units[match[2]]
    if not whole:
        return scaled
    if scaled != int(scaled):
        raise ValueError(f"must be {rule}, and come to a whole number of the smallest")
    return int(scaled)


def _quantity(units: dict[str, int] | dict[str, float], whole: bool) -> tuple[BeforeValidator, WithJsonSchema]:
    pattern = rf"^\s*[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\s*({'|'.join(units)})\s*$"
    return (
        BeforeValidator(lambda value: parse_quantity(value, units, whole)),
        WithJsonSchema({"type": "string", "pattern": pattern}),
    )


Bytes = Annotated[int, *_quantity(BYTES, whole=True)]
Hertz = Annotated[int, *_quantity(HERTZ, whole=True)]
Picoseconds = Annotated[int, *_quantity(PICOSECONDS, whole=True)]
Picojoules = Annotated[float, *_quantity(PICOJOULES, whole=False)]
Milliwatts = Annotated[float, *_quantity(MILLIWATTS, whole=False)]
