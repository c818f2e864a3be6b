"""Outcome of a reproduction: numbers rounded as the paper rounds them and compared with the printed
ones, and the outcomes of all targets as one document.
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
    Sentence,
    Target,
    Unit,
)
from accelsim.version import __version__

Number = int | float | Fraction


def half_up(value: Number, places: int) -> Decimal:
    """``value`` rounded to ``places`` decimals (-2: hundreds), halves away from zero."""
    scaled = _scaled(value, places)
    whole, rest = divmod(abs(scaled), 1)
    return _decimal(whole + (2 * rest >= 1), scaled < 0, places)


def cut(value: Number, places: int) -> Decimal:
    """``value`` with the decimals after ``places`` dropped."""
    scaled = _scaled(value, places)
    return _decimal(abs(scaled) // 1, scaled < 0, places)


def _scaled(value: Number, places: int) -> Fraction:
    return Fraction(value) * Fraction(10) ** places


def _decimal(whole: int, negative: bool, places: int) -> Decimal:
    return Decimal(-whole if negative else whole).scaleb(-places)


@dataclass(frozen=True)
class Quantity:
    """Quantity of a cell: its target, id and unit, the accounting, and the settings that
    distinguish it (``context``).
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
    """A cell with its match. ``places``: decimals in the printed number. ``rounded``: the value
    rounded as the paper rounds it; half up if None.

    The match is exact if the value rounded half up equals the printed number, and within-rounding
    if only ``rounded`` does. ``slack``: the largest error that the paper's rounding can cause, by
    default one unit of the last decimal; if ``rounded`` differs from the value by more, it is
    ignored.
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
    """Cells, figures and sentences of one target."""

    items: tuple[Item, ...] = ()
    figures: tuple[Figure, ...] = ()
    sentences: tuple[Sentence, ...] = ()


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
        sentences=[each for outcome in outcomes for each in outcome.sentences],
    )


def surprises(items: Iterable[Item]) -> list[Item]:
    """Cells that make a reproduction fail."""
    return [item for item in items if item.surprising]
