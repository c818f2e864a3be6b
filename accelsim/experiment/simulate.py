"""simulate(): one training step of a network under a learning rule on a machine.

The network is lowered under the rule. Its ops are mapped onto the machine and run there, with the
zeros of a trace. Counts are converted to energy and collected in a Result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from accelsim.config.describe import join
from accelsim.config.reading.values import Faults
from accelsim.cost import area
from accelsim.cost.accountings import accountings
from accelsim.cost.technology import Technology
from accelsim.dram.trace import TraceFile, trace_files
from accelsim.errors import Fault, InputError, LawViolation
from accelsim.experiment.arguments import (
    Simulation,
    Watchers,
    as_machine,
    as_network,
    run_name,
    taking,
)
from accelsim.experiment.assemble import assembled, limits, step_totals
from accelsim.experiment.compile import Compiled, compile_step
from accelsim.experiment.config_hash import Configuration, digest, hybrid_hash
from accelsim.experiment.plugins_used import plugins_used
from accelsim.experiment.setting import NetworkSetting, RunSetting
from accelsim.experiment.trace_choice import TraceChoice, choose_trace
from accelsim.machine.architecture import Machine
from accelsim.machine.pin_places import pins_placed
from accelsim.results.hybrid import hybrid_result
from accelsim.results.laws import check
from accelsim.results.result import PluginUsed, Result, WeightedStep
from accelsim.rules.declaration import StepKind
from accelsim.rules.spelling import AnyRule, parse_rule
from accelsim.sim.memory.notes import memory_notes
from accelsim.sim.run import Run
from accelsim.step.ops import Contraction, TrainingStep
from accelsim.workload.network import Network
from accelsim.zeros.masks import MaskSource
from accelsim.zeros.samples import repeated_samples
from accelsim.zeros.stored import check_feedback, unused_feedback


@taking(Simulation)
def simulate(given: Simulation) -> Result:
    """Simulate one training step of a workload under a learning rule on a machine. For a hybrid
    rule, simulate each kind of step and average.

    ``workload``, ``machine``: a built-in name, a file, or an object. ``rule``: ``"bp"``,
    ``"sdfa:k=2,rank=10"``. The keyword arguments of the step are the fields of `Setting`.
    ``dram_trace``: a CSV file to write every DRAM burst to (docs/dram.md).
    ``progress(done, of, name)`` is called as ops end; ``observers`` watch the run of each kind of
    step. Raises InputError with every fault of the inputs.

    >>> import accelsim
    >>> result = accelsim.simulate("mnist-fc", rule="dfa", trace="random:0.5", batch=2)
    >>> result.batch, result.rule, result.cycles > 0
    (2, 'dfa', True)
    """
    faults = Faults()
    network = faults.take(lambda: as_network(given.workload), None)
    machine = faults.take(lambda: as_machine(given.machine), None)
    rule = faults.take(lambda: parse_rule(given.rule), None)
    faults.refuse()
    assert network is not None
    assert machine is not None
    assert rule is not None
    with pins_placed(given.machine, machine), dram_traces(given, [("", rule)]) as traces:
        watchers = Watchers(given.progress, tuple(given.observers), traces)
        result = run_rule(network, machine, rule, given.of(network), watchers)
        return result.with_intervals(given.samples, given.sample_seed)


def dram_traces(
    given: RunSetting, runs: Sequence[tuple[str, AnyRule]]
) -> AbstractContextManager[Mapping[str, TraceFile]]:
    """The DRAM trace files of the runs of (label, rule) pairs, by `run_name`; {} if none is asked
    for. See `trace_files`.
    """
    if given.dram_trace is None:
        return nullcontext({})
    names = [
        run_name(label, kind.kind) for label, rule in runs for kind in rule.rule.step_kinds(rule)
    ]
    return trace_files(Path(given.dram_trace), names)


def run_rule(
    network: Network,
    machine: Machine,
    rule: AnyRule,
    setting: NetworkSetting,
    watchers: Watchers,
) -> Result:
    """Simulate a step of each kind that the rule takes, and average if there is more than one kind.

    Raises InputError with the faults of all kinds.
    """
    prepared: list[_Prepared] = []
    faults: list[Fault] = []
    kinds = rule.rule.step_kinds(rule)
    plugins = plugins_used(network, machine, rule, kinds)
    for kind in kinds:
        try:
            prepared.append(_prepare(network, kind, machine, setting, plugins))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(*dict.fromkeys(faults))
    if not rule.rule.kinds:
        return _simulate(prepared[0], setting, watchers, str(rule))
    steps = [
        WeightedStep(
            kind=each.kind.kind,
            weight=each.kind.weight,
            result=_simulate(each, setting, watchers, f"{rule}, {each.kind.kind}"),
        )
        for each in prepared
    ]
    result = hybrid_result(steps, _hybrid_cause(rule, steps))
    check(result)
    return result


@dataclass(frozen=True)
class _Prepared:
    """A compiled kind of step and its trace. All input checks are done."""

    compiled: Compiled
    chosen: TraceChoice
    plugins: tuple[PluginUsed, ...]

    @property
    def kind(self) -> StepKind:
        return self.compiled.kind


def _prepare(
    network: Network,
    kind: StepKind,
    machine: Machine,
    setting: NetworkSetting,
    plugins: tuple[PluginUsed, ...],
) -> _Prepared:
    compiled, given = compile_step(network, kind, machine, setting), setting.given
    chosen = choose_trace(
        network, kind.rule, given.trace, given.trace_any_rule, setting.batch, given.seed
    )
    if chosen.trace is not None:
        check_feedback(chosen.trace, compiled.program.step)
        notes = [
            *unused_feedback(chosen.trace, compiled.program.step),
            *repeated_samples(chosen.trace, network, setting.batch),
        ]
        chosen = replace(chosen, notes=[*chosen.notes, *notes])
    return _Prepared(compiled, chosen, plugins)


def _simulate(
    prepared: _Prepared, setting: NetworkSetting, watchers: Watchers, shown: str
) -> Result:
    """Result of one kind of step. ``shown`` is the name for the progress bar."""
    compiled, chosen, seed = prepared.compiled, prepared.chosen, setting.given.seed
    network, program = compiled.network, compiled.program
    machine, step = program.architecture, program.step
    masks = MaskSource(chosen.trace, network, setting.samples, seed)
    configuration = Configuration(
        network,
        machine,
        program.dram.channels(machine.dram.channels),
        compiled.tables_digest,
        compiled.step_digest,
        chosen.digest,
        program.schedule,
        seed,
        tuple(f"{each.sha256} {each.distribution}" for each in prepared.plugins),
        setting.part,
        program.warm,
    )
    observers = watchers.of(f"{machine.name} {shown}", prepared.kind.kind)
    run = whole = program.run(masks, observers, interval=not setting.part)
    reported = step
    if setting.part:
        reported = replace(step, ops=tuple(op for op in step.ops if op.pass_ in setting.part))
        run = whole.part({each.op.name for each in whole.records if each.op.pass_ in setting.part})
    areas, missing = _areas(machine, compiled.technology)
    fields = {
        **_cause(configuration, prepared.kind.rule, setting, chosen.name),
        "accountings": accountings(reported, network, machine),
        "step": step_totals(whole, compiled.table) if setting.part else None,
        "notes": (
            *network.notes,
            *chosen.notes,
            *missing,
            *_prices_notes(setting.given.prices),
            *_unused_pins(machine, step),
            *_dram_notes(run, machine),
            *memory_notes(step, run.residency, run.stored_dense, run.peak_stash_in_pads),
        ),
        "dense_tensors": tuple(masks.dense_tensors(reported.ops)),
        "plugins": prepared.plugins,
    }
    result = assembled(run, compiled.table, machine, areas, fields)
    with _broken_laws_told(prepared.plugins):
        check(result, limits(program.dram, machine, run))
    return result


@contextmanager
def _broken_laws_told(plugins: Sequence[PluginUsed]) -> Iterator[None]:
    """Turn a broken law into an InputError that names the plug-ins of the run. Without plug-ins a
    broken law is a defect of accelsim; with them, a plug-in is the more likely cause.
    """
    try:
        yield
    except LawViolation as error:
        if not plugins:
            raise
        names = join([f"{each.kind.replace('_', ' ')} {each.name}" for each in plugins], "and")
        files = ", ".join(dict.fromkeys(each.file for each in plugins))
        message = f"a result with {names} must obey the laws of docs/results.md, got: {error}"
        raise InputError(Fault(files, 0, 0, message)) from error


def _hybrid_cause(rule: AnyRule, steps: Sequence[WeightedStep]) -> dict[str, Any]:
    """Fields that describe the inputs of a hybrid result. If the traces of its kinds of step
    differ, all are listed.
    """
    traces = list(dict.fromkeys(step.result.trace for step in steps))
    return {
        "config_hash": hybrid_hash([(step.weight, step.result.config_hash) for step in steps]),
        "rule": str(rule),
        "trace": traces[0] if len(traces) == 1 else traces,
    }


def _cause(
    configuration: Configuration, rule: AnyRule, setting: NetworkSetting, trace: str
) -> dict[str, Any]:
    return {
        "config_hash": configuration.hash,
        "seed": setting.given.seed,
        "workload": configuration.network.name,
        "arch": configuration.machine.name,
        "rule": str(rule),
        "batch": setting.batch,
        "trace": trace,
        "schedule": setting.given.schedule,
        "optimizer": setting.given.optimizer,
        "warm": setting.given.warm,
        "checkpoint": setting.given.checkpoint,
        "microbatch": setting.given.microbatch,
    }


def _unused_pins(machine: Machine, step: TrainingStep) -> list[str]:
    """Notes about pinned mappings that match no contraction of this step. A machine may hold pins
    for other networks and passes.
    """
    names = [op.name for op in step.ops if isinstance(op, Contraction)]
    unused = [
        pin.op
        for pin in machine.mapping.pins
        if not any(fnmatchcase(name, pin.op) for name in names)
    ]
    return [f"mapping.pins: no contraction of this step is named {op}" for op in unused]


def _prices_notes(prices: str | Path | None) -> list[str]:
    """The origin of prices that are not those of the machine's files."""
    if prices is None:
        return []
    content = digest(Path(prices).read_bytes())
    return [f"prices of {Path(prices).name} (SHA-256 {content}...) replace those of the machine"]


def _dram_notes(run: Run, machine: Machine) -> list[str]:
    if not run.dram_overcommitted:
        return []
    peak, standard = run.peak_dram_bytes, machine.dram.standard
    return [f"tensors in DRAM need {peak} bytes, more than {standard} holds: addresses wrap around"]


def _areas(
    machine: Machine, technology: Technology
) -> tuple[tuple[area.Area, ...], tuple[str, ...]]:
    """The machine's areas, or () and notes about missing data if its technology has no areas. A
    simulation does not need them.
    """
    try:
        return area.estimate(machine, technology), ()
    except InputError as error:
        return (), tuple(f"area not estimated: {fault.message}" for fault in error.faults)
