"""Compilation of a network, a rule and a machine to a program: everything that does not depend on
the trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from accelsim.config.names import Schedule
from accelsim.cost.energy import EnergyTable
from accelsim.cost.technology import Technology
from accelsim.experiment.config_hash import step_digest
from accelsim.experiment.setting import NetworkSetting
from accelsim.experiment.tables import energy_table, machine_tables
from accelsim.machine.architecture import Machine
from accelsim.rules.declaration import StepKind
from accelsim.rules.registry import lower
from accelsim.rules.spelling import AnyRule
from accelsim.sim.program import Program
from accelsim.step.checkpointing import checkpointed
from accelsim.step.microbatches import in_microbatches
from accelsim.step.ops import TrainingStep
from accelsim.workload.network import Network


@dataclass(frozen=True)
class Compiled:
    """One compiled kind of training step.

    ``table``: prices of all actions. ``tables_digest``: digest of the files that the machine names.
    ``step_digest``: digest of the step.
    """

    network: Network
    kind: StepKind
    program: Program
    table: EnergyTable
    technology: Technology
    tables_digest: str
    step_digest: str


def compile_step(
    network: Network, kind: StepKind, machine: Machine, setting: NetworkSetting
) -> Compiled:
    """Program of one kind of step.

    Raises InputError if the rule does not suit the network, or if a file that the machine names has
    faults.
    """
    given = setting.given
    machine = machine.with_objective(given.objective)
    lowered, digest = _lowered(network, kind.rule, setting.batch, given.optimizer)
    step = _finished(lowered, network, kind, setting)
    if setting.samples < setting.batch:
        part, _ = _lowered(network, kind.rule, setting.samples, given.optimizer)
        step = in_microbatches(_finished(part, network, kind, setting), step)
    step = step if given.transform is None else given.transform(step)
    tables = machine_tables(machine)
    table, tables_digest = energy_table(
        machine, tables, None if given.prices is None else Path(given.prices)
    )
    program = Program(step, machine, tables.dram, Schedule(given.schedule), table, given.warm)
    digest = digest if step is lowered else step_digest(step)
    return Compiled(network, kind, program, table, tables.technology, tables_digest, digest)


def _finished(
    lowered: TrainingStep, network: Network, kind: StepKind, setting: NetworkSetting
) -> TrainingStep:
    """The step with the changes of its kind, and with checkpoints if they are wanted."""
    step, every = kind.finish(lowered), setting.checkpoint_every
    names = {layer.name for layer in network.weighted}
    return checkpointed(step, names, every) if every else step


@lru_cache(maxsize=16)
def _lowered(
    network: Network, rule: AnyRule, batch: int, optimizer: str
) -> tuple[TrainingStep, str]:
    """The step and its digest, which do not depend on the machine."""
    step = lower(network, rule, batch, optimizer)
    return step, step_digest(step)
