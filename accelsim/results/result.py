"""Result, HybridResult and Comparison: finished runs as numbers and as the documents of DESIGN
section 9.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from accelsim import __version__
from accelsim.cost import area

SCHEMA = "accelsim.result/1"
COMPARISON_SCHEMA = "accelsim.comparison/1"
MAC_KINDS = ("dense", "effectual", "executed", "skipped", "gated")
WORD_KINDS = ("local", "remote", "global_buffer", "dram")
BYTE_KINDS = (
    "dram_read",
    "dram_write",
    "global_buffer_read",
    "global_buffer_write",
    "scratchpad_read",
    "scratchpad_write",
)
STALLS = ("dram", "noc", "bank", "dependency", "drain")
LANE_CAUSES = ("busy", "window_empty", "imbalance", "idle")

RATIOS = (
    "cycles",
    "interval_cycles",
    "energy_pj",
    "macs.dense",
    "macs.effectual",
    "macs.executed",
    "vector_ops",
    "words.local",
    "words.remote",
    "words.global_buffer",
    "words.dram",
    "bytes.dram_read",
    "bytes.dram_write",
    "bytes.global_buffer_read",
    "bytes.global_buffer_write",
    "peak_stash_bytes",
    "area_mm2",
)


@dataclass(frozen=True)
class OpResult:
    """One op. ``lane_cycles`` of a contraction sum to cycles x ``lanes``, those of its part of the
    array.

    ``mapping`` of a contraction: its loop nest, a line a loop, and the tiling that was chosen, None
    for the canonical one.
    """

    name: str
    layer: str
    pass_: str
    kind: str
    start_cycle: int
    cycles: int
    lane_cycles: Mapping[str, int]
    array_cycles: Mapping[str, Any]
    macs: Mapping[str, int]
    vector_ops: int
    words: Mapping[str, int]
    bytes: Mapping[str, int]
    energy_by_component_pj: Mapping[str, float]
    lanes: int
    mapping: Mapping[str, Any] | None = None

    @property
    def energy_pj(self) -> float:
        """Energy of the op."""
        return math.fsum(self.energy_by_component_pj.values())

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "layer": self.layer,
            "pass": self.pass_,
            "kind": self.kind,
            "start_cycle": self.start_cycle,
            "cycles": self.cycles,
            "array_cycles": self.array_cycles,
            "lane_cycles": self.lane_cycles,
            "macs": self.macs,
            "vector_ops": self.vector_ops,
            "words": self.words,
            "bytes": self.bytes,
            "energy_pj": self.energy_pj,
            "energy_by_component_pj": self.energy_by_component_pj,
            **({} if self.mapping is None else {"mapping": self.mapping}),
        }


@dataclass(frozen=True)
class Result:
    """One simulated training step.

    ``cause``: what it was made from (workload, arch, rule, batch, trace, ...). ``array_cycles``:
    the array's cycles by cause over the whole step, which sum to its cycles. ``actions``: how often
    each ``component.action`` was done. ``areas``: the machine's, () where its technology has none.
    """

    cause: Mapping[str, Any]
    clock_hz: int
    cycles: int
    interval_cycles: int
    peak_stash_bytes: int
    ops: tuple[OpResult, ...]
    unattributed_by_component_pj: Mapping[str, float]
    accountings: Mapping[str, Any]
    array_cycles: Mapping[str, Any]
    actions: Mapping[str, int]
    energy_sources: tuple[Mapping[str, Any], ...] = ()
    areas: tuple[area.Area, ...] = ()
    notes: tuple[str, ...] = ()
    dense_tensors: tuple[str, ...] = ()
    spilled_words: int = 0

    @property
    def energy_by_component_pj(self) -> dict[str, float]:
        return _sum_floats(
            [*(op.energy_by_component_pj for op in self.ops), self.unattributed_by_component_pj]
        )

    @property
    def energy_pj(self) -> float:
        return math.fsum(self.energy_by_component_pj.values())

    def to_json(self) -> dict[str, Any]:
        """The result document."""
        return {
            "schema": SCHEMA,
            "version": __version__,
            **self.cause,
            "cycles": self.cycles,
            "interval_cycles": self.interval_cycles,
            "seconds": self.cycles / self.clock_hz,
            "energy_pj": self.energy_pj,
            "area_mm2": area.total(self.areas) if self.areas else None,
            "area_by_component_mm2": area.by_component(self.areas) if self.areas else None,
            "macs": _sum_counts(MAC_KINDS, (op.macs for op in self.ops)),
            "vector_ops": sum(op.vector_ops for op in self.ops),
            "words": _sum_counts(WORD_KINDS, (op.words for op in self.ops)),
            "peak_stash_bytes": self.peak_stash_bytes,
            "bytes": _sum_counts(BYTE_KINDS, (op.bytes for op in self.ops)),
            "energy_by_component_pj": self.energy_by_component_pj,
            "unattributed_pj": math.fsum(self.unattributed_by_component_pj.values()),
            "unattributed_by_component_pj": dict(self.unattributed_by_component_pj),
            "spilled_words": self.spilled_words,
            "passes": {name: self._pass(name) for name in ("FF", "EP", "WG", "WU")},
            "accountings": self.accountings,
            "array_cycles": self.array_cycles,
            "actions": dict(self.actions),
            "dense_tensors": list(self.dense_tensors),
            "notes": list(self.notes),
            "energy_sources": [dict(source) for source in self.energy_sources],
            "area_sources": [asdict(each) for each in self.areas],
            "ops": [op.to_json() for op in self.ops],
        }

    def _pass(self, name: str) -> dict[str, Any]:
        ops = [op for op in self.ops if op.pass_ == name]
        components = _sum_floats(
            [
                dict.fromkeys(self.unattributed_by_component_pj, 0.0),
                *(op.energy_by_component_pj for op in ops),
            ]
        )
        return {
            "cycles": sum(op.cycles for op in ops),
            "macs": _sum_counts(MAC_KINDS, (op.macs for op in ops)),
            "vector_ops": sum(op.vector_ops for op in ops),
            "words": _sum_counts(WORD_KINDS, (op.words for op in ops)),
            "bytes": _sum_counts(BYTE_KINDS, (op.bytes for op in ops)),
            "energy_pj": math.fsum(components.values()),
            "energy_by_component_pj": components,
        }


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
    "unattributed_pj",
    "unattributed_by_component_pj",
    "spilled_words",
    "passes",
    "accountings",
    "array_cycles",
    "actions",
)
"""What of a document is a quantity, whose mean over kinds of step is one too."""


@dataclass(frozen=True)
class WeightedResult:
    """One kind of step of a hybrid rule: the fraction of steps that are of it, and what one of them
    is.
    """

    kind: str
    weight: float
    result: Result


@dataclass(frozen=True)
class HybridResult:
    """A training step of a rule that takes several kinds of step: what each is, and their mean by
    how often they are taken.

    Under an unlocked schedule each kind's interval is that of steps of its own kind in a row.
    """

    cause: Mapping[str, Any]
    steps: tuple[WeightedResult, ...]

    @property
    def cycles(self) -> float:
        """Mean cycles of a step."""
        return math.fsum(step.weight * step.result.cycles for step in self.steps)

    @property
    def energy_pj(self) -> float:
        """Mean energy of a step."""
        return math.fsum(step.weight * step.result.energy_pj for step in self.steps)

    @property
    def notes(self) -> tuple[str, ...]:
        """What all kinds of step have to say, then what is said of one kind alone."""
        every = list(dict.fromkeys(note for step in self.steps for note in step.result.notes))
        shared = [note for note in every if all(note in step.result.notes for step in self.steps)]
        alone = [
            f"{step.kind} steps: {note}"
            for step in self.steps
            for note in step.result.notes
            if note not in shared
        ]
        return (*shared, *alone)

    def to_json(self) -> dict[str, Any]:
        """The result document: means at the top, as floats, and the documents of the kinds of step.
        It has no ops of its own.
        """
        documents = [step.result.to_json() for step in self.steps]
        weights = [step.weight for step in self.steps]
        prices = {
            (price["component"], price["action"]): price
            for document in documents
            for price in document["energy_sources"]
        }
        return {
            **documents[0],
            **self.cause,
            **{key: _mean(weights, [document[key] for document in documents]) for key in MEANS},
            "dense_tensors": sorted(
                {name for document in documents for name in document["dense_tensors"]}
            ),
            "notes": list(self.notes),
            "energy_sources": [prices[key] for key in sorted(prices)],
            "ops": [],
            "steps": [
                {"kind": step.kind, "weight": step.weight, "result": document}
                for step, document in zip(self.steps, documents, strict=True)
            ],
        }


AnyResult = Result | HybridResult


@dataclass(frozen=True)
class Comparison:
    """Results side by side; the first is the baseline. ``labels`` name them: the rule, or arch/rule
    where machines differ.
    """

    results: tuple[AnyResult, ...]
    labels: tuple[str, ...]

    @property
    def baseline(self) -> str:
        return self.labels[0]

    def ratios(self) -> dict[str, dict[str, float | None]]:
        """Label to quantity to its ratio to the baseline's; None where the baseline has none of
        it.
        """
        documents = [result.to_json() for result in self.results]
        base = documents[0]
        found: dict[str, dict[str, float | None]] = {}
        for label, document in zip(self.labels[1:], documents[1:], strict=True):
            found[label] = {key: _ratio(_at(document, key), _at(base, key)) for key in RATIOS}
            for name in ("FF", "EP", "WG", "WU"):
                for key in ("cycles", "energy_pj", "macs.executed"):
                    path = f"passes.{name}.{key}"
                    found[label][path] = _ratio(_at(document, path), _at(base, path))
        return found

    def to_json(self) -> dict[str, Any]:
        """The comparison document."""
        return {
            "schema": COMPARISON_SCHEMA,
            "version": __version__,
            "baseline": self.baseline,
            "labels": list(self.labels),
            "results": [result.to_json() for result in self.results],
            "ratios": self.ratios(),
        }


def apportion(parts: Mapping[str, int], total: int) -> dict[str, int]:
    """Integers in proportion to ``parts`` that sum to ``total``, by largest remainder, ties in the
    order given.
    """
    whole = sum(parts.values())
    if not whole:
        return dict.fromkeys(parts, 0)
    shares = {name: value * total // whole for name, value in parts.items()}
    left = total - sum(shares.values())
    by_remainder = sorted(parts, key=lambda name: -(parts[name] * total % whole))
    for name in by_remainder[:left]:
        shares[name] += 1
    return shares


def _mean(weights: Sequence[float], values: Sequence[Any]) -> Any:
    """The weighted mean of numbers, or of mappings key by key; a key that one of them lacks counts
    nothing there.
    """
    if not isinstance(values[0], Mapping):
        return math.fsum(weight * value for weight, value in zip(weights, values, strict=True))
    return {
        key: _mean(weights, [value.get(key, 0) for value in values])
        for key in dict.fromkeys(key for value in values for key in value)
    }


def _ratio(value: float | None, base: float | None) -> float | None:
    return value / base if value is not None and base else None


def _at(document: Mapping[str, Any], path: str) -> float | None:
    value: Any = document
    for key in path.split("."):
        value = value[key]
    return None if value is None else float(value)


def _sum_counts(kinds: Iterable[str], parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    listed = list(parts)
    return {kind: sum(part[kind] for part in listed) for kind in kinds}


def _sum_floats(parts: list[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: math.fsum(part.get(name, 0.0) for part in parts) for name in names}
