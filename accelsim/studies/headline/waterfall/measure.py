"""Costs of the steps in the states of today's code."""

from __future__ import annotations

from dataclasses import replace

from accelsim.experiment.assemble import step_totals
from accelsim.experiment.compile import compile_step
from accelsim.experiment.setting import Setting
from accelsim.experiment.trace_choice import choose_trace
from accelsim.machine.loading import load_machine
from accelsim.rules.registry import step_kinds
from accelsim.sim.planning.choice import Memo
from accelsim.sim.planning.costs import Objective
from accelsim.studies.headline.waterfall.causes import STEPS, TODAY, Cost, Step
from accelsim.studies.papers.progress import Progress
from accelsim.studies.papers.side_by_side import side_by_side
from accelsim.workload.loading import load_network
from accelsim.zeros.masks import MaskSource


def today(progress: Progress) -> dict[str, dict[Step, Cost]]:
    """Costs of all steps, by state of today's code."""
    found = side_by_side(
        measure, STEPS, progress, lambda step: f"{step.workload}, {step.machine}, {step.rule}"
    )
    return {
        state: {step: costs[state] for step, costs in zip(STEPS, found, strict=True)}
        for state in TODAY
    }


def measure(step: Step) -> dict[str, Cost]:
    """Costs of one step in every state of today's code."""
    return {
        "canonical": _cost(step, "none", "canonical"),
        "fused": _cost(step, "epilogue", "canonical"),
        "placed": _cost(step, "epilogue", "edp", canonical_mappings=True),
        "mapped": _cost(step, "epilogue", "edp"),
    }


def _cost(step: Step, fusion: str, objective: str, canonical_mappings: bool = False) -> Cost:
    """Cost of a step. With ``canonical_mappings`` the search decides on places only: no option of a
    run does that, so the program is run here and not by `simulate`.
    """
    network = load_network(step.workload)
    machine = load_machine(step.machine, {"fusion": fusion})
    setting = Setting(batch=step.batch, objective=objective).of(network)
    (kind,) = step_kinds(step.rule)
    compiled = compile_step(network, kind, machine, setting)
    given = setting.given
    chosen = choose_trace(network, kind.rule, given.trace, False, setting.batch, given.seed)
    masks = MaskSource(chosen.trace, network, setting.batch, given.seed)
    mapped = compiled.program.mapped(masks)
    if canonical_mappings:
        # the memo holds the mappings that the search chose
        mapped = replace(mapped, objective=Objective("canonical"), memo=Memo())
    run = compiled.program.simulation(masks, mapped=mapped).run()
    return Cost(run.cycles, step_totals(run, compiled.table).energy_pj)
