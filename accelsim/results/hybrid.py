"""Result of a hybrid rule: the weighted mean over its kinds of step.

Under an unlocked schedule, the interval of each kind is that of consecutive steps of this kind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Self

from accelsim.errors import Fault, InputError
from accelsim.results.document import checked
from accelsim.results.machine import EnergySource
from accelsim.results.op import OpResult
from accelsim.results.result import Result, WeightedStep

MEANS = (
    "cycles",
    "interval_cycles",
    "seconds",
    "energy_pj",
    "macs",
    "vector_ops",
    "words",
    "peak_stash_bytes",
    "bytes",
    "energy_by_component_pj",
    "energy_by_level_pj",
    "unattributed_pj",
    "unattributed_by_component_pj",
    "spilled_words",
    "resident_words",
    "passes",
    "accountings",
    "array_cycles",
    "actions",
    "step",
)
"""Fields that are averaged over the kinds of step in a hybrid result."""


class HybridResult(Result):
    """Result of a rule that takes several kinds of step: quantities are weighted means over its
    ``steps``, each with ``kind``, ``weight`` and ``result``.

    >>> import accelsim
    >>> result = accelsim.simulate("mnist-fc", rule="hdfa", trace="random:0.5")
    >>> [(step.kind, step.weight) for step in result.steps]
    [('bp', 0.1), ('revised', 0.9)]
    >>> list(result.to_dataframe().columns[2:6])
    ['rule', 'step_kind', 'weight', 'op']
    """

    __slots__ = ()

    @classmethod
    def of(cls, result: Result) -> HybridResult:
        """A result with several kinds of step, as a `HybridResult`."""
        return cls(**{each.name: getattr(result, each.name) for each in fields(Result)})

    @classmethod
    def parse(cls, value: object, source: str = "") -> Self:
        """As `Result.parse`. InputError also for a result with one kind of step."""
        result = super().parse(value, source)
        if not result.steps:
            wrong = "steps must be the kinds of step of a hybrid rule, got none"
            raise InputError(Fault(source, 0, 0, wrong))
        return result

    @property
    def ops(self) -> tuple[OpResult, ...]:
        """The ops of every kind of step, in the order of ``steps``."""
        return tuple(op for step in self.steps for op in step.result.ops)

    def refined(self) -> HybridResult:
        return self


def hybrid_result(steps: Sequence[WeightedStep], cause: Mapping[str, Any]) -> HybridResult:
    """Weighted mean of a hybrid rule's kinds of step. ``cause`` holds the fields that describe its
    inputs, such as `config_hash` and `rule`. The machine, the same for all, is in the mean alone.
    """
    documents = [step.result.to_json() for step in steps]
    mean = checked(
        Result,
        {
            **documents[0],
            **cause,
            **means([step.weight for step in steps], documents),
            "dense_tensors": sorted({name for each in documents for name in each["dense_tensors"]}),
            "notes": _notes(steps),
            "energy_sources": [],
            "tensors": [],
            "search": None,
            "ops": [],
        },
    )
    kinds = tuple(replace(step, result=replace(step.result, machine=None)) for step in steps)
    return HybridResult.of(replace(mean, energy_sources=_prices(steps), steps=kinds))


def means(weights: Sequence[float], documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Weighted means of the fields in `MEANS` that all documents have."""
    return {
        key: _mean(weights, [document[key] for document in documents])
        for key in MEANS
        if all(document.get(key) is not None for document in documents)
    }


def _mean(weights: Sequence[float], values: Sequence[Any]) -> Any:
    """Weighted mean of numbers, or of mappings key by key; a missing key counts as zero."""
    if not isinstance(values[0], Mapping):
        return math.fsum(weight * value for weight, value in zip(weights, values, strict=True))
    return {
        key: _mean(weights, [value.get(key, 0) for value in values])
        for key in dict.fromkeys(key for value in values for key in value)
    }


def _notes(steps: Sequence[WeightedStep]) -> list[str]:
    """Notes shared by all kinds of step, then the others, each prefixed with its kind of step."""
    every = list(dict.fromkeys(note for step in steps for note in step.result.notes))
    shared = [note for note in every if all(note in step.result.notes for step in steps)]
    others = [
        f"{step.kind} steps: {note}"
        for step in steps
        for note in step.result.notes
        if note not in shared
    ]
    return [*shared, *others]


def _prices(steps: Sequence[WeightedStep]) -> tuple[EnergySource, ...]:
    """Energy prices used in any kind of step, each once."""
    by_action = {
        (price.component, price.action): price
        for step in steps
        for price in step.result.energy_sources
    }
    return tuple(by_action[key] for key in sorted(by_action))
