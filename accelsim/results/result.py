"""The result document: one training step on a machine, or the weighted mean over the kinds of step
of a hybrid rule.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, GetCoreSchemaHandler
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import CoreSchema, core_schema

from accelsim.config.names import Schedule
from accelsim.cost import uncertainty
from accelsim.cost.uncertainty import Interval, Samples
from accelsim.results.document import EMPTY, OMITTED, Area, Count, Document, Energy, Part, RuleText
from accelsim.results.machine import AreaSource, EnergySource
from accelsim.results.op import (
    CAUSES,
    NO_BYTES,
    NO_MACS,
    NO_WORDS,
    ArrayCycles,
    Bytes,
    Macs,
    OpResult,
    PassKey,
    ResidentWords,
    StepSearch,
    StepTotals,
    TensorTotals,
    Words,
)
from accelsim.results.shown import Shown, view
from accelsim.step.ops import Pass
from accelsim.version import __version__

GROUPS: dict[str, type[Part]] = {"macs": Macs, "words": Words, "bytes": Bytes}
"""Groups of counts. The counts of a pass are sums over its ops, and those of the step sums over its
passes.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassTotals(Part):
    """Sums over the ops of one pass."""

    cycles: Count
    macs: Macs = NO_MACS
    vector_ops: Count = 0
    words: Words = NO_WORDS
    bytes: Bytes = NO_BYTES
    energy_pj: Energy
    energy_by_component_pj: Annotated[dict[str, Energy], EMPTY] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginUsed(Part):
    """Code outside the package that the run used.

    ``kind``: rule, layer, pe_kind or importer. ``file``: the file's name without folders.
    ``distribution``: name and version, for an installed plug-in.
    """

    kind: str
    name: str
    file: str
    sha256: str
    distribution: str = field(default="", metadata=OMITTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedStep(Part):
    """One kind of training step of a hybrid rule, with its fraction of all steps (``weight``)."""

    kind: str
    weight: Annotated[float, Field(ge=0, le=1)]
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Result(Shown, Document):
    """Result of one training step, the document of `simulate --json`.

    Energies are in picojoules, ``passes`` maps each pass to its sums, ``actions`` each
    ``component.action`` to its count. A hybrid rule's result is a `HybridResult`.

    >>> import accelsim
    >>> result = accelsim.simulate("mnist-fc", rule="dfa", trace="random:0.5")
    >>> result.passes["EP"].cycles < result.cycles
    True
    >>> result.ops[0].name, result.ops[0].macs.dense
    ('fc1.FF', 313600)
    >>> list(result.to_dataframe().columns[:6])
    ['workload', 'arch', 'rule', 'op', 'layer', 'pass']
    """

    __pydantic_config__ = ConfigDict(strict=True, extra="ignore", title="ResultDocument")

    schema_: Annotated[Literal["accelsim.result/1"], Field(alias="schema")]
    version: str
    config_hash: str
    seed: Annotated[int, Field(ge=0)]
    workload: str
    arch: str
    rule: RuleText
    batch: Annotated[int, Field(ge=1)]
    trace: str | tuple[str, ...] | None
    schedule: str
    optimizer: SkipJsonSchema[str | None] = None
    cycles: Count
    """Duration of the step, or, of a part of its passes, the cycles in which any of their ops runs.
    """
    interval_cycles: Count | None
    """Cycles between consecutive steps; null for a part of a step, and for a first step."""
    seconds: Annotated[float, Field(ge=0)]
    energy_pj: Energy
    area_mm2: Area | None = None
    """Area of the machine without DRAM, which is off the chip; null where its technology has no
    areas.
    """
    area_by_component_mm2: dict[str, Area | None] | None = None
    machine: dict[str, Any] | None = field(default=None, metadata=OMITTED)
    """The machine's merged file as `accelsim show` prints it, every key with its value. The results
    of a hybrid rule's kinds of step leave it to the result that holds them.
    """
    macs: Macs
    vector_ops: Count
    words: Words
    peak_stash_bytes: Count
    bytes: Bytes
    energy_by_component_pj: dict[str, Energy]
    energy_by_level_pj: Annotated[dict[str, float], EMPTY] = field(default_factory=dict)
    """By ``component.level`` (docs/energy.md#levels); the levels of a component add up to it."""
    energy_interval_pj: Interval | None = None
    """The 5th and 95th percentile of `energy_pj`, which is at nominal prices, over the bounds of
    the prices; null without samples.
    """
    energy_interval_by_component_pj: Annotated[dict[str, Interval], EMPTY] = field(
        default_factory=dict
    )
    samples: Annotated[int, Field(ge=0)] = 0
    sample_seed: Annotated[int, Field(ge=0)] = 0
    unattributed_pj: Energy
    unattributed_by_component_pj: SkipJsonSchema[dict[str, Energy] | None] = None
    spilled_words: Count = 0
    warm: bool = True
    """True for a step of the steady state, at whose beginning `resident_words` are on the chip;
    false for a first step, which loads them from DRAM.
    """
    checkpoint: str | None = field(default=None, metadata=OMITTED)
    microbatch: Annotated[int, Field(ge=1)] | None = field(default=None, metadata=OMITTED)
    resident_words: ResidentWords | None = field(default=None, metadata=OMITTED)
    tensors: tuple[TensorTotals, ...] = field(default=(), metadata=OMITTED)
    """The tensors of the ops, each with its place and its words over the DRAM bus by cause. Those
    of a hybrid rule are in the results of its kinds of step.
    """
    search: StepSearch | None = field(default=None, metadata=OMITTED)
    """What an objective chose; left out for canonical mappings."""
    passes: dict[PassKey, PassTotals]
    accountings: Annotated[dict[str, Any], EMPTY] = field(default_factory=dict)
    array_cycles: ArrayCycles | None = None
    """Cycles of the array by cause, over the whole step, in which ops may overlap. They add up to
    `cycles`.
    """
    actions: Annotated[dict[str, Count], EMPTY] = field(default_factory=dict)
    """Number of executions of each ``component.action``. Multiplied by the prices in
    `energy_sources`, they give `energy_pj`.
    """
    dense_tensors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    energy_sources: tuple[EnergySource, ...] = ()
    area_sources: tuple[AreaSource, ...] = ()
    ops_: Annotated[tuple[OpResult, ...], Field(alias="ops", title="Ops")] = ()
    plugins: tuple[PluginUsed, ...] = field(default=(), metadata=OMITTED)
    steps: tuple[WeightedStep, ...] = field(default=(), metadata=OMITTED)
    step: StepTotals | None = field(default=None, metadata=OMITTED)
    """The whole step, where the result holds only some of its passes."""

    @classmethod
    def of_step(
        cls, ops: Sequence[OpResult], background_pj: Mapping[str, float], **fields: Any
    ) -> Self:
        """The result of one step, from the sums over its ops and the other ``fields``.

        ``background_pj``: energy by component that belongs to no op.
        """
        zero = dict.fromkeys(background_pj, 0.0)
        passes = {each: _pass_totals([op for op in ops if op.pass_ == each], zero) for each in Pass}
        energy = sum_floats([*map(_ENERGIES, ops), background_pj])
        return cls(
            schema_="accelsim.result/1",
            version=__version__,
            **fields,
            vector_ops=sum(totals.vector_ops for totals in passes.values()),
            **_sums(passes.values()),
            energy_pj=math.fsum(energy.values()),
            energy_by_component_pj=energy,
            unattributed_pj=math.fsum(background_pj.values()),
            unattributed_by_component_pj=dict(background_pj),
            passes=passes,
            ops_=tuple(ops),
        )

    @property
    def ops(self) -> tuple[OpResult, ...]:
        """The ops in order of execution. For a hybrid result, those of every kind of step."""
        return self.ops_

    def refined(self) -> Result:
        """This result, as a `HybridResult` if it has several kinds of step."""
        from accelsim.results.hybrid import HybridResult  # extends this class

        return HybridResult.of(self) if self.steps else self

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A document with several kinds of step is read as a `HybridResult`, wherever it stands."""
        return core_schema.no_info_after_validator_function(cls.refined, handler(source))

    def __repr__(self) -> str:
        run = f"{self.workload} on {self.arch}, rule {self.rule}, batch {self.batch}"
        cycles = f"{round(self.cycles):,} cycles, {view('html').joules(self.energy_pj)}"
        return f"{type(self).__name__}({run}: {cycles})"

    def weighted_ops(self) -> Iterator[tuple[float, OpResult]]:
        """Pairs (weight, op). The weight is 1, or, in a hybrid result, the fraction of steps that
        run the op.
        """
        if not self.steps:
            yield from ((1, op) for op in self.ops_)
        for step in self.steps:
            yield from ((step.weight * inner, op) for inner, op in step.result.weighted_ops())

    def reported_passes(self) -> list[str]:
        """The passes of the step, or, of a part, those whose ops the result holds; in the order of
        a training step.
        """
        held = {op.pass_ for _, op in self.weighted_ops()}
        return [name for name in Pass if name in held or self.step is None]

    @property
    def overlaps(self) -> bool:
        """True when ops may run at the same time."""
        return self.schedule != Schedule.SERIAL

    def cycles_by_cause(self, pass_name: str | None = None) -> dict[str, int | float]:
        """Array cycles by cause, of the step or of the ops of one pass. Where ops overlap, a pass
        counts only the ops that hold the array.
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
        """The energy prices used, including those of the kinds of step, each once."""
        prices = [entry for step in self.steps for entry in step.result.sources()]
        by_action = {
            (entry.component, entry.action): entry for entry in (*prices, *self.energy_sources)
        }
        return [by_action[key] for key in sorted(by_action)]

    def with_intervals(self, samples: int, seed: int) -> Self:
        """This result with the intervals of its energies, from ``samples`` draws of the prices; the
        same for its kinds of step. Without samples it has none.
        """
        steps = tuple(
            replace(step, result=step.result.with_intervals(samples, seed)) for step in self.steps
        )
        drawn = replace(self, steps=steps, samples=samples, sample_seed=seed)
        energy = drawn.energy_samples()
        if not energy:
            return drawn
        return replace(
            drawn,
            energy_interval_pj=uncertainty.interval(uncertainty.total(energy)),
            energy_interval_by_component_pj={
                name: uncertainty.interval(energy[name]) if name in energy else (0.0, 0.0)
                for name in self.energy_by_component_pj
            },
        )

    def energy_samples(self) -> dict[str, Samples]:
        """pJ of every sample by component; {} without samples, or in a document of a version that
        did not draw prices.
        """
        prices = self.sources()
        if not self.samples or not any(price.parts for price in prices):
            return {}
        return uncertainty.energy_samples(self.actions, prices, self.samples, self.sample_seed)

    def unsourced(self) -> dict[str, float]:
        """Share of each component's energy, and of the total (``""``), whose primitives have no
        source.
        """
        energy = uncertainty.unsourced(self.actions, self.sources())
        energy[""] = (
            math.fsum(weak for weak, _ in energy.values()),
            math.fsum(whole for _, whole in energy.values()),
        )
        return {name: weak / whole if whole else 0.0 for name, (weak, whole) in energy.items()}

    def unverified_areas(self) -> set[str]:
        """Components with an area that has no verified source."""
        return {entry.component for entry in self.area_sources if not entry.verified}


_VALUES = {name: attrgetter(*part.field_names()) for name, part in GROUPS.items()}
_ENERGIES = attrgetter("energy_by_component_pj")


def values(part: OpResult | PassTotals | Result, group: str) -> tuple[int | float, ...]:
    """The counts of one group, for an op, a pass or a step, in the order of the group's fields."""
    counts: tuple[int | float, ...] = _VALUES[group](getattr(part, group))
    return counts


def _pass_totals(ops: Sequence[OpResult], zero: Mapping[str, float]) -> PassTotals:
    """Sums over the ops of a pass. ``zero``: an energy of 0 pJ per component."""
    energy = sum_floats([zero, *map(_ENERGIES, ops)])
    return PassTotals(
        cycles=sum(op.cycles for op in ops),
        vector_ops=sum(op.vector_ops for op in ops),
        **_sums(ops),
        energy_pj=math.fsum(energy.values()),
        energy_by_component_pj=energy,
    )


def _sums(parts: Collection[OpResult | PassTotals]) -> dict[str, Any]:
    """Sums of the groups of counts over ops or passes."""
    return {
        group: part(*map(sum, zip(*(values(each, group) for each in parts), strict=True)))
        for group, part in GROUPS.items()
    }


def sum_floats(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Sums by key; a missing key counts as zero."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: math.fsum([part.get(name, 0.0) for part in parts]) for name in names}
