"""Figures of what a new rule costs over an old one: which items they draw, and on which axes."""

from __future__ import annotations

from itertools import product

from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims import survival
from accelsim.studies.papers.claims.costs import MACHINES

COSTS = {"words moved": 75.0, "DRAM bytes": 50.0, "energy": -25.0}
BATCHES = (1, 4)


def item(
    claim: str, workload: str, machine: str, batch: int, cost: str, scope: str, **more: str
) -> Item:
    context = {
        "machine": machine,
        "workload": workload,
        "batch": batch,
        "cost": cost,
        "scope": scope,
        **more,
    }
    id_ = f"claims/{claim}/{workload}/{machine}/batch={batch}/{cost}/{scope}{''.join(more)}"
    return Item(
        "claims", id_, "%", None, COSTS[cost], None, "not-printed", "machine", context=context
    )


def test_a_memory_claim_draws_dram_bytes_and_whole_steps_have_linear_axes_of_their_own() -> None:
    claim, workload = "memory-99.0%", "vgg16-cifar10"
    items = [
        item(claim, workload, *rest)
        for rest in product(MACHINES, BATCHES, COSTS, ("EP", "EP+WG", "step"))
    ]
    others = [
        item("binary-96.9%", workload, MACHINES[0], 1, "energy", "EP"),
        item(claim, "rnn-wikitext2", MACHINES[0], 1, "energy", "EP"),
        item(claim, workload, MACHINES[0], 1, "energy", "EP", feedback="values alone"),
    ]
    figure = next(
        figure for figure in survival.figures([*items, *others]) if figure.id == "claims-vgg16"
    )
    assert figure.title == "VGG16, BP against revised DFA (G=8)"
    places = [(panel.title, panel.log_y) for panel in figure.panels]
    expected = [f"{machine}, {scope}" for scope in ("EP", "whole step") for machine in MACHINES]
    assert places == [
        (f"({letter}) {where}", where.endswith("EP"))
        for letter, where in zip("abcd", expected, strict=True)
    ]
    for panel in figure.panels:
        assert panel.y_label == "cost of revised DFA (G=8), BP = 1"
        assert [(series.label, list(series.x), list(series.y)) for series in panel.series] == [
            (cost, list(BATCHES), [1 - COSTS[cost] / 100] * len(BATCHES)) for cost in COSTS
        ]


def test_no_two_comparisons_are_the_same() -> None:
    assert len(set(survival.COMPARISONS.values())) == len(survival.COMPARISONS)
