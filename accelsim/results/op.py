"""Results per op: MACs, words, bytes, cycles by cause, energy and mapping; and per tensor: place,
and words over the DRAM bus by cause.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import Annotated

from pydantic import ConfigDict, Field, WithJsonSchema

from accelsim.results.document import EMPTY, OMITTED, Count, Energy, Part
from accelsim.step.ops import Pass

PassKey = Annotated[Pass, WithJsonSchema({"enum": [str(each) for each in Pass], "type": "string"})]
"""A pass, written as a string in documents."""
PASSES = tuple(Pass)
"""Passes in the order of a training step."""
VECTOR, LOAD = "vector", "load"
"""Kinds of ops without MACs: work of the vector unit, and first arrivals of tensors on the chip."""


@dataclass(frozen=True, slots=True)
class Macs(Part):
    """Multiply-accumulates. dense = executed + skipped; gated MACs are part of executed."""

    dense: Count = 0
    effectual: Count = 0
    executed: Count = 0
    skipped: Count = 0
    gated: Count = 0


@dataclass(frozen=True, slots=True)
class Words(Part):
    """Words moved: in a PE's own scratchpad, over the NoC from another PE, global buffer, DRAM."""

    local: Count = 0
    remote: Count = 0
    global_buffer: Count = 0
    dram: Count = 0


@dataclass(frozen=True, slots=True)
class Bytes(Part):
    """Bytes read from and written to each memory."""

    dram_read: Count = 0
    dram_write: Count = 0
    global_buffer_read: Count = 0
    global_buffer_write: Count = 0
    scratchpad_read: Count = 0
    scratchpad_write: Count = 0

    @property
    def dram(self) -> int | float:
        """Bytes over the DRAM bus."""
        return self.dram_read + self.dram_write


NO_MACS, NO_WORDS, NO_BYTES = Macs(), Words(), Bytes()
WORD_KINDS = Words.field_names()
BYTE_KINDS = Bytes.field_names()


@dataclass(frozen=True, slots=True)
class Stall(Part):
    """Stall cycles of the array by cause."""

    dram: Count = 0
    noc: Count = 0
    bank: Count = 0
    dependency: Count = 0
    drain: Count = 0
    vector: Count = 0

    @property
    def total(self) -> int | float:
        """Sum over all causes."""
        return self.dram + self.noc + self.bank + self.dependency + self.drain + self.vector


NO_STALL = Stall()
STALLS = Stall.field_names()


@dataclass(frozen=True, slots=True)
class ArrayCycles(Part):
    """Cycles of the PE array by cause, averaged over its lanes. They add up to the cycles of the op
    or step.
    """

    busy: Count = 0
    window_empty: Count = 0
    imbalance: Count = 0
    idle: Count = 0
    stall: Stall = NO_STALL

    @property
    def total(self) -> int | float:
        """Sum over all causes."""
        return self.busy + self.window_empty + self.imbalance + self.idle + self.stall.total

    def by_cause(self) -> dict[str, int | float]:
        """Cycles by cause, in the order of `CAUSES`."""
        stall = self.stall
        return {
            "busy": self.busy,
            "window_empty": self.window_empty,
            "imbalance": self.imbalance,
            "stall_dram": stall.dram,
            "stall_noc": stall.noc,
            "stall_bank": stall.bank,
            "stall_dependency": stall.dependency,
            "stall_drain": stall.drain,
            "stall_vector": stall.vector,
            "idle": self.idle,
        }


NO_CYCLES = ArrayCycles()
CAUSES = tuple(NO_CYCLES.by_cause())
"""All causes, in the order of tables and plots."""


@dataclass(frozen=True, slots=True)
class LaneCycles(Part):
    """Cycles of an op by cause, summed over the lanes of its part of the array."""

    busy: Count = 0
    window_empty: Count = 0
    imbalance: Count = 0
    idle: Count = 0
    stall_dram: Count = 0
    stall_noc: Count = 0
    stall_bank: Count = 0
    stall_dependency: Count = 0
    stall_drain: Count = 0
    stall_vector: Count = 0

    def by_cause(self) -> dict[str, int | float]:
        """Cycles by cause, in the order of `CAUSES`."""
        return dict(zip(CAUSES, _BY_CAUSE(self), strict=True))

    @property
    def total(self) -> int | float:
        """Sum over all causes and lanes."""
        return sum(self.by_cause().values())


_BY_CAUSE = attrgetter(*CAUSES)


