"""Each area against the cited numbers that it comes from; parts add up, more of a thing takes more
room, and a technology without areas says so.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.config import catalog
from accelsim.cost.area import COMPONENTS, by_component, estimate, total
from accelsim.cost.technology import load_technology
from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.machine.loading import load_machine
from tests.reference_networks import Builder

TECH = load_technology("45nm")
GAPS = 638024 / 614063
"""EIE's PE over what is placed in it: all but 23961 um2 of filler."""
NETWORK = Builder("areas", (4, 4, 3)).conv(4).add("relu").add("fc", 3).network()


def mm2(component: str, base: str = "near-memory", **overrides: Any) -> float:
    """A component's area of a built-in machine with keys replaced: scratchpad__banks=1."""
    machine = load_machine(
        base, {key.replace("__", "."): value for key, value in overrides.items()}
    )
    found = by_component(estimate(machine, TECH))[component]
    assert found is not None
    return found


def test_every_part_names_its_source_and_dram_is_off_the_chip() -> None:
    areas = estimate(load_machine("near-memory"), TECH)
    assert all(area.mm2 > 0 and len(area.source) > 10 for area in areas)
    split = by_component(areas)
    assert tuple(split) == COMPONENTS
    assert split.pop("dram") is None
    assert math.fsum(value for value in split.values() if value is not None) == pytest.approx(
        total(areas)
    )


def test_16_bit_macs_are_a_quarter_of_aladdin_s_multiplier_and_its_whole_adder() -> None:
    """6350 um2 at 32 bits by the square of the width, 278 um2 for the 32-bit sum; 1024 of them."""
    assert mm2("mac") == pytest.approx(1024 * (6350 / 4 + 278) * 1e-6 * GAPS)
    eight = {f"precision__{role}": 8 for role in ("weight", "activation", "error", "feedback")}
    assert mm2("mac", **eight) == pytest.approx(1024 * (6350 / 16 + 278) * 1e-6 * GAPS)


def test_the_widest_operand_sets_the_multiplier_and_only_the_source_s_widths_are_verified() -> None:
    machine = load_machine("near-memory", {"precision.error": 32})
    (mac,) = (area for area in estimate(machine, TECH) if area.component == "mac")
    assert mac.mm2 == pytest.approx(1024 * (6350 + 278) * 1e-6 * GAPS)
    assert mac.verified
    (narrow,) = (
        area for area in estimate(load_machine("near-memory"), TECH) if area.component == "mac"
    )
    assert not narrow.verified


def test_a_lane_of_eie_adds_up() -> None:
    """A 16-bit lane with a 16-bit sum is EIE's clock, registers and combinational logic: 866 + 9465
    + 8946 um2, its MAC included.
    """
    lanes = {"precision__psum": 16}
    assert mm2("mac", **lanes) + mm2("control", **lanes) == pytest.approx(
        1024 * (866 + 9465 + 8946) * 1e-6 * GAPS
    )


def test_a_systolic_pe_keeps_two_operands_and_a_sum_and_selects_nothing() -> None:
    assert mm2("control", "systolic-32x32") == pytest.approx(
        1024 * (866 + (16 + 16 + 32) * 5.98) * 1e-6 * GAPS
    )


def test_a_row_stationary_pe_walks_its_own_memories_as_a_lane_does() -> None:
    array = {"pe_array__kind": "row_stationary"}
    sums = {"precision__psum": 16}
    lanes = mm2("mac", "systolic-32x32", **array, **sums) + mm2(
        "control", "systolic-32x32", **array, **sums
    )
    assert lanes == pytest.approx(1024 * (866 + 9465 + 8946) * 1e-6 * GAPS)
    assert mm2("noc", "systolic-32x32", **array) == pytest.approx(
        (2 * 1024 - 2 + 16) * 256 * 5.98e-6 * GAPS
    )


def test_generators_of_feedback_stand_in_every_lane_of_machines_that_have_homes() -> None:
    """A register of 16 bits and three 16-bit adders as the bound of xors."""
    more = mm2("control", near_memory__feedback="prng") - mm2("control")
    assert more == pytest.approx(1024 * (16 * 5.98 + 3 * 278 / 2) * 1e-6 * GAPS)
    assert mm2("control", "von-neumann", near_memory__feedback="prng") == mm2(
        "control", "von-neumann"
    )


def test_memories_are_their_banks() -> None:
    """CACTI, LSTP: 0.0256728 mm2 for 8 KiB of 16 bits, 0.429589 for 128 KiB of 64."""
    registers = 256 * 64 * 16 * 5.98e-6  # operand buffers
    assert mm2("scratchpad") == pytest.approx((256 * 16 * 0.0256728 + registers) * GAPS)
    assert mm2("global_buffer") == pytest.approx(16 * 0.429589 * GAPS)
    assert mm2("scratchpad", scratchpad__banks=1, leakage="hp") == pytest.approx(
        (256 * 0.416434 + registers) * GAPS
    )


def test_a_memory_beyond_the_table_is_labelled() -> None:
    def verified(**overrides: Any) -> bool:
        areas = estimate(load_machine("near-memory", overrides), TECH)
        return next(area.verified for area in areas if area.component == "global_buffer")

    assert verified()
    assert not verified(**{"global_buffer.capacity": "64MiB", "global_buffer.banks": 1})


def test_links_end_in_registers() -> None:
    """A tree over 256 PEs has 510 links; a systolic array's ends at its 64 edges. 5.98 um2 a
    bit.
    """
    assert mm2("noc") == pytest.approx((510 + 16) * 256 * 5.98e-6 * GAPS)
    assert mm2("noc", "systolic-32x32") == pytest.approx(126 * 256 * 5.98e-6 * GAPS)


