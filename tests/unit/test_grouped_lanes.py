"""Networks of many groups: one call of a kernel times all groups of an op."""

from __future__ import annotations

import pytest

from accelsim.experiment.simulate import simulate
from accelsim.pe.lanes import walks
from tests.reference_networks import Builder

KERNELS = ("stream_cycles", "wgrad_cycles", "grouped_wgrad_cycles")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Kernels that are called while lanes are timed."""
    called: list[str] = []

    def counting(name: str) -> None:
        kernel = getattr(walks, name)

        def counted(*arguments: object) -> object:
            called.append(name)
            return kernel(*arguments)

        monkeypatch.setattr(walks, name, counted)

    for name in KERNELS:
        counting(name)
    return called


def calls_of(groups: int, calls: list[str]) -> list[str]:
    """Kernels called by one step of two depthwise convolutions of so many channels."""
    calls.clear()
    network = Builder("depthwise", (4, 4, groups)).conv(groups, groups=groups).add("relu")
    network.conv(groups, groups=groups).add("relu").add("fc", 3)
    simulate(network.network(), "near-memory", batch=1, trace="random:0.5")
    return list(calls)


def test_calls_do_not_grow_with_the_groups(calls: list[str]) -> None:
    """FF of three layers, EP of two (the first layer passes no error on), WG of two convolutions;
    WG of the last layer is an outer product, which has a kernel of its own.
    """
    few, many = calls_of(2, calls), calls_of(64, calls)
    assert few == many
    assert sorted(many) == ["grouped_wgrad_cycles"] * 2 + ["stream_cycles"] * 5
