"""The machine document (`show --json`): a machine's merged file, its peak rates, sizes and areas,
and warnings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from accelsim.results.document import Area, Document, Part

Rate = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks(Part):
    """Peak rates and sizes of a machine. A word has the width of an activation."""

    lanes: Annotated[int, Field(ge=1)]
    macs_per_second: Rate
    ops_per_second: Rate
    """Two operations per MAC, none skipped."""
    scratchpad_bytes: Annotated[int, Field(ge=0)]
    global_buffer_bytes: Annotated[int, Field(ge=0)]
    dram_bytes_per_second: Rate
    word_bits: Annotated[int, Field(ge=1)]
    dram_words_per_cycle: Rate
    noc_words_per_cycle: Rate
    global_buffer_words_per_cycle: Rate
    vector_ops_per_cycle: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineDocument(Document):
    """The document of `show --json`.

    ``origins``: the source of each value that is not in the machine's own file, by dotted key. It
    is the name of a built-in base, the file name of another base, or ``default``.
    """

    __pydantic_config__ = ConfigDict(strict=True, extra="ignore", title="MachineDocument")

    schema_: Annotated[Literal["accelsim.machine/1"], Field(alias="schema")]
    version: str
    name: str
    machine: dict[str, Any]
    origins: dict[str, str]
    peaks: Peaks
    area_mm2: Area | None
    area_by_component_mm2: dict[str, Area | None] | None
    warnings: tuple[str, ...]
