"""Cells of a reproduction: how numbers are rounded and cells judged, and the document of them."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from accelsim import __version__
from accelsim.errors import InputError
from accelsim.results.reproduction import Figure, Item, Match, Panel, Series, Target
from accelsim.studies.papers.items import TARGETS, reproduce
from accelsim.studies.papers.outcome import (
    Number,
    Outcome,
    Quantity,
    cell,
    cut,
    document,
    half_up,
    surprises,
)


def judged(printed: str | None, computed: Number, places: int = 2, **more: Any) -> Item:
    quantity = Quantity("tab", "tab/a", "MB", "weights-once", more.pop("context", None))
    return cell(quantity, printed, computed, places, **more)


@pytest.mark.parametrize(
    ("value", "places", "rounded", "dropped"),
    [
        (Fraction(1005, 1000), 2, "1.01", "1.00"),
        (Fraction(1015, 1000), 2, "1.02", "1.01"),
        (Fraction(-1005, 1000), 2, "-1.01", "-1.00"),
        (Fraction(-1004, 1000), 2, "-1.00", "-1.00"),
        (Fraction(-1, 1000), 2, "0.00", "0.00"),
        (Fraction(2, 3), 3, "0.667", "0.666"),
        (0.5, 0, "1", "0"),
        (-0.5, 0, "-1", "0"),
        (2.5, 0, "3", "2"),
        (1.005, 2, "1.00", "1.00"),  # the float lies below the decimal that it is written as
        (0.125, 2, "0.13", "0.12"),
        (7, 2, "7.00", "7.00"),
        (0, 1, "0.0", "0.0"),
        (6350, -2, "6400", "6300"),
        (6349, -2, "6300", "6300"),
        (-6350, -2, "-6400", "-6300"),
        (49, -2, "0", "0"),
        (Fraction(58_632_144, 9_192), -2, "6400", "6300"),
        (10**20 + 1, 0, str(10**20 + 1), str(10**20 + 1)),
    ],
)
def test_rounding(value: Number, places: int, rounded: str, dropped: str) -> None:
    assert half_up(value, places) == Decimal(rounded)
    assert cut(value, places) == Decimal(dropped)
    if places >= 0:
        assert (
            half_up(value, places).as_tuple().exponent
            == -places
            == cut(value, places).as_tuple().exponent
        )


@pytest.mark.parametrize("numerator", range(-60, 61))
def test_halves_go_away_from_zero_and_the_rest_to_the_nearest(numerator: int) -> None:
    value = Fraction(numerator, 40)
    near, below = Fraction(half_up(value, 1)), Fraction(cut(value, 1))
    assert abs(near - value) <= Fraction(1, 20)
    assert abs(near - value) < Fraction(1, 20) or abs(near) > abs(value)
    assert abs(below) <= abs(value) < abs(below) + Fraction(1, 10)


@pytest.mark.parametrize(
    ("printed", "computed", "own", "match", "rounded"),
    [
        ("56.13", Fraction("56.12890625"), None, "exact", "56.13"),
        ("0.3", Fraction("0.29633"), None, "exact", "0.3"),  # as printed, with as many zeros
        ("53.50", 53.5, None, "exact", "53.50"),
        ("0.29", Fraction("0.29633"), "0.29", "within-rounding", "0.29"),
        (
            "0.30",
            Fraction("0.29633"),
            "0.29",
            "mismatch",
            "0.29",
        ),  # the paper's own rounding counts, not ours
        ("0.29", Fraction("0.29633"), None, "mismatch", "0.30"),
        ("0.30", Fraction("0.29633"), "0.30", "exact", "0.30"),
        (None, Fraction("0.29633"), None, "not-printed", "0.30"),
        (None, Fraction("0.29633"), "0.29", "not-printed", "0.29"),
        ("-3.2", Fraction("-3.25"), None, "mismatch", "-3.25"),
    ],
)
def test_a_cell_is_judged(
    printed: str | None, computed: Number, own: str | None, match: Match, rounded: str
) -> None:
    made = judged(printed, computed, rounded=None if own is None else Decimal(own))
    assert (made.match, made.rounded, made.printed) == (match, rounded, printed)
    assert made.computed == float(computed)


def test_hundreds_are_shown_as_a_plain_number() -> None:
    assert judged("6400", Fraction(58_632_144, 9_192), -2).rounded == "6400"
    assert judged("6500", Fraction(58_632_144, 9_192), -2).rounded == "6400"
    assert judged(None, Fraction(58_632_144, 9_192), -2).rounded == "6400"


def test_counts_stay_whole_numbers() -> None:
    big = 2**63 + 1
    for unit in ("MAC", "words"):
        made = cell(Quantity("tab", "tab/a", unit, "neuron"), str(big), Fraction(big), 0)
        assert made.computed == big
        assert isinstance(made.computed, int)
        assert made.match == "exact"
    assert isinstance(
        cell(Quantity("tab", "tab/a", "words", "neuron"), None, Fraction(1, 2), 0).computed, float
    )
    assert isinstance(judged(None, 3).computed, float)


@pytest.mark.parametrize(
    ("match", "documented", "surprising"),
    [
        ("exact", False, False),
        ("within-rounding", False, False),
        ("not-printed", False, False),
        ("mismatch", False, True),
        ("mismatch", True, False),
        ("exact", True, True),
        ("within-rounding", True, True),
        ("not-printed", True, True),
    ],
)
def test_what_surprises(match: Match, documented: bool, surprising: bool) -> None:
    printed = None if match == "not-printed" else "1.0"
    rounded = "2.0" if match == "mismatch" else "1.0"
    made = Item(
        "tab", "tab/a", "MB", printed, 1.0, rounded, match, "weights-once", documented=documented
    )
    assert made.surprising is surprising
    assert surprises([made]) == ([made] if surprising else [])


def test_surprises_keep_their_order() -> None:
    wrong, known, fine, stale = (
        judged("2", 1),
        judged("2", 1, documented=True),
        judged("1", 1),
        judged("1", 1, documented=True),
    )
    assert surprises(iter([wrong, known, fine, stale])) == [wrong, stale]


def made_up() -> tuple[Target, Outcome]:
    bars = Series("BP", (1, "x"), (1.5, None))
    span = Series("FF", (0.0,), ("row",), end=(2.0,), names=("n",))
    panels = (
        Panel("A", "bars", "x", "y", (bars,), log_y=True),
        Panel("B", "timeline", "x", "y", (span,)),
    )
    figure = Figure("tab", "fig", "Title", "Caption", panels)
    items = (
        judged(
            "56.13",
            Fraction("56.12890625"),
            note="n",
            context={"machine": "near-memory", "batch": 1},
        ),
        replace(judged("0.3", Fraction(1, 3), 1, documented=True), id="tab/third"),
        cell(Quantity("tab", "tab/b", "MAC", "neuron"), None, Fraction(7), 0),
        Item("tab", "tab/c", "x", "50", None, None, "mismatch", "-", documented=True),
    )
    return Target("tab", "A table", "About it."), Outcome(items, (figure,))


def test_the_document_is_plain_data() -> None:
    target, found = made_up()
    data = document([target], [found, Outcome()], "accelsim reproduce tab").to_json()
    read = json.loads(json.dumps(data, allow_nan=False))
    assert set(read) == {"schema", "version", "command", "targets", "items", "figures"}
    assert (read["schema"], read["version"], read["command"]) == (
        "accelsim.reproduction/1",
        __version__,
        "accelsim reproduce tab",
    )
    assert read["targets"] == [{"name": "tab", "title": "A table", "about": "About it."}]
    assert [Item(**item) for item in read["items"]] == list(found.items)
    assert read["items"][0] == {
        "target": "tab",
        "id": "tab/a",
        "unit": "MB",
        "printed": "56.13",
        "computed": 56.12890625,
        "rounded": "56.13",
        "match": "exact",
        "accounting": "weights-once",
        "note": "n",
        "documented": False,
        "context": {"machine": "near-memory", "batch": 1},
    }
    panel, timeline = read["figures"][0]["panels"]
    assert panel["series"][0] == {
        "label": "BP",
        "x": [1, "x"],
        "y": [1.5, None],
        "end": [],
        "names": [],
    }
    assert timeline["series"][0] == {
        "label": "FF",
        "x": [0.0],
        "y": ["row"],
        "end": [2.0],
        "names": ["n"],
    }
    assert (panel["log_x"], panel["log_y"], panel["kind"]) == (False, True, "bars")


@pytest.mark.parametrize("generator", [False, True])
def test_outcomes_may_come_one_by_one(generator: bool) -> None:
    target, found = made_up()
    outcomes = (each for each in [found]) if generator else [found]
    data = document([target], outcomes, "c")
    assert (len(data.items), len(data.figures)) == (4, 1)


@pytest.mark.parametrize("name", ["crafton2019-fig8", "crafton2019-table1"])
def test_a_real_document_is_plain_data_too(name: str) -> None:
    calls: list[tuple[int, int, str]] = []
    data, _ = reproduce(name, lambda done, of, what: calls.append((done, of, what)))
    read = json.loads(json.dumps(data, allow_nan=False))
    assert read["schema"] == "accelsim.reproduction/1"
    assert read["command"] == f"accelsim reproduce {name}"
    assert [target["name"] for target in read["targets"]] == [name]
    assert {item["target"] for item in read["items"]} == {name}
    assert calls
    assert all(0 <= done < of and what.startswith(f"{name}: ") for done, of, what in calls)
    assert [done for done, _, _ in calls] == sorted(done for done, _, _ in calls)


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(InputError) as told:
        reproduce("han2020-table3", lambda *_: None)
    assert (
        str(told.value)
        == f"reproduction must be one of {', '.join(TARGETS)}, all, got han2020-table3"
    )
