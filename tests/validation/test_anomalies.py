"""Anomalies are counted on the same machines every time, and what is counted is real."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from accelsim.config.names import Schedule
from accelsim.experiment.simulate import simulate
from accelsim.machine.loading import load_machine
from accelsim.studies.validation import anomalies
from accelsim.studies.validation.anomalies import IMPROVEMENTS, SEED, Pair, checks, pairs


@pytest.fixture(scope="module")
def seen() -> list[tuple[str, str, Pair]]:
    return [each for number in range(3) for each in pairs(number, SEED)]


def test_every_improvement_is_tried_under_every_schedule(seen: list[tuple[str, str, Pair]]) -> None:
    tried = Counter((schedule, name) for schedule, name, _ in seen)
    assert set(tried) == {
        (schedule, name) for schedule in map(str, Schedule) for name in IMPROVEMENTS
    }
    assert max(tried.values()) == 3


def test_they_are_the_same_every_time(seen: list[tuple[str, str, Pair]]) -> None:
    assert list(pairs(1, SEED)) == [each for each in seen if each[2].machine == 1]


def test_a_pair_is_what_the_two_machines_take(seen: list[tuple[str, str, Pair]]) -> None:
    random = np.random.default_rng([SEED, 0])
    base, network = (
        str(random.choice(["near-memory", "von-neumann", "systolic-32x32"])),
        anomalies.random_network(random),
    )
    overrides = anomalies.random_machine(random, base)
    rule, batch = str(random.choice(anomalies.RULES)), int(random.integers(1, 4))
    pair = next(
        pair
        for schedule, name, pair in seen
        if (schedule, name, pair.machine) == ("serial", "NoC twice as wide", 0)
    )
    for width, cycles in (
        (overrides["noc.width"], pair.before),
        (2 * overrides["noc.width"], pair.after),
    ):
        machine = load_machine(base, {**overrides, "noc.width": width})
        assert (
            simulate(network, machine, rule=rule, batch=batch, trace="random:0.5", seed=0).cycles
            == cycles
        )


def test_what_is_slower_is_counted_and_the_worst_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [
        ("serial", "twice the lanes", Pair(number, "near-memory", 100, after))
        for number, after in enumerate((90, 100, 103, 102))
    ]
    monkeypatch.setattr(anomalies, "pairs", lambda number, _: [told[number]])
    (check,) = checks(machines=4)
    assert (check.subject, check.quantity, check.measured) == (
        "twice the lanes, serial schedule",
        "slower steps of 4",
        2,
    )
    assert check.note == "at worst 3.00%: 100 to 103 cycles (near-memory, machine 2)"
    assert check.holds is None
