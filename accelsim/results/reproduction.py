"""The reproduction document (`reproduce --json`, `reproduction.json`): printed values of the papers
beside computed ones, and figures as data.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Literal, TypeGuard

from pydantic import Field

from accelsim.results.document import OMITTED, Document, Part

Match = Literal["exact", "within-rounding", "mismatch", "not-printed"]
Unit = Literal["MB", "GOP", "MAC", "words", "%", "x"]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
"""Text that becomes a file name. It cannot contain a path."""
Mark = Literal["holds", "only as counted", "reversed"]
"""Outcome of a paper's sentence on machines."""
Finite = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Target(Part):
    """A reproduced table, figure or set of claims. ``about`` describes the comparison,
    ``assumptions`` its conditions.
    """

    name: FileName
    title: str
    about: str
    assumptions: Sequence[str] = field(default=(), metadata=OMITTED)


@dataclass(frozen=True, slots=True)
class Item(Part):
    """One table cell: the paper's printed value beside the computed value. Either is None if it
    does not exist.

    ``printed`` may be a formula; ``match`` is then not checked here. ``rounded``: the computed
    number, rounded as the paper prints it. ``documented``: a known mismatch; the note gives the
    reason. ``context``: the measured configuration, if the id does not say it.
    """

    target: str
    id: Annotated[str, Field(min_length=1)]
    unit: Unit
    printed: str | None
    computed: int | Finite | None
    rounded: str | None
    match: Match
    accounting: str
    note: str = ""
    documented: bool = False
    context: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def comes_out(self) -> bool:
        """True if the computed number matches the printed one."""
        return self.match in {"exact", "within-rounding"}

    @property
    def surprising(self) -> bool:
        """True if an expected match failed, or a documented mismatch now matches."""
        return (self.match == "mismatch") != self.documented

    def __post_init__(self) -> None:
        if self.printed is None and self.match != "not-printed":
            raise ValueError("not-printed where nothing is printed")
        if self.computed is None and self.comes_out:
            raise ValueError("mismatch or not-printed where nothing was computed")
        if _is_plain(self.printed) and _is_plain(self.rounded):
            same = Decimal(self.printed) == Decimal(self.rounded)
            if same and not self.comes_out:
                raise ValueError("exact or within-rounding where rounded is what is printed")
            if not same and self.match != "mismatch":
                raise ValueError("mismatch where rounded is not what is printed")


def _is_plain(text: str | None) -> TypeGuard[str]:
    """True if the text is digits with at most a sign and a decimal point, false for formulas."""
    return text is not None and re.fullmatch(r"[+-]?\d+(\.\d+)?", text) is not None


@dataclass(frozen=True, slots=True)
class SentenceCost(Part):
    """The gain of a sentence's rule in one cost, scope and batch on one machine, in the unit of the
    sentence. ``value`` is None if there is no ratio. ``low``, ``high``: the 5th and 95th percentile
    over the bounds of the prices, of an energy.
    """

    scope: str
    batch: int
    machine: str
    cost: str
    value: Finite | None
    low: Finite | None = None
    high: Finite | None = None


@dataclass(frozen=True, slots=True)
class Sentence(Part):
    """A sentence of a paper beside its measurement.

    ``printed``: the paper's number. ``counted``: the number by the paper's counting; ``recounted``:
    the same counting of the measured network, where that is another. ``rules``: "old -> new", on
    ``workload``. ``cost``: the cost that the sentence names, in ``scope``. ``costs``: that cost and
    the energy, in ``scope`` and in a step. ``accuracy_points``: test accuracy of the new rule minus
    that of the old one, on ``accuracy_on``. ``cause`` explains ``mark``.
    """

    target: str
    name: str
    says: str
    source: str
    unit: Unit
    printed: str | None
    counted: str
    recounted: str | None
    workload: str
    rules: str
    cost: str
    scope: str
    costs: Sequence[SentenceCost]
    accuracy_points: Finite | None
    accuracy_on: str
    mark: Mark
    cause: str
    figure: FileName


@dataclass(frozen=True, slots=True)
class Series(Part):
    """A curve, or a set of bars or points. In a timeline, ``y`` is the name of the row, and a span
    extends from ``x`` to ``end``.
    """

    label: str
    x: Sequence[Finite | str]
    y: Sequence[Finite | str | None]
    end: Sequence[Finite] = ()
    names: Sequence[str] = ()

    def __post_init__(self) -> None:
        if (
            len(self.y) != len(self.x)
            or len(self.end) not in {0, len(self.x)}
            or len(self.names) not in {0, len(self.x)}
        ):
            raise ValueError("as many y (and end and names, where there are any) as x")


@dataclass(frozen=True, slots=True)
class Panel(Part):
    """One pair of axes with its series."""

    title: str
    kind: Literal["bars", "lines", "scatter", "timeline"]
    x_label: str
    y_label: str
    series: Sequence[Series]
    log_x: bool = False
    log_y: bool = False

    def __post_init__(self) -> None:
        xs = [x for series in self.series for x in series.x]
        ys = [y for series in self.series for y in series.y]
        if self.kind == "timeline":
            if self.log_x or self.log_y:
                raise ValueError("a timeline without logarithmic axes")
            if any(len(series.end) != len(series.x) for series in self.series) or not all(
                isinstance(y, str) for y in ys
            ):
                raise ValueError("a timeline with an end for every x and y that name rows")
        elif any(isinstance(y, str) for y in ys):
            raise ValueError("a panel with numbers as y")
        if self.kind != "bars" and any(isinstance(x, str) for x in xs):
            raise ValueError("a panel with numbers as x, which only bars may name")


@dataclass(frozen=True, slots=True)
class Figure(Part):
    """A figure as data. ``id`` is its file name. ``caption`` says to which figure of the paper it
    corresponds.
    """

    target: str
    id: FileName
    title: str
    caption: str
    panels: Annotated[Sequence[Panel], Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproductionDocument(Document):
    """Document of `reproduce --json`."""

    schema_: Annotated[Literal["accelsim.reproduction/1"], Field(alias="schema")]
    version: str
    command: str
    targets: Annotated[Sequence[Target], Field(min_length=1)]
    items: Sequence[Item]
    figures: Sequence[Figure]
    sentences: Sequence[Sentence] = field(default=(), metadata=OMITTED)

    def __post_init__(self) -> None:
        names = [target.name for target in self.targets]
        files = [*names, *(figure.id for figure in self.figures)]
        if len(set(names)) < len(names) or len({figure.id for figure in self.figures}) < len(
            self.figures
        ):
            raise ValueError(f"targets and figures of different names: {', '.join(files)}")
        twice = [id_ for id_, count in Counter(item.id for item in self.items).items() if count > 1]
        if twice:
            raise ValueError(f"cells of different ids: {', '.join(twice)} more than once")
        strange = sorted(
            ({item.target for item in self.items} | {figure.target for figure in self.figures})
            - set(names)
        )
        if strange:
            raise ValueError(f"about its targets only: {', '.join(strange)} is none")

    def of(self, target: Target) -> tuple[list[Item], list[Figure]]:
        """Cells and figures of one target, in order."""
        return [item for item in self.items if item.target == target.name], [
            figure for figure in self.figures if figure.target == target.name
        ]
