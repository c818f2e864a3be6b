"""The technology file: cited numbers, an SRAM table, or another technology scaled."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from accelsim.config.models.problems import Problem, raise_problems
from accelsim.config.models.section import Bits, Positive, Section
from accelsim.config.models.units import Milliwatts, Picojoules

Factor = Annotated[float, Field(gt=0)]


class Entry(Section):
    """One cited number: an energy per action, a leakage power, or an area."""

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
    node: Positive = Field(description="Node of the source in nm.")
    voltage: Factor | None = Field(
        default=None, description="Supply voltage in volts; absent if the source gives none."
    )
    source: str = Field(description="Source of the number.")
    verified: bool = Field(
        description="Whether that source was read; false for recollections and assumptions."
    )

    @model_validator(mode="after")
    def _one_quantity(self) -> Entry:
        given = [
            name for name in ("energy", "power", "area_mm2") if getattr(self, name) is not None
        ]
        if len(given) != 1:
            raise_problems(
                [
                    Problem(
                        ("energy",),
                        "given, or power, or area_mm2, and only one of them",
                        " and ".join(given) or "nothing",
                        (("power",), ("area_mm2",)),
                    )
                ]
            )
        return self

    @property
    def value(self) -> float:
        """The number, in pJ, mW or mm2."""
        return next(
            value for value in (self.energy, self.power, self.area_mm2) if value is not None
        )


class Sram(Section):
    """The SRAM table that gives the prices of scratchpads and global-buffer banks."""

    table: str = Field(
        description="CSV file beside this one: class, size_bytes, width_bits, read_pj, write_pj, "
        "leakage_mw, area_mm2."
    )
    source: str = Field(description="Program, or publication, that the table comes from.")
    verified: bool = Field(description="Whether the source was read.")


class Scaling(Section):
    """Another technology's numbers, scaled."""

    technology: str = Field(
        description="The technology to scale: a built-in one or a file, itself not scaled."
    )
    energy: Factor = Field(
        description="Factor of every on-chip energy. Leakage power is not scaled."
    )
    area: Factor = Field(description="Factor of every area.")
    source: str = Field(description="Source of the factors.")
    verified: bool = Field(
        description="Whether the scaled numbers are as trustworthy as the originals."
    )


class TechnologyFile(Section):
    """The format of the files in arch_configs/technology."""

    schema_: Literal["accelsim.technology/1"] = Field(
        default="accelsim.technology/1", alias="schema", description="Format of this file."
    )
    name: str = Field(description="Name in tables.")
    node: Positive = Field(description="Node in nm.")
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
