"""Finished documents: words and bytes of every op against a walk through the nest that the document
prints (`tests/oracle/documents.py`).
"""

from __future__ import annotations

from random import Random

import pytest

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.rules.registry import lower
from tests.examples import examples
from tests.oracle.cases import MOST_PRODUCTS, RULES, network, of_any_kind
from tests.oracle.documents import Documented

PARTS = 10


def differences(number: int) -> list[str] | None:
    """Ops of a random step whose words or bytes differ; None if the machine refuses it."""
    random = Random(number)
    try:
        machine = of_any_kind(random)
        drawn, rule, batch = network(random), random.choice(RULES), random.randint(1, 3)
        optimizer = random.choice(["sgd", "momentum", "adam"])
        step = lower(drawn, rule, batch, optimizer)
        if max(op.dense_macs for op in step.ops) > MOST_PRODUCTS:
            return None
        result = simulate(
            drawn,
            machine,
            rule=rule,
            batch=batch,
            optimizer=optimizer,
            schedule="serial",
            trace="dense",
        )
    except InputError:
        return None
    told = []
    for op, said, walked in Documented(machine, step).compare(result):
        differ = [key for key in said | walked if said[key] != walked[key]]
        nest = "\n".join(op.mapping.nest) if op.mapping else op.name
        told += [f"{nest}\n{key}: {walked[key]} by the walk, {said[key]} said" for key in differ]
    return told


@pytest.mark.parametrize("part", range(PARTS))
def test_documents_say_what_their_nests_move(part: int) -> None:
    compared = 0
    for number in range(part, examples(300, 3000), PARTS):
        told = differences(number)
        assert not told, f"number {number}\n" + "\n".join(told)
        compared += told is not None
    assert compared
