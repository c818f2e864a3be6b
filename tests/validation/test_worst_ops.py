"""The list of worst ops: its measures against counts by hand, and its form."""

from __future__ import annotations

import csv
import io
import re
from math import prod
from pathlib import Path
from unittest.mock import patch

import pytest

from accelsim.experiment.simulate import simulate
from accelsim.kernels.bits.reads import Share
from accelsim.machine.loading import load_machine
from accelsim.pe.registry import pe_kind
from accelsim.step.contraction import convolution_nest
from accelsim.step.window import Window
from accelsim.studies.validation.__main__ import REPORTS
from accelsim.studies.validation.worst_ops import checks, reasons, words
from accelsim.studies.validation.worst_ops.factors import explanation
from accelsim.studies.validation.worst_ops.measures import Measures, Plans, measured, words_used
from accelsim.studies.validation.worst_ops.runs import STUDY, Study
from accelsim.studies.validation.worst_ops.survey import MEASURES
from accelsim.studies.validation.worst_ops.walk import Walk, walk
from accelsim.workload.network import Network
from tests.reference_networks import Builder

ROOT = Path(__file__).parents[2]
FEW = Study(
    networks=("mnist-fc",),
    rules=("bp", "ssdfa"),
    machines=("near-memory",),
    listed_networks=("mnist-fc",),
)
WINDOW = Window(size=4, positions=4, taps=3, padding=1)


def tiles_in_turn(channels: int) -> Network:
    """A convolution of more channels than the 4 PEs compute at a time."""
    builder = Builder("tiny", (4, 4, 8))
    builder.add("conv", channels, kernel=(3, 3), padding=(1, 1, 1, 1))
    return builder.add("fc", 2).network()


def rows_of(network: Network, **changes: str | int) -> dict[str, Measures]:
    """Measures of the contractions of a step on 4 PEs of one lane that keep their weights."""
    overrides = {
        "pe_array.rows": 4,
        "pe_array.cols": 1,
        "pe_array.lanes": 1,
        "pe_array.window": 1,
    }
    overrides |= {name.replace("__", "."): value for name, value in changes.items()}
    machine, watch = load_machine("near-memory", overrides), Plans()
    result = simulate(network, machine, batch=1, trace="dense", observers=[watch])
    rows = measured(network.name, "bp", pe_kind(machine), result, watch.plans)
    return {row.op.name: row for row in rows}


def test_a_layer_whose_words_fit_is_sent_nothing_twice() -> None:
    """A layer of 2 inputs and 3 outputs on 4 PEs that stream weights: both words of the input go to
    the 3 PEs that have an output, and 6 weights to one PE each.
    """
    network = Builder("tiny", (1, 1, 2)).add("fc", 3).network()
    machine = load_machine(
        "von-neumann", {"pe_array.rows": 4, "pe_array.cols": 1, "pe_array.lanes": 1}
    )
    watch = Plans()
    result = simulate(network, machine, batch=1, trace="dense", observers=[watch])
    plan = watch.plans["fc0.FF"]
    assert words_used(plan, pe_kind(machine)) == 3 * 2 + 6
    (row,) = (
        row
        for row in measured("tiny", "bp", pe_kind(machine), result, watch.plans)
        if row.op.name == "fc0.FF"
    )
    assert row.received_per_used == 1.0
    assert row.cycles_per_mac == row.op.cycles * 4 / 6
    assert row.pj_per_mac == pytest.approx(row.op.energy_pj / 6)


def test_a_sequence_is_one_operand() -> None:
    """Five time steps of 2 words each go to the 3 PEs with an output: 5 x 2 x 3 words, not that for
    each of the five tensors.
    """
    network = Builder("tiny", words=5).add("embedding", 2).add("lstm", 2).add("fc", 3).network()
    row = rows_of(network)["fc2.FF"]
    steps = len([each for each in row.plan.op.operands if each.use == "moving"])
    assert steps > 1
    assert row.words_used == row.op.words_received == steps * 2 * 3


def test_a_walk_counts_elements_rows_and_taps() -> None:
    """A 3x3 kernel over 4x4 elements, padded by 1. Kernel rows read 3 + 4 + 3 = 10 rows of 4 words,
    and taps 10 x 10 words. With two positions per lane group, each group reads a pair of columns
    and one more: 3 of the 4.
    """
    nest = convolution_nest(1, 1, 1, WINDOW, WINDOW)
    assert walk(nest, Share(1, 1, 16), 1) == Walk(16, 100, 40, 100, 16, 4)
    assert walk(nest, Share(2, 4, 4), 1) == Walk(24, 60, 60, 100, 12, 3)


