"""What stands under which heading, what of it is a small table, and how the three renderers show
that.
"""

from __future__ import annotations

import csv as csv_module
import io
from itertools import product
from typing import Any

import pytest
from rich.console import Console

from accelsim.report.reproduction import tables as reproduction_tables
from accelsim.report.reproduction.console import print_reproduction
from accelsim.report.reproduction.groups import ELSEWHERE, Group, groups, heading, tail
from accelsim.report.reproduction.page import page
from accelsim.results.document import checked
from accelsim.results.reproduction import Item, ReproductionDocument
from tests import made_up_reproduction as made

MACHINES, BATCHES, QUANTITIES = ("near", "far and away"), (1, 4, 256), ("EP energy", "step cycles")


def number(id_: str, **changes: Any) -> dict[str, Any]:
    """A cell without a printed counterpart."""
    return made.item(
        id_,
        **{
            "target": "claims",
            "unit": "%",
            "printed": None,
            "match": "not-printed",
            "computed": 1.5,
            "rounded": "1.50",
        }
        | changes,
    )


def measured(**changes: Any) -> list[dict[str, Any]]:
    """Two machines, three batches, two quantities; each cell's number is its place."""
    cells = []
    for place, (machine, batch, quantity) in enumerate(product(MACHINES, BATCHES, QUANTITIES)):
        context = {
            "machine": machine,
            "workload": "net",
            "batch": batch,
            "quantity": quantity,
            "rules": "bp -> dfa",
            "before": str(place),
        }
        id_ = f"claims/less/{machine}/batch={batch}/{quantity}"
        cells.append(
            number(id_, rounded=f"-{place}.00", accounting="machine", context=context) | changes
        )
    return cells


def claims(*items: dict[str, Any]) -> ReproductionDocument:
    return ReproductionDocument.parse(made.document(figures=[], items=list(items)))


def only_group(*items: dict[str, Any]) -> Group:
    (group,) = groups(claims(*items).items)
    return group


def printed(document: ReproductionDocument, width: int) -> list[str]:
    text = io.StringIO()
    print_reproduction(document, Console(file=text, width=width, highlight=False))
    return text.getvalue().splitlines()


@pytest.mark.parametrize(
    ("id_", "group", "rest"),
    [
        ("claims/less/paper", "claims/less", "paper"),
        ("claims/less/near/batch=1", "claims/less", "near/batch=1"),
        ("claims/less", "claims", "less"),
        ("claims", "claims", "claims"),
        ("claims-a/net/BP", "claims-a", "net/BP"),
    ],
)
def test_a_heading_is_the_first_component_that_says_something(
    id_: str, group: str, rest: str
) -> None:
    item = checked(Item, number(id_))
    assert (heading(item), tail(item)) == (group, rest)


def test_measured_readings_are_one_table() -> None:
    group = only_group(
        made.item("claims/less/paper", target="claims"),
        *measured(),
    )
    assert (group.name, [item.id for item in group.rows]) == (
        "claims/less",
        ["claims/less/paper"],
    )
    (pivot,) = group.pivots
    assert (
        pivot.title
        == "% saved (negative: costs more); counted: machine; workload net; rules bp -> dfa"
    )
    assert (pivot.heads, pivot.columns, pivot.notes) == (("machine", "batch"), QUANTITIES, ())
    assert pivot.lines[0] == (("near", "1"), ("-0.00", "-1.00"))
    assert pivot.lines[-1] == (("far and away", "256"), ("-10.00", "-11.00"))
    assert len(pivot.lines) == 6


def test_a_missing_cell_is_a_dash() -> None:
    cells = [*measured(), number("claims/less/other/batch=1/EP energy", rounded="7.00")]
    assert only_group(*cells).pivots[0].lines[-1] == (("other", "1"), ("7.00", "-"))


def test_a_cell_without_a_number_is_a_dash_too() -> None:
    cells = [
        *measured(),
        number("claims/less/near/batch=999/EP energy", computed=None, rounded=None),
    ]
    assert ("near", "999") in {
        line for line, values in only_group(*cells).pivots[0].lines if values[0] == "-"
    }


