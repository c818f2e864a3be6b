"""Conservation laws that any result document must satisfy (DESIGN section 7), whoever wrote it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from accelsim.results.document import ComparisonDocument, Macs, ResultDocument

RELATIVE = 1e-9
"""Energies are sums of floats in different orders; counts are exact."""


def violations(document: ResultDocument | ComparisonDocument) -> list[str]:
    """Every law that the document breaks, one line each; empty when it is sound."""
    if isinstance(document, ComparisonDocument):
        return [
            f"results.{index}: {line}"
            for index, result in enumerate(document.results)
            for line in violations(result)
        ]
    return [
        *_macs(document),
        *_energy(document),
        *_area(document),
        *_sums(document),
        *_cycles(document),
        *_lanes(document),
        *_actions(document),
        *_steps(document),
    ]


def _differ(what: str, left: float, right: float) -> Iterator[str]:
    if not math.isclose(left, right, rel_tol=RELATIVE, abs_tol=1e-6):
        yield f"{what}: {left!r} is not {right!r}"


def _macs(result: ResultDocument) -> Iterator[str]:
    places: list[tuple[str, Macs]] = [("macs", result.macs)]
    places += [(f"passes.{name}.macs", totals.macs) for name, totals in result.passes.items()]
    places += [(f"ops.{op.name}.macs", op.macs) for op in result.ops]
    for place, macs in places:
        yield from _differ(
            f"{place}: dense = executed + skipped", macs.dense, macs.executed + macs.skipped
        )
        if macs.gated > macs.executed:
            yield f"{place}: gated is part of executed: {macs.gated} > {macs.executed}"
        if macs.effectual > macs.dense:
            yield f"{place}: effectual is part of dense: {macs.effectual} > {macs.dense}"


def _energy(result: ResultDocument) -> Iterator[str]:
    yield from _differ(
        "energy_pj = sum of energy_by_component_pj",
        result.energy_pj,
        math.fsum(result.energy_by_component_pj.values()),
    )
    for name, totals in result.passes.items():
        yield from _differ(
            f"passes.{name}: energy_pj = sum of energy_by_component_pj",
            totals.energy_pj,
            math.fsum(totals.energy_by_component_pj.values()),
        )
    of_ops = math.fsum(weight * op.energy_pj for weight, op in result.weighted_ops())
    yield from _differ(
        "energy_pj = ops' energy_pj + unattributed_pj",
        result.energy_pj,
        of_ops + result.unattributed_pj,
    )
    for op in result.ops:
        if op.energy_by_component_pj is not None:
            of_parts = math.fsum(op.energy_by_component_pj.values())
            yield from _differ(
                f"ops.{op.name}: energy_pj = sum of energy_by_component_pj", op.energy_pj, of_parts
            )


def _area(result: ResultDocument) -> Iterator[str]:
    """The machine's area is the sum of its components', and each of those of its parts'."""
    if result.area_mm2 is not None and result.area_by_component_mm2 is not None:
        known = {name: mm2 for name, mm2 in result.area_by_component_mm2.items() if mm2 is not None}
        yield from _differ(
            "area_mm2 = sum of area_by_component_mm2", result.area_mm2, math.fsum(known.values())
        )
        if result.area_sources:
            for name, mm2 in known.items():
                of_parts = math.fsum(
                    entry.mm2 for entry in result.area_sources if entry.component == name
                )
                yield from _differ(
                    f"area_by_component_mm2.{name} = sum of area_sources", mm2, of_parts
                )


def _sums(result: ResultDocument) -> Iterator[str]:
    """Ops add up to passes, passes to the whole."""
    for group in ("macs", "words", "bytes"):
        for key in type(getattr(result, group)).model_fields:
            of_passes = sum(
                getattr(getattr(totals, group), key) for totals in result.passes.values()
            )
            yield from _differ(
                f"{group}.{key} = sum of passes", getattr(getattr(result, group), key), of_passes
            )
            for name, totals in result.passes.items():
                of_ops = sum(
                    weight * getattr(getattr(op, group), key)
                    for weight, op in result.weighted_ops()
                    if op.pass_ == name
                )
                yield from _differ(
                    f"passes.{name}.{group}.{key} = sum of ops",
                    getattr(getattr(totals, group), key),
                    of_ops,
                )
    for name, totals in result.passes.items():
        of_ops = math.fsum(
            weight * op.energy_pj for weight, op in result.weighted_ops() if op.pass_ == name
        )
        yield from _differ(f"passes.{name}.energy_pj = sum of ops", totals.energy_pj, of_ops)


