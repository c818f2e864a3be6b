"""What `show` tells of a machine: its merged file, peaks that follow from it, and warnings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from accelsim.config import catalog
from accelsim.experiment.machine_facts import (
    balance_warnings,
    dram_bytes_per_second,
    machine_peaks,
    show_machine,
    size_warnings,
)
from accelsim.experiment.simulate import simulate
from accelsim.experiment.tables import machine_tables
from accelsim.machine.file_form import file_form
from accelsim.machine.loading import load_machine
from accelsim.report.summary.machine import text
from accelsim.results.machine import MachineDocument

OWN = """\
name: my-chip
base: near-memory
clock: 400MHz
pe_array: {rows: 8}
dram: {channels: 2}
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "my-chip.yaml"
    path.write_text(OWN)
    return path


@pytest.mark.parametrize("name", catalog.names("arch"))
def test_the_shown_file_gives_the_same_machine(name: str, tmp_path: Path) -> None:
    path = tmp_path / "shown.yaml"
    path.write_text(text(show_machine(name)))
    assert file_form(load_machine(path)) == file_form(load_machine(name))


def test_inherited_values_are_marked(own: Path) -> None:
    shown = text(show_machine(own)).splitlines()
    assert "  rows: 8" in shown
    assert "clock: 400MHz" in shown
    assert [line.split("#")[1:] for line in shown if line.startswith("  cols: ")] == [
        [" from base near-memory"]
    ]
    assert any(line.startswith("  pointer_bits: 32 ") and "# default" in line for line in shown)


def test_a_base_of_the_user_s_is_told_from_the_built_in_one_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "near-memory.yaml").write_text(OWN)
    (tmp_path / "chip.yaml").write_text("name: chip\nbase: ./near-memory.yaml\n")
    origins = show_machine(tmp_path / "chip.yaml").origins
    assert (origins["clock"], origins["noc.width"]) == ("near-memory.yaml", "near-memory")
    assert "  # from base near-memory.yaml" in text(show_machine(tmp_path / "chip.yaml"))


def test_peaks_follow_from_the_file(own: Path) -> None:
    document = show_machine(own)
    peaks, data = document.peaks, document.machine
    pes = data["pe_array"]["rows"] * data["pe_array"]["cols"]
    assert peaks.lanes == pes * data["pe_array"]["lanes"]
    assert peaks.macs_per_second == peaks.lanes * 400e6
    assert peaks.ops_per_second == 2 * peaks.macs_per_second
    assert peaks.noc_words_per_cycle == data["noc"]["width"] / 16
    assert peaks.global_buffer_bytes == 2 << 20
    assert peaks.dram_bytes_per_second == 2 * 12.8e9  # two channels of 3200 MT/s and 32 bits
    assert sum(mm2 or 0 for mm2 in (document.area_by_component_mm2 or {}).values()) == (
        pytest.approx(document.area_mm2)
    )


def warnings(**changes: Any) -> list[str]:
    machine = load_machine("near-memory").replace(name="changed", **changes)
    peaks = machine_peaks(machine, machine_tables(machine).dram)
    return [*size_warnings(machine), *balance_warnings(machine, peaks)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"noc": {"width": 16}}, "the NoC delivers 1 words per cycle for 1,024 lanes"),
        ({"vector_unit": {"width": 2}}, "the vector unit does 2 ops per cycle for 256 PEs"),
        (
            {"pe_array": {"lanes": 1024}, "noc": {"width": 65536}, "dram": {"channels": 256}},
            None,
        ),
        ({"pe_array": {"lanes": 1024}, "noc": {"width": 65536}}, "DRAM delivers 8 words per cycle"),
        ({"scratchpad": {"capacity": "16MiB"}}, "scratchpads and global buffer hold 4.002 GiB"),
    ],
)
def test_what_is_out_of_proportion_is_warned_of(changes: dict[str, Any], words: str | None) -> None:
    said = warnings(**changes)
    assert len(said) == (words is not None)
    assert all(line.startswith(words or "") for line in said)


@pytest.mark.parametrize("name", sorted(set(catalog.names("arch")) - {"template"}))
def test_no_built_in_machine_is_warned_of(name: str) -> None:
    assert show_machine(name).warnings == ()


def test_the_document_reads_itself(own: Path) -> None:
    written = json.loads(json.dumps(show_machine(own).to_json()))
    assert MachineDocument.parse(written).to_json() == written
    assert written["schema"] == "accelsim.machine/1"


def test_the_schema_is_the_stored_one(root: Path, own: Path) -> None:
    stored = json.loads((root / "tests/golden/machine.schema.json").read_text())
    assert stored == MachineDocument.json_schema()
    jsonschema.validate(json.loads(json.dumps(show_machine(own).to_json())), stored)


def searched(machine: dict[str, Any]) -> dict[str, Any]:
    """The machine with the objective of a run whose options and machine state none."""
    return machine | {"mapping": {"objective": "edp", **machine["mapping"]}}


def test_a_result_holds_the_machine_from_which_it_can_be_run_again(
    own: Path, tmp_path: Path
) -> None:
    result = simulate("mnist-fc", own, passes=["ff"])
    assert result.machine == searched(show_machine(own).machine)
    again = tmp_path / "again.yaml"
    again.write_text(yaml.safe_dump(result.machine))
    assert simulate("mnist-fc", again, passes=["ff"]).to_json() == result.to_json()


def test_channels_that_a_machine_leaves_out_are_the_standards() -> None:
    """A pseudo channel moves 32 B in 2 ns; a stack has 16 of them, and a file may say otherwise."""
    rates = []
    for dram in ({"dram.standard": "hbm2"}, {"dram.standard": "hbm2-pc"}, {"dram.channels": 3}):
        machine = load_machine("near-memory", dram)
        rates.append(dram_bytes_per_second(machine, machine_tables(machine).dram))
    assert rates == pytest.approx([256e9, 16e9, 3 * 12.8e9])


def test_a_hybrid_holds_the_machine_once() -> None:
    result = simulate("mnist-fc", "near-memory", rule="hdfa:p=0.5,groups=8")
    assert result.machine == searched(show_machine("near-memory").machine)
    assert all("machine" not in step["result"] for step in result.to_json()["steps"])


def test_a_file_is_named_without_its_folder(tmp_path: Path) -> None:
    standard = catalog.find("dram", "lpddr4-3200")
    (tmp_path / "mine.yaml").write_text(standard.read_text())
    path = tmp_path / "chip.yaml"
    path.write_text(OWN.replace("{channels: 2}", "{channels: 2, standard: ./mine.yaml}"))
    assert file_form(load_machine(path))["dram"]["standard"] == "mine.yaml"
