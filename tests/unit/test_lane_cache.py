"""Lanes of outer products that recur: what is known is what the kernel gives, and anything that
lanes depend on makes another key.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from accelsim.kernels.lanes.outer_products import outer_cycles
from accelsim.pe.lanes import cache as lane_cache
from accelsim.pe.lanes.cache import outer_lanes


def words(seed: int, samples: int = 3) -> NDArray[np.uint64]:
    return np.random.default_rng(seed).integers(0, 2**40, (samples, 1), np.uint64)


ASKED: dict[str, Any] = {
    "activation": words(1),
    "error": words(2),
    "samples": 3,
    "channels": 40,
    "outputs": 40,
    "segments": 4,
    "window": 2,
    "mode": "both",
}
OTHERS = {
    "activation": words(3),
    "error": words(3),
    "samples": 4,
    "channels": 39,
    "outputs": 39,
    "segments": 2,
    "window": 4,
    "mode": "moving",
}


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_cache, "_known", type(lane_cache._known)())


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with every call of the kernel."""
    calls: list[int] = []

    def kernel(*arguments: Any) -> Any:
        calls.append(1)
        return outer_cycles(*arguments)

    monkeypatch.setattr(lane_cache, "outer_cycles", kernel)
    return calls


def same(found: lane_cache.Lanes, asked: dict[str, Any]) -> bool:
    cycles, executed = outer_cycles(*asked.values())
    return (
        bool(np.array_equal(found[0], cycles))
        and found[0].dtype == cycles.dtype
        and found[1] == executed
    )


def test_lanes_known_are_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch)
    assert same(outer_lanes(**ASKED), ASKED)
    assert same(outer_lanes(**ASKED | {"error": words(2).copy()}), ASKED)
    assert len(calls) == 1


@pytest.mark.parametrize("name", OTHERS)
def test_whatever_lanes_depend_on_makes_another_key(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    calls, other = counted(monkeypatch), ASKED | {name: OTHERS[name]}
    outer_lanes(**ASKED)
    assert same(outer_lanes(**other), other)
    assert len(calls) == 2


def test_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_cache, "MOST", 2)
    calls = counted(monkeypatch)
    for seed in (5, 6, 5, 7, 5, 6):
        outer_lanes(**ASKED | {"error": words(seed)})
    assert len(calls) == 4  # 5, 6, 7, and 6 again
    assert len(lane_cache._known) == 2
