"""Rounding of one number to a short floating-point format: to nearest, ties to even, with gradual
underflow.
"""

from __future__ import annotations

from math import frexp, ldexp

SHAPES = {
    "fp16": (10, -14, 65504.0),
    "bf16": (7, -126, None),
    "e4m3": (3, -6, 448.0),
    "e5m2": (2, -14, 57344.0),
}
"""(fraction bits, exponent of the smallest normal number, largest number if tensors are scaled to
it).
"""


def rounded(value: float, fraction: int, least: int) -> float:
    """Nearest number of the format, ignoring its largest number."""
    exponent = max(frexp(value)[1] - 1, least)
    return ldexp(round(ldexp(value, fraction - exponent)), exponent - fraction)


def stored(values: list[float], name: str) -> list[float]:
    """A tensor as stored: scaled by the largest power of two at which no element overflows,
    rounded, and scaled back.
    """
    fraction, least, largest = SHAPES[name]
    widest = max((abs(value) for value in values), default=0.0)
    if largest is None or not widest:
        return [rounded(value, fraction, least) for value in values]
    power = 0
    while ldexp(widest, power + 1) <= largest and power < 127:
        power += 1
    while ldexp(widest, power) > largest:
        power -= 1
    return [ldexp(rounded(ldexp(value, power), fraction, least), -power) for value in values]
