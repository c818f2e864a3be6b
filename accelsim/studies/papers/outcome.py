"""The parts of a reproduction: cells of the papers' tables beside what the executed ops give, and
figures as data.

The document is `accelsim.reproduction/1`; `accelsim.report.reproduction.document` reads it, prints
it and draws it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from accelsim import __version__

SCHEMA = "accelsim.reproduction/1"

Match = Literal["exact", "within-rounding", "mismatch", "not-printed"]
Unit = Literal["MB", "GOP", "MAC", "words", "%", "x"]
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
class Item:
    """One cell: what a paper prints (None where it prints nothing) beside what was computed (None
    where nothing could be).

    ``rounded``: the computed value as the paper rounds it. ``documented``: known not to come out,
    the note says why. ``context``: what the number was measured on, where the id alone does not say
    it (machine, batch, rule).
    """

    target: str
    id: str
    unit: Unit
    printed: str | None
    computed: int | float | None
    rounded: str | None
    match: Match
    accounting: str
    note: str = ""
    documented: bool = False
    context: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def surprising(self) -> bool:
        """True if the cell does not come out though it should, or does though it is documented not
        to.
        """
        return (self.match == "mismatch") != self.documented


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
class Series:
    """One curve, set of bars or of points of a panel.

    ``x``: numbers or, of bars, names; ``y`` beside them. Of a timeline: ``y`` names the row, and
    the span goes from ``x`` to ``end``. ``names``: labels of single points (scatter).
    """

    label: str
    x: Sequence[float | str]
    y: Sequence[float | str | None]
    end: Sequence[float] = ()
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Panel:
    """One pair of axes."""

    title: str
    kind: Literal["bars", "lines", "scatter", "timeline"]
    x_label: str
    y_label: str
    series: Sequence[Series]
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True)
class Figure:
    """A figure as data. ``id`` is its file's name; ``caption`` says what it shows and of which
    figure of which paper it is the counterpart.
    """

    target: str
    id: str
    title: str
    caption: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Outcome:
    """The cells and figures of one target."""

    items: tuple[Item, ...] = ()
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Target:
    """A table, figure or audit that is reproduced by name. ``about``: one paragraph on what is
    compared with what, shown above its table.
    """

    name: str
    title: str
    about: str


def document(
    targets: Iterable[Target], outcomes: Iterable[Outcome], command: str
) -> dict[str, Any]:
    """The reproduction document."""
    outcomes = list(outcomes)
    return {
        "schema": SCHEMA,
        "version": __version__,
        "command": command,
        "targets": [asdict(target) for target in targets],
        "items": [asdict(item) for outcome in outcomes for item in outcome.items],
        "figures": [asdict(figure) for outcome in outcomes for figure in outcome.figures],
    }


def surprises(items: Iterable[Item]) -> list[Item]:
    """The cells that make a reproduction fail."""
    return [item for item in items if item.surprising]
