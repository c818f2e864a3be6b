"""The DRAM traces of whole networks: replayed by the controller alone, every burst is done at the
clock at which the machine has it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import accelsim
from tests.replays import replay

SMALL = {
    "mnist-fc": "von-neumann",
    "fashion-fc": "von-neumann",
    "mnist-conv": "near-memory",
    "digits-fc": "systolic-32x32",
    "rnn-wikitext2": "near-memory",
    "lstm-wikitext2": "near-memory",
}
LARGE = {"resnet18-cifar10": "near-memory", "vgg16-cifar10": "von-neumann"}
"""Networks, each with a machine."""
STANDARDS = ("ddr4-2400", "ddr4-3200", "hbm2-pc", "lpddr4-3200")


def check(workload: str, base: str, standard: str, channels: int, folder: Path) -> None:
    machine = accelsim.load_machine(base, {"dram.standard": standard, "dram.channels": channels})
    path = folder / "t.csv"
    accelsim.simulate(workload, machine, batch=1, trace="random:0.5", dram_trace=path)
    assert replay(path, standard, channels) > 0


@pytest.mark.check
@pytest.mark.parametrize("channels", [1, 2, 8])
@pytest.mark.parametrize("standard", STANDARDS)
@pytest.mark.parametrize("workload", SMALL)
def test_six_workloads(workload: str, standard: str, channels: int, tmp_path: Path) -> None:
    check(workload, SMALL[workload], standard, channels, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("channels", [1, 2, 8])
@pytest.mark.parametrize("standard", STANDARDS)
@pytest.mark.parametrize("workload", LARGE)
def test_large_workloads(workload: str, standard: str, channels: int, tmp_path: Path) -> None:
    check(workload, LARGE[workload], standard, channels, tmp_path)