def test_what_a_paper_prints_or_a_note_must_explain_stays_a_row() -> None:
    cells = measured()
    apart = [
        made.item("claims/less/near/batch=9/EP energy", target="claims", unit="%"),
        number("claims/less/near/batch=64/EP energy", documented=True),
    ]
    group = only_group(*cells, *apart)
    assert [item.id for item in group.rows] == [cell["id"] for cell in apart]
    assert len(group.pivots[0].lines) == 6


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(measured()[:-1], id="few"),
        pytest.param(
            [number(f"claims/less/{place}") for place in range(20)], id="nothing names a line"
        ),
        pytest.param(
            [number(f"claims/less/{place}/{place}") for place in range(20)], id="mostly empty"
        ),
        pytest.param(
            [number(f"claims/less/{place}/only") for place in range(20)], id="a single column"
        ),
        pytest.param([*measured()[:-1], measured(unit="x")[-1]], id="two units in a column"),
    ],
)
def test_what_makes_no_table_stays_rows(cells: list[dict[str, Any]]) -> None:
    group = only_group(*cells)
    assert (len(group.rows), group.pivots) == (len(cells), ())


def test_as_many_components_name_columns_as_columns_stay_few() -> None:
    ids = [
        f"claims/fast/{machine}/parts={parts}/{rule}/{part}"
        for machine in "ab"
        for parts in (1, 4, 35)
        for rule in "xy"
        for part in "pq"
    ]
    (pivot,) = only_group(*(number(id_) for id_ in ids)).pivots
    assert pivot.columns == ("x / p", "x / q", "y / p", "y / q")
    assert (pivot.heads, [names for names, _ in pivot.lines][:4]) == (
        ("", "parts"),
        [("a", "1"), ("a", "4"), ("a", "35"), ("b", "1")],
    )


def test_units_and_accountings_of_columns_stand_with_them() -> None:
    cells = []
    for net in "abcdef":
        cells.append(number(f"claims/fig/{net}/accuracy", accounting="trained", note="ours"))
        cells.append(
            number(
                f"claims/fig/{net}/energy",
                unit="x",
                accounting="machine",
                context={"machine": "near"},
            )
        )
    (pivot,) = only_group(*cells).pivots
    assert (pivot.title, pivot.columns) == ("", ("accuracy (%)", "energy (x)"))
    assert pivot.notes == (
        "accuracy: ours; counted: trained",
        "energy: counted: machine, machine near",
    )


def test_notes_are_said_once_as_far_as_they_are_alike() -> None:
    texts = [
        f"Latency of old over new: {place:,} over 2,000 cycles"
        for place in range(1000, 13000, 1000)
    ]
    cells = [cell | {"note": text} for cell, text in zip(measured(), texts, strict=True)]
    assert only_group(*cells).pivots[0].notes == ("Latency of old over new", ELSEWHERE)
    apart = [
        cell | {"note": f"Of {cell['context']['quantity']}. By itself."} for cell in measured()
    ]
    said = tuple(f"{quantity}: Of {quantity}. By itself." for quantity in QUANTITIES)
    assert only_group(*apart).pivots[0].notes == said
    unlike = [cell | {"note": str(place)} for place, cell in enumerate(measured())]
    assert only_group(*unlike).pivots[0].notes == (ELSEWHERE,)


def test_markdown_has_a_line_a_machine_and_batch() -> None:
    document = claims(*measured(note="All of it."))
    lines = reproduction_tables.markdown(document, document.targets[1]).splitlines()
    start = lines.index("## claims/less")
    assert lines[start + 2 : start + 7 : 2] == [
        "% saved (negative: costs more); counted: machine; workload net; rules bp -> dfa",
        "| machine | batch | EP energy | step cycles |",
        "| near | 1 | -0.00 | -1.00 |",
    ]
    assert lines[start + 5] == "| --- | ---: | ---: | ---: |"
    assert "* All of it." in lines
    assert not [line for line in lines if line.startswith("| item")]


