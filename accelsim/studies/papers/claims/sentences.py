"""The papers' sentences as rows: printed, counted, measured, the accuracy cost, a mark, its cause.

A row holds numbers and fixed texts. Reports put them into cells, so that no text is made from
numbers here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from accelsim.results.reproduction import Item, Mark, Sentence, SentenceCost
from accelsim.studies.papers.claims import dilation as claims_dilation
from accelsim.studies.papers.claims.costs import MACHINES
from accelsim.studies.papers.claims.counted.statements import CLAIMS, TARGET
from accelsim.studies.papers.claims.marks import ENERGY, STEP, mark
from accelsim.studies.papers.han2020.accuracies import trained

VGG, LSTM, HEAD = "vgg16-cifar10@0.125", "lstm-wikitext2", "cifar10-conv-head@0.25"
MODULES = "Feedback convolutions read maps of 4C channels: more MACs than BP."
GENERIC: Mapping[Mark, str] = {
    "holds": "Machines keep what the count promises.",
    "only as counted": "Machines reuse words and pay for what the count leaves out.",
    "reversed": "The new rule does more work than the count says.",
}
"""Causes of a mark that no cause was written for."""


@dataclass(frozen=True)
class Row:
    """How a sentence is measured. ``counted``, ``recounted``: ids of cells below the claim.
    ``cost``, ``scope``: what the sentence is about; ``step_cost``: its name in a step, if it is
    another. ``where``: further context of its cells.
    ``accuracy``: network, old and new rule of the accuracy study. ``cause``: of the mark ``of``;
    at most twelve words.
    """

    counted: str
    workload: str
    cost: str
    accuracy: tuple[str, str, str]
    of: Mark
    cause: str
    recounted: str = ""
    scope: str = "EP"
    step_cost: str = ""
    batches: tuple[int, ...] = (1, 64)
    machines: tuple[str, ...] = MACHINES
    rules: str = ""
    where: tuple[tuple[str, str | int], ...] = ()


ROWS: Mapping[str, Row] = {
    "memory-99.0%": Row(
        "paper",
        "resnet50-cifar10",
        "words moved",
        (VGG, "bp", "revised:groups=8"),
        "reversed",
        MODULES,
        "real-network",
    ),
    "operations-60.1%": Row(
        "paper",
        "resnet50-cifar10",
        "MACs executed",
        (VGG, "bp", "revised:groups=8"),
        "reversed",
        MODULES,
        "real-network",
    ),
    "triangle-44.6%": Row(
        "paper-memory",
        "rnn-wikitext2",
        "words moved",
        (LSTM, "dfa:per_step=true", "triangular:per_step=true"),
        "holds",
        "Errors of earlier steps are skipped, in traffic as in MACs.",
    ),
    "sparse-87.9%": Row(
        "RNN/memory",
        "rnn-wikitext2",
        "words moved",
        (LSTM, "bp", "hdfa:p=0.1,init=bw,sparsity=0.98"),
        "only as counted",
        "Stored positions and one matrix per time step take memory and traffic.",
    ),
    "binary-96.9%": Row(
        "paper",
        "rnn-wikitext2",
        "DRAM bytes",
        ("fashion-fc3", "dfa", "bdfa"),
        "only as counted",
        "At large batches errors and weight updates outweigh the feedback.",
    ),
    "parallel-35x": Row(
        "paper",
        "rnn-wikitext2",
        "cycles",
        (LSTM, "bp", "dfa:per_step=true"),
        "only as counted",
        "EP gains by BPTT's output layer alone; forward passes stay a chain.",
        batches=(20,),
        machines=tuple(f"{machine} own memory" for machine in MACHINES),
        rules="bp -> dfa:per_step=true",
        where=(("partitions", 35),),
    ),
    "movement-6400x": Row(
        "paper",
        "alexnet-fc",
        "words moved",
        (HEAD, "bp", "ssdfa"),
        "only as counted",
        "Machines multicast errors and reuse weights; FF and WG dominate a step.",
    ),
    "movement-1000x": Row(
        "paper",
        "alexnet-fc",
        "words moved",
        (HEAD, "dfa", "ssdfa"),
        "only as counted",
        "Multicast sends each error once under DFA too; EP is small.",
    ),
    "macs-2x": Row(
        "paper",
        "alexnet-fc",
        "MACs executed",
        (HEAD, "bp", "ssdfa"),
        "only as counted",
        "The count adds EP into frozen features, which no step computes.",
        "frozen-features",
        "EP+WG",
    ),
    claims_dilation.NAME: Row(
        "{machine}/batch=1/addresses known/executed MACs",
        "vgg16-cifar10",
        "lane cycles",
        (VGG, "conv-dfa", "dilated"),
        "holds",
        "The address generator leaves the zeros out, so lanes never see them.",
        step_cost="cycles",
        batches=claims_dilation.BATCHES,
        where=((claims_dilation.LANES, claims_dilation.KNOWN),),
    ),
}
"""How each sentence is measured, in the order of the table."""


def sentences(items: Iterable[Item], of: Mapping[str, str]) -> tuple[Sentence, ...]:
    """The rows of the sentences. ``of``: the figure of each sentence."""
    cells = {item.id: item for item in items}
    return tuple(_sentence(name, row, cells, of[name]) for name, row in ROWS.items())


def _sentence(name: str, row: Row, cells: Mapping[str, Item], figure: str) -> Sentence:
    claim = CLAIMS.get(name)
    counted = _cell(name, row.counted.format(machine=MACHINES[0]), cells)
    recounted = _cell(name, row.recounted, cells) if row.recounted else None
    measured = _costs(name, row, cells.values())
    unit = counted.unit
    costs = [
        SentenceCost(
            scope=str(item.context["scope"]),
            batch=int(item.context["batch"]),
            machine=str(item.context["machine"]),
            cost=str(item.context["cost"]),
            value=item.computed,
            low=_number(item, "low"),
            high=_number(item, "high"),
        )
        for item in measured
    ]
    printed = claim.printed if claim else None
    claimed = float(printed) if printed else float(counted.computed or 0)
    judged = mark(unit, claimed, row.cost, row.scope, costs)
    network, old, new = row.accuracy
    accuracies = trained()
    return Sentence(
        target=TARGET,
        name=name,
        says=claim.says if claim else claims_dilation.SAYS,
        source=claim.source if claim else claims_dilation.SOURCE,
        unit=unit,
        printed=printed,
        counted=counted.rounded or "",
        recounted=recounted.rounded if recounted else None,
        workload=row.workload,
        rules=str(measured[0].context["rules"]),
        cost=row.cost,
        scope=row.scope,
        costs=costs,
        accuracy_points=round(accuracies[network, new] - accuracies[network, old], 4),
        accuracy_on=network,
        mark=judged,
        cause=row.cause if judged == row.of else GENERIC[judged],
        figure=figure,
    )


def _cell(name: str, tail: str, cells: Mapping[str, Item]) -> Item:
    return cells[f"{TARGET}/{name}/{tail}"]


def _costs(name: str, row: Row, items: Iterable[Item]) -> Sequence[Item]:
    """Cells of the sentence's own cost, and of the energy where it is measured, in the sentence's
    scope and in a step. Energy may be a cell of another sentence on the same rules and workload.
    """
    every = [
        item
        for item in items
        if {item.context.get("scope")} <= {row.scope, STEP}
        and item.context.get("batch") in row.batches
        and item.context.get("machine") in row.machines
        and item.context.get("workload") == row.workload
        and "feedback" not in item.context
        and all(item.context.get(key) == value for key, value in row.where)
        and (not row.rules or item.context.get("rules") == row.rules)
    ]
    own = [
        item
        for item in every
        if item.id.startswith(f"{TARGET}/{name}/")
        and item.context["cost"]
        == ((row.step_cost or row.cost) if item.context["scope"] == STEP else row.cost)
    ]
    rules = {item.context["rules"] for item in own}
    energies = {
        (item.context["machine"], item.context["batch"], item.context["scope"]): item
        for item in every
        if item.context["cost"] == ENERGY
        and item.context["rules"] in rules
        and item.unit == own[0].unit
    }
    return [*own, *energies.values()]


def _number(item: Item, key: str) -> float | None:
    return float(item.context[key]) if key in item.context else None
