"""How ops are mapped onto the machine: chosen by an objective, canonical, or pinned."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from accelsim.config.models.section import Positive, Section, Whole

Order = Literal["channels", "positions"]


class Pin(Section):
    """Loop order and tile sizes of ops by name; what is left out is chosen among what stays
    legal.
    """

    op: str = Field(
        min_length=1,
        description="Name of an op, `conv1_1.FF`, or a pattern: `*` stands for any letters, as in "
        "`conv*.EP`. The first pin that matches holds.",
    )
    channel_pes: Positive | None = Field(
        default=None, description="PEs side by side on output channels; the others share positions."
    )
    order: Order | None = Field(
        default=None,
        description="Outer loop of a PE: `channels` (it keeps stationary words while positions "
        "pass) or `positions` (it keeps moving words).",
    )
    together: Whole | None = Field(
        default=None,
        description="Position tiles whose moving words a PE keeps (`positions`), or whose partial "
        "sums it carries (`channels`).",
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


class MappingChoice(Section):
    """Loop order and tile sizes of contractions."""

    objective: Literal["canonical", "cycles", "energy", "edp"] = Field(
        default="canonical",
        description="`canonical`: the mapping of docs/mapping.md for every op. Else each op's loop "
        "order and tile sizes are those that take the fewest cycles, the least energy or the least "
        "energy-delay product, among all that fit scratchpads and global buffer.",
    )
    pins: tuple[Pin, ...] = Field(
        default=(), description="Mappings given by hand; they hold under any objective."
    )
