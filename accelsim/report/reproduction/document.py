"""The reproduction document (`reproduce --json`, `reproduction.json`) as a typed model: the papers'
cells beside computed ones, and figures as data.

Keys beyond these are kept and ignored, so that documents may grow.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeGuard

from pydantic import Field, ValidationError, model_validator

from accelsim.config.schema import model_schema
from accelsim.errors import Fault, InputError
from accelsim.results import document
from accelsim.results.document import Part

SCHEMA = "accelsim.reproduction/1"

Match = Literal["exact", "within-rounding", "mismatch", "not-printed"]
Unit = Literal["MB", "GOP", "MAC", "words", "%", "x"]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
"""What becomes the name of a file: it never leaves its folder."""
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Target(Part):
    """What is reproduced by one name. ``about``: what is compared with what."""

    name: FileName
    title: str
    about: str


class Item(Part):
    """One cell: what the paper prints (None: nothing) beside what was computed (None: nothing could
    be).

    ``printed`` may be a formula, which ``match`` is not held against here. ``rounded``: the
    computed number as the paper rounds it. ``documented``: known not to come out, the note says
    why. ``context``: what it was measured on, where the id alone does not say it.
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
    context: dict[str, str | int] = Field(default_factory=dict)

    @property
    def comes_out(self) -> bool:
        """Whether the paper prints it and the computed number is the same."""
        return self.match in {"exact", "within-rounding"}

    @property
    def surprising(self) -> bool:
        """Whether it does not come out though it should, or does though it is said not to."""
        return (self.match == "mismatch") != self.documented

    @model_validator(mode="after")
    def _match_fits(self) -> Self:
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
        return self


def _is_plain(text: str | None) -> TypeGuard[str]:
    """Whether it is digits with at most a sign and a decimal point; formulas are not."""
    return text is not None and re.fullmatch(r"[+-]?\d+(\.\d+)?", text) is not None


class Series(Part):
    """A curve, set of bars or of points. Of a timeline ``y`` names the row, and the span goes from
    ``x`` to ``end``.
    """

    label: str
    x: list[Finite | str]
    y: list[Finite | str | None]
    end: list[Finite] = Field(default_factory=list)
    names: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if (
            len(self.y) != len(self.x)
            or len(self.end) not in {0, len(self.x)}
            or len(self.names) not in {0, len(self.x)}
        ):
            raise ValueError("as many y (and end and names, where there are any) as x")
        return self


class Panel(Part):
    """One pair of axes."""

    title: str
    kind: Literal["bars", "lines", "scatter", "timeline"]
    x_label: str
    y_label: str
    series: list[Series]
    log_x: bool = False
    log_y: bool = False

    @model_validator(mode="after")
    def _drawable(self) -> Self:
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
        return self


class Figure(Part):
    """A figure as data. ``id`` is its file's name; ``caption`` says which figure of the paper it is
    the counterpart of.
    """

    target: str
    id: FileName
    title: str
    caption: str
    panels: Annotated[list[Panel], Field(min_length=1)]


class ReproductionDocument(Part):
    """`reproduce --json`."""

    schema_: Literal["accelsim.reproduction/1"] = Field(alias="schema")
    version: str
    command: str
    targets: Annotated[list[Target], Field(min_length=1)]
    items: list[Item]
    figures: list[Figure]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
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
        return self

    def of(self, target: Target) -> tuple[list[Item], list[Figure]]:
        """The cells and the figures of one target, in order."""
        return [item for item in self.items if item.target == target.name], [
            figure for figure in self.figures if figure.target == target.name
        ]


def json_schema() -> dict[str, Any]:
    """JSON Schema of the document."""
    return model_schema(ReproductionDocument)


def is_reproduction(value: object) -> bool:
    """Whether parsed JSON says that it is a reproduction document."""
    return isinstance(value, Mapping) and value.get("schema") == SCHEMA


def parse(value: object, source: str = "") -> ReproductionDocument:
    """A document from parsed JSON. InputError, every fault named by its dotted key, when it is not
    one.
    """
    try:
        return ReproductionDocument.model_validate(value)
    except ValidationError as error:
        raise InputError(*_faults(error, source)) from None


def load(path: Path) -> ReproductionDocument:
    """Read a reproduction file. InputError when it cannot be read, is not JSON, or is not such a
    document.
    """
    return parse(document.read_json(path), str(path))


def _faults(error: ValidationError, source: str) -> Iterator[Fault]:
    """As of other documents, with the sentences of the rules above in place of pydantic's words
    around them.
    """
    for fault in document.faults(error, source):
        message = fault.message.replace(" must be Value error, ", " must be ", 1).replace(
            " must be String should match ", " must match ", 1
        )
        yield replace(fault, message=message if message[0] != " " else f"the document{message}")
