"""Energies of a DRAM standard, per event of a whole rank.

The boundary of an energy is what it covers: `core`, the DRAM without the drivers and receivers of
its data pins, or `core_and_io`, with what it takes to move the bits between DRAM and chip. The
controller and the PHY of the chip are in neither.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from accelsim.config.models.problems import Problem, raise_problems
from accelsim.config.models.section import Section
from accelsim.cost.price import Factors, bound_faults, relative

Picojoules = Annotated[float, Field(ge=0, le=10**12)]
Bound = Annotated[float, Field(gt=0, le=10**12)]


class EnergyEvent(Section):
    """Energy of one event of a whole rank."""

    pj: Picojoules = Field(description="Energy in pJ.")
    low: Bound | None = Field(
        default=None,
        description="Least the energy may be, in pJ; a third of it if left out. At most a third "
        "unless `verified`.",
    )
    high: Bound | None = Field(
        default=None,
        description="Most the energy may be, in pJ; three times it if left out. At least three "
        "times unless `verified`.",
    )
    interval_source: str = Field(default="", description="Source of `low` and `high`.")
    source: str = Field(
        default="the DRAM file, without a source", description="Source of the number."
    )
    verified: bool = Field(
        False,
        description="Whether the source of the number, or of `low` and `high`, was read. Tables "
        "and plots give the share of unverified energy.",
    )

    @model_validator(mode="after")
    def _bounded(self) -> EnergyEvent:
        raise_problems(
            [
                Problem((key,), rule, value)
                for key, rule, value in bound_faults(self.pj, self.low, self.high, self.verified)
            ]
        )
        return self

    @property
    def factors(self) -> Factors:
        """Bounds, relative to ``pj``."""
        return relative(self.pj, self.low, self.high)


def _event(value: Any) -> Any:
    """Accept a bare number: an event in pJ without a source."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return {"pj": value}
    if not isinstance(value, (dict, EnergyEvent)):
        raise ValueError("must be a number of pJ >= 0, or a mapping of pj, source and verified")  # noqa: TRY004  pydantic reports ValueErrors only
    return value


Event = Annotated[EnergyEvent, BeforeValidator(_event, json_schema_input_type=float | EnergyEvent)]


class DramEnergy(Section):
    """Energy per event: either a mapping with its source, or a bare number in pJ."""

    ACT: Event = Field(description="Opening a row and closing it later: one ACT and its PRE.")
    RD: Event = Field(description="One read burst, in the core: without the data pins.")
    WR: Event = Field(description="One write burst, in the core: without the data pins.")
    RD_IO: Event | None = Field(
        default=None,
        description="Data pins of one read burst. `source` says which ends of the wires it covers.",
    )
    WR_IO: Event | None = Field(
        default=None,
        description="Data pins of one write burst. `source` says which ends of the wires it "
        "covers.",
    )
    REF: Event = Field(description="One all-bank REF.")
    active_standby_per_clk: Event = Field(
        description="One clock with an open row anywhere in the rank."
    )
    precharge_standby_per_clk: Event = Field(
        description="One clock with all rows of the rank closed."
    )
