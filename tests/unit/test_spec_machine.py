"""Machines: built-ins, rules between keys, bases, overrides and hashes."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelsim.config import catalog
from accelsim.errors import InputError
from accelsim.machine.architecture import Machine
from accelsim.machine.loading import load_machine

OWN = """name: mine
clock: 1GHz
organization: near_memory
pe_array: {kind: lanes, rows: 2, cols: 2}
scratchpad: {capacity: 16KiB}
global_buffer: {capacity: 64KiB, staging: 8KiB}
"""


def write(folder: Path, text: str, name: str = "m.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def faults(path: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_machine(path)
    return [str(fault).replace(f"{path.parent}/", "") for fault in caught.value.faults]


def based(text: str) -> str:
    return f"name: mine\nbase: near-memory\n{text}"


@pytest.mark.parametrize("name", catalog.names("arch"))
def test_built_in_machines_load_under_their_own_name(name: str) -> None:
    assert load_machine(name).name == name


def test_near_memory_holds_the_weights_of_vgg16() -> None:
    machine = load_machine("near-memory")
    resident = (
        machine.pe_array.rows
        * machine.pe_array.cols
        * (machine.scratchpad.capacity_bytes - machine.scratchpad.working_bytes)
    )
    assert resident == 30 << 20  # VGG16 needs 28.1 MiB at 16 bits


def test_the_three_machines_have_as_many_macs() -> None:
    arrays = [
        load_machine(name).pe_array for name in ("near-memory", "von-neumann", "systolic-32x32")
    ]
    assert {array.rows * array.cols * array.lanes for array in arrays} == {1024}


def test_a_machine_of_defaults(tmp_path: Path) -> None:
    machine = load_machine(write(tmp_path, OWN))
    assert (machine.clock_hz, machine.scratchpad.working_bytes, machine.precision.psum) == (
        10**9,
        8192,
        32,
    )
    assert machine.pe_array.skip.ep == "both"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "scratchpad: {working: 129KiB}\n",
            "m.yaml:3:23: scratchpad.working must be at most the capacity of 131072B, got 129KiB",
        ),
        (
            "scratchpad: {working: 128KiB}\n",
            (
                "m.yaml:3:23: scratchpad.working must be less than the capacity of 131072B, which "
                "must also hold weights, got 128KiB"
            ),
        ),
        (
            "scratchpad: {capacity: 4KiB}\n",
            (
                "m.yaml:3:24: scratchpad.working must be at most the capacity of 4096B, got 8KiB "
                "of "
                "near-memory.yaml:32"
            ),
        ),
        (
            "global_buffer: {staging: 1MiB}\n",
            (
                "m.yaml:3:26: global_buffer.staging must be less than half the capacity of "
                "2097152B, "
                "got 1MiB"
            ),
        ),
        ("partitions: 3\n", "m.yaml:3:13: partitions must be a divisor of the 256 PEs, got 3"),
        (
            "pe_array: {dataflow: weight_stationary}\n",
            "m.yaml:3:12: pe_array.dataflow is a key of kind systolic, not lanes: leave it out",
        ),
        (
            "organization: von_neumann\nvector_unit: {update_in_pe: true}\n",
            (
                "m.yaml:4:29: vector_unit.update_in_pe must be false if weights have no home "
                "PE, "
                "got true"
            ),
        ),
        ("pe_array: {rows: 4097}\n", "m.yaml:3:18: pe_array.rows must be <= 4096, got 4097"),
        (
            "pe_array: {cols: 1000000000}\n",
            "m.yaml:3:18: pe_array.cols must be <= 4096, got 1000000000",
        ),
        ("pe_array: {lanes: 1025}\n", "m.yaml:3:19: pe_array.lanes must be <= 1024, got 1025"),
        (
            "scratchpad: {capacity: 1025GiB}\n",
            "m.yaml:3:24: scratchpad.capacity must be <= 1024GiB, got 1025GiB",
        ),
        (
            "scratchpad: {banks: 65537}\n",
            "m.yaml:3:21: scratchpad.banks must be <= 65536, got 65537",
        ),
        ("noc: {width: 65537}\n", "m.yaml:3:14: noc.width must be <= 65536, got 65537"),
        ("clock: 1001GHz\n", "m.yaml:3:8: clock must be <= 1000GHz, got 1001GHz"),
        ("dram: {channels: 257}\n", "m.yaml:3:18: dram.channels must be <= 256, got 257"),
        ("pe_array: {rows: 0}\n", "m.yaml:3:18: pe_array.rows must be >= 1, got 0"),
        (
            "technology: 44nm\n",
            ("m.yaml:3:13: technology must be 28nm, 45nm, 65nm or a file, got 44nm"),
        ),
        ("technology: t.yaml\n", "m.yaml:3:13: t.yaml: no such file"),
    ],
)
def test_rules_between_keys_word_for_word(tmp_path: Path, text: str, message: str) -> None:
    assert faults(write(tmp_path, based(text))) == [message]


def test_a_systolic_array_is_dense_with_one_lane() -> None:
    array = load_machine("systolic-32x32").pe_array
    assert (array.lanes, array.skip.ff, array.skip.ep, array.skip.wg, array.skip_outputs) == (
        1,
        "none",
        "none",
        "none",
        False,
    )


def test_a_systolic_array_needs_no_word_about_skipping(tmp_path: Path) -> None:
    text = OWN.replace("kind: lanes", "kind: systolic").replace("near_memory", "von_neumann")
    array = load_machine(write(tmp_path, text)).pe_array
    assert (array.skip.ff, array.skip_outputs) == ("none", False)


def test_what_a_systolic_array_cannot_do_stands_where_it_is_written(tmp_path: Path) -> None:
    text = (
        "name: s\nbase: von-neumann\npe_array:\n  kind: systolic\n  lanes: 4\n  skip: {ep: "
        "both, ff: none}\n  skip_outputs: true\n"
    )
    assert faults(write(tmp_path, text)) == [
        (
            "m.yaml:5:3: pe_array.lanes is a key of kind lanes or broadcast, not systolic: leave "
            "it out"
        ),
        (
            "m.yaml:6:3: pe_array.skip is a key of kind lanes, coupled or broadcast, not systolic: "
            "leave it out"
        ),
        (
            "m.yaml:7:3: pe_array.skip_outputs is a key of kind lanes, coupled or broadcast, not "
            "systolic: leave it out"
        ),
    ]


def test_all_faults_of_a_file_and_of_what_it_names_at_once(tmp_path: Path) -> None:
    text = (
        OWN.replace("rows: 2", "rwos: 2")
        + "technology: 44nm\ndram: {standard: lpddr3-3200}\nclock: 3\n"
    )
    known = ", ".join(catalog.names("dram"))
    assert faults(write(tmp_path, text)) == [
        "m.yaml:4:25: pe_array.rwos is not a known key; did you mean rows?",
        "m.yaml:7:13: technology must be 28nm, 45nm, 65nm or a file, got 44nm",
        (
            f"m.yaml:8:18: dram.standard must be {known} or a file, got lpddr3-3200; did you mean "
            f"lpddr4-3200?"
        ),
        "m.yaml:9:1: clock must appear once, got it again (first at line 2)",
    ]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            (
                "partitions: 7\norganization: von_neumann\nvector_unit: {update_in_pe: true}\nnoc: "
                "{buffer_ports: 99}\nscratchpad: {working: 1MiB}\n"
            ),
            [
                "m.yaml:3:13: partitions must be a divisor of the 256 PEs, got 7",
                (
                    "m.yaml:5:29: vector_unit.update_in_pe must be false if weights have no "
                    "home "
                    "PE, got true"
                ),
                "m.yaml:6:21: noc.buffer_ports must be at most the 16 rows of PEs, got 99",
                "m.yaml:7:23: scratchpad.working must be at most the capacity of 131072B, got 1MiB",
            ],
        ),
        (
            (
                "organization: von_neumann\npe_array: {kind: coupled, lanes: 8, window: "
                "4}\nvector_unit: {update_in_pe: true}\n"
            ),
            [
                (
                    "m.yaml:4:27: pe_array.lanes is a key of kind lanes or broadcast, not "
                    "coupled: leave it out"
                ),
                "m.yaml:4:37: pe_array.window is a key of kind lanes, not coupled: leave it out",
                (
                    "m.yaml:5:29: vector_unit.update_in_pe must be false if weights have no "
                    "home "
                    "PE, got true"
                ),
            ],
        ),
        # the organization is wrong: what room a near-memory machine has for weights is no fault
        # beside that
        (
            (
                "organization: near_memory\npe_array: {kind: systolic}\nscratchpad: {working: "
                "128KiB}\n"
            ),
            [
                (
                    "m.yaml:3:15: organization must be von_neumann with a systolic array, got "
                    "near_memory"
                )
            ],
        ),
        (
            "pe_array: {kind: systolic}\nmapping: {objective: cycles, pins: [{op: conv*}]}\n",
            ["m.yaml:4:36: mapping.pins must be empty with a systolic array, got a list"],
        ),
    ],
)
def test_rules_between_keys_do_not_hide_each_other(
    tmp_path: Path, text: str, messages: list[str]
) -> None:
    assert faults(write(tmp_path, based(text))) == messages


def test_an_inherited_value_that_breaks_a_rule_is_named_with_its_place(tmp_path: Path) -> None:
    path = write(tmp_path, "name: x\nbase: tensordash\norganization: near_memory\n")
    assert faults(path) == [
        (
            "m.yaml:3:15: scratchpad.working must be less than the capacity of 3072B, which must "
            "also hold weights, got 3KiB of tensordash.yaml:32"
        )
    ]


def test_a_base_that_is_not_there_hides_no_fault_and_makes_none(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "name: x\nbase: near-memroy\nclok: 1GHz\npe_array: {rows: 0, lanes: 3}\nnoc: "
        "{buffer_ports: 99}\npartitions: 3\n",
    )
    assert faults(path) == [
        "m.yaml:2:7: unknown machine near-memroy; did you mean near-memory? (accelsim list archs)",
        "m.yaml:3:1: clok is not a known key; did you mean clock?",
        "m.yaml:4:18: pe_array.rows must be >= 1, got 0",
    ]
    write(tmp_path, "- a list\n", "list.yaml")
    assert faults(write(tmp_path, "name: x\nbase: list.yaml\nclock: 3\n")) == [
        (
            "m.yaml:3:8: clock must be a number with a unit of Hz, kHz, MHz, GHz, got 3; did you "
            "mean 3MHz?"
        ),
        "list.yaml:1:1: the file must be a mapping of keys to values, got a list",
    ]


def test_a_base_is_merged_mapping_by_mapping(tmp_path: Path) -> None:
    machine = load_machine(write(tmp_path, based("pe_array: {lanes: 8}\nnoc: {width: 512}\n")))
    near = load_machine("near-memory")
    assert machine.pe_array == near.pe_array.model_copy(update={"lanes": 8})
    assert (machine.noc.width_bits, machine.noc.peer_links) == (512, near.noc.peer_links)
    assert (machine.name, machine.description) == ("mine", "")


def test_a_base_may_be_a_file_beside_the_machine(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    write(tmp_path, OWN, "base.yaml")
    path = write(tmp_path / "sub", "name: x\nbase: ../base.yaml\nclock: 2GHz\n")
    assert load_machine(path).clock_hz == 2 * 10**9


def test_a_fault_of_the_base_stands_in_the_base(tmp_path: Path) -> None:
    write(tmp_path, OWN.replace("rows: 2", "rows: 0"), "base.yaml")
    path = write(tmp_path, "name: x\nbase: base.yaml\nclock: fast\n")
    assert faults(path) == [
        "m.yaml:3:8: clock must be a number with a unit of Hz, kHz, MHz, GHz, got fast",
        "base.yaml:4:31: pe_array.rows must be >= 1, got 0",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "name: x\nbase: near-memroy\n",
            (
                "m.yaml:2:7: unknown machine near-memroy; did you mean near-memory? "
                "(accelsim list archs)"
            ),
        ),
        (
            "name: x\nbase: 3\n",
            "m.yaml:2:7: base must be the name of a built-in machine or a file, got 3",
        ),
        (
            "name: x\nbase: m.yaml\n",
            "m.yaml:2:7: base must be another file, got m.yaml, which leads back here",
        ),
        ("name: x\nbsae: near-memory\n", "m.yaml:2:1: bsae is not a known key; did you mean base?"),
        ("base: near-memory\n", "m.yaml:1:1: name must be a non-empty text, got nothing"),
        ("name: x\nbase: none.yaml\n", "m.yaml:2:7: none.yaml: no such file"),
    ],
)
def test_faults_of_the_base_key_word_for_word(tmp_path: Path, text: str, message: str) -> None:
    assert faults(write(tmp_path, text)) == [message]


def test_overrides_are_laid_over_the_file_and_judged_like_it() -> None:
    machine = load_machine(
        "near-memory", {"pe_array.lanes": 8, "clock": "1GHz", "pe_array.skip.ep": "none"}
    )
    assert (
        machine.pe_array.lanes,
        machine.clock_hz,
        machine.pe_array.skip.ep,
        machine.pe_array.skip.ff,
    ) == (8, 10**9, "none", "moving")
    with pytest.raises(InputError) as caught:
        load_machine("near-memory", {"pe_array.lnaes": 8, "pe_array.rows": 0})
    assert (
        str(caught.value)
        == "pe_array.lnaes is not a known key; did you mean lanes?\npe_array.rows must be >= 1, "
        "got 0"
    )


def test_a_file_named_by_a_machine_is_found_beside_it(tmp_path: Path) -> None:
    (tmp_path / "my-dram.yaml").write_text(catalog.find("dram", "lpddr4-3200").read_text())
    machine = load_machine(write(tmp_path, OWN + "dram: {standard: my-dram.yaml}\n"))
    assert Path(machine.dram.standard) == tmp_path / "my-dram.yaml"


def test_a_machine_is_immutable() -> None:
    machine = load_machine("near-memory")
    assert isinstance(machine, Machine)
    with pytest.raises(AttributeError, match="cannot be set"):
        machine.partitions = 2  # type: ignore[misc]


def test_lanes_become_a_systolic_array_by_one_word(tmp_path: Path) -> None:
    machine = load_machine(write(tmp_path, based("pe_array: {kind: systolic}\n")))
    assert (machine.pe_array.lanes, machine.pe_array.skip_outputs, machine.organization) == (
        1,
        False,
        "von_neumann",
    )
    assert (machine.pe_array.skip.ff, machine.pe_array.skip.ep, machine.pe_array.skip.wg) == (
        "none",
        "none",
        "none",
    )
    assert not machine.vector_unit.update_in_pe
    assert machine.pe_array.rows == load_machine("near-memory").pe_array.rows


def test_a_systolic_array_that_states_what_it_cannot_have_has_its_faults(tmp_path: Path) -> None:
    text = "organization: near_memory\npe_array: {kind: systolic, lanes: 4}\n"
    assert faults(write(tmp_path, based(text))) == [
        "m.yaml:3:15: organization must be von_neumann with a systolic array, got near_memory",
        (
            "m.yaml:4:28: pe_array.lanes is a key of kind lanes or broadcast, not systolic: leave "
            "it out"
        ),
    ]
    text = "organization: near_memory\npe_array: {kind: systolic}\n"
    assert faults(write(tmp_path, based(text))) == [
        "m.yaml:3:15: organization must be von_neumann with a systolic array, got near_memory"
    ]


def test_a_systolic_array_becomes_lanes_by_one_word(tmp_path: Path) -> None:
    array = load_machine(
        write(tmp_path, "name: mine\nbase: systolic-32x32\npe_array: {kind: lanes}\n")
    ).pe_array
    assert (array.kind, array.lanes, array.skip_outputs, array.skip.wg) == (
        "lanes",
        1,
        True,
        "both",
    )


def test_a_machine_without_home_pes_updates_elsewhere(tmp_path: Path) -> None:
    assert not load_machine(
        write(tmp_path, based("organization: von_neumann\n"))
    ).vector_unit.update_in_pe
