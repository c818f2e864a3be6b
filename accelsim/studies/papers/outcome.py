"""How a reproduction comes about: numbers are rounded as a paper rounds them and judged, and the
outcomes of all targets become one document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from accelsim.results.reproduction import (
    Figure,
    Item,
    Match,
    ReproductionDocument,
    Target,
    Unit,
)
from accelsim.version import __version__

Number = int | float | Fraction


def half_up(value: Number, places: int) -> Decimal:
    """``value`` to so many decimals (hundreds with -2), halves away from zero."""
    scaled = _scaled(value, places)
    whole, rest = divmod(abs(scaled), 1)
    return _decimal(whole + (2 * rest >= 1), scaled < 0, places)


def cut(value: Number, places: int) -> Decimal:
    """``value`` with the further decimals dropped."""
    scaled = _scaled(value, places)
    return _decimal(abs(scaled) // 1, scaled < 0, places)


def _scaled(value: Number, places: int) -> Fraction:
    return Fraction(value) * Fraction(10) ** places


def _decimal(whole: int, negative: bool, places: int) -> Decimal:
    return Decimal(-whole if negative else whole).scaleb(-places)


@dataclass(frozen=True)
class Quantity:
    """The quantity that a cell holds: its target, name and unit, how it is counted, and the
    settings that distinguish it (``context``).
    """

    target: str
    id: str
    unit: Unit
    accounting: str
    context: Mapping[str, str | int] | None = None


def cell(
    quantity: Quantity,
    printed: str | None,
    computed: Number,
    places: int,
    *,
    rounded: Decimal | None = None,
    slack: Number | None = None,
    note: str = "",
    documented: bool = False,
) -> Item:
    """A cell judged. ``places``: decimals that the paper prints; ``rounded``: the value rounded in
    the paper's own way (half up when None).

    exact: the value itself, rounded half up, is printed. within-rounding: the value rounded in the
    paper's way is. ``slack``: the most that this rounding can move a value, one of the last decimal
    unless given; a rounded value farther away than that is no rounding of this one.
    """
    half_up_value = half_up(computed, places)
    most = Fraction(10) ** -places if slack is None else Fraction(slack)
    if rounded is None or abs(Fraction(rounded) - Fraction(computed)) > most:
        rounded = half_up_value
    match: Match
    if printed is None:
        match = "not-printed"
    elif rounded != Decimal(printed):
        match = "mismatch"
    else:
        match = "exact" if half_up_value == rounded else "within-rounding"
    value = (
        int(computed)
        if quantity.unit in {"MAC", "words"} and Fraction(computed).denominator == 1
        else float(computed)
    )
    shown = printed if printed is not None and rounded == Decimal(printed) else f"{rounded:f}"
    return Item(
        quantity.target,
        quantity.id,
        quantity.unit,
        printed,
        value,
        shown,
        match,
        quantity.accounting,
        note,
        documented,
        quantity.context or {},
    )


@dataclass(frozen=True)
class Outcome:
    """The cells and figures of one target."""

    items: tuple[Item, ...] = ()
    figures: tuple[Figure, ...] = ()


def document(
    targets: Iterable[Target], outcomes: Iterable[Outcome], command: str
) -> ReproductionDocument:
    """The reproduction document."""
    outcomes = list(outcomes)
    return ReproductionDocument(
        schema_="accelsim.reproduction/1",
        version=__version__,
        command=command,
        targets=list(targets),
        items=[item for outcome in outcomes for item in outcome.items],
        figures=[figure for outcome in outcomes for figure in outcome.figures],
    )


def surprises(items: Iterable[Item]) -> list[Item]:
    """The cells that make a reproduction fail."""
    return [item for item in items if item.surprising]
