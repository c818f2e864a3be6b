"""Cells of the claims audit: gains of made-up costs, and the counted readings."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from accelsim.config.catalog import find
from accelsim.config.loader import load_model
from accelsim.dram.standard import DramSpec
from accelsim.dram.table import resolve
from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims.costs import (
    BURST_BYTES,
    MACHINES,
    SCOPES,
    Measured,
    machine,
)
from accelsim.studies.papers.claims.counted import items as claims_counted
from accelsim.studies.papers.claims.machine import _measured_pair, beside
from accelsim.studies.papers.claims.savings import saved
from accelsim.studies.papers.claims.unicast import Unicast
from tests.made_up_claims import Ratios, measured, pair

BINARY, MOVED = "binary-96.9%", "movement-6400x"


@cache
def counted() -> dict[str, Item]:
    """Readings without a machine."""
    return {item.id: item for item in claims_counted.items()}


def flat(ep: float, step: float, *costs: str) -> Ratios:
    return dict.fromkeys(costs, (ep, step))


def test_bytes_below_a_burst_count_as_none() -> None:
    """A percentage is all or none of it; a ratio is not given."""
    near = [MACHINES[0]]
    some, none, low = (BURST_BYTES * 1000 / 1e6, (BURST_BYTES - 1) / 1e6, 1 / 1e6)
    binary = measured(
        pair("vgg16-cifar10", BINARY),
        BINARY,
        {1: flat(low, 0.9, "DRAM bytes"), 4: flat(some, 0.9, "DRAM bytes")},
        near,
    )
    assert [item.computed for item in binary if item.context["scope"] == "EP"] == [
        100.0,
        100 * (1 - some),
    ]
    moved = measured(
        pair("alexnet", MOVED),
        MOVED,
        {1: flat(none, 0.9, "DRAM bytes"), 4: flat(some, 0.9, "DRAM bytes")},
        near,
    )
    ep = [item for item in moved if item.context["scope"] == "EP"]
    assert [item.computed for item in ep] == [None, pytest.approx(1 / some)]
    assert [saved(item) for item in ep] == [100.0, pytest.approx(100 * (1 - some))]
    assert "less than one DRAM burst" in ep[0].note


@pytest.mark.parametrize("name", MACHINES)
def test_a_burst_is_that_of_both_machines(name: str) -> None:
    spec = load_model(find("dram", machine(name).dram.standard), DramSpec)
    assert resolve(spec).burst_bytes == BURST_BYTES


def test_sparse_memory_follows_one_rule_and_its_notes_give_the_other() -> None:
    found = {id_.removeprefix("claims/sparse-87.9%/"): item for id_, item in counted().items()}
    assert [found[f"{net}/memory"].rounded for net in ("RNN", "LSTM", "GRU")] == [
        "87.8",
        "87.9",
        "87.9",
    ]
    assert [found[f"{net}/memory"].match for net in ("RNN", "LSTM", "GRU")] == [
        "mismatch",
        "exact",
        "exact",
    ]
    assert "Printed cells give 87.86 (RNN), 87.96 (LSTM), 87.93 (GRU)" in found["RNN/memory"].note
    assert [
        ("Only the printed cells give" in found[f"{net}/memory"].note)
        for net in ("RNN", "LSTM", "GRU")
    ] == [True, False, False]
    assert "Only the unrounded value gives" in found["LSTM/memory"].note
    assert (
        "Printed cells give 88.30 (RNN), 88.66 (LSTM), 88.54 (GRU)" in found["GRU/operations"].note
    )
    assert not any(item.surprising for item in found.values())


def test_sizes_of_positions_and_of_shared_matrices_are_given() -> None:
    found = {id_: item for id_, item in counted().items() if "/size/" in id_}
    blocks = 35 * 36 // 2
    values = Fraction(33_278 * 200 * 35 + (blocks) * 200 * 200)
    assert found["claims/sparse-87.9%/size/positions as a bitmap"].computed == float(
        values / 8 / 10**6
    )
    assert found["claims/triangle-44.6%/size/triangle, one S_fc for all"].rounded == "127.42"
    assert found["claims/sparse-87.9%/size/positions, entropy bound"].rounded == "4.57"
    assert {item.unit for item in found.values()} == {"MB"}


@pytest.mark.parametrize("claim", ["memory-99.0%", "operations-60.1%"])
def test_cells_of_a_fitted_list_say_so(claim: str) -> None:
    found = counted()
    assert "found by fitting" in found[f"claims/{claim}/paper"].note
    assert "moderate confidence" in found[f"claims/{claim}/paper"].note


def test_a_cell_of_energy_has_the_interval_of_its_gain_at_both_mappings() -> None:
    of = pair("vgg16-cifar10", "memory-99.0%")
    drawn = {scope: np.linspace(1.0, 2.0, 101) for scope in SCOPES}
    costs = {(cost, scope): 10.0 for cost in ("energy", "words moved") for scope in SCOPES}
    old = Measured(costs, Unicast(0, 0), {scope: 10 * drawn[scope] for scope in SCOPES})
    new = Measured(costs, Unicast(0, 0), {scope: 5 * drawn[scope] + 1 for scope in SCOPES})
    ends = (100 * (1 - (5 * 1.05 + 1) / (10 * 1.05)), 100 * (1 - (5 * 1.95 + 1) / (10 * 1.95)))
    where = (of, "memory-99.0%", MACHINES[0], 1)
    best = _measured_pair(*where, "energy", "step", (old, new))
    both = beside(best, _measured_pair(*where, "energy", "step", (old, old)))
    assert float(both.context["low"]) == pytest.approx(ends[0], rel=1e-5)
    assert float(both.context["high"]) == pytest.approx(ends[1], rel=1e-5)
    assert (both.context["canonical low"], both.context["canonical high"]) == ("0", "0")
    assert "low" not in _measured_pair(*where, "words moved", "step", (old, new)).context
    without = Measured(costs, Unicast(0, 0))
    assert "low" not in _measured_pair(*where, "energy", "step", (without, new)).context