def test_links_of_a_mesh_go_both_ways() -> None:
    """16 x 16 PEs have 480 pairs of neighbours, and two of them a link to the global buffer."""
    assert mm2("noc", noc__topology="mesh", noc__buffer_ports=2) == pytest.approx(
        2 * (480 + 2) * 256 * 5.98e-6 * GAPS
    )


@pytest.mark.parametrize("memory", ["scratchpad", "global_buffer"])
def test_a_second_port_is_bounded_by_a_second_memory(memory: str) -> None:
    plain = {"pe_array__operand_buffer": 0}
    twice = mm2(memory, **{f"{memory}__ports": 2}, **plain)
    assert twice == pytest.approx(2 * mm2(memory, **plain))
    machine = load_machine("near-memory", {f"{memory}.ports": 2, "pe_array.operand_buffer": 0})
    assert [area.verified for area in estimate(machine, TECH) if area.component == memory] == [
        False
    ]


def test_the_vector_unit_is_its_slots() -> None:
    one = (6350 / 4 + 278 / 2 + 3 * 16 * 5.98) * 1e-6 * GAPS
    assert mm2("vector") == pytest.approx(64 * one)
    assert mm2("vector", vector_unit__ops_per_cycle=3) == pytest.approx(192 * one)


GROWS = (
    "pe_array.rows",
    "pe_array.cols",
    "pe_array.lanes",
    "global_buffer.banks",
    "noc.width",
    "vector_unit.width",
    "precision.psum",
)


@given(st.sampled_from(GROWS), st.integers(1, 30), st.integers(1, 30))
def test_more_of_a_thing_takes_more_room(key: str, one: int, two: int) -> None:
    few, many = sorted((one, two + 30))
    fixed = {"global_buffer.capacity": "8MiB"} if key == "global_buffer.banks" else {}
    small, large = (
        estimate(load_machine("von-neumann", {**fixed, key: count, "partitions": 1}), TECH)
        for count in (few, many)
    )
    if key != "global_buffer.banks":
        assert total(small) < total(large)
    assert {area.part for area in small} == {area.part for area in large}


@pytest.mark.parametrize("name", ["28nm", "65nm"])
def test_other_nodes_scale_logic(name: str) -> None:
    """Stillmaker and Baas: 0.377 and 1.5; 65 nm has memories of its own."""
    machine, tech, factor = (
        load_machine("near-memory", {"pe_array.operand_buffer": 0}),
        load_technology(name),
        {"28nm": 0.377, "65nm": 1.5}[name],
    )
    here, there = by_component(estimate(machine, TECH)), by_component(estimate(machine, tech))
    for component in ("mac", "control", "noc", "vector"):
        assert there[component] == pytest.approx(factor * (here[component] or 0))
    bank = tech.sram("lstp", 8192, 16)
    assert there["scratchpad"] == pytest.approx(4096 * bank.area_mm2 * GAPS)
    assert any(area.verified for area in estimate(machine, tech)) == (name == "28nm")


@pytest.mark.parametrize("name", catalog.names("arch"))
def test_built_in_machines_have_an_area(name: str) -> None:
    machine = load_machine(name)
    assert 0.1 < total(estimate(machine, load_technology(machine.technology))) < 1000


def bare(folder: Path, lacking: str, instead: str = "") -> Path:
    """45 nm without one entry of the file, or with another in its place."""
    source = catalog.find("technology", "45nm")
    lines = [
        line
        for line in source.read_text(encoding="utf-8").splitlines()
        if f"action: {lacking}," not in line
    ]
    (folder / "sram-45nm.csv").write_text(
        (source.parent / "sram-45nm.csv").read_text(encoding="utf-8"), encoding="utf-8"
    )
    path = folder / "bare.yaml"
    path.write_text("\n".join([*lines, instead]) + "\n", encoding="utf-8")
    return path


def test_a_technology_without_an_area_is_named_and_a_result_says_what_is_missing(
    tmp_path: Path,
) -> None:
    path = bare(tmp_path, "gaps_area")
    missing = "technology 45nm must have an entry for layout.gaps_area, got none"
    machine = load_machine(
        "near-memory", {"technology": str(path), "pe_array.rows": 2, "pe_array.cols": 2}
    )
    with pytest.raises(InputError) as caught:
        estimate(machine, load_technology(path))
    assert str(caught.value) == missing
    document = simulate(NETWORK, machine, trace="dense").to_json()
    assert (document["area_mm2"], document["area_by_component_mm2"], document["area_sources"]) == (
        None,
        None,
        [],
    )
    assert f"area not estimated: {missing}" in document["notes"]


def test_an_energy_is_no_area(tmp_path: Path) -> None:
    instead = (
        "  - {component: mac, action: adder_area, bits: 32, energy: 1pJ, node: 45, verified: "
        "true, source: a number of another kind}"
    )
    with pytest.raises(InputError) as caught:
        estimate(
            load_machine("near-memory"), load_technology(bare(tmp_path, "adder_area", instead))
        )
    assert (
        str(caught.value)
        == "technology 45nm must have an area_mm2 for mac.adder_area, got another quantity"
    )


def test_a_result_has_the_machine_s_area() -> None:
    machine = load_machine("near-memory")
    areas = estimate(machine, TECH)
    document = simulate(NETWORK, machine, trace="dense").to_json()
    assert document["area_mm2"] == total(areas)
    assert document["area_by_component_mm2"] == by_component(areas)
    assert [(entry["component"], entry["part"]) for entry in document["area_sources"]] == [
        (area.component, area.part) for area in areas
    ]
