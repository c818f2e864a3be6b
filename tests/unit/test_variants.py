"""Structural variants: the registry, and the rules compared on each variant of a machine."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import accelsim
from accelsim import InputError
from accelsim.config import catalog
from accelsim.machine.loading import load_machine
from accelsim.machine.variants import ALL, VARIANTS, chosen, refuse_idle, variants_of
from accelsim.results import kinds
from accelsim.results.comparison import AS_GIVEN, Comparison
from tests.conftest import Ended as Run

NAMES = tuple(each.name for each in VARIANTS)
NOMINAL = 0.9
SMALL = ("mnist-fc", "--trace", "random:0.5")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def compared() -> Comparison:
    return accelsim.compare(
        "mnist-fc", "near-memory,systolic-32x32", "bp,dfa", trace="random:0.5", variants=ALL
    )


@pytest.fixture
def run(ended: Run) -> Run:
    """Here a command may fail."""
    return ended


@pytest.mark.parametrize("name", catalog.names("arch"))
def test_variants_change_the_stated_keys_and_nothing_else(name: str) -> None:
    machine = load_machine(name)
    for variant, changed in variants_of(machine, NAMES, NOMINAL):
        assert changed != machine
        expected = load_machine(name, variant.values(NOMINAL))
        unnamed = {"name": "", "description": ""}
        assert changed.model_copy(update=unnamed) == expected.model_copy(update=unnamed)


def test_a_machine_has_the_variants_that_differ_from_it() -> None:
    def applying(name: str) -> list[str]:
        return [each.name for each, _ in variants_of(load_machine(name), NAMES, NOMINAL)]

    common = ["clock_gating=none", "clock_gating=pe", "boundary=core", "voltage=0.7x"]
    assert applying("near-memory") == ["operand_buffer=off", *common]
    assert applying("systolic-32x32") == common
    plain = load_machine("near-memory", {"pe_array.operand_buffer": 0, "clock_gating": "none"})
    assert [each.name for each, _ in variants_of(plain, NAMES, NOMINAL)][:2] == [
        "operand_buffer=on",
        "clock_gating=pe",
    ]


def test_a_voltage_is_a_share_of_the_nominal_one() -> None:
    ((_, changed),) = variants_of(load_machine("near-memory"), ["voltage=0.7x"], 1.0)
    assert changed.voltage == 0.7
    at_that = load_machine("near-memory", {"voltage": 0.63})
    assert list(variants_of(at_that, ["voltage=0.7x"], NOMINAL)) == []


def test_names_are_chosen_in_the_order_of_the_registry() -> None:
    assert chosen("variants", "voltage=0.7x,clock_gating=pe") == ("clock_gating=pe", "voltage=0.7x")
    assert chosen("variants", ALL) == chosen("variants", ["all", "clock_gating=pe"]) == NAMES
    assert chosen("variants", None) == ()
    with pytest.raises(InputError) as raised:
        chosen("--variants", "voltage,clock_gating=pe")
    assert str(raised.value) == (
        f"--variants must be a comma-separated list of {', '.join(NAMES)}, all, got voltage; did "
        "you mean voltage=0.7x?"
    )


def test_variants_of_no_machine_are_refused() -> None:
    near, systolic = (load_machine(name) for name in ("near-memory", "systolic-32x32"))
    refuse_idle(["operand_buffer=off"], [(near, NOMINAL), (systolic, NOMINAL)])
    with pytest.raises(InputError) as raised:
        refuse_idle(["operand_buffer=off", "clock_gating=lane"], [(systolic, NOMINAL)])
    text = "variants must change one of the machines, got clock_gating=lane"
    assert [str(each) for each in raised.value.faults] == [
        "pe_array.operand_buffer is a key of kind lanes, not systolic: leave it out",
        f"{text}, as systolic-32x32 already is",
    ]


def test_rows_of_variants_are_comparisons_of_their_own(compared: Comparison) -> None:
    rows = {(each.arch, each.name): each for each in compared.variants}
    assert [name for arch, name in rows if arch == "near-memory"] == [
        AS_GIVEN,
        "operand_buffer=off",
        "clock_gating=none",
        "clock_gating=pe",
        "boundary=core",
        "voltage=0.7x",
    ]
    assert ("systolic-32x32", "operand_buffer=off") not in rows
    machine = load_machine("near-memory", {"dram.boundary": "core"})
    own = accelsim.compare("mnist-fc", machine, "bp,dfa", trace="random:0.5")
    first, second = rows["near-memory", "boundary=core"].runs
    assert (first.ratios, first.ratio_intervals) == ({}, {})
    assert first.energy_pj == own.results[0].energy_pj
    assert second.config_hash == own.results[1].config_hash
    assert second.ratios == {key: own.ratios["dfa"][key] for key in second.ratios}
    assert second.ratio_intervals == own.ratio_intervals["dfa"]
    given = rows["near-memory", AS_GIVEN]
    assert [run.energy_pj for run in given.runs] == [
        result.energy_pj for result in compared.results[:2]
    ]


def test_structure_moves_energies(compared: Comparison) -> None:
    energy = {
        each.name: each.runs[0].energy_pj
        for each in compared.variants
        if each.arch == "near-memory"
    }
    assert energy["clock_gating=none"] > energy["clock_gating=pe"] > energy[AS_GIVEN]
    assert energy["boundary=core"] < energy[AS_GIVEN]
    assert energy["voltage=0.7x"] < 0.75 * energy[AS_GIVEN]


def test_the_document_keeps_its_variants(compared: Comparison) -> None:
    document = compared.to_json()
    jsonschema.validate(document, kinds.json_schema())
    assert Comparison.parse(json.loads(json.dumps(document))).variants == compared.variants
    assert document["variants"][-1]["keys"] == {"voltage": 0.63}
    plain = accelsim.compare("mnist-fc", "near-memory", "bp,dfa", trace="random:0.5")
    assert "variants" not in plain.to_json()


def test_variants_need_two_rules() -> None:
    with pytest.raises(
        InputError, match="rules must be two or more to compare on variants, got bp"
    ):
        accelsim.compare("mnist-fc", "near-memory", "bp", trace="random:0.5", variants=ALL)


def test_the_command_prints_and_writes_a_row_per_variant(run: Run, tmp_path: Path) -> None:
    arguments = ("compare", *SMALL, "--rules", "bp,dfa", "--variants", "clock_gating=none")
    code, out, _ = run(*arguments, "--out", str(tmp_path))
    assert code == 0
    table = out.partition("Structural variants: ratios to bp on the same variant")[2]
    row = next(line for line in table.splitlines() if "clock_gating=none" in line)
    assert "near-memory" in row
    assert " to " in row
    lines = (tmp_path / "variants.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].endswith("energy_ratio,energy_ratio_p5,energy_ratio_p95")
    assert [line.split(",")[0] for line in lines[1:]] == [AS_GIVEN, "clock_gating=none"]
    run(*arguments[:-2], "--out", str(tmp_path))
    assert not (tmp_path / "variants.csv").exists()


def test_faults_of_the_option_are_exit_status_2(run: Run) -> None:
    code, out, err = run("compare", *SMALL, "--variants", "voltage", "--batch", "x")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 2
    code, _, err = run(
        "compare", *SMALL, "--arch", "eie", "--rules", "bp,dfa", "--variants", "operand_buffer=off"
    )
    assert (code, err) == (
        2,
        "pe_array.operand_buffer is a key of kind lanes, not broadcast: leave it out\n",
    )


def test_help_and_documentation_have_every_variant(run: Run) -> None:
    code, out, _ = run("compare", "--help")
    text = (ROOT / "docs" / "energy.md").read_text(encoding="utf-8")
    for variant in VARIANTS:
        assert variant.name in "".join(out.split())
        assert f"`{variant.name}`" in text
    assert code == 0
