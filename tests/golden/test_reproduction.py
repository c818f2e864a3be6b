"""The papers' tables from executed ops, against closed forms to the last digit, and which printed
cells match.

Sources: Han et al. 2020, tables 2 and 4, figures 8 and 9; Crafton et al. 2019, table 1 and figure
8.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import cache

import pytest

from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims.counted import items as claims_counted
from accelsim.studies.papers.counting import Cost
from accelsim.studies.papers.crafton2019 import fig8 as crafton2019_fig8
from accelsim.studies.papers.han2020 import (
    scaling as han2020_scaling,
)
from accelsim.studies.papers.han2020 import (
    summary as han2020_summary,
)
from accelsim.studies.papers.han2020 import (
    table2 as han2020_table2,
)
from accelsim.studies.papers.han2020 import (
    table4 as han2020_table4,
)
from accelsim.studies.papers.items import TARGETS, reproduce
from accelsim.studies.papers.outcome import Outcome, cut, half_up
from tests.golden import closed_forms

TABLES = ("han2020-table2", "han2020-table4", "crafton2019-table1", "crafton2019-fig8")


def quiet(_done: int, _of: int, _what: str) -> None:
    """No progress."""


@cache
def made(target: str) -> Outcome:
    _, make = TARGETS[target]
    return make(quiet)


def cells(target: str) -> dict[str, Item]:
    found = {item.id: item for item in made(target).items}
    assert len(found) == len(made(target).items)
    return found


def exactly(cost: Cost) -> closed_forms.Cost:
    return closed_forms.Cost(cost.bits, cost.ops, cost.index_bits)


# Every cell against its closed form


@pytest.mark.parametrize("column", closed_forms.CNNS)
def test_table_2_of_han_is_its_closed_form(column: str) -> None:
    expected = closed_forms.table_2(column)
    assert {row: exactly(cost) for row, cost in han2020_table2.costs(column).items()} == expected
    shown = cells("han2020-table2")
    for row, cost in expected.items():
        assert shown[f"han2020-table2a/{column}/{row}"].computed == float(cost.bits / 8 / 2**20)
        assert shown[f"han2020-table2b/{column}/{row}"].computed == float(cost.ops / 10**9)


@pytest.mark.parametrize("column", closed_forms.CELLS)
def test_table_4_of_han_is_its_closed_form(column: str) -> None:
    expected = closed_forms.table_4(column)
    assert {row: exactly(cost) for row, cost in han2020_table4.costs(column).items()} == expected
    shown = cells("han2020-table4")
    for row in han2020_table4.ROWS:
        assert shown[f"han2020-table4a/{column}/{row}"].computed == float(
            expected[row].bits / 8 / 10**6
        )
        assert shown[f"han2020-table4b/{column}/{row}"].computed == float(expected[row].ops / 10**9)


def test_the_tables_have_no_other_cells() -> None:
    assert len(cells("han2020-table2")) == 2 * 8 * 4
    assert len(cells("han2020-table4")) == 2 * 11 * 3
    assert len(cells("crafton2019-table1")) == 4 * 5
    assert len(cells("crafton2019-fig8")) == 2 * 8 * 2 + 2 * 3


@pytest.mark.parametrize("place", closed_forms.STACKS)
def test_figure_8_of_crafton_is_its_closed_form(place: str) -> None:
    expected = closed_forms.figure_8(place)
    counted = crafton2019_fig8.counts(crafton2019_fig8.NETWORKS[place])
    assert {row: (found.macs, found.words) for row, found in counted.items()} == expected
    shown = cells("crafton2019-fig8")
    for row, (macs, words) in expected.items():
        assert shown[f"crafton2019-fig8/{place}/{row}/MACs"].computed == macs
        assert shown[f"crafton2019-fig8/{place}/{row}/words"].computed == words
    for name, over, under, of in (
        ("BP to SSDFA, words", "BP", "SDFA-k1", 1),
        ("DFA to SSDFA, words", "DFA", "SDFA-k1", 1),
        ("BP to SSDFA, MACs", "BP", "SDFA-k1", 0),
    ):
        assert (
            shown[f"crafton2019-fig8/{place}/{name}"].computed
            == expected[over][of] / expected[under][of]
        )


def test_table_1_of_crafton_is_its_closed_form() -> None:
    shown = cells("crafton2019-table1")
    for row, columns in closed_forms.table_1().items():
        for name, value in columns.items():
            assert shown[f"crafton2019-table1/{row}/{name}"].computed == value
            assert shown[f"crafton2019-table1/{row}/{name}"].context["formula_value"] == value


def test_figure_8_of_han_is_its_closed_form() -> None:
    ratios = han2020_scaling.Ratios(han2020_scaling.vgg16())
    groups = (1, 4, 8)
    equations = [closed_forms.equation_13(32, 10, each) for each in groups]
    words = [closed_forms.feedback_ratio(each) for each in groups]
    bits = [{layer: 32 * ratio for layer, ratio in found.items()} for found in words]
    assert [ratios.equation(each) for each in groups] == equations
    assert [ratios.executed(each) for each in groups] == words
    assert [ratios.executed(each, bits=True) for each in groups] == bits
    expected = {
        f"han/fig8/{layer}/{name}-G{each}": value
        for name, of in (("eq13", equations), ("words", words), ("bits", bits))
        for each, found in zip(groups, of, strict=True)
        for layer, value in found.items()
    }
    items, figure = han2020_scaling.figure_8("han")
    assert {item.id: item.computed for item in items} == {
        id_: float(value) for id_, value in expected.items()
    }
    for panel, of in zip(figure.panels, (equations, words, bits), strict=True):
        drawn = [dict(zip(series.x, series.y, strict=True)) for series in panel.series]
        assert drawn == [{layer: float(value) for layer, value in found.items()} for found in of]


def test_figure_9_of_han_is_its_closed_form() -> None:
    shown = ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3", "total")
    expected: dict[str, Fraction] = {}
    for side in (32, 64, 96, 128, 224):
        ratios = closed_forms.equation_13(side, 10, 1)
        assert han2020_scaling.Ratios(han2020_scaling.vgg16(side=side)).equation(1) == ratios
        expected |= {f"han/fig9/side={side}/{layer}": ratios[layer] for layer in shown}
    for classes in (10, 20, 50, 100, 200, 500, 1000):
        ratios = closed_forms.equation_13(32, classes, 1)
        assert han2020_scaling.Ratios(han2020_scaling.vgg16(classes=classes)).equation(1) == ratios
        expected |= {f"han/fig9/classes={classes}/{layer}": ratios[layer] for layer in shown}
    items, _ = han2020_scaling.figure_9("han")
    assert {item.id: item.computed for item in items} == {
        id_: float(value) for id_, value in expected.items()
    }


# Numbers that others have worked out, so that the closed forms themselves are held to something


@pytest.mark.parametrize(
    ("column", "row", "megabytes", "gop"),
    [
        ("VGG16", "BP", "56.12891", "0.62286"),
        ("VGG16", "DFA", "6.97266", "0.00366"),
        ("VGG16", "Revised-G4", "0.53662", "0.26005"),
        ("VGG16", "Revised-G8", "0.26831", "0.13002"),
        ("R-18", "BP", "42.64063", "1.48482"),
        ("R-18", "DFA", "25.39063", "0.01331"),
        ("R-18", "Revised-G4", "0.43042", "0.56204"),
        ("R-18", "Revised-G8", "0.22546", "0.30618"),
        ("R-50", "BP", "53.50000", "1.52677"),
        ("R-50", "DFA", "56.01563", "0.02937"),
        ("R-50", "Revised-G4", "1.06470", "1.16602"),
        ("R-50", "Revised-G8", "0.54260", "0.60817"),
    ],
)
def test_closed_forms_of_table_2(column: str, row: str, megabytes: str, gop: str) -> None:
    cost = closed_forms.table_2(column)[row]
    assert f"{half_up(cost.bits / 8 / 2**20, 5):f}" == megabytes
    assert f"{half_up(cost.ops / 10**9, 5):f}" == gop


def test_closed_forms_of_eq_13() -> None:
    """Forensics of the paper's figure 8: the front layers have more with DFA, the deep ones
    fewer.
    """
    found = closed_forms.equation_13(32, 10, 1)
    assert [f"{half_up(value, 4):f}" for value in found.values()] == [
        *("17.7778", "2.2222", "2.2222", "0.2778", "0.2778", "0.2778"),
        *("0.0347", "0.0347", "0.0347", "0.0087", "0.0087", "0.0087", "0.1239"),
    ]


def test_closed_forms_of_crafton() -> None:
    assert closed_forms.stack("ImageNet") == (58_621_952, 8_192, 9_192, 1_000)
    assert closed_forms.stack("CIFAR-100") == (12_787_712, 4_096, 4_196, 100)
    assert closed_forms.figure_8("CIFAR-100")["BP"] == (25_575_424, 12_792_008)
    assert (
        closed_forms.figure_8("CIFAR-100")["DFA"]
        == closed_forms.figure_8("CIFAR-100")["SDFA-k100"]
        == (13_197_312, 419_600)
    )
    assert closed_forms.figure_8("CIFAR-100")["SDFA-k1"] == (12_791_808, 4_196)


# What is printed


@pytest.mark.parametrize("target", TABLES)
def test_nothing_surprises(target: str) -> None:
    document, surprising = reproduce(target, quiet)
    assert surprising == []
    assert [item["id"] for item in document["items"]] == list(cells(target))


def test_all_printed_cells_of_table_4_come_out() -> None:
    found = cells("han2020-table4").values()
    assert all(item.match in ("exact", "within-rounding") and not item.documented for item in found)
    assert all(item.printed == item.rounded for item in found)


def test_of_table_2_all_but_four_documented_cells_come_out() -> None:
    found = cells("han2020-table2")
    printed = {id_: item for id_, item in found.items() if item.match != "not-printed"}
    assert {id_ for id_ in found if id_ not in printed} == {
        id_ for id_ in found if "/R-50-real/" in id_
    }
    missed = {id_ for id_, item in printed.items() if item.match == "mismatch"}
    assert missed == {id_ for id_, item in found.items() if item.documented}
    assert missed == {
        "han2020-table2a/R-50/DFA",
        "han2020-table2b/R-50/DFA",
        "han2020-table2a/VGG16/HDFA-0.1-G8",
        "han2020-table2b/R-50/HDFA-0.3-G4",
    }
    assert all(found[id_].note for id_ in missed)
    plain = [
        item for id_, item in printed.items() if "/HDFA" not in id_ and not id_.endswith("R-50/DFA")
    ]
    assert len(plain) == 22
    assert {item.match for item in plain} == {"exact", "within-rounding"}
    assert [item.id for item in plain if item.match == "within-rounding"] == [
        "han2020-table2b/VGG16/DFA"
    ]


def test_printed_numbers_of_crafton_come_out_to_the_digit() -> None:
    printed = {
        id_: item for id_, item in cells("crafton2019-fig8").items() if item.printed is not None
    }
    assert len(printed) == 8 * 2 + 3
    assert {item.match for item in printed.values()} == {"exact"}
    for row, (macs, words) in closed_forms.figure_8("ImageNet").items():
        assert printed[f"crafton2019-fig8/ImageNet/{row}/MACs"].printed == str(macs)
        assert printed[f"crafton2019-fig8/ImageNet/{row}/words"].printed == str(words)


@pytest.mark.parametrize("whole_entries", [True, False])
@pytest.mark.parametrize("column", closed_forms.CELLS)
def test_whole_entries_a_row_move_no_printed_digit_of_table_4(
    column: str, whole_entries: bool
) -> None:
    """The hybrid rows by the paper's roundings (forensics G), with (1 - s) of all weights or with
    whole entries.
    """
    known = closed_forms.table_4(column, whole_entries)
    shown = cells("han2020-table4")
    for p in ("0.1", "0.2"):
        for sparsity in closed_forms.SPARSITIES:
            share, kept = Fraction(p), 1 - Fraction(sparsity, 100)
            binary = Fraction(cut(known[f"sparse-{sparsity}%"].bits / 8 / 10**6, 2))
            megabytes = cut(share * known["BP"].bits / 8 / 10**6 + (1 - share) * binary, 2)
            gop = cut(
                share * Fraction(cut(known["BP"].ops / 10**9, 1))
                + (1 - share) * kept * Fraction("10.3"),
                1,
            )
            row = f"{column}/HDFA-{p}-{sparsity}%"
            assert [
                Decimal(shown[f"han2020-table4{part}/{row}"].printed or "") for part in "ab"
            ] == [megabytes, gop]


# Readings of the claims that need no machine


def test_positions_of_sparse_feedback_take_a_fifth_off_the_claimed_factors() -> None:
    """Each of the 8,192 hidden neurons of AlexNet's stack says by 10 bits which of 1,000 errors it
    takes.
    """
    weights, neurons, errors, hidden = 58_621_952, 9_192, 1_000, 8_192
    bp, dfa, sent = 32 * (weights + neurons + errors), 32 * neurons * errors, 32 * neurons
    found = {item.id: item for item in claims_counted.items()}
    for claim, old, dense in (
        ("movement-6400x", bp, 0),
        ("movement-1000x", dfa, 32 * hidden * errors),
    ):
        with_positions = Fraction(old, sent + 10 * hidden)
        with_all = Fraction(old + dense, sent + (32 + 10) * hidden)
        assert found[f"claims/{claim}/with-positions"].computed == float(with_positions)
        assert found[f"claims/{claim}/with-values-and-positions"].computed == float(with_all)
    assert found["claims/movement-6400x/with-positions"].rounded == "4989.12"


def test_figure_5_of_han_has_every_row_and_says_which_have_accuracies() -> None:
    figure = han2020_summary.figure_5("han")
    for panel, column in zip(figure.panels, ("R-50", "R-50", "GRU", "GRU"), strict=True):
        rows = han2020_table2.ROWS if column == "R-50" else han2020_table4.ROWS
        assert all(list(series.x) == list(rows) for series in panel.series)
    assert figure.caption.endswith(
        "R-50: all printed, no row trained by us; GRU: all printed, BP, DFA, Revised, HDFA-0.1-98% "
        "trained by us."
    )


def test_cells_of_the_fitted_layer_list_say_that_it_was_fitted() -> None:
    notes = {item.id: item.note for item in han2020_table2.items("R-50")}
    assert all(
        ("fitting, moderate confidence" in note) == (not id_.endswith("/DFA"))
        for id_, note in notes.items()
    )
    assert all(
        "fitting" not in item.note
        for column in ("VGG16", "R-50-real")
        for item in han2020_table2.items(column)
    )


def test_the_caption_of_figure_8_judges_depth_by_its_own_numbers() -> None:
    items, figure = han2020_scaling.figure_8("t")
    found = {
        item.id: item.computed
        for item in items
        if item.id.endswith("/eq13-G1") and "total" not in item.id
    }
    first, *_, last = found.values()
    assert first is not None
    assert last is not None
    assert f"{first:.1f} at conv1_2" in figure.caption
    assert f"{last:.3f} at conv5_3" in figure.caption
    assert list(found.values()) == sorted(found.values(), key=lambda ratio: -(ratio or 0))
