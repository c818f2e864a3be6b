"""Verdicts of the claims audit on made-up numbers: each sentence says what holds of them, in what,
and on which workload.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import pytest

from accelsim.config.catalog import find
from accelsim.config.loader import load_model
from accelsim.dram.standard import DramSpec
from accelsim.dram.table import resolve
from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims import parallel as claims_parallel
from accelsim.studies.papers.claims.costs import BURST_BYTES, MACHINES, machine
from accelsim.studies.papers.claims.counted import items as claims_counted
from accelsim.studies.papers.claims.dilation import ABSORBED, MODES, _holds
from accelsim.studies.papers.claims.machine import SHARED
from accelsim.studies.papers.claims.parallel import PARTITIONS, WITHOUT, _owed, _saturation
from accelsim.studies.papers.claims.places import (
    BOTH,
    ELSEWHERE,
    FAINT,
    KEPT,
    NO_LESS,
    OUTWEIGHED,
    number,
    outcome,
    places,
    saved,
)
from accelsim.studies.papers.claims.verdicts import verdicts
from accelsim.studies.papers.claims.whole_step import kind, whole_step
from accelsim.studies.papers.han2020.locking import RULES, SETTINGS, Case, Latency
from tests.made_up_claims import Ratios, measured, pair

MEMORY, BINARY, MACS, MOVED = "memory-99.0%", "binary-96.9%", "macs-2x", "movement-6400x"


@cache
def counted() -> dict[str, Item]:
    """Readings without a machine."""
    return {item.id: item for item in claims_counted.items()}


def verdict(items: list[Item], claim: str) -> str:
    return next(item.note for item in verdicts(items) if item.id == f"claims/{claim}/verdict")


def flat(ep: float, step: float, *costs: str) -> Ratios:
    return dict.fromkeys(costs or ("words moved", "DRAM bytes", "energy"), (ep, step))


@pytest.mark.parametrize(
    ("ep", "step", "said"),
    [
        (50.0, 1.1, KEPT),
        (-5.0, 1.1, ELSEWHERE),
        (50.0, 1.0, FAINT),
        (50.0, 0.01, FAINT),
        (50.0, 0.0, OUTWEIGHED),
        (0.01, -30.0, OUTWEIGHED),
        (-40.0, -20.0, NO_LESS),
        (-40.0, -21.0, BOTH),
        (0.0, 0.0, NO_LESS),
        (0.0, -1.0, BOTH),
    ],
)
def test_what_becomes_of_a_saving_is_read_from_eps_own_number(
    ep: float, step: float, said: str
) -> None:
    """EP of 100, a step of 400: what EP adds is -ep, what the step adds -4 step."""
    assert outcome(ep, step, -ep, -4 * step) == said


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([1.1, 3.0], "less at every batch"),
        ([0.7, 3.0], "less at every batch, at some or all by no more than 1 %"),
        ([0.043, 0.5], "less at every batch, at some or all by no more than 1 %"),
        ([-0.001, 0.5], "less at some batches, not at others"),
        ([-3.0, 0.0], "no less at any batch"),
    ],
)
def test_a_saving_below_a_percent_is_one(steps: list[float], said: str) -> None:
    assert kind(steps, "less") == said


def test_a_number_is_never_said_to_be_zero_that_is_none() -> None:
    assert [number(value) for value in (0.0, 0.043, -0.0043, 0.05, 12.34)] == [
        "0.0",
        "0.04",
        "-0.004",
        "0.1",
        "12.3",
    ]


def test_no_two_workloads_are_put_together_in_the_whole_step() -> None:
    worse, better = pair("resnet50-cifar10", MEMORY), pair("vgg16-cifar10", MEMORY)
    items = [
        *measured(worse, MEMORY, {1: flat(3.0, 3.6)}),
        *measured(better, MEMORY, {1: flat(0.5, 0.89)}),
    ]
    note = whole_step(items).note
    assert "no less at any batch: memory-99.0% of resnet50-cifar10 (-260.0 %)" in note
    assert "less at every batch: memory-99.0% of vgg16-cifar10 (11.0 %)" in note
    assert "-260.0 to" not in note


def test_the_whole_step_names_the_machine_where_machines_differ_in_kind() -> None:
    of = pair("vgg16-cifar10", MEMORY)
    near, far = MACHINES
    items = [
        *measured(of, MEMORY, {1: flat(0.5, 0.9)}, [near]),
        *measured(of, MEMORY, {1: flat(2.0, 1.2), 4: flat(0.5, 1.2)}, [far]),
    ]
    note = whole_step(items).note
    assert f"less at every batch: memory-99.0% of vgg16-cifar10 on {near} (10.0 %)" in note
    assert f"no less at any batch: memory-99.0% of vgg16-cifar10 on {far} (-20.0 %)" in note
    assert f"{NO_LESS}: memory-99.0% of vgg16-cifar10 on {far} at batch 1" in note
    assert f"{OUTWEIGHED}: memory-99.0% of vgg16-cifar10 on {far} at batch 4" in note


def test_the_whole_step_leaves_other_kinds_of_feedback_to_the_claims_own_verdicts() -> None:
    claim = "triangle-44.6%"
    apart, shared = (
        measured(pair("rnn-wikitext2", claim, kind_), claim, {1: flat(0.5, step)})
        for kind_, step in (("", 0.8), (SHARED, 0.7))
    )
    assert whole_step([*apart, *shared]).note == whole_step(apart).note


def test_cheaper_is_said_of_a_cost_and_runs_of_two_claims_are_named_once() -> None:
    moved, worked = pair("alexnet", MOVED), pair("alexnet", MACS)
    items = [
        *measured(moved, MOVED, {256: flat(1.2, 1 / 0.974)}),
        *measured(worked, MACS, {256: flat(0.1, 0.9, "MACs executed", "cycles")}),
    ]
    note = whole_step(items).note
    assert (
        "Energy of a step: no less at any batch: movement-6400x and macs-2x of alexnet (-2.7 %)"
        in note
    )
    assert (
        "Cycles of a step: fewer at every batch: movement-6400x and macs-2x of alexnet (10.0 %)"
        in note
    )
    said = verdict(items, MACS)
    assert (
        "energy 0.83x in EP, 0.97x in a step (EP itself takes no less)" in said
        or "energy 0.83x in EP, 0.98x in a step (EP itself takes no less)" in said
    )
    assert "MACs executed 10.00x in EP+WG, 10.00x in EP, 1.11x in a step" in said


def test_a_memory_verdict_gives_words_bytes_and_energy_of_ep_and_step() -> None:
    of = pair("vgg16-cifar10", MEMORY)
    by_batch = {
        1: {"words moved": (0.255, 0.878), "DRAM bytes": (1.5, 1.01), "energy": (0.58, 0.911)},
        64: {"words moved": (1.383, 1.17), "DRAM bytes": (1.6, 1.241), "energy": (0.7, 0.92)},
    }
    said = verdict(measured(of, MEMORY, by_batch, [MACHINES[0]]), MEMORY)
    assert (
        "vgg16-cifar10 on near-memory: words moved from 38.3 % more to 74.5 % fewer in EP, from "
        "17.0 % more to 12.2 % fewer in a step " in said
    )
    assert f"({KEPT} at batch 1; {NO_LESS} at batch 64)" in said
    assert f"DRAM bytes 50.0 to 60.0 % more in EP, 1.0 to 24.1 % more in a step ({NO_LESS})" in said
    assert (
        "energy 30.0 to 42.0 % less in EP, 8.0 to 8.9 % less in a step. Batches: 1 and 64." in said
    )


def test_a_binary_verdict_says_nothing_of_words() -> None:
    said = verdict(
        measured(
            pair("vgg16-cifar10", BINARY),
            BINARY,
            {1: flat(1.0, 1.0, "words moved") | flat(0.1, 0.9, "DRAM bytes", "energy")},
        ),
        BINARY,
    )
    assert "words moved" not in said
    assert "DRAM bytes 90.0 % fewer in EP" in said


def test_recurrent_verdicts_say_what_ran_and_where_shared_matrices_make_no_difference() -> None:
    claim = "triangle-44.6%"
    apart, shared = pair("rnn-wikitext2", claim), pair("rnn-wikitext2", claim, SHARED)
    near, far = MACHINES
    same = flat(0.55, 0.8)
    items = [
        *measured(apart, claim, {1: same, 20: same}),
        *measured(shared, claim, {1: same}, [far]),
        *measured(shared, claim, {1: flat(0.2, 0.7)}, [near]),
    ]
    said = verdict(items, claim)
    assert f"Batches: 1 and 20 (rnn-wikitext2); 1 (rnn-wikitext2 {SHARED})." in said
    assert "Only the plain RNN runs; LSTM and GRU are counted" in said
    assert f"On {far} savings of words and bytes are the same" in said
    assert "plain RNN" not in verdict(
        measured(pair("vgg16-cifar10", MEMORY), MEMORY, {1: same}), MEMORY
    )


def test_bytes_below_a_burst_count_as_none() -> None:
    """A percentage is all or none of it; a ratio is not given, but the verdict says that all is
    saved.
    """
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
    assert f"DRAM bytes {1 / some:.2f}x (all saved at batch 1) in EP" in verdict(moved, MOVED)
    nothing = measured(
        pair("vgg16-cifar10", MEMORY), MEMORY, {1: flat(1.0, 1.0, "DRAM bytes")}, near, unit=1.0
    )
    assert next(iter(places(MEMORY, nothing).values()))["DRAM bytes", "EP"].saved == {1: 0.0}
    assert "DRAM bytes none with either rule at batch 1 in EP" in verdict(nothing, MEMORY)


@pytest.mark.parametrize("name", MACHINES)
def test_a_burst_is_that_of_both_machines(name: str) -> None:
    spec = load_model(find("dram", machine(name).dram.standard), DramSpec)
    assert resolve(spec).burst_bytes == BURST_BYTES


# Claims without passes


def test_dilation_is_absorbed_where_lane_cycles_fall_as_macs_do() -> None:
    known, wide, narrow = MODES
    macs = [3.0, 3.0]
    said = _holds(
        {
            known: ([3.0, 1 + 2 * ABSORBED], macs),
            wide: ([2.6, 2.6], macs),
            narrow: ([1.0, 1.0], macs),
        }
    )
    holds, partly, not_at_all = said.split("; ")
    assert holds == f"The statement, read as one on lane cycles, holds with {known}"
    assert partly == f"it holds in part with {wide} (80 % of the gain)"
    assert not_at_all == f"it does not hold with {narrow}."


def made_up(dfa: dict[int, int], bptt: int, without: tuple[int, int]) -> dict[Case, Latency]:
    """Latencies with the same numbers on every machine."""
    found: dict[Case, Latency] = {}
    for setting in SETTINGS:
        for rule, name in ((RULES["DFA"], "DFA"), (RULES["Revised, 98 % sparse"], "Revised")):
            for reading in claims_parallel.READINGS:
                for partitions in PARTITIONS:
                    old, new = reading.cases(rule, setting, partitions)
                    apart = reading.name == WITHOUT
                    found[old] = Latency(without[0] if apart else bptt, 1)
                    found[new] = Latency(
                        without[1] if apart else dfa[partitions] if name == "DFA" else bptt, 1
                    )
    return found


def test_latency_that_still_falls_with_the_most_pes_is_not_saturated() -> None:
    falling = {partitions: 140_000 // partitions for partitions in PARTITIONS}
    said = _saturation(made_up(falling, 10, (1, 1)))
    pes = 256 * PARTITIONS[-1]
    assert (
        f"up to {pes:,} PEs on near-memory own memory (2.00x from 2 times the PEs at the "
        f"last increase; the largest number here, not saturated)" in said
    )
    flat_end = falling | {PARTITIONS[-1]: falling[PARTITIONS[-2]]}
    assert f"up to {256 * PARTITIONS[-2]:,} PEs on near-memory own memory" in _saturation(
        made_up(flat_end, 10, (1, 1))
    )
    assert "nowhere on near-memory" in _saturation(
        made_up(dict.fromkeys(PARTITIONS, 5), 10, (1, 1))
    )


def test_a_gain_that_is_gone_without_the_output_layer_is_owed_to_it() -> None:
    constant = dict.fromkeys(PARTITIONS, 10)
    assert "DFA's 23.40x on near-memory own memory (0.73x without it)" in _owed(
        made_up(constant, 234, (73, 100))
    )
    assert _owed(made_up(constant, 234, (101, 100))) == ""


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
