"""simulate() and compare(): the one place that knows all parts.

A network is lowered under a learning rule, its ops are mapped onto a machine and run there, on the
zeros of a trace; counts become energy, and everything becomes a Result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from accelsim.config.names import Schedule
from accelsim.cost import area
from accelsim.cost.accountings import accountings
from accelsim.cost.energy import EnergyTable
from accelsim.cost.technology import Technology
from accelsim.dram.prices import dram_prices
from accelsim.errors import Fault, InputError
from accelsim.experiment.assemble import assembled, limits
from accelsim.experiment.config_hash import Configuration, hybrid_hash
from accelsim.experiment.tables import machine_tables
from accelsim.experiment.trace_choice import TraceArgument, TraceChoice, choose_trace
from accelsim.machine.architecture import Architecture
from accelsim.machine.loading import load_architecture
from accelsim.machine.pin_places import pins_placed
from accelsim.results.comparison import Comparison
from accelsim.results.hybrid import hybrid_result
from accelsim.results.laws import check
from accelsim.results.result import Result, WeightedStep
from accelsim.rules.declaration import StepKind
from accelsim.rules.registry import lower
from accelsim.rules.spelling import AnyRule, parse_rule, parse_rules
from accelsim.sim.machine import Machine
from accelsim.sim.memory_notes import memory_notes
from accelsim.step.ops import Contraction, Pass, TrainingStep
from accelsim.workload.loading import load_network
from accelsim.workload.network import Network
from accelsim.zeros.masks import MaskSource

Progress = Callable[[int, int, str], None]
Transform = Callable[[TrainingStep], TrainingStep]
SCHEDULES = tuple(Schedule)
ALL_PASSES = tuple(Pass)


@dataclass(frozen=True)
class Setting:
    """Everything that decides a result, besides workload, machine and rule."""

    batch: int
    trace: TraceArgument
    trace_any_rule: bool
    passes: tuple[Pass, ...]
    schedule: str
    optimizer: str
    seed: int
    transform: Transform | None = None


def simulate(
    workload: str | Path | Network,
    architecture: str | Path | Architecture,
    rule: str | AnyRule = "bp",
    *,
    batch: int | None = None,
    trace: TraceArgument = "shipped",
    trace_any_rule: bool = False,
    passes: Sequence[str] = ALL_PASSES,
    schedule: str = "serial",
    optimizer: str = "momentum",
    seed: int = 0,
    progress: Progress | None = None,
    transform: Transform | None = None,
) -> Result:
    """One training step of a workload under a learning rule on a machine; of a hybrid rule each
    kind of step, and their mean.

    ``batch`` defaults to the workload's own; ``trace``: "shipped", "dense", "random:DENSITY",
    files, one a rule family, or a Trace in memory. ``schedule``: "serial" or "unlocked".
    ``transform``: changes the lowered ops before they run; the result keeps the rule's name; its
    hash is that of the changed ops. InputError with every fault of the inputs.
    """
    network = workload if isinstance(workload, Network) else load_network(workload)
    machine = (
        architecture if isinstance(architecture, Architecture) else load_architecture(architecture)
    )
    setting = _setting(
        network, batch, trace, trace_any_rule, passes, schedule, optimizer, seed, transform
    )
    with pins_placed(architecture, machine):
        return _run(network, machine, parse_rule(rule), setting, progress)


def compare(
    workload: str | Path | Network,
    architectures: Sequence[str | Path | Architecture],
    rules: str | Sequence[str | AnyRule],
    *,
    batch: int | None = None,
    trace: TraceArgument = "shipped",
    trace_any_rule: bool = False,
    passes: Sequence[str] = ALL_PASSES,
    schedule: str = "serial",
    optimizer: str = "momentum",
    seed: int = 0,
    progress: Progress | None = None,
) -> Comparison:
    """The same step under several rules and machines; the first machine with the first rule is the
    baseline. InputError as `simulate`.
    """
    network = workload if isinstance(workload, Network) else load_network(workload)
    machines = [
        each if isinstance(each, Architecture) else load_architecture(each)
        for each in architectures
    ]
    specs = parse_rules(rules)
    setting = _setting(network, batch, trace, trace_any_rule, passes, schedule, optimizer, seed)
    pairs = [
        (given, machine, spec)
        for given, machine in zip(architectures, machines, strict=True)
        for spec in specs
    ]
    labels = [
        str(spec) if len(machines) == 1 else f"{machine.name}/{spec}" for _, machine, spec in pairs
    ]
    if len(set(labels)) < len(labels):
        raise InputError(f"machines and rules to compare must differ, got {', '.join(labels)}")
    results = []
    for given, machine, spec in pairs:
        with pins_placed(given, machine):
            results.append(_run(network, machine, spec, setting, progress))
    return Comparison.of(results, labels)


def _setting(
    network: Network,
    batch: int | None,
    trace: TraceArgument,
    trace_any_rule: bool,
    passes: Sequence[str],
    schedule: str,
    optimizer: str,
    seed: int,
    transform: Transform | None = None,
) -> Setting:
    faults = []
    if schedule not in SCHEDULES:
        faults.append(f"schedule must be one of {', '.join(SCHEDULES)}, got {schedule}")
    size = network.batch if batch is None else batch
    if size < 1:
        faults.append(f"batch must be >= 1, got {size}")
    if seed < 0:
        faults.append(f"seed must be >= 0, got {seed}")
    unknown = [str(name) for name in passes if str(name).upper() not in ALL_PASSES]
    if unknown or not passes:
        faults.append(
            f"passes must be one or more of {', '.join(ALL_PASSES)}, got "
            f"{', '.join(unknown) or 'none'}"
        )
    if faults:
        raise InputError(*faults)
    return Setting(
        size,
        trace,
        trace_any_rule,
        tuple(Pass(str(name).upper()) for name in passes),
        schedule,
        optimizer,
        seed,
        transform,
    )


def _run(
    network: Network,
    machine: Architecture,
    rule: AnyRule,
    setting: Setting,
    progress: Progress | None,
) -> Result:
    kinds = rule.rule.step_kinds(rule)
    if not rule.rule.kinds:
        return _simulate(network, machine, _prepare(network, kinds[0], setting), setting, progress)
    prepared: list[_Prepared] = []
    faults: list[Fault] = []
    for kind in kinds:
        try:
            prepared.append(_prepare(network, kind, setting))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(*dict.fromkeys(faults))
    steps = [
        WeightedStep(
            kind=each.kind.kind,
            weight=each.kind.weight,
            result=_simulate(network, machine, each, setting, progress, rule),
        )
        for each in prepared
    ]
    result = hybrid_result(steps, _hybrid_cause(rule, steps))
    check(result)
    return result


@dataclass(frozen=True)
class _Prepared:
    """A kind of step, its ops and its trace: all that can be refused."""

    kind: StepKind
    step: TrainingStep
    chosen: TraceChoice


def _prepare(network: Network, kind: StepKind, setting: Setting) -> _Prepared:
    step = kind.finish(lower(network, kind.rule, setting.batch, setting.optimizer, setting.passes))
    step = step if setting.transform is None else setting.transform(step)
    chosen = choose_trace(
        network, kind.rule, setting.trace, setting.trace_any_rule, setting.batch, setting.seed
    )
    return _Prepared(kind, step, chosen)


def _simulate(
    network: Network,
    machine: Architecture,
    prepared: _Prepared,
    setting: Setting,
    progress: Progress | None,
    part_of: AnyRule | None = None,
) -> Result:
    """One step; ``part_of``: the hybrid rule that takes it."""
    step, chosen, rule = prepared.step, prepared.chosen, prepared.kind.rule
    masks = MaskSource(chosen.trace, network, setting.batch, setting.seed)
    tables = machine_tables(machine)
    dram, technology = tables.dram, tables.technology
    configuration = Configuration(
        network, machine, tables.digest, step, chosen.digest, setting.schedule, setting.seed
    )
    table = EnergyTable.build(machine, technology, dram_prices(dram))
    shown = (
        f"{machine.name} {rule}"
        if part_of is None
        else f"{machine.name} {part_of}, {prepared.kind.kind}"
    )
    report = None if progress is None else lambda done, of: progress(done, of, shown)
    run = Machine(machine, dram, masks, table).run(step, setting.schedule, report)
    areas, unknown = _areas(machine, technology)
    notes = [*chosen.notes, *unknown, *_unused_pins(machine, step)]
    if run.dram_overcommitted:
        notes.append(
            f"tensors in DRAM need {run.peak_dram_bytes} bytes, more than {machine.dram.standard} "
            f"holds: addresses wrap around"
        )
    notes += memory_notes(step, run.residency, run.stored_dense)
    fields = {
        **_cause(configuration, rule, setting, chosen.name),
        "accountings": accountings(step, network, machine),
        "notes": tuple(notes),
        "dense_tensors": tuple(masks.dense_tensors(step.ops)),
    }
    result = assembled(run, table, machine, areas, fields)
    check(result, limits(dram, machine, run))
    return result


def _hybrid_cause(rule: AnyRule, steps: Sequence[WeightedStep]) -> dict[str, Any]:
    """What tells a hybrid result from those of its kinds of step; where their traces differ, it
    names each kind's.
    """
    traces = list(dict.fromkeys(step.result.trace for step in steps))
    return {
        "config_hash": hybrid_hash([(step.weight, step.result.config_hash) for step in steps]),
        "rule": str(rule),
        "trace": traces[0] if len(traces) == 1 else traces,
    }


def _cause(
    configuration: Configuration, rule: AnyRule, setting: Setting, trace: str
) -> dict[str, Any]:
    return {
        "config_hash": configuration.hash,
        "seed": setting.seed,
        "workload": configuration.network.name,
        "arch": configuration.machine.name,
        "rule": str(rule),
        "batch": setting.batch,
        "trace": trace,
        "schedule": setting.schedule,
        "optimizer": setting.optimizer,
    }


def _unused_pins(machine: Architecture, step: TrainingStep) -> list[str]:
    """Pinned mappings of a machine that serves other networks, or other passes, too."""
    names = [op.name for op in step.ops if isinstance(op, Contraction)]
    unused = [
        pin.op
        for pin in machine.mapping.pins
        if not any(fnmatchcase(name, pin.op) for name in names)
    ]
    return [f"mapping.pins: no contraction of this step is named {op}" for op in unused]


def _areas(
    machine: Architecture, technology: Technology
) -> tuple[tuple[area.Area, ...], tuple[str, ...]]:
    """The machine's areas; where its technology has none, which a simulation can do without, what
    is missing.
    """
    try:
        return area.estimate(machine, technology), ()
    except InputError as error:
        return (), tuple(f"area not estimated: {fault.message}" for fault in error.faults)
