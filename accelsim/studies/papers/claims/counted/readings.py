"""Cells of one sentence: the reading that its number comes from, and other readings."""

from __future__ import annotations

from fractions import Fraction

from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims.counted.statements import TARGET, Claim
from accelsim.studies.papers.counting import MEGABYTE
from accelsim.studies.papers.outcome import Number, Quantity, cell, half_up


def saving(new: Number, old: Number) -> Fraction:
    """Percent that ``new`` is below ``old``; negative when it is above."""
    return 100 * (1 - Fraction(new) / Fraction(old))


OF_ROUNDED_CELLS = Fraction("0.5")
"""Points that a percentage of cells with two decimals moves at most, the smaller being 0.61 here.
"""


def as_claimed(
    claim: Claim,
    reading: str,
    value: Number,
    accounting: str,
    note: str,
    rounded: Number | None = None,
    documented: bool = False,
) -> Item:
    """The reading that the paper's number comes from. ``rounded``: what the paper's rounded cells
    give, where it worked with those.
    """
    own = None if rounded is None else half_up(rounded, claim.places)
    slack = None if rounded is None else OF_ROUNDED_CELLS
    id_, said = f"{TARGET}/{claim.name}/{reading}", f"{claim.says}. {note}"
    return cell(
        Quantity(TARGET, id_, claim.unit, accounting),
        claim.printed,
        value,
        claim.places,
        rounded=own,
        slack=slack,
        note=said,
        documented=documented,
    )


def otherwise(claim: Claim, reading: str, value: Number, accounting: str, note: str) -> Item:
    """Another reading of the same sentence."""
    return cell(
        Quantity(TARGET, f"{TARGET}/{claim.name}/{reading}", claim.unit, accounting),
        None,
        value,
        2,
        note=note,
    )


def sized(claim: Claim, reading: str, bits: Number, note: str) -> Item:
    """A size in MB (10^6 bytes), as table 4 of Han et al. gives sizes."""
    return cell(
        Quantity(TARGET, f"{TARGET}/{claim.name}/size/{reading}", "MB", "weights-once"),
        None,
        Fraction(bits) / 8 / MEGABYTE,
        2,
        note=note,
    )