def test_csv_has_a_line_a_cell_all_the_same() -> None:
    document = claims(*measured())
    rows = list(
        csv_module.DictReader(io.StringIO(reproduction_tables.csv(document, document.targets[1])))
    )
    assert [row["id"] for row in rows] == [item.id for item in document.items]
    assert rows[2]["before"] == "2"


def test_a_terminal_shows_the_same_table_and_repeats_no_name() -> None:
    lines = printed(claims(*measured(note="All of it.")), 80)
    start = lines.index("claims/less")
    assert lines[start + 1 : start + 13] == [
        "% saved (negative: costs more); counted: machine; workload net; rules bp -> dfa",
        "",
        " machine      batch EP energy step cycles",
        " ────────────────────────────────────────",
        " near             1     -0.00       -1.00",
        "                  4     -2.00       -3.00",
        "                256     -4.00       -5.00",
        " far and away     1     -6.00       -7.00",
        "                  4     -8.00       -9.00",
        "                256    -10.00      -11.00",
        "",
        "  All of it.",
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_a_table_too_wide_for_the_terminal_is_folded_then_cut_into_parts(width: int) -> None:
    words = [f"words-moved-{place} in all" for place in range(9)]
    cells = [
        number(f"claims/wide/{line} of a long name/{word}", rounded=f"{place}.25")
        for line in "ab"
        for place, word in enumerate(words)
    ]
    lines = printed(claims(*cells), width)[-60:]
    table = "\n".join(lines[lines.index("claims/wide") :])
    assert max(map(len, table.splitlines())) <= width
    assert all(
        table.count(f"{place}.25") == 2 and table.count(f"words-moved-{place}") == 1
        for place in range(9)
    )


def test_html_has_the_same_table() -> None:
    text = page(claims(*measured(note="a < b")))
    assert (
        '<h3 id="claims--claims-less">claims/less</h3>\n<div class="wide"><table class="pivot">'
        in text
    )
    assert (
        "<caption>% saved (negative: costs more); counted: machine; workload net; rules bp -&gt; "
        "dfa</caption>" in text
    )
    assert (
        '<tr><th scope="row">near</th><th scope="row" class="number">1</th><td '
        'class="number">-0.00</td><td class="number">-1.00</td></tr>' in text
    )
    assert '<ul class="soft"><li>a &lt; b</li></ul>' in text
    assert text.count("<table") == text.count("</table>") == 2


def test_savings_are_told_as_such_though_lines_compare_different_rules() -> None:
    cells = [
        number(f"claims/less/{net}/batch={batch}/{quantity}", context={"rules": f"{net} -> new"})
        for net, batch, quantity in product(("one", "two"), BATCHES, QUANTITIES)
    ]
    assert (
        only_group(*cells).pivots[0].title.startswith("% saved (negative: costs more); counted: ")
    )
    cells[0]["context"] = {}
    assert only_group(*cells).pivots[0].title.startswith("%; counted: ")


def test_a_network_that_stands_twice_is_shown_beside_itself() -> None:
    said = {"target": "tab"}
    cells = [
        made.item("tab-a/R/BP", **said),
        made.item(
            "tab-a/R/DFA", **said, printed="8", rounded="7", match="mismatch", documented=True
        ),
        made.item("tab-a/R-real/BP", **said, printed=None, rounded="89.50", match="not-printed"),
        made.item("tab-a/R-real/DFA", **said, printed=None, rounded="9", match="not-printed"),
        made.item("tab-a/S-real/DFA", **said, printed=None, rounded="1", match="not-printed"),
    ]
    (group,) = groups([checked(Item, cell) for cell in cells])
    assert len(group.rows) == 5
    (twice,) = group.pivots
    assert (
        twice.title
        == "R twice: MB, of the layer list that the printed cells encode and of the real network"
    )
    assert twice.columns == ("printed", "layer list", "real network")
    assert twice.lines == ((("BP",), ("56.13", "56.13", "89.50")), (("DFA",), ("8", "7", "9")))
