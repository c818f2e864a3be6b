"""Networks of many groups: work grows with the groups, not with their square."""

from __future__ import annotations

import pytest

from accelsim.experiment.simulate import simulate
from accelsim.zeros import effectual
from tests.reference_networks import Builder


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """First channel of every slice that is taken while lanes are timed."""
    taken: list[int] = []
    slice_channels = effectual.slice_channels

    def counting(words: effectual.Words, first: int, end: int) -> effectual.Words:
        taken.append(first)
        return slice_channels(words, first, end)

    monkeypatch.setattr(effectual, "slice_channels", counting)
    return taken


def slices_of(groups: int, slices: list[int]) -> int:
    """Slices taken by one step of a depthwise convolution of so many channels."""
    slices.clear()
    network = Builder("depthwise", (4, 4, groups)).add(
        "conv", groups, kernel=(3, 3), padding=(1, 1, 1, 1), groups=groups
    )
    simulate(network.add("relu").add("fc", 3).network(), "near-memory", batch=1, trace="random:0.5")
    return len(slices)


def test_slices_grow_with_the_groups(slices: list[int]) -> None:
    few, many = slices_of(16, slices), slices_of(64, slices)
    assert 16 <= few <= 16 * 8
    assert many == 4 * few
