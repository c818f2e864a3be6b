"""Measurement of the statement that zero-skipping hardware absorbs the dilation of feedback kernels
(Han et al. 2020, section 3.2.1).

``dilated`` has the reach of ``conv-dfa`` with 3 x 3 taps. The cost of such a kernel with its zeros
written out is that of conv-dfa. The cost of the zeros on hardware depends on whether its address
generator removes them or they pass through the lanes' windows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accelsim.experiment.simulate import simulate
from accelsim.machine.loading import load_machine
from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims.costs import MACHINES
from accelsim.studies.papers.claims.counted.statements import TARGET
from accelsim.studies.papers.outcome import Quantity, cell
from accelsim.studies.papers.progress import Progress
from accelsim.studies.papers.side_by_side import side_by_side

WORKLOAD = "vgg16-cifar10"
NAME = "dilation-absorbed"
SAYS = "Zero-skipping hardware absorbs the zeros of dilated feedback kernels"
SOURCE = "Han 2020, section 3.2.1"
LANES = "lanes"
"""Key of the mode in the context of a cell."""
KNOWN = "addresses known"
MODES: dict[str, dict[str, object]] = {
    KNOWN: {},
    "window of 16": {"pe_array.structural_zeros": "window"},
    "window of 4": {"pe_array.structural_zeros": "window", "pe_array.window": 4},
}
"""Settings of the lanes: the address generator removes structural zeros, or they pass through the
window like any other zero.
"""
BATCHES = (1, 16)
FULL, DILATED = "conv-dfa", "dilated"
NOTES = {
    "dense MACs": "EP's convolutions",
    "executed MACs": "EP's convolutions",
    "lane cycles": "EP's convolutions",
    "cycles": "EP's convolutions; conv-dfa also waits for its larger weights",
    "step cycles": "the whole step",
}


@dataclass(frozen=True)
class Run:
    """A training step with a rule, on a machine with lanes in this mode."""

    rule: str
    machine: str
    mode: str
    batch: int


def measure(run: Run) -> dict[str, int]:
    """Costs of the convolutions that carry errors, and the cycles of the step. Lane cycles are busy
    cycles plus cycles spent on windows without an effectual pair.
    """
    document: Mapping[str, Any] = simulate(
        WORKLOAD,
        load_machine(run.machine, MODES[run.mode]),
        rule=run.rule,
        batch=run.batch,
        objective="canonical",
    ).to_json()
    ops = [
        op
        for op in document["ops"]
        if op["pass"] == "EP" and op["kind"] in {"conv", "grouped_conv"}
    ]
    return {
        "dense MACs": sum(op["macs"]["dense"] for op in ops),
        "executed MACs": sum(op["macs"]["executed"] for op in ops),
        "lane cycles": sum(
            op["lane_cycles"]["busy"] + op["lane_cycles"]["window_empty"] for op in ops
        ),
        "cycles": sum(op["cycles"] for op in ops),
        "step cycles": document["cycles"],
    }


def items(progress: Progress) -> list[Item]:
    """Cells of two kinds of ratio: written-out kernels over dilated kernels (1 means no gain), and
    zeros in a window over zeros removed (1 means no loss).
    """
    runs = [
        Run(rule, machine, mode, batch)
        for batch in reversed(BATCHES)
        for machine in MACHINES
        for mode in MODES
        for rule in (FULL, DILATED)
    ]
    costs = side_by_side(measure, runs, progress, lambda run: f"{WORKLOAD} {run.rule}, {run.mode}")
    known = dict(zip(runs, costs, strict=True))
    absorbed: list[Item] = []
    passed: list[Item] = []
    for machine in MACHINES:
        for batch in BATCHES:
            for mode in MODES:
                context: dict[str, str | int] = {
                    "machine": machine,
                    "workload": WORKLOAD,
                    "batch": batch,
                    LANES: mode,
                }
                full, dilated, left_out = (
                    known[Run(rule, machine, of, batch)]
                    for rule, of in ((FULL, mode), (DILATED, mode), (DILATED, KNOWN))
                )
                for cost, said in NOTES.items():
                    id_ = f"{TARGET}/{NAME}/{machine}/batch={batch}/{mode}/{cost}"
                    note = f"conv-dfa over dilated, {said}"
                    value = full[cost] / dilated[cost]
                    absorbed.append(
                        cell(
                            Quantity(TARGET, id_, "x", "machine", context | _scoped(cost)),
                            None,
                            value,
                            2,
                            note=note,
                        )
                    )
                if mode == KNOWN:
                    continue
                for cost in ("lane cycles", "cycles", "step cycles"):
                    id_ = (
                        f"{TARGET}/{NAME}/dilated alone/{machine}/batch={batch}/{mode} over "
                        f"{KNOWN}/{cost}"
                    )
                    note = (
                        f"dilated, {NOTES[cost].partition(';')[0]}: structural zeros "
                        "passing through the window, over the same zeros left out"
                    )
                    value = dilated[cost] / left_out[cost]
                    passed.append(
                        cell(
                            Quantity(TARGET, id_, "x", "machine", context | {"cost": cost}),
                            None,
                            value,
                            2,
                            note=note,
                        )
                    )
    return [*absorbed, *passed]


def _scoped(cost: str) -> dict[str, str | int]:
    """Context of a ratio of conv-dfa over dilated."""
    return {
        "cost": cost.removeprefix("step "),
        "scope": "step" if cost.startswith("step ") else "EP",
        "rules": f"{FULL} -> {DILATED}",
    }
