"""Progress of a reproduction: shares of the bar by cost, and texts that leave room for it."""

from __future__ import annotations

from accelsim.studies.papers.progress import LONGEST, Share, shares

Told = list[tuple[int, int, str]]


def test_shares_are_as_large_as_the_costs_and_follow_one_another() -> None:
    told: Told = []
    dealt = shares(lambda *each: told.append(each), {"a": 1.0, "b": 3.0})
    dealt["a"](0, 2, "x")
    dealt["a"](1, 2, "x")
    dealt["b"](0, 1, "y")
    dealt["b"](1, 1, "y")
    assert told == [(0, 100, "a: x"), (12, 100, "a: x"), (25, 100, "b: y"), (100, 100, "b: y")]


def test_a_share_of_a_share() -> None:
    told: Told = []
    Share(Share(lambda *each: told.append(each), 50, 100, "all"), 20, 40)(1, 2, "z")
    assert told == [(65, 100, "all: z")]


def test_long_texts_are_cut() -> None:
    told: Told = []
    Share(lambda *each: told.append(each), 0, 100, "name")(0, 0, "w" * 90)
    assert told == [(0, 100, f"name: {'w' * 35}…")]
    assert len(told[0][2]) == LONGEST
