"""Tables: exact numbers in CSV, the same numbers readable on 120 columns, ratios to the baseline,
and stars on unverified prices.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from accelsim.errors import InputError
from accelsim.report import console
from accelsim.report.runs import Runs
from accelsim.report.style import folded, joules, plain, si, times
from accelsim.report.summary import printing
from accelsim.report.table import Table, write_csv
from accelsim.report.tables.cycles import OVERLAP_NOTE, array_cycles_table
from accelsim.report.tables.prices import area_table
from accelsim.report.tables.registry import FILES, TABLES, chosen, tables
from accelsim.report.tables.steps import energy_table, passes_table, totals_table
from accelsim.results import kinds
from tests import synthetic

LONG = "revised:groups=8,binary=true"


def records(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(write_csv(table))))


def runs(*documents: dict[str, Any]) -> Runs:
    return Runs.of(
        [
            kinds.parse(document, kinds.SIMULATIONS)
            for document in documents or (synthetic.comparison(),)
        ]
    )


def printed(shown: Runs, width: int = console.WIDTH, names: tuple[str, ...] = tuple(TABLES)) -> str:
    text = io.StringIO()
    printing.print_results(shown, Console(file=text, width=width, highlight=False), names)
    return text.getvalue()


def test_totals_are_those_of_the_documents_with_ratios_to_the_baseline() -> None:
    document = synthetic.comparison()
    rows = records(totals_table(runs(document)))
    assert [row["run"] for row in rows] == ["bp", "dfa", "ssdfa"]
    for row, result in zip(rows, document["results"], strict=True):
        assert int(row["cycles"]) == result["cycles"]
        assert float(row["energy_pj"]) == result["energy_pj"]
        assert (
            int(row["dram_bytes"]) == result["bytes"]["dram_read"] + result["bytes"]["dram_write"]
        )
        assert float(row["cycles_ratio"]) == result["cycles"] / document["results"][0]["cycles"]


def test_the_baseline_is_the_comparison_s_wherever_it_stands() -> None:
    document = synthetic.comparison(
        synthetic.result("dfa", scale=80_000), synthetic.result("bp")
    ) | {"baseline": "bp"}
    rows = records(totals_table(runs(document)))
    assert float(rows[1]["cycles_ratio"]) == 1.0
    assert float(rows[0]["cycles_ratio"]) < 1.0


def test_passes_have_a_line_each_and_a_total() -> None:
    document = synthetic.result()
    rows = records(passes_table(runs(document)))
    assert [row["pass"] for row in rows] == ["FF", "EP", "WG", "WU", "outside ops", "total"]
    assert int(rows[1]["remote_words"]) == document["passes"]["EP"]["words"]["remote"]
    assert (
        sum(int(row["macs_dense"]) for row in rows[:-1])
        == int(rows[-1]["macs_dense"])
        == document["macs"]["dense"]
    )


def test_a_ratio_to_zero_is_empty() -> None:
    none = synthetic.result("bp", remote_ep=0)
    row = records(totals_table(runs(none, synthetic.result("dfa"))))[1]
    assert row["remote_words_ratio"] == ""


def test_a_pass_that_was_not_simulated_has_no_line() -> None:
    only = synthetic.result()
    only["passes"] = {"FF": only["passes"]["FF"]}
    assert [row["pass"] for row in records(passes_table(runs(only)))] == [
        "FF",
        "outside ops",
        "total",
    ]


@pytest.mark.parametrize("split", [True, False], ids=["split by component", "of version 0.1.0"])
@pytest.mark.parametrize("make", [synthetic.result, lambda: synthetic.hybrid(0.25)])
def test_energies_of_passes_and_outside_ops_add_up_to_the_step(
    make: Callable[[], dict[str, Any]], split: bool
) -> None:
    document = make()
    leakage = {"leakage": document["unattributed_pj"]}
    shown = runs(document | {"unattributed_by_component_pj": leakage if split else None})
    for table, total in ((energy_table(shown), "total_pj"), (passes_table(shown), "energy_pj")):
        *parts, step = records(table)
        assert [parts[-1]["pass"], step["pass"]] == ["outside ops", "total"]
        assert float(parts[-1][total]) == document["unattributed_pj"] > 0
        for key in (key for key in step if key.endswith("_pj")):
            assert sum(float(row[key]) for row in parts) == pytest.approx(float(step[key])), key
    assert "  outside ops" in printed(shown, names=("energy",))


def test_a_step_without_energy_outside_ops_has_no_row_of_it() -> None:
    none = synthetic.result()
    none |= {"unattributed_pj": 0.0, "energy_pj": none["energy_pj"] - none["unattributed_pj"]}
    names = [row["pass"] for row in records(passes_table(runs(none)))]
    assert names == ["FF", "EP", "WG", "WU", "total"]


def test_energy_components_add_up_and_unverified_ones_are_marked() -> None:
    table = energy_table(runs())
    assert [column.heading for column in table.columns][5:11] == [
        "MAC",
        "control",
        "scratchpad",
        "NoC*",
        "global\nbuffer",
        "DRAM",
    ]
    assert table.notes == (
        (
            "* under 0.1 to 8 % of the energy is unsourced: it rests on prices without a verified "
            "source, noc.hop"
        ),
    )
    row = records(table)[5]
    assert row["pass"] == "total"
    components = [
        float(value) for key, value in row.items() if key.endswith("_pj") and key != "total_pj"
    ]
    assert sum(components) == pytest.approx(float(row["total_pj"]), rel=1e-12)


def test_with_verified_prices_nothing_is_starred() -> None:
    document = synthetic.result()
    for entry in (*document["energy_sources"], *document["area_sources"]):
        entry["verified"] = True
    assert "*" not in printed(runs(document))


def half(document: dict[str, Any], name: str) -> dict[str, Any]:
    """The same run on a machine of another name and half the area."""
    areas = {key: mm2 and mm2 / 2 for key, mm2 in document["area_by_component_mm2"].items()}
    sources = [entry | {"mm2": entry["mm2"] / 2} for entry in document["area_sources"]]
    return document | {
        "arch": name,
        "area_mm2": document["area_mm2"] / 2,
        "area_by_component_mm2": areas,
        "area_sources": sources,
    }


def test_areas_have_a_line_a_machine_add_up_and_unverified_ones_are_marked() -> None:
    document = synthetic.result()
    table = area_table(runs(document, synthetic.result("dfa"), half(document, "small")))
    assert [column.heading for column in table.columns][1:8] == [
        "MAC",
        "control",
        "scratchpad",
        "NoC*",
        "global\nbuffer",
        "",
        "vector",
    ]
    assert table.notes == ("* includes areas without a verified source: noc.all",)
    rows = records(table)
    assert [(row["arch"], float(row["area_ratio"])) for row in rows] == [
        ("near-memory", 1),
        ("small", 0.5),
    ]
    for row, whole in zip(rows, (16.25, 8.125), strict=True):
        assert (
            sum(
                float(value)
                for key, value in row.items()
                if key.endswith("_mm2") and key not in ("total_mm2", "dram_mm2")
            )
            == whole
        )
        assert float(row["total_mm2"]) == whole
        assert row["dram_mm2"] == ""


def test_totals_show_the_area_where_machines_differ_in_it() -> None:
    document = synthetic.result()
    for second, shown in ((half(document, "small"), True), (synthetic.result("dfa"), False)):
        table = totals_table(runs(document, second))
        column = next(column for column in table.columns if column.key == "area_mm2")
        assert column.heading == ("area*\nmm2" if shown else "")
        assert float(records(table)[1]["area_ratio"]) == (0.5 if shown else 1)


def test_where_no_area_is_known_nothing_is_said_of_it() -> None:
    without = synthetic.result(area_mm2=None, area_by_component_mm2=None, area_sources=[])
    assert area_table(runs(without)).rows == ()
    assert "Area" not in printed(runs(without))
    assert records(totals_table(runs(without, synthetic.result("dfa"))))[1]["area_ratio"] == ""


def test_array_cycles_by_cause_are_exact_and_percent_add_up() -> None:
    document = synthetic.result()
    rows = records(array_cycles_table(runs(document)))
    assert int(rows[-1]["array_cycles"]) == synthetic.array_cycles(document)
    for row in rows:
        assert sum(
            float(value) for key, value in row.items() if key.endswith("_percent")
        ) == pytest.approx(100)


def unlocked() -> dict[str, Any]:
    """Two ops that overlap: a convolution on the array, and a vector op beside it."""
    document = synthetic.result(schedule="unlocked")
    beside = document["ops"][1] | {"kind": "vector", "start_cycle": 0}
    beside["array_cycles"] = {
        "busy": 0,
        "window_empty": 0,
        "imbalance": 0,
        "idle": 0,
        "stall": {"dependency": beside["cycles"]},
    }
    document["ops"][1] = beside
    document["array_cycles"]["busy"] -= 100
    document["cycles"] -= 100
    return document


def test_where_ops_overlap_the_total_is_the_step_s_and_passes_are_of_ops_that_hold_the_array() -> (
    None
):
    document = unlocked()
    table = array_cycles_table(runs(document))
    rows = records(table)
    assert int(rows[-1]["array_cycles"]) == document["cycles"]
    assert int(rows[0]["array_cycles"]) == document["ops"][0]["cycles"]
    assert table.notes == (OVERLAP_NOTE,)
    assert OVERLAP_NOTE in " ".join(printed(runs(document)).split())
    assert array_cycles_table(runs()).notes == ()


def test_a_hybrid_s_array_cycles_are_the_weighted_mean() -> None:
    document = synthetic.hybrid(0.25)
    expected = sum(
        step["weight"] * synthetic.array_cycles(step["result"]) for step in document["steps"]
    )
    assert float(records(array_cycles_table(runs(document)))[-1]["array_cycles"]) == pytest.approx(
        expected
    )


def test_every_column_has_a_unit_or_is_a_count() -> None:
    for table in tables(runs()):
        assert len({column.key for column in table.columns}) == len(table.columns)
        assert all(len(row) == len(table.columns) for row in table.rows)


def test_the_tables_fit_the_width_with_long_names_and_large_numbers() -> None:
    large = [
        synthetic.result(rule, arch, scale=3_000_000_000)
        for arch in ("near-memory", "von-neumann")
        for rule in ("bp", LONG)
    ]
    text = printed(runs(*large))
    assert max(len(line.rstrip()) for line in text.splitlines()) <= console.WIDTH
    assert "\u2026" not in text
    for heading in (
        "One training step",
        "By pass",
        "Energy by component",
        "Cycles of the PE array by cause",
    ):
        assert heading in text
    assert "near-memory/revised:" in text


@pytest.mark.parametrize("width", [50, 60, 80, 100])
def test_on_a_narrow_terminal_columns_follow_below_and_no_number_is_cut(width: int) -> None:
    large = [
        synthetic.result(rule, arch, scale=3_000_000_000)
        for arch in ("near-memory", "von-neumann")
        for rule in ("bp", LONG)
    ]
    wide, narrow = printed(runs(*large)), printed(runs(*large), width)
    assert max(len(line) for line in narrow.splitlines()[1:]) <= width
    assert "By pass, continued" in narrow
    wide, narrow = (text[text.index("One training step\n") :] for text in (wide, narrow))
    assert set(wide.split()) <= set(narrow.split()) | {"\u2500" * count for count in range(120)}
    assert narrow.count("near-memory/bp") > wide.count("near-memory/bp")


def test_no_line_ends_in_spaces() -> None:
    assert all(line == line.rstrip() for line in printed(runs()).splitlines())


def test_what_all_runs_share_is_said_once() -> None:
    shown = runs(
        *(synthetic.result(rule, notes=["zeros are drawn", rule]) for rule in ("bp", "dfa"))
    )
    said = [(row["run"], row["rule"], row["note"]) for row in records(tables(shown, ["notes"])[0])]
    assert said == [("all runs", "", "zeros are drawn"), ("bp", "bp", "bp"), ("dfa", "dfa", "dfa")]
    assert printed(shown, names=()).count("zeros are drawn") == 1


def test_what_a_reader_must_know_is_printed() -> None:
    tensors = [f"conv{index}.error" for index in range(8)]
    shown = runs(
        synthetic.result(
            notes=["a trace of another rule: dfa"],
            dense_tensors=tensors,
            spilled_words=12_000_000,
        )
    )
    dense = "conv0.error, conv1.error, conv2.error, conv3.error, conv4.error, conv5.error, ..."
    assert [row["note"] for row in records(tables(shown, ["notes"])[0])] == [
        "a trace of another rule: dfa",
        f"8 tensors that the trace lacks are dense: {dense}",
        "12.0M words do not fit in the scratchpads and spill",
    ]
    assert "Note: 1 word does not fit in the scratchpads and spills\n" in printed(
        runs(synthetic.result(spilled_words=1)), names=()
    )


def test_the_columns_of_a_csv_do_not_depend_on_provenance_or_machine() -> None:
    document = synthetic.result()
    other = synthetic.result()
    for entry in (*other["energy_sources"], *other["area_sources"]):
        entry["verified"] = not entry["verified"]
    other["energy_by_component_pj"].pop("vector")
    for one, another in zip(tables(runs(document)), tables(runs(other)), strict=True):
        assert [column.key for column in one.columns] == [column.key for column in another.columns]
        assert not any("unverified" in column.key for column in one.columns)
    assert "vector_pj" in records(energy_table(runs(other)))[0]


def test_ops_and_layers_have_a_row_each_and_add_up() -> None:
    document = synthetic.result()
    by_name = {table.name: table for table in tables(runs(document), ["ops", "layers"])}
    ops, layers = records(by_name["ops"]), records(by_name["layers"])
    assert [(row["op"], row["pass"]) for row in ops] == [
        (op["name"], op["pass"]) for op in document["ops"]
    ]
    assert [row["layer"] for row in layers] == ["conv1", "conv2"]
    for rows in (ops, layers):
        assert sum(int(row["cycles"]) for row in rows) == document["cycles"]
        assert sum(int(row["remote_words"]) for row in rows) == document["words"]["remote"]
        assert sum(float(row["energy_pj"]) for row in rows) == pytest.approx(
            document["energy_pj"] - document["unattributed_pj"]
        )
    assert int(layers[0]["ep_cycles"]) == document["ops"][2]["cycles"]


def test_a_hybrid_has_the_ops_of_every_kind_of_step_and_mean_layers() -> None:
    document = synthetic.hybrid(0.25)
    ops, layers = (records(table) for table in tables(runs(document), ["ops", "layers"]))
    layers, ops = (layers, ops) if "ff_cycles" in layers[0] else (ops, layers)
    assert {(row["step_kind"], float(row["weight"])) for row in ops} == {
        (step["kind"], step["weight"]) for step in document["steps"]
    }
    assert sum(float(row["cycles"]) for row in layers) == pytest.approx(document["cycles"])


def test_every_table_is_made_by_the_builder(root: Path) -> None:
    """A row is computed by its columns, never written beside them."""
    made_by_hand = [
        path.relative_to(root)
        for path in (root / "accelsim").rglob("*.py")
        if path.name != "table.py"
        and "from accelsim.report.table import" in (code := path.read_text(encoding="utf-8"))
        and re.search(r"(?<![\w.])Table\(", code)
    ]
    assert made_by_hand == []


def test_tables_are_chosen_by_name() -> None:
    assert chosen(["energy", "passes"], "--tables") == ("passes", "energy")
    assert chosen(["all"], "--tables") == tuple(TABLES)
    with pytest.raises(InputError) as refused:
        chosen(["energy", "enrgy"], "--tables")
    assert str(refused.value) == (
        "--tables must be a comma-separated list of totals, passes, energy, cycles, area, layers, "
        "ops, tensors, sources, area-sources, notes, all, got enrgy"
    )
    document = runs(synthetic.result(notes=["a note"]))
    assert tuple(table.name for table in tables(document)) == FILES


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "B", "0 B"),
        (999, "", "999"),
        (1000, "", "1.00k"),
        (1_234_567, "", "1.23M"),
        (999_999, "", "1.00M"),
        (0.0015, "s", "1.50 ms"),
        (2.5e-7, "J", "250 nJ"),
        (12.5, "s", "12.5 s"),
    ],
)
def test_si_prefixes(value: float, unit: str, text: str) -> None:
    assert si(value, unit) == text


def test_small_words() -> None:
    assert joules(2.5e6) == "2.50 uJ"
    assert times(None) == "-"
    assert times(0.424) == "0.42x"
    assert times(1234.5) == "1234x"
    assert folded("near-memory/revised:groups=8,binary=true", 20).split("\n") == [
        "near-memory/revised:",
        "groups=8,binary=true",
    ]


def test_prices_and_totals_name_their_run() -> None:
    shown = runs(synthetic.result(), synthetic.result(arch="mychip", optimizer="sgd", seed=7))
    prices = TABLES["sources"](shown)
    assert {row[0] for row in prices.rows} == {"near-memory", "mychip"}
    totals = TABLES["totals"](shown)
    keys = [column.key for column in totals.columns]
    cells = dict(zip(keys, totals.rows[1], strict=True))
    assert (cells["optimizer"], cells["seed"]) == ("sgd", 7)
    assert cells["version"]


def test_no_ratio_is_given_to_negligible_words() -> None:
    few = synthetic.result(remote_ep=0)
    rows = records(totals_table(runs(few, synthetic.result("dfa"))))
    assert rows[1]["remote_words_ratio"] == ""
    assert rows[1]["cycles_ratio"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (138.03, "138"),
        (1234.5, "1,234"),
        (4.6, "4.60"),
        (0.00031, "0.000310"),
        (999.7, "1,000"),
    ],
)
def test_a_plain_number_has_no_exponent(value: float, text: str) -> None:
    assert plain(value) == text


def test_counts_are_whole_also_as_means() -> None:
    assert (si(93.0), si(1.0, "B"), si(93.5), si(4e-6, "s")) == ("93", "1 B", "93.5", "4.00 us")


def test_a_long_name_of_a_machine_is_broken_at_hyphens() -> None:
    name = "a-very-long-name-of-a-machine-of-ours"
    text = printed(runs(synthetic.result(), synthetic.result(arch=name)), names=("totals",))
    lines = [
        line.split()[0] for line in text.splitlines() if line.startswith((" a-very", " machine"))
    ]
    assert lines[-2:] == ["a-very-long-name-of-a-", "machine-of-ours/"]
