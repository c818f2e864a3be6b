"""Figures of what a new rule costs over an old one: which items they draw, and on which axes."""

from __future__ import annotations

from itertools import product

from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims import dilation as claims_dilation
from accelsim.studies.papers.claims import survival
from accelsim.studies.papers.claims.costs import MACHINES
from accelsim.studies.papers.claims.counted.statements import CLAIMS
from accelsim.studies.papers.claims.sentences import ROWS

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


def test_a_claim_draws_its_costs_and_whole_steps_have_linear_axes_of_their_own() -> None:
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
        figure
        for figure in survival.figures([*items, *others])
        if figure.id == survival.figure_id(claim) == "claims-memory-99.0"
    )
    assert figure.title == CLAIMS[claim].says
    places = [(panel.title, panel.log_y) for panel in figure.panels]
    expected = [f"{machine}, {scope}" for scope in ("EP", "whole step") for machine in MACHINES]
    assert places == [
        (f"({letter}) {where}", where.endswith("EP"))
        for letter, where in zip("abcd", expected, strict=True)
    ]
    for panel in figure.panels:
        assert panel.y_label == "cost of revised DFA (G=8), BP = 1"
        assert [(series.label, list(series.x), list(series.y)) for series in panel.series] == [
            (f"VGG16, {cost}", list(BATCHES), [1 - COSTS[cost] / 100] * len(BATCHES))
            for cost in ("words moved", "energy")
        ]


def test_every_sentence_has_a_figure() -> None:
    drawn = {*survival.COMPARISONS, "parallel-35x", claims_dilation.NAME}
    assert drawn == set(ROWS)
    assert len({survival.figure_id(name) for name in ROWS}) == len(ROWS)
