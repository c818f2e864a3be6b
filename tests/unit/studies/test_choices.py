"""The study of modelling choices: its variants, and its page on made-up costs."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from accelsim.machine.loading import load_machine
from accelsim.studies.choices.measure import Cost, Ratio, Run, cost
from accelsim.studies.choices.report import page, table
from accelsim.studies.choices.variants import DEFAULT, VARIANTS, Variant

ROOT = Path(__file__).resolve().parents[3]
OPTIONS = {"schedule": "--schedule", "warm": "--warm", "optimizer": "--optimizer"}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_is_a_legal_machine_that_differs(variant: Variant) -> None:
    for name in variant.machines:
        changed = load_machine(name, dict(variant.keys))
        assert (changed == load_machine(name)) == (not variant.keys)


def test_the_page_on_the_model_has_every_switch() -> None:
    text = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    for variant in VARIANTS:
        for key in variant.keys:
            assert f"`{key}`" in text
        for option in variant.options:
            assert f"`{OPTIONS.get(option, f'--{option}')}`" in text


def test_costs_are_those_of_a_simulation() -> None:
    run = Run(0, "von-neumann", "mnist-fc", "bp")
    plain = cost(VARIANTS[0], run)
    quick = cost(Variant("quick", {"dram.standard": "hbm2"}), run)
    assert quick.cycles < plain.cycles


def made_up() -> list[Ratio]:
    costs = {DEFAULT: (100, 80), "fusion: full": (50, 20)}
    return [
        Ratio(name, machine, "vgg16-cifar10", Cost(bp, 1.0), Cost(dfa, 0.5))
        for name, (bp, dfa) in costs.items()
        for machine in ("near-memory", "von-neumann")
        if name == DEFAULT or machine == "near-memory"
    ]


def test_the_page_says_what_moves_a_ratio_most() -> None:
    text = page(made_up())
    assert "* Cycles: 0.40 to 0.80. Furthest from its default is `fusion: full`" in text
    assert "| as shipped | 0.80 | 0.80 |" in text
    assert "| `fusion: full` | 0.40 | - |" in text


def test_the_table_has_costs_and_ratios() -> None:
    rows = list(csv.DictReader(io.StringIO(table(made_up()))))
    assert len(rows) == 3
    assert (rows[2]["bp_cycles"], rows[2]["cycles_ratio"]) == ("50", "0.4000")