def _cycles(result: ResultDocument) -> Iterator[str]:
    if result.array_cycles is not None:
        yield from _differ(
            "array_cycles add up to cycles",
            sum(result.array_cycles.by_cause().values()),
            result.cycles,
        )
    for op in result.ops:
        yield from _differ(
            f"ops.{op.name}: array_cycles add up to cycles",
            sum(op.array_cycles.by_cause().values()),
            op.cycles,
        )
        if op.start_cycle + op.cycles > result.cycles:
            yield (
                f"ops.{op.name}: ends in cycle {op.start_cycle + op.cycles}, after the step's "
                f"{result.cycles}"
            )
    if result.schedule == "serial":
        yield from _differ(
            "cycles = sum of passes (serial schedule)",
            result.cycles,
            sum(totals.cycles for totals in result.passes.values()),
        )


def _lanes(result: ResultDocument) -> Iterator[str]:
    """Lane cycles are those of a whole number of lanes, the same for every contraction; array
    cycles are their mean, to within a cycle.
    """
    lanes: float | None = None
    for op in result.ops:
        if op.lane_cycles is None or op.kind == "vector" or not op.cycles:
            continue
        by_cause = op.lane_cycles.by_cause()
        own = sum(by_cause.values()) / op.cycles
        lanes = own if lanes is None else lanes
        if own != lanes or own != int(own):
            yield (
                f"ops.{op.name}: lane_cycles are those of a whole number of lanes, the same for "
                f"all: {own:g} is not {lanes:g}"
            )
        for cause, cycles in op.array_cycles.by_cause().items():
            if abs(by_cause[cause] - cycles * own) >= own:
                yield (
                    f"ops.{op.name}: array_cycles.{cause} is the mean of lane_cycles.{cause}: "
                    f"{cycles} is not {by_cause[cause]} / {own:g}"
                )
        yield from _differ(
            f"ops.{op.name}: busy lane_cycles = MACs executed", by_cause["busy"], op.macs.executed
        )


def _actions(result: ResultDocument) -> Iterator[str]:
    """Energy is counts times prices."""
    if result.actions:
        prices = {f"{entry.component}.{entry.action}": entry.pj for entry in result.sources()}
        unpriced = sorted(set(result.actions) - set(prices))
        if unpriced:
            yield (
                f"actions have a price in energy_sources: {', '.join(unpriced)} "
                f"{'has' if len(unpriced) == 1 else 'have'} none"
            )
        else:
            priced = math.fsum(times * prices[action] for action, times in result.actions.items())
            yield from _differ("energy_pj = actions times prices", result.energy_pj, priced)


def _steps(result: ResultDocument) -> Iterator[str]:
    if result.steps:
        yield from _differ(
            "steps: weights add up to 1", math.fsum(step.weight for step in result.steps), 1
        )
        for key in (
            "cycles",
            "interval_cycles",
            "seconds",
            "energy_pj",
            "unattributed_pj",
            "vector_ops",
            "peak_stash_bytes",
            "spilled_words",
        ):
            mean = math.fsum(step.weight * getattr(step.result, key) for step in result.steps)
            yield from _differ(f"{key} = weighted mean of steps", getattr(result, key), mean)
        for group in ("macs", "words", "bytes"):
            for key in type(getattr(result, group)).model_fields:
                mean = math.fsum(
                    step.weight * getattr(getattr(step.result, group), key) for step in result.steps
                )
                yield from _differ(
                    f"{group}.{key} = weighted mean of steps",
                    getattr(getattr(result, group), key),
                    mean,
                )
        for step in result.steps:
            yield from (f"steps.{step.kind}: {line}" for line in violations(step.result))
