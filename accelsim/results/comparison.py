"""The comparison document: results side by side, with ratios to the first one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from accelsim.config.suggest import newer
from accelsim.cost import uncertainty
from accelsim.cost.uncertainty import Interval
from accelsim.errors import Fault, InputError
from accelsim.results.document import (
    EMPTY,
    OMITTED,
    Count,
    Document,
    Energy,
    Part,
    RuleText,
    schema_of,
    schema_refusal,
)
from accelsim.results.result import GROUPS, Result
from accelsim.results.shown import Shown
from accelsim.step.ops import Pass
from accelsim.version import __version__

RATIOS = (
    "cycles",
    "interval_cycles",
    "seconds",
    "energy_pj",
    "macs.dense",
    "macs.effectual",
    "macs.executed",
    "vector_ops",
    *(f"words.{kind}" for kind in GROUPS["words"].field_names()),
    "bytes.dram_read",
    "bytes.dram_write",
    "bytes.global_buffer_read",
    "bytes.global_buffer_write",
    "peak_stash_bytes",
    "area_mm2",
    *(f"passes.{name}.{key}" for name in Pass for key in ("cycles", "energy_pj", "macs.executed")),
)
"""Dotted keys of the quantities that are divided by the baseline's."""
VARIANT_RATIOS = ("cycles", "seconds", "energy_pj")
"""Those of them that are given for each structural variant."""


AS_GIVEN = "as given"
"""Name of the row of a machine whose structure is not changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRun(Part):
    """A run on a variant. ``ratios`` (`cycles`, `seconds`, `energy_pj`) and ``ratio_intervals`` are
    relative to the first rule on the same variant, and empty for that rule.
    """

    rule: RuleText
    config_hash: str
    cycles: Count
    energy_pj: Energy
    ratios: Annotated[dict[str, float | None], EMPTY] = field(default_factory=dict)
    ratio_intervals: Annotated[dict[str, Interval], EMPTY] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantResult(Part):
    """The rules on one structural variant of the machine ``arch``, or on the machine as given.
    ``keys``: the changed keys with their values.
    """

    name: str
    arch: str
    keys: Annotated[dict[str, Any], EMPTY] = field(default_factory=dict)
    runs: Annotated[tuple[VariantRun, ...], Field(min_length=1)]

    @classmethod
    def of(
        cls, name: str, arch: str, keys: Mapping[str, Any], results: Sequence[Result]
    ) -> VariantResult:
        """The row of these results, whose first is the baseline."""
        base = results[0]
        runs = tuple(
            VariantRun(
                rule=result.rule,
                config_hash=result.config_hash,
                cycles=result.cycles,
                energy_pj=result.energy_pj,
                ratios={} if result is base else _ratios(result, base, VARIANT_RATIOS),
                ratio_intervals={} if result is base else ratio_intervals(result, base),
            )
            for result in results
        )
        return cls(name=name, arch=arch, keys=dict(keys), runs=runs)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Comparison(Shown, Document):
    """Results side by side, the document of `compare --json`. ``ratios`` are relative to the
    baseline, by label and dotted key.

    >>> import accelsim
    >>> compared = accelsim.compare("mnist-fc", "near-memory", "bp,dfa", trace="random:0.5")
    >>> compared.baseline, list(compared.ratios)
    ('bp', ['dfa'])
    >>> len(compared.to_dataframe()), len(compared.to_dataframe(per="op"))
    (2, 20)
    """

    __pydantic_config__ = ConfigDict(strict=True, extra="ignore", title="ComparisonDocument")

    schema_: Annotated[Literal["accelsim.comparison/1"], Field(alias="schema")]
    version: SkipJsonSchema[str | None] = None
    baseline: str
    labels: SkipJsonSchema[tuple[str, ...] | None] = None
    results: Annotated[tuple[Result, ...], Field(min_length=1)]
    ratios: dict[str, dict[str, float | None]]
    ratio_intervals: Annotated[dict[str, dict[str, Interval]], EMPTY] = field(default_factory=dict)
    """The 5th and 95th percentile of the ratios that depend on prices, ``energy_pj`` and ``edp``
    (energy times duration). Both runs of a ratio have the same draws.
    """
    samples: Annotated[int, Field(ge=0)] = 0
    sample_seed: Annotated[int, Field(ge=0)] = 0
    variants: tuple[VariantResult, ...] = field(default=(), metadata=OMITTED)
    """The rules on structural variants of each machine (docs/energy.md#structure); left out where
    none were asked for.
    """

    def __repr__(self) -> str:
        runs = "\n".join(f"  {result!r}" for result in self.results)
        return f"Comparison(baseline {self.baseline}:\n{runs})"

    @classmethod
    def parse(cls, value: object, source: str = "") -> Self:
        """As `Document.parse`; results of another version of their format are one fault."""
        nested = value.get("results") if isinstance(value, dict) else None
        for index, result in enumerate(nested if isinstance(nested, list) else ()):
            refusal = schema_refusal([Result.schema_name()], schema_of(result))
            if newer(Result.schema_name(), schema_of(result)) is not None:
                raise InputError(Fault(source, 0, 0, f"results.{index}.{refusal}"))
        return super(Comparison, cls).parse(value, source)

    @classmethod
    def of(
        cls,
        results: Sequence[Result],
        labels: Sequence[str],
        variants: Sequence[VariantResult] = (),
    ) -> Comparison:
        """Comparison with the first result as baseline. ``labels`` must be distinct: the rule, or
        arch/rule if machines differ.
        """
        return cls(
            schema_="accelsim.comparison/1",
            version=__version__,
            baseline=labels[0],
            labels=tuple(labels),
            results=tuple(results),
            ratios={
                label: _ratios(result, results[0], RATIOS)
                for label, result in zip(labels[1:], results[1:], strict=True)
            },
            ratio_intervals={
                label: intervals
                for label, result in zip(labels[1:], results[1:], strict=True)
                if (intervals := ratio_intervals(result, results[0]))
            },
            samples=results[0].samples,
            sample_seed=results[0].sample_seed,
            variants=tuple(variants),
        )


def ratio_intervals(result: Result, baseline: Result) -> dict[str, Interval]:
    """Intervals of the ratios ``energy_pj`` and ``edp`` of two runs; {} unless both have samples,
    as many and of one seed.
    """
    if (result.samples, result.sample_seed) != (baseline.samples, baseline.sample_seed):
        return {}
    energy, base = result.energy_samples(), baseline.energy_samples()
    if not energy or not base or not baseline.energy_pj:
        return {}
    ratio = uncertainty.total(energy) / uncertainty.total(base)
    intervals = {"energy_pj": uncertainty.interval(ratio)}
    if baseline.seconds:
        intervals["edp"] = uncertainty.interval(ratio * (result.seconds / baseline.seconds))
    return intervals


def _ratios(result: Result, baseline: Result, keys: Sequence[str]) -> dict[str, float | None]:
    return {key: _ratio(result, baseline, key) for key in keys}


def _ratio(result: Result, baseline: Result, key: str) -> float | None:
    """Quantity of a result divided by the baseline's. None if the baseline's is zero or either is
    missing.
    """
    value, base = _at(result, key), _at(baseline, key)
    return float(value) / float(base) if value is not None and base else None


def _at(part: Any, path: str) -> int | float | None:
    """Number at a dotted key."""
    for key in path.split("."):
        part = part[key] if isinstance(part, dict) else getattr(part, key)
    number: int | float | None = part
    return number
