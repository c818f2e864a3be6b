"""Backward locking: EP of BPTT and of DFA over 35 time steps, on partitions that run in parallel
(Han et al. 2020, figure 1, section 4.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from accelsim.experiment.simulate import simulate
from accelsim.experiment.tables import machine_tables
from accelsim.machine.architecture import Machine
from accelsim.machine.loading import load_machine
from accelsim.results.reproduction import Figure, Panel, Series
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction, Op, Pass, TrainingStep
from accelsim.studies.papers.step_changes import CHANGES
from accelsim.workload.loading import load_network

WORKLOAD = "rnn-wikitext2"
PARTITIONS = (1, 4, 16, 35, 70)
BPTT = "bp"
RULES = {
    "DFA": "dfa:per_step=true",
    "Revised, 98 % sparse": "revised:per_step=true,binary=true,sparsity=0.98",
}
DRAWN_PARTITIONS = 35
LAYERS = {"fc": "fc (output layer)", "rnn1": "rnn1 (recurrent layer)"}
WHOLE = " all"
"""Row of ops over the whole sequence. The leading space sorts it before the time steps."""


@dataclass(frozen=True)
class Setting:
    """A machine whose partitions are each as large as the whole base machine.

    ``own_memory``: if true, vector unit, links, buffer and DRAM channels grow with the number of
    partitions; if false, all partitions share those of the base machine.
    """

    base: str
    own_memory: bool

    @property
    def name(self) -> str:
        return f"{self.base} {'own' if self.own_memory else 'shared'} memory"

    def machine(self, partitions: int) -> Machine:
        """The machine with ``partitions`` partitions."""
        base = load_machine(self.base)
        overrides: dict[str, object] = {
            "partitions": partitions,
            "pe_array.rows": base.pe_array.rows * partitions,
        }
        if self.own_memory:
            overrides |= {
                "vector_unit.width": base.vector_unit.width * partitions,
                "noc.width": base.noc.width_bits * partitions,
                "noc.peer_links": base.noc.peer_links * partitions,
                "global_buffer.banks": base.global_buffer.banks * partitions,
                "global_buffer.capacity": f"{base.global_buffer.capacity_bytes * partitions}B",
                "global_buffer.staging": f"{base.global_buffer.staging_bytes * partitions}B",
                "dram.channels": partitions
                * machine_tables(base).dram.channels(base.dram.channels),
            }
        return load_machine(self.base, overrides)


SETTINGS = (
    Setting("von-neumann", False),
    Setting("von-neumann", True),
    Setting("near-memory", True),
)
DRAWN = SETTINGS[1]


@dataclass(frozen=True)
class Latency:
    """Cycles of the whole EP (or step), and of the recurrent layer's EP ops from the first start to
    the last end.
    """

    whole: int
    recurrent: int


@dataclass(frozen=True)
class Case:
    """EP of a rule, or its whole training ``step``, on a number of partitions. ``change``: name of
    a variant in `step_changes.CHANGES`, or empty.
    """

    rule: str
    setting: Setting
    partitions: int
    change: str = ""
    step: bool = False


def propagate(case: Case) -> tuple[Latency, tuple[dict[str, Any], ...]]:
    """Latency and contractions of EP, or of the whole step. Ops start as soon as their operands
    exist.
    """
    network = load_network(WORKLOAD)
    machine = case.setting.machine(case.partitions)

    def of_case(step: TrainingStep) -> TrainingStep:
        if not case.step:
            step = lower(network, case.rule, step.batch, passes=[Pass.EP])
        return CHANGES[case.change](step) if case.change else step

    # The report is on EP alone; then no interval between steps is measured, which takes many steps.
    document = simulate(
        network,
        machine,
        rule=case.rule,
        schedule="unlocked",
        passes=("ep",),
        transform=of_case,
        objective="canonical",
    ).to_json()
    recurrent = {layer.name for layer in network.layers if layer.recurrent}
    ops = tuple(op for op in document["ops"] if op["kind"] != "vector")
    recurrent_ops = [op for op in ops if op["layer"] in recurrent and op["pass"] == "EP"]
    span = max(op["start_cycle"] + op["cycles"] for op in recurrent_ops) - min(
        op["start_cycle"] for op in recurrent_ops
    )
    return Latency(document["step"]["cycles"], span), ops


def latency(case: Case) -> Latency:
    """Latency of a case."""
    return propagate(case)[0]


def figure_1(target: str) -> Figure:
    """Figure of the times at which each layer's EP ops run: a chain with BPTT, in parallel with
    DFA.
    """
    panels: list[Panel] = []
    for title, rule in (
        ("(a) BPTT", BPTT),
        ("(c) DFA", RULES["DFA"]),
        ("(d) revised, 98 % sparse", RULES["Revised, 98 % sparse"]),
    ):
        _, ops = propagate(Case(rule, DRAWN, DRAWN_PARTITIONS))
        spans: dict[str, tuple[list[float], list[str], list[float]]] = {}
        for op in sorted(ops, key=lambda op: _row(op["name"])):
            starts, rows, ends = spans.setdefault(op["layer"], ([], [], []))
            starts.append(op["start_cycle"])
            ends.append(op["start_cycle"] + op["cycles"])
            rows.append(_row(op["name"]))
        series = tuple(
            Series(LAYERS[layer], starts, rows, ends)
            for layer, (starts, rows, ends) in spans.items()
        )
        panels.append(Panel(title, "timeline", "cycle", "time step", series))
        if rule == BPTT:
            starts, rows, ends = spans["rnn1"]
            since = min(starts)
            zoomed = Series(
                LAYERS["rnn1"],
                [start - since for start in starts],
                rows,
                [end - since for end in ends],
            )
            panels.append(
                Panel(
                    "(b) BPTT, rnn1 alone",
                    "timeline",
                    "cycle from the start of rnn1",
                    "time step",
                    (zoomed,),
                )
            )
    caption = (
        f"Counterpart of figure 1: error propagation of {WORKLOAD} (batch 20) over its 35 "
        f"time steps on {DRAWN_PARTITIONS} partitions. Each partition is as large as "
        f"{DRAWN.base} and has its own memory. Each row is a time step and each bar an op: "
        "fc is the error that the output layer hands down, rnn1 the recurrent layer's own "
        "error. The row all holds the one op that processes the output layer for all time "
        "steps. (a) With BPTT, each time step of rnn1 waits for the one after it. Its "
        "short bars follow one another from step 34 up to 0; in (a) they have a minimum "
        "length, so that they can be seen, and (b) shows them alone. (c) With DFA, no op "
        "waits for an op of another time step: each takes only the loss's error, and rnn1 "
        "starts when fc leaves its partition. (d) The feedback of the revised rule is a "
        "triangle: rnn1 of a step takes the errors of fc for this and all later steps. It "
        "waits for the slowest of them, and it takes longer the earlier the step is. It "
        "waits for no other op of rnn1, so there is no chain. Time axes differ. Before the "
        "first op, the vector unit computes the loss."
    )
    return Figure(target, "han2020-fig1", "Backward locking", caption, tuple(panels))


def _row(name: str) -> str:
    """Row of an op: ``rnn1.EP.t12`` -> ``12``. An op over the whole sequence has its own row."""
    step = name.rpartition(".t")[2]
    return step if step.isdecimal() else WHOLE


def longest_chain(ops: Sequence[Op], layers: frozenset[str]) -> int:
    """Length of the longest chain of dependent EP contractions of ``layers``."""
    depth: dict[str, int] = {}
    for op in ops:
        before = max((depth.get(name, 0) for name in op.depends_on), default=0)
        depth[op.name] = before + (
            op.pass_ is Pass.EP and isinstance(op, Contraction) and op.layer in layers
        )
    return max(depth.values())