@dataclass(frozen=True, slots=True, kw_only=True)
class TilingFields(Part):
    """Loop order and tile sizes chosen for an op, in the form of `mapping.pins` in a
    machine file.
    """

    channel_pes: int
    order: str
    together: int
    chunk: int
    buffer_order: str
    buffer_channels: int
    buffer_positions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCost(Part):
    """Cost of an op or a step as a choice of mappings expects it."""

    cycles: Annotated[float, Field(ge=0)]
    energy_pj: Energy


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerUp(ExpectedCost):
    """The mapping that came second. Its tiling is null for the canonical mapping."""

    tiling: TilingFields | None = None


Density = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingChoice(Part):
    """What the choice of an op's mapping knew and expected.

    ``density``: fractions of the moving and the stationary operand that are not zero, and of the
    outputs that are needed. ``in_parts``: whether words that many tiles share pass the staging
    buffer in parts of a tile.
    """

    density: dict[str, Density]
    in_parts: bool = False
    expected: ExpectedCost
    runner_up: RunnerUp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpMapping(Part):
    """How a contraction was mapped: its loop nest as text, and its tiling. The tiling is null for
    the canonical mapping. ``choice`` is left out if there was none to make.
    """

    nest: tuple[str, ...]
    tiling: TilingFields | None = None
    choice: MappingChoice | None = field(default=None, metadata=OMITTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSearch(Part):
    """Search for the places of a step's tensors and the mappings of its ops.

    ``order``, ``copies``, ``stash``: as in the section `placement` of a machine; ``arbitration``:
    as in its section `dram`. ``single``:
    tensors without copies. ``evicted``: optimizer states in DRAM. ``tries``: other places that were
    planned. ``canonical``, ``chosen``: expected costs of the step.
    """

    objective: str
    order: tuple[str, ...]
    copies: str | int
    stash: str
    arbitration: str
    single: tuple[str, ...] = ()
    evicted: tuple[str, ...] = ()
    tries: Count
    canonical: ExpectedCost
    chosen: ExpectedCost


@dataclass(frozen=True, slots=True, kw_only=True)
class OpResult(Part):
    """One op: its work, its traffic, and its cycles and energy."""

    __pydantic_config__ = ConfigDict(strict=True, extra="ignore", title="OpTotals")

    name: str
    layer: str
    pass_: Annotated[PassKey, Field(alias="pass", title="Pass")]
    kind: str
    start_cycle: Count
    cycles: Count
    array_cycles: ArrayCycles = NO_CYCLES
    lane_cycles: LaneCycles | None = None
    macs: Macs = NO_MACS
    vector_ops: Count = 0
    words: Words = NO_WORDS
    words_received: Count = 0
    bytes: Bytes = NO_BYTES
    energy_pj: Energy
    energy_by_component_pj: dict[str, Energy] | None = None
    fused_into: tuple[str, ...] = field(default=(), metadata=OMITTED)
    words_saved: Annotated[int, Field(ge=0)] = field(default=0, metadata=OMITTED)
    mapping: OpMapping | None = field(default=None, metadata=OMITTED)

    @property
    def holds_array(self) -> bool:
        """True if the op runs on the PE array. On machines with a separate vector unit, vector ops
        do not.
        """
        return not self.is_vector or self.array_cycles.busy > 0

    @property
    def is_vector(self) -> bool:
        """True if the op has no MACs."""
        return self.kind in (VECTOR, LOAD)


class Cause(StrEnum):
    """Why words of a tensor cross the DRAM bus.

    - OPERAND, OUTPUT: the op reads or writes a tensor for which the global buffer has no room.
    - SPILL: the scratchpads are the tensor's home and have no room for these words.
    - STASH: FF keeps the tensor for a later pass, which reads it back.
    - LOAD: the tensor arrives on the chip for the first time, and stays there.
    - SUMS: partial sums of an output, on their way out or back.
    """

    OPERAND = "operand"
    OUTPUT = "output"
    SPILL = "spill"
    STASH = "stash"
    LOAD = "load"
    SUMS = "sums"


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorTotals(Part):
    """One tensor of the step.

    ``bytes``: as stored, in its format. ``place``: scratchpads, global_buffer, dram, or generated
    for feedback that is computed where it is used. ``copies``: number of equal sets of its words
    that the scratchpads hold. ``spilled_words``: words for which the scratchpads, its place, have
    no room. ``words_by_cause``: words over the DRAM bus.
    """

    name: str
    role: str
    bytes: Count
    place: str
    copies: Annotated[int, Field(ge=1)] = 1
    spilled_words: Count = 0
    words_by_cause: Annotated[dict[str, Count], EMPTY] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTotals(Part):
    """Duration and energy of a whole step, of which a result holds some passes."""

    cycles: Count
    energy_pj: Energy


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentWords(Part):
    """Words that stay on the chip from step to step: in home scratchpads (copies not counted), and
    pinned in the global buffer.
    """

    scratchpads: Count
    global_buffer: Count
