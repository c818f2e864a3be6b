"""The headline: its plan, its points on a small network, and its page on made-up points."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

import pytest

import accelsim
from accelsim.rules.spelling import parse_rule
from accelsim.studies.headline.points import figure, measure, plan, report
from accelsim.studies.headline.points.accuracy import Accuracy, accuracies, accuracy_of
from accelsim.studies.headline.points.measure import Point, of_comparison
from accelsim.studies.headline.points.plan import (
    BATCHES,
    BP,
    COLUMNS,
    MACHINES,
    OPTIMIZERS,
    SETUPS,
    SUBJECTS,
    Setup,
    Subject,
)
from accelsim.studies.headline.points.summary import sourced, verdicts

ROOT = Path(__file__).resolve().parents[3]
ACCURACY = ROOT / "reports" / "accuracy"
KNOWN = [Accuracy("vgg16-cifar10@0.125", "dfa", -19.91, 9.97, "2 of 2")]
RATIOS = {BP: 1.0, "DFA": 0.8, "SSDFA": 1.0, "revised": 1.2, "hybrid": 0.9}


def made_up() -> Iterator[Point]:
    """Energies are known to within a tenth; cycles are 10 times the ratio of the energy."""
    for subject, machine, batch, optimizer in product(SUBJECTS, MACHINES, BATCHES, OPTIMIZERS):
        for column, rule in {BP: BP, **subject.rules}.items():
            ratio = RATIOS[column]
            yield Point(
                workload=subject.workload,
                machine=machine,
                batch=batch,
                optimizer=optimizer,
                column=column,
                rule=rule,
                trace="",
                cycles=1000 * ratio,
                energy_pj=1e6 * ratio,
                unsourced_pj=1e4 if column == BP else 0.0,
                cycles_ratio=ratio,
                energy_ratio=ratio,
                energy_ratio_p5=ratio - 0.09,
                energy_ratio_p95=ratio + 0.09,
                config_hash="h",
            )


def test_rules_are_spelt_as_in_results() -> None:
    for subject in SUBJECTS:
        assert tuple(subject.rules) == COLUMNS
        for rule in subject.rules.values():
            assert str(parse_rule(rule)) == rule
    assert len(SETUPS) == len(set(map(str, SETUPS))) == 32


def test_accuracy_is_that_of_the_accuracy_study() -> None:
    known = accuracies(ACCURACY)
    gaps = {
        subject.workload: {
            name: accuracy_of(subject.workload, rule, known) is not None
            for name, rule in subject.rules.items()
        }
        for subject in SUBJECTS
    }
    assert gaps["vgg16-cifar10"] == gaps["lstm-wikitext2"]
    assert gaps["vgg16-cifar10"] == {"DFA": True, "SSDFA": False, "revised": True, "hybrid": True}
    assert not any(gaps["alexnet"].values())
    dfa = accuracy_of("vgg16-cifar10", "dfa", known)
    assert dfa is not None
    row = next(
        row
        for row in csv.DictReader((ACCURACY / "convolutional.csv").read_text().splitlines())
        if row["network"].startswith("vgg16-cifar10@") and row["rule"] == "dfa"
    )
    assert (str(dfa.gap), str(dfa.interval)) == (
        row["gap_to_bp_points"],
        row["gap_to_bp_interval_points"],
    )


def test_points_are_those_of_a_comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Subject("small", "mnist-fc", {"DFA": "dfa", "hybrid": "hdfa:p=0.3"}, "random:0.5")
    monkeypatch.setattr(plan, "SUBJECTS", (small,))
    setup = Setup(0, "near-memory", 2, "sgd")
    found = measure.measure(setup, tmp_path)
    compared = accelsim.compare(
        "mnist-fc",
        "near-memory",
        "bp,dfa,hdfa:p=0.3",
        batch=2,
        optimizer="sgd",
        trace="random:0.5",
    )
    assert found == of_comparison(compared, [BP, "DFA", "hybrid"])
    base, dfa, _ = found
    assert (base.energy_ratio_p5, base.energy_ratio, base.energy_ratio_p95) == (1, 1, 1)
    assert dfa.energy_ratio == compared.ratios["dfa"]["energy_pj"]
    assert (dfa.energy_ratio_p5, dfa.energy_ratio_p95) == compared.ratio_intervals["dfa"][
        "energy_pj"
    ]
    assert 0 < dfa.unsourced_pj < dfa.energy_pj
    (kept,) = tmp_path.iterdir()
    assert json.loads(kept.read_text()) == [asdict(each) for each in found]
    kept.write_text(json.dumps([asdict(replace(base, cycles=1.0))]))
    assert measure.measure(setup, tmp_path) == [replace(base, cycles=1.0)]


def test_only_the_layers_of_alexnet_are_run() -> None:
    net = measure.network("alexnet")
    assert net.name == "alexnet-fc"
    assert SUBJECTS[-1].trace == "random:0.5"


def test_verdicts_follow_the_intervals() -> None:
    found = {each.column: each for each in verdicts(list(made_up()))}
    counts = {
        name: (each.points, each.faster, each.less, each.open, each.more)
        for name, each in found.items()
    }
    assert counts == {
        "DFA": (32, 32, 32, 0, 0),
        "SSDFA": (32, 0, 0, 32, 0),
        "revised": (32, 0, 0, 0, 32),
        "hybrid": (32, 32, 32, 0, 0),
    }


def test_shares_of_sourced_energy() -> None:
    share = sourced(list(made_up()))
    assert share.runs == 160
    assert share.least == pytest.approx(0.99)
    assert share.mean == pytest.approx((0.99 + 4) / 5)
    assert share.whole == pytest.approx(1 - 0.01 / sum(RATIOS.values()))
    assert share.worst.column == BP


def test_page_and_table() -> None:
    points = list(made_up())
    lines = report.section(points, KNOWN)
    assert "| revised | 32 | 0 | 0 | 0 | 32 |" in lines
    row = next(line for line in lines if line.startswith("| VGG16 | near-memory | 1 | sgd |"))
    assert row.startswith("| VGG16 | near-memory | 1 | sgd | 0.80, 0.80 (0.71 to 0.89) |")
    assert "| VGG16 | accuracy, points | | | -19.9 | - | - | - |" in lines
    assert any("The target, 95 %, is reached in every run." in line for line in lines)
    rows = list(csv.DictReader(io.StringIO(report.table(points, KNOWN))))
    assert len(rows) == 160
    assert rows[1]["rule"] == "dfa"
    assert (rows[1]["energy_ratio_p5"], rows[1]["accuracy_gap_points"]) == ("0.71", "-19.91")
    assert rows[2]["accuracy_gap_points"] == ""


def test_equal_figures_have_equal_bytes(tmp_path: Path) -> None:
    points = list(made_up())
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        written = figure.write_figure(points, KNOWN, tmp_path / name)
        assert written == ["headline.png", "headline.svg"]
    for name in ("headline.png", "headline.svg"):
        one, two = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two"))
        assert one == two


def test_the_stored_report_has_every_point() -> None:
    text = (ROOT / "reports" / "headline" / "headline.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(SETUPS) * (1 + len(COLUMNS))
    known = accuracies(ACCURACY)
    for row in rows:
        low, high = float(row["energy_ratio_p5"]), float(row["energy_ratio_p95"])
        assert 0 < low <= high
        measured = accuracy_of(row["workload"], row["rule"], known)
        assert row["accuracy_gap_points"] == ("" if measured is None else str(measured.gap))
