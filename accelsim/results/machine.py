"""The machine document (`show --json`): a machine's merged file, its peak rates, sizes and areas,
and warnings. Prices and areas of a machine, with their sources, in results.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from accelsim.cost.price import Price
from accelsim.results.document import OMITTED, Area, Document, Part

Rate = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePart(Part):
    """The part of a price that one primitive gives. ``factors``: bounds of its log-uniform draw,
    relative to ``pj``.
    """

    primitive: str
    pj: float
    factors: tuple[float, float]
    verified: bool
    level: str = field(default="", metadata=OMITTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergySource(Part):
    """The price of one action in the energy table, its bounds, its source, and the parts that add
    up to it.
    """

    component: str
    action: str
    pj: float
    low: float | None = None
    high: float | None = None
    source: str
    verified: bool
    parts: tuple[PricePart, ...] = ()

    @classmethod
    def of(cls, price: Price) -> EnergySource:
        """A price of an energy table, as a result holds it."""
        return cls(
            component=price.component,
            action=price.action,
            pj=price.pj,
            low=float(f"{price.low:.6g}"),
            high=float(f"{price.high:.6g}"),
            source=price.source,
            verified=price.verified,
            parts=tuple(PricePart(**vars(part)) for part in price.parts),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaSource(Part):
    """The area of one part of the machine, with its source."""

    component: str
    part: str
    mm2: Area
    source: str
    verified: bool


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPrice(Part):
    """A price of a machine, with its bounds.

    ``pj``, ``low``, ``high``: pJ per action. ``primitives``: the draws that move it. ``share``: its
    part of a run's energy; null without a run.
    """

    component: str
    action: str
    pj: float
    low: float
    high: float
    source: str
    verified: bool
    primitives: tuple[str, ...]
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PricesDocument(Document):
    """The document of `prices --json`. ``result``: the run of the shares, null if none is given.
    ``unsourced``: the share of its energy whose prices have no source.
    """

    __pydantic_config__ = ConfigDict(strict=True, extra="ignore", title="PricesDocument")

    schema_: Annotated[Literal["accelsim.prices/1"], Field(alias="schema")]
    version: str
    machine: str
    technology: str
    dram: str
    result: str | None
    unsourced: float | None
    prices: tuple[ListedPrice, ...]
