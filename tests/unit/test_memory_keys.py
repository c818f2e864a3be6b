"""Keys of memories and NoC: what is refused, and prices that a second port leaves without a
source.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from accelsim.cli.file_kinds import faults
from accelsim.config import catalog
from accelsim.cost.energy import EnergyTable
from accelsim.cost.technology import load_technology
from accelsim.dram.prices import dram_prices
from tests.random_machines import machine
from tests.watched_machine import dram_of


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (
            "noc: {buffer_ports: 17}",
            "m.yaml:3:21: noc.buffer_ports must be at most the 16 rows of PEs, got 17",
        ),
        ("noc: {topology: ring}", "m.yaml:3:17: noc.topology must be tree or mesh, got ring"),
        ("scratchpad: {ports: 3}", "m.yaml:3:21: scratchpad.ports must be <= 2, got 3"),
        (
            "global_buffer: {conflicts: none}",
            "m.yaml:3:28: global_buffer.conflicts must be ideal or modelled, got none",
        ),
        (
            "format: {weight: zip}",
            "m.yaml:3:18: format.weight must be dense, bitmap, rle or csc, got zip",
        ),
        ("format: {run_bits: 17}", "m.yaml:3:20: format.run_bits must be <= 16, got 17"),
    ],
)
def test_a_fault_has_its_place_and_its_rule(tmp_path: Path, key: str, message: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(f"base: near-memory\nname: m\n{key}\n")
    found = [str(fault).removeprefix(f"{tmp_path}/") for fault in faults(path)]
    assert found == [message]


@pytest.mark.parametrize(
    ("part", "component"), [("scratchpad", "scratchpad"), ("global_buffer", "global_buffer")]
)
def test_prices_of_two_ports_are_not_verified(part: str, component: str) -> None:
    tables = []
    for ports in (1, 2):
        architecture = machine(scratchpad__capacity="128KiB", **{f"{part}__ports": ports})
        technology = load_technology(catalog.find("technology", architecture.technology))
        tables.append(
            EnergyTable.build(architecture, technology, dram_prices(dram_of(architecture)))
        )
    one, two = (table[component, "read_bits"] for table in tables)
    assert one.pj == two.pj
    assert not two.verified
    assert two.source.endswith("as with a single port")
    assert "single port" not in one.source
