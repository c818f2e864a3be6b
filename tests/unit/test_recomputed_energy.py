"""Energies of ten machines, recomputed from their counts and files by `tests.naive.prices`."""

from __future__ import annotations

import math

import pytest

from accelsim.cli.commands.files.list import TEMPLATE
from accelsim.config import catalog
from accelsim.experiment.simulate import simulate
from accelsim.machine.loading import load_machine
from tests.naive.prices import prices

MACHINES = [name for name in catalog.names("arch") if name != TEMPLATE]


@pytest.mark.parametrize("name", MACHINES)
def test_energy_from_counts_and_files(name: str) -> None:
    result = simulate("mnist-fc", load_machine(name), rule="bp", trace="random:0.5").to_json()
    own = prices(result["machine"])
    stated = {
        f"{each['component']}.{each['action']}": each["pj"] for each in result["energy_sources"]
    }
    energy = 0.0
    for action, times in result["actions"].items():
        price = stated[action] if action.startswith("dram.") else own[action]
        assert price == pytest.approx(stated[action], rel=1e-12), action
        energy += times * price
    assert energy == pytest.approx(result["energy_pj"], rel=1e-12)
    levels = result["energy_by_level_pj"]
    assert math.fsum(levels.values()) == pytest.approx(energy, rel=1e-12)


def test_there_are_ten() -> None:
    assert len(MACHINES) >= 10
