"""Rows of the papers' sentences: marks follow from numbers by stated rules, causes are short."""

from __future__ import annotations

from itertools import product

import pytest

from accelsim.results.reproduction import ReproductionDocument, SentenceCost
from accelsim.studies.papers.claims import dilation as claims_dilation
from accelsim.studies.papers.claims.costs import MACHINES
from accelsim.studies.papers.claims.counted.statements import CLAIMS
from accelsim.studies.papers.claims.marks import ENERGY, mark
from accelsim.studies.papers.claims.sentences import GENERIC, ROWS
from accelsim.studies.papers.han2020.accuracies import trained

STORED = "reports/reproduction/reproduction.json"
MOST_WORDS = 12
COST = "words moved"


def costs(
    ep: float,
    step: float,
    energy: float,
    interval: tuple[float, float] | None = None,
    changed: dict[tuple[str, int, str], float] | None = None,
) -> list[SentenceCost]:
    """The same gain on both machines at both batches, but where ``changed`` says otherwise."""
    gains = {(COST, "EP"): ep, (COST, "step"): step, (ENERGY, "EP"): ep, (ENERGY, "step"): energy}
    low, high = interval or (None, None)
    return [
        SentenceCost(
            scope=scope,
            batch=batch,
            machine=machine,
            cost=cost,
            value=(changed or {}).get((machine, batch, scope), gain) if cost == COST else gain,
            low=low if (cost, scope) == (ENERGY, "step") else None,
            high=high if (cost, scope) == (ENERGY, "step") else None,
        )
        for (cost, scope), gain in gains.items()
        for batch, machine in product((1, 64), MACHINES)
    ]


NEAR, FAR = MACHINES


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (costs(45, 10, 10), "holds"),
        (costs(40, 10, 10), "holds"),
        (costs(39.9, 10, 10), "only as counted"),
        (costs(80, 1.0, 10), "only as counted"),
        (costs(80, 10, 10, (1.1, 20)), "holds"),
        (costs(80, 10, 10, (0.9, 20)), "only as counted"),
        (costs(80, 10, -5, (-9, -1.1)), "reversed"),
        (costs(80, 10, -5, (-9, -0.9)), "only as counted"),
        (costs(-2, 10, 10), "reversed"),
        (costs(-1, 10, 10), "only as counted"),
        (costs(80, 10, 10, changed={(NEAR, 64, "EP"): -50}), "only as counted"),
        (costs(80, 10, 10, changed={(NEAR, 1, "EP"): -5, (FAR, 64, "EP"): -5}), "only as counted"),
        (costs(80, 10, 10, changed={(NEAR, 64, "EP"): -5, (FAR, 64, "EP"): -5}), "reversed"),
        ([], "only as counted"),
    ],
)
def test_a_mark_of_a_percentage_follows_from_the_numbers(of: list[SentenceCost], said: str) -> None:
    assert mark("%", 80, COST, "EP", of) == said


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (costs(18, 1.02, 1.02), "holds"),
        (costs(17.9, 1.02, 1.02), "only as counted"),
        (costs(18, 1.005, 1.02), "only as counted"),
        (costs(0.9, 1.02, 1.02), "reversed"),
    ],
)
def test_a_mark_of_a_ratio_counts_the_gain_above_one(of: list[SentenceCost], said: str) -> None:
    assert mark("x", 35, COST, "EP", of) == said


def test_there_is_one_row_per_sentence_of_the_papers() -> None:
    assert [*ROWS] == [*CLAIMS, claims_dilation.NAME]
    document = ReproductionDocument.read(STORED)
    assert [each.name for each in document.sentences] == [*ROWS]


def test_causes_have_at_most_twelve_words() -> None:
    causes = [*GENERIC.values(), *(row.cause for row in ROWS.values())]
    assert all(len(cause.split()) <= MOST_WORDS for cause in causes)


def test_accuracies_are_those_of_finished_runs() -> None:
    for row in ROWS.values():
        network, old, new = row.accuracy
        assert {(network, old), (network, new)} <= set(trained())


def test_the_stored_marks_follow_from_the_stored_numbers() -> None:
    for each in ReproductionDocument.read(STORED).sentences:
        row = ROWS[each.name]
        claimed = float(each.printed or each.counted)
        assert each.mark == mark(each.unit, claimed, each.cost, each.scope, each.costs), each.name
        assert each.cause == (row.cause if each.mark == row.of else GENERIC[each.mark])
        assert {cost.batch for cost in each.costs} == set(row.batches), each.name
        assert {cost.machine for cost in each.costs} == set(row.machines), each.name
