"""The technology file: cited numbers, an SRAM table, or another technology scaled."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, WithJsonSchema, field_validator, model_validator

from accelsim.config.describe import Rule
from accelsim.config.models.problems import Problem, raise_problems
from accelsim.config.models.section import Bits, Positive, Section
from accelsim.config.models.units import (
    MILLIWATTS,
    PICOJOULES,
    Milliwatts,
    Picojoules,
    parse_quantity,
)
from accelsim.cost.price import PLACES, Factors, bound_faults, relative, widened

Factor = Annotated[float, Field(gt=0)]
_BOUND = "in the unit of the entry: of energy, of power, or none for a multiple"
Bound = Annotated[
    float,
    WithJsonSchema({"type": ["string", "number"]}),
    Rule(f"a number {_BOUND}"),
    Field(gt=0),
]


class Entry(Section):
    """One cited number: an energy per action, a leakage power, an area, or a multiple of another
    price.
    """

    component: str = Field(description="Component of the number.")
    action: str = Field(description="Primitive action, or part, of that component.")
    bits: Bits | None = Field(
        default=None,
        description="Operand width of the number. Prices at other widths are interpolated "
        "between the widths given.",
    )
    energy: Picojoules | None = Field(default=None, description="Energy per action.")
    power: Milliwatts | None = Field(default=None, description="Leakage power.")
    area_mm2: Factor | None = Field(default=None, description="Area in square millimetres.")
    multiple: Factor | None = Field(
        default=None,
        description="Multiple of a price that is derived: `vector.op` in multiply-adds, the clock "
        "of idle lanes in that of busy ones.",
    )
    low: Bound | None = Field(
        default=None,
        description="Least the number may be, in its unit; a third of it if left out. At most a "
        "third unless `verified`.",
    )
    high: Bound | None = Field(
        default=None,
        description="Most the number may be, in its unit; three times it if left out. At least "
        "three times unless `verified`.",
    )
    interval_source: str = Field(default="", description="Source of `low` and `high`.")
    node: Positive = Field(description="Node of the source in nm.")
    voltage: Factor | None = Field(
        default=None, description="Supply voltage in volts; absent if the source gives none."
    )
    source: str = Field(description="Source of the number.")
    verified: bool = Field(
        description="Whether the source of the number, or of `low` and `high`, was read; false "
        "for recollections and assumptions."
    )

    @field_validator("low", "high", mode="before")
    @classmethod
    def _in_the_unit(cls, value: Any, info: ValidationInfo) -> Any:
        """A bound has the unit of the quantity, which stands above it."""
        given = info.data
        if given.get("energy") is not None:
            return _quantity(value, PICOJOULES)
        if given.get("power") is not None:
            return _quantity(value, MILLIWATTS)
        if given.get("area_mm2") is not None and value is not None:
            raise ValueError("must be left out where area_mm2 is given")
        return value

    @model_validator(mode="after")
    def _one_quantity(self) -> Entry:
        given = [
            name
            for name in ("energy", "power", "area_mm2", "multiple")
            if getattr(self, name) is not None
        ]
        if len(given) != 1:
            raise_problems(
                [
                    Problem(
                        ("energy",),
                        "given, or power, or area_mm2, or multiple, and only one of them",
                        " and ".join(given) or "nothing",
                        (("power",), ("area_mm2",), ("multiple",)),
                    )
                ]
            )
        raise_problems(
            [
                Problem((key,), rule, value)
                for key, rule, value in bound_faults(self.value, self.low, self.high, self.verified)
            ]
        )
        return self

    @property
    def value(self) -> float:
        """The number, in pJ, mW or mm2, or without unit."""
        return next(
            value
            for value in (self.energy, self.power, self.area_mm2, self.multiple)
            if value is not None
        )

    @property
    def factors(self) -> Factors:
        """Bounds, relative to the number."""
        return relative(self.value, self.low, self.high)


def _quantity(value: Any, units: dict[str, float]) -> Any:
    """A text with a unit as a number. Numbers of a resolved entry stay."""
    return value if value is None else parse_quantity(value, units, whole=False)


class Sram(Section):
    """The SRAM table that gives the prices of scratchpads and global-buffer banks."""

    table: str = Field(
        description="CSV file beside this one: class, size_bytes, width_bits, read_pj, write_pj, "
        "leakage_mw, area_mm2."
    )
    source: str = Field(description="Program, or publication, that the table comes from.")
    verified: bool = Field(description="Whether the source was read.")
    low: Factor | None = Field(
        default=None,
        description="Least that energies may be, as a factor of the table's; a third if left out. "
        "At most a third unless `verified`.",
    )
    high: Factor | None = Field(
        default=None,
        description="Most that energies may be, as a factor of the table's; three if left out. At "
        "least three unless `verified`.",
    )
    interval_source: str = Field(default="", description="Source of `low` and `high`.")

    @model_validator(mode="after")
    def _bounded(self) -> Sram:
        raise_problems(
            [
                Problem((key,), rule, value)
                for key, rule, value in bound_faults(1.0, self.low, self.high, self.verified)
            ]
        )
        return self

    @property
    def factors(self) -> Factors:
        """Bounds, relative to the table's energies."""
        return relative(1.0, self.low, self.high)


