"""The result and comparison documents (DESIGN section 9) as typed models: read, checked, labelled.
The JSON Schema is generated from here.

Keys beyond these are kept and ignored, so that documents may grow. Counts are integers, except in
the weighted means of a hybrid rule, whose `steps` hold the integer results they come from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from accelsim.config.schema import model_schema
from accelsim.errors import Fault, InputError

PASSES = ("FF", "EP", "WG", "WU")
PassName = Literal["FF", "EP", "WG", "WU"]
Count = Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0)]
Energy = Annotated[float, Field(ge=0)]


class Part(BaseModel):
    """A JSON object of the document; no coercion, unknown keys ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Macs(Part):
    """Multiply-accumulates: dense = executed + skipped, gated is part of executed."""

    dense: Count = 0
    effectual: Count = 0
    executed: Count = 0
    skipped: Count = 0
    gated: Count = 0


class Words(Part):
    """Words moved: own scratchpad, over the NoC from a peer, global buffer, DRAM."""

    local: Count = 0
    remote: Count = 0
    global_buffer: Count = 0
    dram: Count = 0


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
        return self.dram_read + self.dram_write


class Stall(Part):
    """Cycles in which the array waits, by what it waits for."""

    dram: Count = 0
    noc: Count = 0
    bank: Count = 0
    dependency: Count = 0
    drain: Count = 0


class ArrayCycles(Part):
    """Cycles of the PE array by cause, the mean over its lanes; they add up to the cycles of the op
    or step.
    """

    busy: Count = 0
    window_empty: Count = 0
    imbalance: Count = 0
    idle: Count = 0
    stall: Stall = Stall()

    def by_cause(self) -> dict[str, int | float]:
        """Cause to cycles, in the order of `CAUSES`."""
        return {
            "busy": self.busy,
            "window_empty": self.window_empty,
            "imbalance": self.imbalance,
            **{f"stall_{name}": getattr(self.stall, name) for name in Stall.model_fields},
            "idle": self.idle,
        }


CAUSES = tuple(ArrayCycles().by_cause())


class LaneCycles(Part):
    """An op's cycles by cause, summed over the lanes of its part of the array."""

    busy: Count = 0
    window_empty: Count = 0
    imbalance: Count = 0
    stall_dram: Count = 0
    stall_noc: Count = 0
    stall_bank: Count = 0
    stall_dependency: Count = 0
    stall_drain: Count = 0
    idle: Count = 0

    def by_cause(self) -> dict[str, int | float]:
        """Cause to cycles, in the order of `CAUSES`."""
        return {cause: getattr(self, cause) for cause in CAUSES}


class PassTotals(Part):
    """What the ops of one pass did."""

    cycles: Count
    macs: Macs = Macs()
    vector_ops: Count = 0
    words: Words = Words()
    bytes: Bytes = Bytes()
    energy_pj: Energy
    energy_by_component_pj: dict[str, Energy] = {}


class TilingFields(Part):
    """Loop order and tile sizes that were chosen for an op, as `mapping.pins` of a machine takes
    them.
    """

    channel_pes: int
    order: str
    together: int
    chunk: int
    buffer_order: str
    buffer_channels: int
    buffer_positions: int


class OpMapping(Part):
    """How a contraction was mapped: the loop nest to read, and its tiling, null for the canonical
    mapping.
    """

    nest: list[str]
    tiling: TilingFields | None = None


class OpTotals(Part):
    """What one op did, and when."""

    name: str
    layer: str
    pass_: PassName = Field(alias="pass")
    kind: str
    start_cycle: Count
    cycles: Count
    array_cycles: ArrayCycles = ArrayCycles()
    lane_cycles: LaneCycles | None = None
    macs: Macs = Macs()
    vector_ops: Count = 0
    words: Words = Words()
    bytes: Bytes = Bytes()
    energy_pj: Energy
    energy_by_component_pj: dict[str, Energy] | None = None
    mapping: OpMapping | None = None

    @property
    def holds_array(self) -> bool:
        """Whether the op computes on the PE array; vector ops of machines with a vector unit beside
        it do not.
        """
        return self.kind != "vector" or self.array_cycles.busy > 0


