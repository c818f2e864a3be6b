"""Energies of a DRAM standard, per event of a whole rank."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from accelsim.config.models.section import Section


class EnergyEvent(Section):
    """Energy of one event of a whole rank."""

    pj: Annotated[float, Field(ge=0, le=10**12)] = Field(description="Energy in pJ.")
    source: str = Field(
        default="the DRAM file, without a source", description="Source of the number."
    )
    verified: bool = Field(
        False,
        description="Whether the source was read. Unverified entries are labelled in tables and "
        "plots.",
    )


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
    RD: Event = Field(description="One read burst.")
    WR: Event = Field(description="One write burst.")
    REF: Event = Field(description="One all-bank REF.")
    active_standby_per_clk: Event = Field(
        description="One clock with an open row anywhere in the rank."
    )
    precharge_standby_per_clk: Event = Field(
        description="One clock with all rows of the rank closed."
    )