class Scaling(Section):
    """Another technology's numbers, scaled."""

    technology: str = Field(
        description="The technology to scale: a built-in one or a file, itself not scaled."
    )
    energy: Factor = Field(
        description="Factor of every on-chip energy. Leakage power is not scaled."
    )
    low: Factor | None = Field(
        default=None,
        description="Least that `energy` may be; a third of it if left out. At most a third unless "
        "`verified`.",
    )
    high: Factor | None = Field(
        default=None,
        description="Most that `energy` may be; three times it if left out. At least three times "
        "unless `verified`.",
    )
    interval_source: str = Field(default="", description="Source of `low` and `high`.")
    area: Factor = Field(description="Factor of every area.")
    source: str = Field(description="Source of the factors.")
    verified: bool = Field(
        description="Whether the source of the factors, or of `low` and `high`, was read. The "
        "leakage power, which is not scaled, counts as unverified all the same."
    )

    @model_validator(mode="after")
    def _bounded(self) -> Scaling:
        raise_problems(
            [
                Problem((key,), rule, value)
                for key, rule, value in bound_faults(
                    self.energy, self.low, self.high, self.verified
                )
            ]
        )
        return self

    def widen(self, factors: Factors) -> Factors:
        """Bounds of a scaled energy, relative to it: those of the original times those of the
        scaling, or at least those of a number without a source.
        """
        if not self.verified:
            return widened(factors)
        low, high = relative(self.energy, self.low, self.high)
        return round(factors[0] * low, PLACES), round(factors[1] * high, PLACES)


class TechnologyFile(Section):
    """The format of the files in arch_configs/technology."""

    schema_: Literal["accelsim.technology/1"] = Field(
        default="accelsim.technology/1", alias="schema", description="Format of this file."
    )
    name: str = Field(description="Name in tables.")
    node: Positive = Field(description="Node in nm.")
    voltage: Factor = Field(
        default=1.0,
        description="Supply voltage of the numbers in volts; a machine may have another.",
    )
    scaled_from: Scaling | None = Field(
        default=None,
        description="Start from another technology; the entries below replace those of the same "
        "component, action and bits.",
    )
    sram: Sram | None = Field(
        default=None, description="SRAM table; required without `scaled_from`."
    )
    entries: tuple[Entry, ...] = Field(default=(), description="Cited numbers.")

    @model_validator(mode="after")
    def _complete(self) -> TechnologyFile:
        problems = []
        if self.scaled_from is None and self.sram is None:
            problems.append(Problem(("sram",), "given if scaled_from is not", "nothing"))
        seen: set[tuple[str, str, int | None]] = set()
        for index, entry in enumerate(self.entries):
            key = (entry.component, entry.action, entry.bits)
            if key in seen:
                problems.append(
                    Problem(
                        ("entries", index, "action"),
                        "listed once per component and width",
                        entry.action,
                    )
                )
            seen.add(key)
        raise_problems(problems)
        return self
