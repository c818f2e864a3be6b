"""Who gets a partition of the PE array when."""

from __future__ import annotations

import simpy

from accelsim.sim.partitions import Partitions
from accelsim.sim.pipeline import Process

Asked = tuple[int, int | None, int, int]
"""(cycle of asking, wanted partition, priority, cycles of holding)."""


def hold(count: int, asked: list[Asked]) -> list[tuple[int, int]]:
    """(cycle, partition) that each asker got."""
    env = simpy.Environment()
    partitions = Partitions(env, count)
    got: dict[int, tuple[int, int]] = {}

    def ask(index: int, at: int, wanted: int | None, priority: int, cycles: int) -> Process:
        yield env.timeout(at)
        number = yield from partitions.take(wanted, priority)
        got[index] = (int(env.now), number)
        yield env.timeout(cycles)
        partitions.give_back(number)

    for index, each in enumerate(asked):
        env.process(ask(index, *each))
    env.run()
    return [got[index] for index in range(len(asked))]


def test_who_may_take_any_gets_the_lowest_number_that_is_free() -> None:
    assert hold(
        3, [(0, None, 0, 9), (0, None, 1, 5), (0, None, 2, 7), (6, None, 3, 1), (8, None, 4, 1)]
    ) == [(0, 0), (0, 1), (0, 2), (6, 1), (8, 1)]


def test_priority_comes_before_the_order_of_asking() -> None:
    assert hold(1, [(0, None, 9, 5), (1, None, 7, 5), (2, None, 3, 5), (3, None, 7, 5)]) == [
        (0, 0),
        (10, 0),
        (5, 0),
        (15, 0),
    ]


def test_who_wants_one_partition_waits_for_it_and_holds_up_nobody_else() -> None:
    assert hold(2, [(0, 1, 5, 10), (1, 1, 0, 3), (2, None, 9, 1), (4, 0, 9, 1)]) == [
        (0, 1),
        (10, 1),
        (2, 0),
        (4, 0),
    ]


def test_those_who_want_one_and_those_who_want_any_share_one_order() -> None:
    assert hold(
        2, [(0, 0, 0, 10), (0, 1, 0, 10), (1, None, 2, 4), (2, 0, 1, 4), (3, None, 3, 4)]
    ) == [(0, 0), (0, 1), (10, 1), (10, 0), (14, 0)]