class EnergySource(Part):
    """The price of one action of the energy table, with where it comes from."""

    component: str
    action: str
    pj: float
    source: str
    verified: bool


class AreaSource(Part):
    """The area of one part of the machine, with where the number comes from."""

    component: str
    part: str
    mm2: Annotated[float, Field(ge=0)]
    source: str
    verified: bool


class WeightedStep(Part):
    """One kind of training step of a hybrid rule, and how often it is taken (fraction)."""

    kind: str
    weight: Annotated[float, Field(ge=0, le=1)]
    result: ResultDocument


class ResultDocument(Part):
    """`simulate --json`."""

    schema_: Literal["accelsim.result/1"] = Field(alias="schema")
    version: str
    config_hash: str
    seed: Annotated[int, Field(ge=0)]
    workload: str
    arch: str
    rule: str
    batch: Annotated[int, Field(ge=1)]
    trace: str | list[str] | None
    schedule: str
    cycles: Count
    interval_cycles: Count
    seconds: Annotated[float, Field(ge=0)]
    energy_pj: Energy
    area_mm2: Annotated[float, Field(ge=0)] | None = None
    """The machine's area without DRAM, which is off the chip; null where its technology has no
    areas.
    """
    area_by_component_mm2: dict[str, Annotated[float, Field(ge=0)] | None] | None = None
    macs: Macs
    vector_ops: Count
    words: Words
    peak_stash_bytes: Count
    bytes: Bytes
    energy_by_component_pj: dict[str, Energy]
    unattributed_pj: Energy
    passes: dict[PassName, PassTotals]
    accountings: dict[str, Any] = {}
    array_cycles: ArrayCycles | None = None
    """The array's cycles by cause over the whole step, where ops may overlap; they add up to
    `cycles`.
    """
    actions: dict[str, Count] = {}
    """How often each ``component.action`` was done; times the prices of `energy_sources` they give
    `energy_pj`.
    """
    ops: list[OpTotals] = []
    energy_sources: list[EnergySource] = []
    area_sources: list[AreaSource] = []
    notes: list[str] = []
    dense_tensors: list[str] = []
    spilled_words: Count = 0
    steps: list[WeightedStep] = []

    def weighted_ops(self) -> Iterator[tuple[float, OpTotals]]:
        """(weight, op): the ops, or those of every kind of step with the fraction of steps that
        take it.
        """
        if not self.steps:
            yield from ((1, op) for op in self.ops)
        for step in self.steps:
            yield from ((step.weight * inner, op) for inner, op in step.result.weighted_ops())

    @property
    def overlaps(self) -> bool:
        """Whether ops may run at the same time."""
        return self.schedule != "serial"

    def cycles_by_cause(self, pass_name: str | None = None) -> dict[str, int | float]:
        """Array cycles by cause of the step, or of the ops of one pass; where ops overlap, of those
        ops that hold the array.
        """
        if pass_name is None and self.array_cycles is not None:
            return self.array_cycles.by_cause()
        totals: dict[str, int | float] = dict.fromkeys(CAUSES, 0)
        for weight, op in self.weighted_ops():
            if pass_name in (None, op.pass_) and (op.holds_array or not self.overlaps):
                for cause, cycles in op.array_cycles.by_cause().items():
                    totals[cause] += weight * cycles
        return totals

    def sources(self) -> list[EnergySource]:
        """Energy prices used, those of the kinds of step included, each once."""
        found = {
            (entry.component, entry.action): entry
            for step in self.steps
            for entry in step.result.sources()
        }
        found.update({(entry.component, entry.action): entry for entry in self.energy_sources})
        return [found[key] for key in sorted(found)]

    def unverified(self) -> set[str]:
        """Components with a price that has no verified source."""
        return {entry.component for entry in self.sources() if not entry.verified}

    def unverified_areas(self) -> set[str]:
        """Components with an area that has no verified source."""
        return {entry.component for entry in self.area_sources if not entry.verified}


