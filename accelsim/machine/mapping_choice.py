"""Mapping section of a machine: canonical, chosen by an objective, or pinned."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from accelsim.config.models.section import Positive, Section, Whole

Order = Literal["channels", "positions"]


class Pin(Section):
    """Pinned loop order and tile sizes for ops by name. Keys left out are chosen among the legal
    values.
    """

    op: str = Field(
        min_length=1,
        description="Name of an op, `conv1_1.FF`, or a pattern in which `*` matches any "
        "letters: `conv*.EP`. The first matching pin applies.",
    )
    channel_pes: Positive | None = Field(
        default=None,
        description="PEs that work on output channels in parallel; the others share positions.",
    )
    order: Order | None = Field(
        default=None,
        description="Outer loop of a PE: `channels` (it keeps stationary words while positions "
        "pass) or `positions` (it keeps moving words while channels pass).",
    )
    together: Whole | None = Field(
        default=None,
        description="Number of position tiles whose moving words a PE keeps (`positions`), or "
        "whose partial sums it carries (`channels`).",
    )
    chunk: Whole | None = Field(
        default=None, description="Words of an output's reduction that a PE stages at once."
    )
    buffer_order: Order | None = Field(
        default=None, description="Outer loop over the tiles that the global buffer stages."
    )
    buffer_channels: Whole | None = Field(
        default=None, description="Channel tiles staged in the global buffer at once."
    )
    buffer_positions: Whole | None = Field(
        default=None, description="Position tiles staged in the global buffer at once."
    )


OBJECTIVES = ("canonical", "cycles", "energy", "edp")
DEFAULT_OBJECTIVE = "edp"
"""Objective of a run if neither its options nor the machine's file state one."""


class MappingChoice(Section):
    """Loop order and tile sizes of contractions, and places of tensors."""

    objective: Literal["canonical", "cycles", "energy", "edp"] | None = Field(
        default=None,
        description="`canonical`: every op has the mapping of docs/mapping.md, every tensor the "
        "place of docs/memories.md. Otherwise places, loop orders and tile sizes are those with "
        "the fewest cycles, the least energy or the least energy-delay product of the step that a "
        "search finds. `null`: that of the option `--objective`, by default `edp`.",
    )
    pins: tuple[Pin, ...] = Field(
        default=(), description="Mappings given by hand. They apply under any objective."
    )
