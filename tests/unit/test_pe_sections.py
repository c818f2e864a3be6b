"""Kinds of PE array: one that a user declares in a file of their own, and what all answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from accelsim import plugin
from accelsim.cli import file_kinds
from accelsim.cli.pages.documentation import every_key, page, template
from accelsim.config.registries import PE_KINDS
from accelsim.config.schema import file_schema
from accelsim.config.source import parse_document
from accelsim.errors import InputError
from accelsim.machine.architecture import Machine
from accelsim.machine.loading import load_machine
from accelsim.machine.pe_base import PEArray
from accelsim.pe.broadcast.section import BroadcastArray
from accelsim.pe.lanes.section import LanesArray
from tests.conftest import EXAMPLES

MACHINE = """name: mine
clock: 1GHz
organization: von_neumann
pe_array: {kind: bit_serial, rows: 2, cols: 2, bits_per_cycle: 4}
scratchpad: {capacity: 16KiB}
global_buffer: {capacity: 64KiB, staging: 8KiB}
"""


@pytest.fixture
def bit_serial() -> Iterator[None]:
    with plugin.loaded([EXAMPLES / "pe_bit_serial.py"]):
        yield


def written(folder: Path, text: str) -> Path:
    path = folder / "m.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(path: Path) -> list[str]:
    return [str(fault).replace(f"{path.parent}/", "") for fault in file_kinds.faults(path)]


@pytest.mark.usefixtures("bit_serial")
def test_a_machine_of_a_kind_from_outside_the_package_loads(tmp_path: Path) -> None:
    path = written(tmp_path, MACHINE)
    machine = load_machine(path)
    assert machine.pe_array == PE_KINDS.resolve("bit_serial")(
        kind="bit_serial", rows=2, cols=2, bits_per_cycle=4
    )
    assert machine.model_dump()["pe_array"]["bits_per_cycle"] == 4
    assert faults(path) == []
    derived = "name: d\nbase: near-memory\npe_array: {kind: bit_serial}\n"
    machine = load_machine(written(tmp_path, derived))
    assert (machine.pe_array.lanes, machine.pe_array.rows, machine.organization) == (
        1,
        16,
        "near_memory",
    )


@pytest.mark.usefixtures("bit_serial")
def test_its_faults_are_named_with_those_of_the_other_kinds(tmp_path: Path) -> None:
    text = MACHINE.replace("von_neumann", "near_memory").replace("cycle: 4", "cycle: 17")
    text += "near_memory: {transpose: psum_reduce}\n"
    assert faults(written(tmp_path, text)) == [
        "m.yaml:4:64: pe_array.bits_per_cycle must be <= 16, got 17",
        (
            "m.yaml:7:26: near_memory.transpose must be remote_read or transposable with a "
            "bit-serial array, got psum_reduce"
        ),
    ]
    assert faults(written(tmp_path, MACHINE.replace("cols: 2,", "cols: 2, window: 3,"))) == [
        "m.yaml:4:48: pe_array.window is a key of kind lanes, not bit_serial: leave it out"
    ]
    assert faults(written(tmp_path, MACHINE.replace("bit_serial", "lanes"))) == [
        "m.yaml:4:43: pe_array.bits_per_cycle is a key of kind bit_serial, not lanes: leave it out"
    ]
    assert faults(written(tmp_path, MACHINE.replace("bit_serial", "bit_seria"))) == [
        (
            "m.yaml:4:18: pe_array.kind must be lanes, coupled, broadcast, systolic, "
            "row_stationary or bit_serial, got bit_seria; did you mean bit_serial?"
        )
    ]


def test_the_kind_is_unknown_where_it_is_not_registered(tmp_path: Path) -> None:
    assert faults(written(tmp_path, MACHINE)) == [
        (
            "m.yaml:4:18: pe_array.kind must be lanes, coupled, broadcast, systolic or "
            "row_stationary, got bit_serial; a plug-in's kind needs --plugin FILE.py"
        )
    ]


@pytest.mark.usefixtures("bit_serial")
def test_schema_page_and_template_show_it() -> None:
    validator = jsonschema.Draft202012Validator(file_schema(Machine))
    data = parse_document(MACHINE).data
    validator.validate(data)
    assert not validator.is_valid({**data, "pe_array": {**data["pe_array"], "window": 3}})
    text = page("", Machine)
    assert "## `pe_array`, kind `bit_serial`" in text
    assert "| `bits_per_cycle` | an integer from 1 to 16 | `2` |" in text
    assert "  # (kind bit_serial: an integer from 1 to 16; default 2)\n" in template()
    assert "bits_per_cycle" in {key.path[-1] for key in every_key(Machine)}


def test_a_misspelt_kind_hides_no_other_fault_of_the_mapping(tmp_path: Path) -> None:
    text = MACHINE.replace("bit_serial", "lane").replace("bits_per_cycle: 4", "lanes: 0")
    assert faults(written(tmp_path, text)) == [
        (
            "m.yaml:4:18: pe_array.kind must be lanes, coupled, broadcast, systolic or "
            "row_stationary, got lane; did you mean lanes?"
        ),
        "m.yaml:4:49: pe_array.lanes must be >= 1, got 0",
    ]


def test_an_array_that_names_no_kind(tmp_path: Path) -> None:
    text = MACHINE.replace("kind: bit_serial, ", "").replace(", bits_per_cycle: 4", "")
    assert faults(written(tmp_path, text)) == [
        (
            "m.yaml:4:1: pe_array.kind must be lanes, coupled, broadcast, systolic or "
            "row_stationary, got nothing"
        )
    ]


def test_overrides_change_the_kind_and_its_keys() -> None:
    machine = load_machine(
        "near-memory", {"pe_array.kind": "row_stationary", "pe_array.input_bus": 3}
    )
    assert machine.pe_array == PE_KINDS.resolve("row_stationary")(
        kind="row_stationary", rows=16, cols=16, input_bus=3
    )
    with pytest.raises(InputError) as caught:
        load_machine("near-memory", {"pe_array.fifo_depth": 3})
    assert (
        str(caught.value)
        == "pe_array.fifo_depth is a key of kind broadcast, not lanes: leave it out"
    )


@pytest.mark.parametrize("kind", PE_KINDS.names())
def test_every_kind_answers_what_is_asked_of_an_array(kind: str) -> None:
    model = PE_KINDS.resolve(kind)
    array: PEArray = model(kind=kind, rows=2, cols=3)
    assert array.lanes == {"coupled": 16}.get(kind, 1)
    assert array.skips == (kind in {"lanes", "coupled", "broadcast"})
    assert array.skip.ff == array.skip.wg == ("both" if array.skips else "none")
    assert array.skip_outputs is array.skips
    assert array.structural_zeros == "removed"
    assert array.outputs_per_pe == 1
    assert array.staged_positions == {"lanes": 16, "coupled": 3}.get(kind, 1)
    assert array.relative_index_bits == (4 if kind == "broadcast" else None)
    assert array.setting.split()[0] in {"in", "with"}
    assert model.of(array) is array


def test_a_section_of_another_kind_is_refused() -> None:
    array = BroadcastArray(kind="broadcast", rows=1, cols=1)
    with pytest.raises(TypeError, match=r"^pe_array must be a LanesArray, got a BroadcastArray$"):
        LanesArray.of(array)
