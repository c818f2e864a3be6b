"""A PE kind from a file outside the package goes wherever a built-in one does: load, check,
simulate, compare, map, area, schema and the pages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from accelsim import plugin
from accelsim.cli.pages.documentation import page
from accelsim.config.source import parse_document
from accelsim.cost.area import estimate
from accelsim.cost.technology import load_technology
from accelsim.experiment.machine_facts import show_machine
from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.machine.loading import load_machine
from accelsim.results.laws import violations
from accelsim.results.op import OpResult
from accelsim.results.result import Result
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction, Pass
from accelsim.workload.network import Network
from tests.conftest import EXAMPLES, CommandLine
from tests.reference_networks import Builder

BASES = ("near-memory", "von-neumann")
NETWORKS = {
    "convolutions": Builder("convolutions", (6, 6, 3))
    .conv(4)
    .add("relu")
    .conv(5)
    .add("relu")
    .add("fc", 10)
    .network(),
    "vectors": Builder("vectors", (1, 1, 20)).add("fc", 12).add("relu").add("fc", 10).network(),
}
SMALL = "rows: 4, cols: 4"


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    with plugin.loaded([EXAMPLES / "pe_bit_serial.py"]):
        yield


def array_cycles(op: OpResult) -> int:
    """Cycles in which the array works."""
    return op.cycles - op.array_cycles.stall.total


def machine(folder: Path, base: str, bits: int = 2) -> Path:
    path = folder / f"{base}-{bits}.yaml"
    array = f"{{kind: bit_serial, {SMALL}, bits_per_cycle: {bits}}}"
    path.write_text(f"name: serial\nbase: {base}\npe_array: {array}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("rule", ["bp", "dfa", "sdfa:k=2"])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_results_obey_the_laws(tmp_path: Path, network: Network, rule: str, base: str) -> None:
    """A tile takes its reduction times the cycles of a 16-bit word, two bits in each."""
    architecture = load_machine(machine(tmp_path, base))
    result = simulate(network, architecture, rule=rule, batch=2, trace="random:0.5")
    assert isinstance(result, Result)
    assert violations(result) == []
    ops = {op.name: op for op in lower(network, rule, 2).ops if isinstance(op, Contraction)}
    timed = {op.name: op for op in result.ops if op.name in ops}
    assert timed.keys() == ops.keys()
    for name, op in ops.items():
        assert timed[name].macs.dense == timed[name].macs.executed == op.dense_macs
        assert timed[name].lane_cycles.busy == op.dense_macs
        assert timed[name].lane_cycles.window_empty == 7 * op.dense_macs
        assert array_cycles(timed[name]) % (8 * op.nest.reduction) == 0
    assert {op.pass_ for op in ops.values()} == {Pass.FF, Pass.EP, Pass.WG}


def test_cycles_of_a_product_follow_from_its_bits(tmp_path: Path) -> None:
    """vectors, batch 2: fc0.FF has 12 channels x 2 samples of 20 words. 12 PEs of the 16 have a
    channel each, and take the two samples one after the other.
    """
    for bits, turns in ((1, 16), (2, 8), (5, 4), (16, 1)):
        architecture = load_machine(machine(tmp_path, "near-memory", bits))
        result = simulate(NETWORKS["vectors"], architecture, rule="bp", batch=2, trace="dense")
        assert isinstance(result, Result)
        op = next(op for op in result.ops if op.name == "fc0.FF")
        assert array_cycles(op) == 2 * 20 * turns


@pytest.mark.parametrize("base", BASES)
def test_simulate_and_check(run: CommandLine, tmp_path: Path, base: str) -> None:
    path, out = machine(tmp_path, base), tmp_path / "run"
    assert run("check", str(path))
    settings = ("--arch", str(path), "--trace", "random:0.5", "--out", str(out))
    document = json.loads(run("simulate", "digits-fc", *settings, "--json"))
    assert document["area_mm2"] > 0
    assert document["macs"]["gated"] > 0
    assert run("check", str(out / "result.json"))


def test_compare_with_another_kind(run: CommandLine, tmp_path: Path) -> None:
    machines = f"{machine(tmp_path, 'near-memory')},near-memory"
    settings = ("--arch", machines, "--rules", "bp", "--trace", "dense", "--json")
    document = json.loads(run("compare", "digits-fc", *settings))
    serial, lanes = document["results"]
    assert serial["macs"]["dense"] == lanes["macs"]["dense"]
    assert serial["cycles"] > lanes["cycles"]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("objective", ["canonical", "cycles"])
def test_map_prints_its_loop_nests(
    run: CommandLine, tmp_path: Path, base: str, objective: str
) -> None:
    chosen = () if objective == "canonical" else ("--objective", objective)
    arch = ("--arch", str(machine(tmp_path, base)))
    printed = run("map", "digits-fc", *arch, "--trace", "dense", *chosen)
    assert "for bits in 8" in printed


def test_area_counts_a_lane_per_pe(tmp_path: Path) -> None:
    architecture = load_machine(machine(tmp_path, "near-memory"))
    technology = load_technology(architecture.technology)
    lanes = load_machine(
        "near-memory",
        {
            "pe_array.rows": 4,
            "pe_array.cols": 4,
            "pe_array.lanes": 1,
            "pe_array.operand_buffer": 0,
        },
    )
    assert estimate(architecture, technology) == estimate(lanes, technology)


def test_its_peak_rate_counts_the_turns_of_a_mac(tmp_path: Path) -> None:
    """16 PEs at 800 MHz; a MAC on words of 16 bits takes 8 cycles at 2 bits per cycle."""
    peaks = show_machine(machine(tmp_path, "near-memory")).peaks
    assert peaks.macs_per_second == 16 * 800e6 / 8
    assert peaks.ops_per_second == 2 * peaks.macs_per_second
    assert show_machine("near-memory").peaks.macs_per_second == (
        show_machine("near-memory").peaks.lanes * 800e6
    )


def test_schema_list_and_pages_show_it(run: CommandLine, tmp_path: Path) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(run("schema", "arch")))
    text = machine(tmp_path, "near-memory").read_text(encoding="utf-8")
    data = parse_document(text).data
    validator.validate(data)
    data["pe_array"]["bits_per_cycle"] = 17
    assert not validator.is_valid(data)
    assert "| `bits_per_cycle` | an integer from 1 to 16 | `2` |" in page("", Machine)