class ComparisonDocument(Part):
    """`compare --json`: ratios are to the baseline, by label and dotted key."""

    schema_: Literal["accelsim.comparison/1"] = Field(alias="schema")
    baseline: str
    results: Annotated[list[ResultDocument], Field(min_length=1)]
    ratios: dict[str, dict[str, float | None]]


Document = Annotated[ResultDocument | ComparisonDocument, Field(discriminator="schema_")]
_READERS: dict[str, type[ResultDocument] | type[ComparisonDocument]] = {
    "accelsim.result/1": ResultDocument,
    "accelsim.comparison/1": ComparisonDocument,
}


def json_schema() -> dict[str, Any]:
    """JSON Schema of both documents."""
    return model_schema(Document)


def parse(value: object, source: str = "") -> ResultDocument | ComparisonDocument:
    """A document from parsed JSON. InputError, every fault named by its dotted key, when it is not
    one.
    """
    kind = value.get("schema") if isinstance(value, Mapping) else None
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise InputError(
            Fault(
                source, 0, 0, f"schema must be one of {', '.join(_READERS)}, got {json.dumps(kind)}"
            )
        )
    try:
        return reader.model_validate(value)
    except ValidationError as error:
        raise InputError(*faults(error, source)) from None


def load(path: Path) -> ResultDocument | ComparisonDocument:
    """Read a result or comparison file. InputError when it cannot be read, is not JSON, or is not
    such a document.
    """
    return parse(read_json(path), str(path))


def read_json(path: Path) -> object:
    """What a JSON file holds. InputError when it cannot be read or is not JSON."""
    try:
        value: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(Fault(str(path), 0, 0, f"cannot be read: {error.strerror}")) from None
    except UnicodeDecodeError:
        raise InputError(
            Fault(str(path), 0, 0, "must be JSON, got bytes that are not UTF-8")
        ) from None
    except json.JSONDecodeError as error:
        raise InputError(
            Fault(
                str(path),
                error.lineno,
                error.colno,
                f"must be JSON, got a syntax error: {error.msg}",
            )
        ) from None
    return value


def faults(error: ValidationError, source: str) -> Iterator[Fault]:
    """What a model refused, each once, by its dotted key."""
    seen: set[str] = set()
    for item in error.errors(include_url=False):
        # A count is int or float: both branches of the union report, at "<key>.constrained-int" and
        # "<key>.constrained-float".
        key = ".".join(
            str(part)
            for part in item["loc"]
            if not str(part).startswith(("constrained-", "int", "float", "list[", "str"))
        )
        if key in seen:
            continue
        seen.add(key)
        if item["type"] == "missing":
            yield Fault(source, 0, 0, f"{key} is missing")
        else:
            rule = (
                item["msg"]
                .removeprefix("Input should be ")
                .replace("greater than or equal to", ">=")
                .replace("less than or equal to", "<=")
            )
            yield Fault(source, 0, 0, f"{key} must be {rule}, got {_shown(item['input'])}")


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def labels(results: Sequence[ResultDocument]) -> list[str]:
    """A short name for each run: the rule, behind workload and architecture where those differ,
    then whatever else tells the runs apart.
    """
    parts = [_differing(result, results, ("workload", "arch", "rule")) for result in results]
    for key in ("batch", "schedule", "trace", "seed"):
        if len({tuple(names) for names in parts}) < len(parts):
            parts = [
                names + _differing(result, results, (key,))
                for names, result in zip(parts, results, strict=True)
            ]
    names = ["/".join(each) for each in parts]
    return [
        name if names.count(name) == 1 else f"{name} #{names[: index + 1].count(name)}"
        for index, name in enumerate(names)
    ]


_PREFIXES = {"batch": "batch ", "seed": "seed "}


def _differing(
    result: ResultDocument, results: Sequence[ResultDocument], keys: Sequence[str]
) -> list[str]:
    def several(key: str) -> bool:
        return len({str(getattr(other, key)) for other in results}) > 1

    return [
        f"{_PREFIXES.get(key, '')}{getattr(result, key)}"
        for key in keys
        if key == "rule" or several(key)
    ]
