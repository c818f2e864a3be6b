"""Finished documents: words and bytes of every op against a walk through the nest that the document
prints (`tests/oracle/documents.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.rules.registry import lower
from accelsim.workload.network import Network
from tests.examples import examples
from tests.oracle.cases import (
    FUSING_RULES,
    MOST_PRODUCTS,
    RULES,
    network,
    of_any_kind,
    transformer,
    with_vector_work,
)
from tests.oracle.documents import Documented

PARTS = 10


def differences(
    random: Random, machine: Machine, network: Network, rules: Sequence[str] = RULES
) -> list[str]:
    """Ops of a step whose words, bytes, operations or fusion differ. Raises InputError if the rule
    or the machine refuses the network.
    """
    rule, batch = random.choice(rules), random.randint(1, 3)
    optimizer = random.choice(["sgd", "momentum", "adam"])
    step = lower(network, rule, batch, optimizer)
    if max(op.dense_macs for op in step.ops) > MOST_PRODUCTS:
        raise InputError("too many products")
    result = simulate(
        network,
        machine,
        rule=rule,
        batch=batch,
        optimizer=optimizer,
        schedule="serial",
        trace="dense",
    )
    told = []
    for op, said, walked in Documented(machine, network, step, result.search).compare(result):
        differ = [key for key in said | walked if said[key] != walked[key]]
        nest = "\n".join(op.mapping.nest) if op.mapping else op.name
        told += [f"{nest}\n{key}: {walked[key]} by the walk, {said[key]} said" for key in differ]
    return told


@pytest.mark.parametrize("part", range(PARTS))
def test_documents_say_what_their_nests_move(part: int) -> None:
    compared = 0
    for number in range(part, examples(300, 3000), PARTS):
        random = Random(number)
        try:
            told = differences(random, of_any_kind(random), network(random))
        except InputError:
            continue
        assert not told, f"number {number}\n" + "\n".join(told)
        compared += 1
    assert compared


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("fusion", ["epilogue", "full"])
def test_documents_say_what_fused_ops_move(fusion: str, part: int) -> None:
    compared = 0
    for number in range(part, examples(900, 6000), PARTS):
        random = Random(number)
        try:
            machine = of_any_kind(random, fusion=fusion)
            told = differences(random, machine, with_vector_work(random), FUSING_RULES)
        except InputError:
            continue
        assert not told, f"number {number}\n" + "\n".join(told)
        compared += 1
    assert compared


@pytest.mark.parametrize("part", range(PARTS))
def test_documents_say_what_transformers_move(part: int) -> None:
    compared = 0
    for number in range(part, examples(600, 3000), PARTS):
        random = Random(number)
        try:
            machine = of_any_kind(random, fusion=random.choice(["none", "epilogue", "full"]))
            told = differences(random, machine, transformer(random), FUSING_RULES)
        except InputError:
            continue
        assert not told, f"number {number}\n" + "\n".join(told)
        compared += 1
    assert compared
