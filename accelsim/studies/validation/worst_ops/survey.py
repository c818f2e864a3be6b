"""One run, and what the report keeps of it. Runs are independent, so processes share them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.machine.loading import load_machine
from accelsim.pe.registry import pe_kind
from accelsim.rules.registry import check_rule
from accelsim.rules.spelling import parse_rule
from accelsim.studies.validation.worst_ops.measures import Measures, Plans, measured
from accelsim.studies.validation.worst_ops.reasons import Reason, of_cycles, of_energy, of_words
from accelsim.studies.validation.worst_ops.words import RunWords, run_words
from accelsim.workload.loading import load_network

TRACE = "random:0.5"


@dataclass(frozen=True)
class Measure:
    """A measure: its name and unit, its value for an op, and the reason for a bad one."""

    name: str
    unit: str
    value: Callable[[Measures], float]
    reason: Callable[[Measures], Reason]


MEASURES = (
    Measure("words received per word used", "x", lambda op: op.received_per_used, of_words),
    Measure("lane cycles per executed MAC", "cycles", lambda op: op.cycles_per_mac, of_cycles),
    Measure("energy per effectual MAC", "pJ", lambda op: op.pj_per_mac, of_energy),
)


class Run(NamedTuple):
    """A run. ``listed``: whether every op that receives many words is listed."""

    network: str
    rule: str
    machine: str
    listed: bool


class BadOp(NamedTuple):
    """An op that is bad by a measure: its class (ops of one class have one reason), name, value,
    reason and share of the step's cycles.
    """

    like: tuple[str, str, str, str]
    name: str
    value: float
    reason: Reason
    share: float


@dataclass(frozen=True)
class Survey:
    """What is kept of a run: the worst op of each class per measure, in the order of `MEASURES`,
    and the words of its ops. A run that a rule or machine refuses has neither.
    """

    worst: tuple[tuple[BadOp, ...], ...] = ()
    words: RunWords | None = None


def survey(run: Run) -> Survey:
    """Simulate a run."""
    network, machine, watch = load_network(run.network), load_machine(run.machine), Plans()
    try:
        check_rule(network, parse_rule(run.rule))
        result = simulate(network, machine, rule=run.rule, batch=1, trace=TRACE, observers=[watch])
    except InputError:
        return Survey()
    rows = measured(run.network, run.rule, pe_kind(machine), result, watch.plans)
    name = f"{run.network} {run.rule} on {run.machine}"
    return Survey(
        tuple(_worst(measure, rows) for measure in MEASURES),
        run_words(name, rows) if run.listed else None,
    )


def _worst(measure: Measure, rows: Iterable[Measures]) -> tuple[BadOp, ...]:
    """The worst op of each pass and kind; ops that differ in layer or time step alone have one
    reason.
    """
    seen: dict[tuple[str, str, str, str], Measures] = {}
    for row in rows:
        like = (row.network, row.machine, str(row.op.pass_), row.op.kind)
        if measure.value(row) > (measure.value(seen[like]) if like in seen else 0.0):
            seen[like] = row
    return tuple(
        BadOp(like, row.name, measure.value(row), measure.reason(row), row.share)
        for like, row in seen.items()
    )