def test_factors_of_a_convolution_by_hand() -> None:
    """8 channels of 4x4 words, 3x3, to 8 or 12 channels on 4 PEs: two or three channel tiles. All
    128 words take 256 B, three rows of 4 columns of 8 channels 192 B, the window of a position
    144 B, three columns 48 B. With rows in the PE, all tiles pass for a position, and each word
    comes once. With a window it would come 100 / 16 times: more than 2 x 40 / 16, less than
    3 x 40 / 16.
    """
    for channels, working, ratio, factors in (
        (8, "256B", 1.0, 0),
        (8, "192B", 1.0, 0),
        (8, "191B", 2 * 2.5, 2),
        (12, "191B", 6.25, 1),
        (12, "143B", 3 * 2.5, 2),
    ):
        row = rows_of(tiles_in_turn(channels), scratchpad__working=working)["conv0.FF"]
        because = explanation(row.plan, row.kind)
        assert because is not None
        assert row.words_used == 128 * 4
        assert row.received_per_used == because.ratio == ratio
        assert because.text.count("because") == factors
    assert "12 output channels on 4 PEs make 3 tiles" in because.text
    assert "a PE's outputs read 128 activations, 256 B, and the working space is 143 B" in (
        because.text
    )
    assert (
        "2.5 (each of 3 kernel rows in turn reads the map, because 3 rows of 4 columns of 8 "
        in (because.text)
    )


def test_an_op_without_an_explanation_fails_the_part() -> None:
    rows = list(rows_of(tiles_in_turn(8), scratchpad__working="191B").values())
    (check,) = words.words_checks([words.run_words("tiny", rows)])
    assert check.holds
    with patch.object(words, "explanation", return_value=None):
        run = words.run_words("tiny", rows)
        (check,) = words.words_checks([run])
    assert check.holds is False
    assert "unexplained: conv0.FF" in check.note
    assert {op.explained for op in run.listed} == {"no"}
    assert "unexplained" in words.words_table([run])


def listed() -> list[dict[str, str]]:
    text = (ROOT / REPORTS / words.FILE).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_printed_factors_of_every_listed_op_multiply_to_its_ratio() -> None:
    """Each operand's factors give its number of arrivals, and the operands the op's ratio."""
    rows = listed()
    assert {row["network"] for row in rows} == set(STUDY.listed_networks)
    assert {row["machine"] for row in rows} == set(STUDY.listed_machines)
    assert {row["rule"] for row in rows} == set(STUDY.listed_rules)
    for row in rows:
        ratio = int(row["words_received"]) / int(row["words_used"])
        assert float(row["ratio"]) == pytest.approx(ratio, abs=1e-4)
        assert float(row["predicted"]) == pytest.approx(ratio, rel=words.TOLERANCE)
        assert row["explained"] == "yes"
        for operand in row["reason"].split(". "):
            of = re.match(r"\D+ \((\d+) used\) arrive ([\d.e+]+) times = ", operand)
            assert of is not None, operand
            factors = re.findall(r"(?:= | x )([\d.e+]+) \(", operand)
            assert prod(map(float, factors)) == pytest.approx(float(of[2]), rel=1e-3)
        again = re.findall(r"\((\d+) used\) arrive ([\d.e+]+) times", row["reason"])
        extra = sum(int(used) * (float(times) - 1) for used, times in again)
        assert 1 + extra / int(row["words_used"]) == pytest.approx(ratio, rel=words.TOLERANCE)


def test_the_list_has_reasons_and_starts_with_the_worst() -> None:
    with patch("accelsim.studies.papers.side_by_side.cores", return_value=1):
        rows = checks.checks(FEW)
    ops, (refused, *of_runs) = rows[:-2], rows[-2:]
    assert refused.measured == 0
    for measure in MEASURES:
        found = [row.measured for row in ops if row.quantity == measure.name]
        assert found == sorted(found, reverse=True)
        assert 0 < len(found) <= checks.WORST
    assert all("%" in row.note for row in ops)
    (run,) = of_runs
    assert run.subject == "mnist-fc bp on near-memory"
    assert run.holds
    assert list(checks.files(FEW)) == [words.FILE]


def test_a_reason_names_two_causes_where_none_is_half() -> None:
    texts = {"dram": "words from DRAM", "noc": "words on their way", "mac": "products"}
    one = reasons.largest({"noc": 2.0, "dram": 6.0, "mac": 4.0}, 12.0, texts)
    assert one == ("dram: words from DRAM", 0.5)
    two = reasons.largest({"noc": 3.0, "dram": 4.5, "mac": 2.5}, 10.0, texts)
    assert two == ("dram: words from DRAM, and noc: words on their way, 45% and 30%", 0.75)
