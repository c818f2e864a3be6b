"""Results as documents: apportioning, sums, comparisons."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.experiment.assemble import apportion
from accelsim.experiment.compare import compare
from accelsim.experiment.simulate import simulate
from tests.random_machines import machine
from tests.reference_networks import Builder, small_networks

NETWORK = Builder("results", (4, 4, 3)).conv(4).add("relu").add("fc", 3).network()


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=6), st.integers(0, 10**6))
def test_shares_are_whole_sum_to_the_total_and_are_off_by_less_than_one(
    parts: list[int], total: int
) -> None:
    named = {f"part{index}": value for index, value in enumerate(parts)}
    shares = apportion(named, total)
    whole = sum(parts)
    assert list(shares) == list(named)
    assert sum(shares.values()) == (total if whole else 0)
    assert all(
        abs(shares[name] * whole - named[name] * total) < whole or whole == 0 for name in named
    )
    assert all(shares[name] == 0 for name in named if named[name] == 0)


def test_ties_go_to_the_first() -> None:
    assert apportion({"a": 1, "b": 1, "c": 1}, 4) == {"a": 2, "b": 1, "c": 1}


def test_the_document_has_the_contracts_keys() -> None:
    document = simulate(NETWORK, machine(), trace="dense", batch=2, seed=3).to_json()
    assert document["schema"] == "accelsim.result/1"
    expected = {
        "workload": "results",
        "arch": "near-memory",
        "rule": "bp",
        "batch": 2,
        "trace": "dense",
        "schedule": "serial",
        "seed": 3,
    }
    assert {key: document[key] for key in expected} == expected
    contract = """version config_hash cycles interval_cycles seconds energy_pj area_mm2 macs
    vector_ops words peak_stash_bytes bytes energy_by_component_pj unattributed_pj passes
    accountings ops"""
    assert set(contract.split()) <= set(document)
    assert set(document["energy_by_component_pj"]) == {
        "mac",
        "control",
        "scratchpad",
        "noc",
        "global_buffer",
        "dram",
        "vector",
        "leakage",
    }
    assert list(document["passes"]) == ["FF", "EP", "WG", "WU"]
    assert document["seconds"] == document["cycles"] / 800e6
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_hashes_tell_configurations_apart_and_nothing_else() -> None:
    settings: list[dict[str, object]] = [
        {},
        {"batch": 2},
        {"seed": 1},
        {"schedule": "unlocked"},
        {"optimizer": "adam"},
        {"trace": "random:0.5"},
        {"passes": ["FF"]},
    ]
    hashes = [
        simulate(NETWORK, machine(), **{"trace": "dense", **each}).to_json()["config_hash"]
        for each in settings
    ]
    hashes += [
        simulate(NETWORK, machine(pe_array__lanes=3), trace="dense").to_json()["config_hash"]
    ]
    hashes += [simulate(NETWORK, machine(), rule="dfa", trace="dense").to_json()["config_hash"]]
    hashes += [
        simulate(small_networks()["plain"], machine(), trace="dense").to_json()["config_hash"]
    ]
    assert len(set(hashes)) == len(hashes)
    assert simulate(NETWORK, machine(), trace="dense").to_json()["config_hash"] == hashes[0]


def test_a_comparison_divides_by_its_first() -> None:
    found = compare(NETWORK, [machine()], ["bp", "dfa"], trace="dense")
    base, other = (result.to_json() for result in found.results)
    document = found.to_json()
    assert (document["baseline"], list(document["ratios"])) == ("bp", ["dfa"])
    ratios = document["ratios"]["dfa"]
    assert ratios["cycles"] == other["cycles"] / base["cycles"]
    assert ratios["bytes.dram_read"] == other["bytes"]["dram_read"] / base["bytes"]["dram_read"]
    assert (
        ratios["passes.EP.macs.executed"]
        == other["passes"]["EP"]["macs"]["executed"] / base["passes"]["EP"]["macs"]["executed"]
    )


def test_a_ratio_to_nothing_is_null() -> None:
    ratios = compare(NETWORK, [machine()], ["dfa", "bp"], trace="dense").to_json()["ratios"]["bp"]
    assert ratios["cycles"] == pytest.approx(1, abs=0.5)
    only_forward = compare(
        NETWORK, [machine()], ["dfa", "bp"], trace="dense", passes=["FF"]
    ).to_json()["ratios"]["bp"]
    assert only_forward["passes.EP.cycles"] is None
    assert only_forward["passes.FF.cycles"] == 1
