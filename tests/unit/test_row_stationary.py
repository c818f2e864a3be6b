"""Row-stationary machines: what their files may say, the ops they run as convolutions, and what
refuses to run.
"""

from __future__ import annotations

from math import prod
from pathlib import Path

import pytest

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.machine.loading import load_machine
from accelsim.pe.registry import pe_kind
from accelsim.pe.row_stationary.kind import RowStationary
from accelsim.pe.row_stationary.passes import convolution_of, row_mapping
from accelsim.pe.row_stationary.section import RowStationaryArray
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction, Pass
from accelsim.workload.network import Network
from tests.random_machines import machine
from tests.reference_networks import Builder, small_networks


def faults(folder: Path, text: str) -> list[str]:
    path = folder / "m.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_machine(path)
    return [str(fault).removeprefix(f"{folder}/") for fault in caught.value.faults]


def test_the_chips_array_comes_from_its_file() -> None:
    array = RowStationaryArray.of(load_machine("eyeriss-like").pe_array)
    assert (array.rows, array.cols, array.lanes, array.skips, array.kind) == (
        12,
        14,
        1,
        False,
        "row_stationary",
    )
    assert (array.filter_words * 2, array.input_words * 2, array.psum_words * 2) == (448, 24, 48)
    assert isinstance(pe_kind(load_machine("eyeriss-like")), RowStationary)


def test_registers_belong_to_the_kind(tmp_path: Path) -> None:
    text = "name: m\nbase: systolic-32x32\npe_array:\n  filter_words: 100\n"
    assert faults(tmp_path, text) == [
        (
            "m.yaml:4:3: pe_array.filter_words is a key of kind row_stationary, not systolic: "
            "leave it out"
        )
    ]
    text = "name: m\nbase: eyeriss-like\npe_array: {input_words: 0, filters: 3}\n"
    assert faults(tmp_path, text) == [
        "m.yaml:3:25: pe_array.input_words must be >= 1, got 0",
        "m.yaml:3:28: pe_array.filters is not a known key; did you mean filter_bus?",
    ]


def test_a_file_that_writes_it_as_a_dataflow_is_told_what_to_write(tmp_path: Path) -> None:
    text = (
        "name: m\nbase: systolic-32x32\npe_array:\n  kind: systolic\n  dataflow: row_stationary\n"
        "  row_stationary: {filter_words: 100}\n"
    )
    assert faults(tmp_path, text) == [
        (
            "m.yaml:5:13: pe_array.dataflow must be output_stationary, weight_stationary or "
            "input_stationary, got row_stationary: write kind: row_stationary and leave dataflow "
            "out"
        ),
        (
            "m.yaml:6:3: pe_array.row_stationary is a kind, not a key: write kind: "
            "row_stationary, and its keys in pe_array"
        ),
    ]


def test_the_scratchpad_holds_the_registers(tmp_path: Path) -> None:
    text = "name: m\nbase: eyeriss-like\nscratchpad: {capacity: 519B, working: 500B}\n"
    assert faults(tmp_path, text) == [
        (
            "m.yaml:3:24: scratchpad.capacity must be >= 520B to hold filter_words, input_words "
            "and psum_words of pe_array, got 519B"
        ),
    ]


def test_another_kind_does_not_inherit_registers(tmp_path: Path) -> None:
    base = "name: b\nbase: eyeriss-like\npe_array: {filter_words: 100}\n"
    (tmp_path / "b.yaml").write_text(base, encoding="utf-8")
    path = tmp_path / "m.yaml"
    for kind in ("systolic", "lanes"):
        path.write_text(f"name: m\nbase: b.yaml\npe_array: {{kind: {kind}}}\n", encoding="utf-8")
        array = load_machine(path).pe_array
        assert not hasattr(array, "filter_words")
        assert (array.rows, array.cols, array.gating) == (12, 14, True)
    path.write_text("name: m\nbase: b.yaml\n", encoding="utf-8")
    assert RowStationaryArray.of(load_machine(path).pe_array).filter_words == 100


def test_a_buffer_that_holds_no_pass_is_refused_with_the_size_it_takes() -> None:
    """A 3x3 convolution over 8 padded columns: a row of 3 x 10 words of 16 bits and 8 sums of
    32.
    """
    network = Builder("small", (8, 8, 2)).conv(2).add("fc", 2).network()
    small = machine(
        "systolic",
        pe_array__kind="row_stationary",
        pe_array__rows=3,
        global_buffer__capacity="123B",
        global_buffer__staging="16B",
    )
    need = 2 * 16 + 3 * 10 * 2 + 8 * 4
    with pytest.raises(InputError) as caught:
        simulate(network, small, trace="dense")
    assert str(caught.value) == (
        f"global_buffer.capacity must be >= {need}B to hold a row-stationary pass of conv0.FF "
        f"beside twice the staging of 16B, got {need - 1}B"
    )
    enough = machine(
        "systolic",
        pe_array__kind="row_stationary",
        pe_array__rows=3,
        global_buffer__capacity=f"{need}B",
        global_buffer__staging="16B",
    )
    forward = lower(network, "bp", 1, passes=[Pass.FF])  # the rows of WG are longer
    assert simulate(network, enough, trace="dense", transform=lambda _: forward).cycles > 0


