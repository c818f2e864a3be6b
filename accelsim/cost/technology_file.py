"""The file of a technology: cited numbers, an SRAM table, or another technology scaled."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from accelsim.config.models.problems import Problem, raise_problems
from accelsim.config.models.section import Bits, Positive, Section
from accelsim.config.models.units import Milliwatts, Picojoules

Factor = Annotated[float, Field(gt=0)]


class Entry(Section):
    """One cited number: an energy per action, a leakage power, or an area."""

    component: str = Field(description="Component that the number is of.")
    action: str = Field(description="Primitive action, or part, of that component.")
    bits: Bits | None = Field(
        default=None,
        description="Operand width that the number holds for; prices at other widths follow from "
        "the widths given.",
    )
    energy: Picojoules | None = Field(default=None, description="Energy per action.")
    power: Milliwatts | None = Field(default=None, description="Leakage power.")
    area_mm2: Factor | None = Field(default=None, description="Area in square millimetres.")
    node: Positive = Field(description="Node in nm at which the number was found.")
    voltage: Factor | None = Field(
        default=None, description="Supply voltage in volts; absent where the source gives none."
    )
    source: str = Field(description="Where the number comes from.")
    verified: bool = Field(
        description="Whether that source was read; false for recollection and assumption."
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
        """The number in pJ, mW or mm2."""
        return next(
            value for value in (self.energy, self.power, self.area_mm2) if value is not None
        )


class Sram(Section):
    """The table of SRAMs that scratchpads and global-buffer banks are priced from."""

    table: str = Field(
        description="CSV file beside this one: class, size_bytes, width_bits, read_pj, write_pj, "
        "leakage_mw, area_mm2."
    )
    source: str = Field(description="What the table was made with.")
    verified: bool = Field(description="Whether the source was read.")


class Scaling(Section):
    """Another technology's numbers times a factor."""

    technology: str = Field(
        description="The technology scaled: a built-in one or a file, itself unscaled."
    )
    energy: Factor = Field(
        description="Factor of every energy on the chip. Leakage power is taken over unscaled."
    )
    area: Factor = Field(description="Factor of every area.")
    source: str = Field(description="Where the factors come from.")
    verified: bool = Field(
        description="Whether the scaled numbers are to be trusted like their originals."
    )


class TechnologyFile(Section):
    """A file of arch_configs/technology."""

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
            problems.append(Problem(("sram",), "given where scaled_from is not", "nothing"))
        seen: set[tuple[str, str, int | None]] = set()
        for index, entry in enumerate(self.entries):
            key = (entry.component, entry.action, entry.bits)
            if key in seen:
                problems.append(
                    Problem(
                        ("entries", index, "action"),
                        "listed once for a component and width",
                        entry.action,
                    )
                )
            seen.add(key)
        raise_problems(problems)
        return self
