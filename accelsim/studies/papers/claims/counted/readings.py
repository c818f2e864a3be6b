"""Cells of one statement: the accounting that gives its number, and other accountings."""

from __future__ import annotations

from fractions import Fraction

from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims.counted.statements import TARGET, Claim
from accelsim.studies.papers.counting import MEGABYTE
from accelsim.studies.papers.outcome import Number, Quantity, cell, half_up


def saving(new: Number, old: Number) -> Fraction:
    """Percentage by which ``new`` is below ``old``; negative if it is above."""
    return 100 * (1 - Fraction(new) / Fraction(old))


OF_ROUNDED_CELLS = Fraction("0.5")
"""Percentage points by which rounding of cells with two decimals can change a percentage; the
smaller cell is 0.61 here.
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
    """Cell of the accounting from which the paper's number comes. ``rounded``: the result from the
    paper's rounded cells, if the paper used those.
    """
    as_printed = None if rounded is None else half_up(rounded, claim.places)
    slack = None if rounded is None else OF_ROUNDED_CELLS
    id_, said = f"{TARGET}/{claim.name}/{reading}", f"{claim.says}. {note}"
    return cell(
        Quantity(TARGET, id_, claim.unit, accounting),
        claim.printed,
        value,
        claim.places,
        rounded=as_printed,
        slack=slack,
        note=said,
        documented=documented,
    )


def otherwise(claim: Claim, reading: str, value: Number, accounting: str, note: str) -> Item:
    """Cell of another accounting of the same statement."""
    return cell(
        Quantity(TARGET, f"{TARGET}/{claim.name}/{reading}", claim.unit, accounting),
        None,
        value,
        2,
        note=note,
    )


def sized(claim: Claim, reading: str, bits: Number, note: str) -> Item:
    """Cell of a size in MB (10^6 bytes), the unit of table 4 in Han et al."""
    return cell(
        Quantity(TARGET, f"{TARGET}/{claim.name}/size/{reading}", "MB", "weights-once"),
        None,
        Fraction(bits) / 8 / MEGABYTE,
        2,
        note=note,
    )