def test_the_size_of_a_pass_is_that_of_its_rows_and_columns() -> None:
    """A kernel of 2 x 3 taps 1 and 2 apart, strides 2 and 3, makes 4 rows of 3 columns: 2 rows of
    the map of (3 - 1) * 3 + (3 - 1) * 2 + 1 words, and 3 sums. One PE has one kernel row at a time.
    """
    layers = Builder("oblong", (8, 11, 2)).add(
        "conv", 2, kernel=(2, 3), stride=(2, 3), dilation=(1, 2)
    )
    network = layers.add("fc", 2).network()
    for rows, width in ((2, 11), (1, 11)):
        small = machine(
            "systolic",
            pe_array__kind="row_stationary",
            pe_array__rows=rows,
            global_buffer__capacity="40B",
            global_buffer__staging="16B",
        )
        need = 2 * 16 + rows * width * 2 + 3 * 4
        with pytest.raises(InputError) as caught:
            simulate(network, small, trace="dense")
        assert str(caught.value) == (
            f"global_buffer.capacity must be >= {need}B to hold a row-stationary pass of conv0.FF "
            "beside twice the staging of 16B, got 40B"
        )


@pytest.mark.parametrize("network", small_networks().values(), ids=lambda network: network.name)
def test_every_op_is_a_convolution_of_its_dense_macs(network: Network) -> None:
    architecture = load_machine("eyeriss-like")
    seen = set()
    for rule in ("bp", "dfa"):
        for op in lower(network, rule, 2).ops:
            if isinstance(op, Contraction):
                shape, groups = convolution_of(op.nest)
                assert groups * prod(shape[:7]) == op.dense_macs
                mapping = row_mapping(op, architecture, 168)
                assert mapping.active_pes <= 168
                # No PE does more than a MAC a cycle.
                assert mapping.cycles * mapping.active_pes >= op.dense_macs
                seen.add(op.pass_)
    assert seen == {Pass.FF, Pass.EP, Pass.WG}


def test_zeros_gate_and_save_no_cycle() -> None:
    network = (
        Builder("gated", (6, 6, 2)).conv(6).add("relu").conv(4, stride=2).add("fc", 5).network()
    )
    sparse, dense = (
        simulate(network, "eyeriss-like", trace=trace) for trace in ("random:0.1", "dense")
    )
    cycles = [
        {
            op.name: op.cycles - op.array_cycles.stall.total
            for op in result.ops
            if op.kind != "vector"
        }
        for result in (sparse, dense)
    ]
    assert cycles[0] == cycles[1]
    assert sparse.energy_by_component_pj["mac"] < dense.energy_by_component_pj["mac"]
    assert sparse.energy_by_component_pj["scratchpad"] < dense.energy_by_component_pj["scratchpad"]


@pytest.mark.parametrize("partitions", [1, 2, 3, 6])
def test_a_partition_is_a_smaller_array(partitions: int) -> None:
    network = Builder("parts", (6, 6, 2)).conv(6).add("relu").add("fc", 5).network()
    parts = machine("systolic", pe_array__kind="row_stationary", partitions=partitions)
    pes = 6 // partitions
    alone = machine(
        "systolic",
        pe_array__kind="row_stationary",
        pe_array__rows=min(2, pes),
        pe_array__cols=pes // min(2, pes),
    )
    (op,) = (op for op in lower(network, "bp", 1).ops if op.name == "conv0.FF")
    assert row_mapping(op, parts, pes).cycles == row_mapping(op, alone, pes).cycles


def test_a_kernel_beyond_the_array_and_the_registers_is_folded_evenly() -> None:
    """An 11x25 kernel on 4 rows with 12 words: rows 4 + 4 + 3, columns 9 + 9 + 7."""
    network = Builder("wide", (11, 25, 1)).add("conv", 2, kernel=(11, 25)).add("fc", 2).network()
    (op,) = (op for op in lower(network, "bp", 1).ops if op.name == "conv0.FF")
    mapping = row_mapping(
        op, machine("systolic", pe_array__kind="row_stationary", pe_array__rows=4), 12
    )
    assert (mapping.down, mapping.across, mapping.folds[4:]) == (4, 9, (3, 3))
    assert mapping.passes == 9
