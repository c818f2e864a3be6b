"""Conservation laws of results (docs/results.md), checked after every simulation, and in files.

Most laws need only the document. Roofline laws need the `Limits` of the machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from accelsim.errors import LawViolation
from accelsim.results.comparison import Comparison
from accelsim.results.hybrid import means
from accelsim.results.op import OpResult
from accelsim.results.result import GROUPS, PassTotals, Result, values
from accelsim.results.spans import length, merged

RELATIVE, ABSOLUTE = 1e-9, 1e-6
"""Tolerances for floats, whose sums depend on the order. Integers must be equal."""


@dataclass(frozen=True)
class Limits:
    """Upper limits of a machine per cycle: MACs of all its ``lanes``, bytes over the DRAM bus, and
    bytes over one port of each bank of the other memories.

    ``op_lanes``: lanes available to one op. A memory with 1 port carries reads or writes in a
    cycle; with 2 ports, both.
    """

    lanes: int
    op_lanes: int
    dram_bytes: float
    global_buffer_bytes: float
    scratchpad_bytes: float
    global_buffer_ports: int = 1
    scratchpad_ports: int = 1


def check(result: Result, limits: Limits | None = None) -> None:
    """Raise LawViolation for the first law that the result breaks."""
    for line in _result_laws(result, limits):
        raise LawViolation(line)


def violations(document: Result | Comparison) -> list[str]:
    """Laws that the document breaks, one line each; empty if there are none."""
    if isinstance(document, Comparison):
        return [
            f"results.{index}: {line}"
            for index, result in enumerate(document.results)
            for line in violations(result)
        ]
    return list(_result_laws(document, None))


def _result_laws(result: Result, limits: Limits | None) -> Iterator[str]:
    yield from _signs(result)
    yield from _macs(result)
    yield from _energy(result)
    yield from _area(result)
    yield from _sums(result)
    yield from _part(result)
    yield from _cycles(result)
    yield from _lanes(result, limits)
    yield from _actions(result)
    yield from _tensors(result)
    yield from _steps(result)
    if limits is not None:
        for op in result.ops_:
            yield from _roofs(op, limits)


def _differ(left: float, right: float) -> bool:
    """True if the numbers differ by more than the tolerance; integers must be equal."""
    return left != right and (
        (isinstance(left, int) and isinstance(right, int))
        or not math.isclose(left, right, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    )


def _equal(law: str, left: float, right: float) -> Iterator[str]:
    """A line if the two sides of ``law`` differ."""
    if _differ(left, right):
        yield f"{law}: {left!r} is not {right!r}"


def _named(result: Result) -> Iterator[tuple[str, Result | PassTotals | OpResult]]:
    """The step, its passes and its ops, each with the prefix of its dotted keys."""
    yield "", result
    for name, totals in result.passes.items():
        yield f"passes.{name}.", totals
    for op in result.ops_:
        yield f"ops.{op.name}.", op


def _signs(result: Result) -> Iterator[str]:
    """Counts are not negative."""
    for place, part in _named(result):
        for group in GROUPS:
            if min(values(part, group)) < 0:
                yield f"{place}{group}: no count is negative: {getattr(part, group)}"
    for op in result.ops_:
        if op.lane_cycles is not None and min(op.lane_cycles.by_cause().values()) < 0:
            yield f"ops.{op.name}: no count is negative: {op.lane_cycles}"


def _macs(result: Result) -> Iterator[str]:
    for place, part in _named(result):
        macs = part.macs
        if _differ(macs.dense, macs.executed + macs.skipped):
            yield from _equal(
                f"{place}macs: dense = executed + skipped", macs.dense, macs.executed + macs.skipped
            )
        if macs.gated > macs.executed:
            yield f"{place}macs: gated is part of executed: {macs.gated} > {macs.executed}"
        if macs.effectual > macs.dense:
            yield f"{place}macs: effectual is part of dense: {macs.effectual} > {macs.dense}"


def _energy(result: Result) -> Iterator[str]:
    levels = result.energy_by_level_pj
    for place, part in _named(result):
        if part.energy_by_component_pj is not None:
            components = math.fsum(part.energy_by_component_pj.values())
            if _differ(part.energy_pj, components):
                yield from _equal(
                    f"{place[:-1]}{': ' if place else ''}energy_pj = sum of energy_by_component_pj",
                    part.energy_pj,
                    components,
                )
    for component, energy in result.energy_by_component_pj.items() if levels else ():
        found = math.fsum(pj for name, pj in levels.items() if name.split(".")[0] == component)
        if _differ(energy, found):
            yield from _equal(
                f"energy_by_component_pj.{component} = sum of its levels", energy, found
            )
    yield from _equal(
        "energy_pj = ops' energy_pj + unattributed_pj",
        result.energy_pj,
        math.fsum(weight * op.energy_pj for weight, op in result.weighted_ops())
        + result.unattributed_pj,
    )


def _area(result: Result) -> Iterator[str]:
    """The machine's area is the sum over its components, and a component's area the sum over its
    parts.
    """
    if result.area_mm2 is None or result.area_by_component_mm2 is None:
        return
    known = {name: mm2 for name, mm2 in result.area_by_component_mm2.items() if mm2 is not None}
    yield from _equal(
        "area_mm2 = sum of area_by_component_mm2", result.area_mm2, math.fsum(known.values())
    )
    for name, mm2 in known.items() if result.area_sources else ():
        parts = math.fsum(entry.mm2 for entry in result.area_sources if entry.component == name)
        yield from _equal(f"area_by_component_mm2.{name} = sum of area_sources", mm2, parts)


def _sums(result: Result) -> Iterator[str]:
    """Counts and energies of ops add up to those of passes, and these to those of the step."""
    by_pass: dict[str, list[tuple[float, OpResult]]] = {name: [] for name in result.passes}
    for weight, op in result.weighted_ops():
        by_pass.setdefault(op.pass_, []).append((weight, op))
    for group, part in GROUPS.items():
        keys = part.field_names()
        of_passes = [values(totals, group) for totals in result.passes.values()]
        yield from _columns(f"{group}.", " = sum of passes", keys, values(result, group), of_passes)
        for name, totals in result.passes.items():
            of_ops = [
                values(op, group) if weight == 1 else [weight * each for each in values(op, group)]
                for weight, op in by_pass[name]
            ]
            yield from _columns(
                f"passes.{name}.{group}.", " = sum of ops", keys, values(totals, group), of_ops
            )
    for name, totals in result.passes.items():
        yield from _equal(
            f"passes.{name}.energy_pj = sum of ops",
            totals.energy_pj,
            math.fsum(weight * op.energy_pj for weight, op in by_pass[name]),
        )


def _tensors(result: Result) -> Iterator[str]:
    """Every word over the DRAM bus belongs to a tensor, and has a cause."""
    if result.tensors:
        yield from _equal(
            "words.dram = sum of tensors' words_by_cause",
            result.words.dram,
            sum(sum(tensor.words_by_cause.values()) for tensor in result.tensors),
        )


def _columns(
    place: str,
    law: str,
    keys: Iterable[str],
    whole: Iterable[float],
    parts: Iterable[Iterable[float]],
) -> Iterator[str]:
    """The rows ``parts`` add up to ``whole``, key by key."""
    rows = list(parts)
    sums = [sum(column) for column in zip(*rows, strict=True)] if rows else [0 for _ in keys]
    for key, left, right in zip(keys, whole, sums, strict=True):
        if left != right:
            yield from _equal(f"{place}{key}{law}", left, right)


def _part(result: Result) -> Iterator[str]:
    """A part of a step takes the cycles in which its ops run, at most those of the step. Only whole
    steps of the steady state have an interval.
    """
    if (result.interval_cycles is None) == (result.step is None and result.warm):
        yield (
            f"interval_cycles is null for a part of a step and for a first step only: "
            f"{result.interval_cycles}"
        )
    if result.step is None:
        return
    for key, of_part, of_step in (
        ("cycles", result.cycles, result.step.cycles),
        ("energy_pj", result.energy_pj, result.step.energy_pj),
    ):
        if of_part > of_step and _differ(of_part, of_step):
            yield f"{key} of a part is at most that of the step: {of_part} > {of_step}"
    if not result.steps:
        spans = merged((int(op.start_cycle), int(op.start_cycle + op.cycles)) for op in result.ops_)
        yield from _equal("cycles = union of the ops of a part", result.cycles, length(spans))


def _cycles(result: Result) -> Iterator[str]:
    last = result.cycles if result.step is None else result.step.cycles
    if result.array_cycles is not None:
        yield from _equal("array_cycles add up to cycles", result.array_cycles.total, result.cycles)
    for op in result.ops_:
        if op.array_cycles.total != op.cycles:
            yield from _equal(
                f"ops.{op.name}: array_cycles add up to cycles", op.array_cycles.total, op.cycles
            )
        if op.start_cycle + op.cycles > last:
            yield (
                f"ops.{op.name}: ends in cycle {op.start_cycle + op.cycles}, after the step's "
                f"{last}"
            )
    if not result.overlaps:
        yield from _equal(
            "cycles = sum of passes (serial schedule)",
            result.cycles,
            sum(totals.cycles for totals in result.passes.values()),
        )


def _lanes(result: Result, limits: Limits | None) -> Iterator[str]:
    """Lane cycles divided by the op's cycles are a whole number of lanes, equal for every
    contraction. Array cycles are the mean over lanes, to within one cycle.
    """
    lanes: float | None = None if limits is None else limits.op_lanes
    for op in result.ops_:
        if op.lane_cycles is None or op.is_vector or not op.cycles:
            continue
        by_cause = op.lane_cycles.by_cause()
        op_lanes = sum(by_cause.values()) / op.cycles
        lanes = op_lanes if lanes is None else lanes
        if op_lanes != lanes or op_lanes != int(op_lanes):
            yield (
                f"ops.{op.name}: lane_cycles are those of a whole number of lanes, the same for "
                f"all: {op_lanes:g} is not {lanes:g}"
            )
        for cause, cycles in op.array_cycles.by_cause().items():
            if abs(by_cause[cause] - cycles * op_lanes) >= op_lanes:
                yield (
                    f"ops.{op.name}: array_cycles.{cause} is the mean of lane_cycles.{cause}: "
                    f"{cycles} is not {by_cause[cause]} / {op_lanes:g}"
                )
        if by_cause["busy"] != op.macs.executed:
            yield from _equal(
                f"ops.{op.name}: busy lane_cycles = MACs executed",
                by_cause["busy"],
                op.macs.executed,
            )


def _actions(result: Result) -> Iterator[str]:
    """Energy is the sum of action counts times prices."""
    if not result.actions:
        return
    prices = {f"{entry.component}.{entry.action}": entry.pj for entry in result.sources()}
    unpriced = sorted(set(result.actions) - set(prices))
    if unpriced:
        have = "has" if len(unpriced) == 1 else "have"
        yield f"actions have a price in energy_sources: {', '.join(unpriced)} {have} none"
        return
    priced = math.fsum(times * prices[action] for action, times in result.actions.items())
    yield from _equal("energy_pj = actions times prices", result.energy_pj, priced)


def _steps(result: Result) -> Iterator[str]:
    """A hybrid result is the weighted mean of its kinds of step."""
    if not result.steps:
        return
    weights = [step.weight for step in result.steps]
    yield from _equal("steps: weights add up to 1", math.fsum(weights), 1)
    expected = means(weights, [step.result.to_json() for step in result.steps])
    yield from _means("", result.to_json(), expected)
    for step in result.steps:
        yield from (f"steps.{step.kind}: {line}" for line in _result_laws(step.result, None))


def _means(place: str, mean: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    for key, value in expected.items():
        if isinstance(value, Mapping):
            yield from _means(f"{place}{key}.", mean.get(key) or {}, value)
        elif key in mean:
            yield from _equal(f"{place}{key} = weighted mean of steps", mean[key], value)


def _roofs(op: OpResult, limits: Limits) -> Iterator[str]:
    """No op is faster than its lanes can multiply and its memories can deliver."""
    if op.macs.executed > op.cycles * limits.lanes:
        yield f"ops.{op.name}: faster than its lanes can multiply"
    moved = op.bytes
    for memory, most, ports, read, written in (
        ("dram", limits.dram_bytes, 1, moved.dram_read, moved.dram_write),
        (
            "global_buffer",
            limits.global_buffer_bytes,
            limits.global_buffer_ports,
            moved.global_buffer_read,
            moved.global_buffer_write,
        ),
        (
            "scratchpad",
            limits.scratchpad_bytes,
            limits.scratchpad_ports,
            moved.scratchpad_read,
            moved.scratchpad_write,
        ),
    ):
        carried = read + written if ports == 1 else max(read, written)
        # Reads and writes are each rounded up to whole bytes.
        if carried - 2 > op.cycles * most * (1 + RELATIVE):
            yield (
                f"ops.{op.name}: {carried} {memory} bytes in {op.cycles} cycles is more than its "
                f"ports can carry"
            )
