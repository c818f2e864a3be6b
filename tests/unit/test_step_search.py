"""The search for the places and mappings of a step: what it may change, and that it helps."""

from __future__ import annotations

from typing import Any

import pytest

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.machine.placement import KINDS
from accelsim.results.result import Result
from tests.random_machines import machine
from tests.reference_networks import Builder

NETWORK = (
    Builder("crowded", (8, 8, 8))
    .add("conv", 16, kernel=(3, 3), padding=(1, 1, 1, 1))
    .add("relu")
    .add("conv", 16, kernel=(3, 3), padding=(1, 1, 1, 1))
    .add("relu")
    .add("fc", 10)
    .network()
)
"""Fewer channels than PEs, so copies of weights compete with the optimizer's state for room."""


def crowded(**changes: Any) -> Machine:
    """64 PEs in which weights, their copies and two states of Adam do not all fit."""
    return machine(
        pe_array__rows=8,
        pe_array__cols=8,
        scratchpad__capacity="4KiB",
        scratchpad__working="1KiB",
        global_buffer__capacity="48KiB",
        global_buffer__staging="8KiB",
        **changes,
    )


def run(architecture: Machine, objective: str, **setting: Any) -> Result:
    return simulate(
        NETWORK,
        architecture,
        rule="bp",
        batch=4,
        trace="random:0.5",
        optimizer="adam",
        objective=objective,
        **setting,
    )


def test_the_canonical_objective_searches_nothing() -> None:
    found = run(crowded(), "canonical")
    assert found.search is None
    assert all(op.mapping is None or op.mapping.choice is None for op in found.ops)


@pytest.mark.parametrize("objective", ["cycles", "energy", "edp"])
def test_a_search_helps_where_tensors_compete_for_room(objective: str) -> None:
    before, after = (run(crowded(), name) for name in ("canonical", objective))
    value = {
        "cycles": lambda of: of.cycles,
        "energy": lambda of: of.energy_pj,
        "edp": lambda of: of.cycles * of.energy_pj,
    }[objective]
    search = after.search
    assert search is not None
    assert search.tries > 0
    assert value(search.chosen) < value(search.canonical)
    assert value(after) < value(before)


def test_what_a_machine_file_states_is_kept() -> None:
    stated = {"placement__order": list(KINDS), "placement__stash": "buffer"}
    found = run(crowded(**stated, placement__copies=1), "edp").search
    assert found is not None
    assert (found.order, found.stash, found.copies) == (KINDS, "buffer", 1)
    assert found.single == ()


def test_where_all_fits_there_is_nothing_to_try() -> None:
    roomy = {"scratchpad__capacity": "1MiB", "global_buffer__capacity": "4MiB"}
    found = run(crowded().replace(**_nested(roomy)), "edp").search
    assert found is not None
    assert found.tries == 0


def _nested(keys: dict[str, str]) -> dict[str, dict[str, str]]:
    sections: dict[str, dict[str, str]] = {}
    for key, value in keys.items():
        section, field = key.split("__")
        sections.setdefault(section, {})[field] = value
    return sections


def test_a_search_is_the_same_twice() -> None:
    assert run(crowded(), "edp").to_json() == run(crowded(), "edp").to_json()


def test_illegal_pins_are_refused_all_at_once() -> None:
    pins = [{"op": f"conv{at}.FF", "order": "positions", "together": 4000} for at in (0, 2)]
    with pytest.raises(InputError) as refused:
        run(crowded(mapping__pins=pins), "edp")
    assert len(refused.value.faults) == 2


def test_a_choice_is_shown_with_what_it_knew() -> None:
    found = run(machine("von_neumann", mapping__objective="edp"), "edp")
    choices = [op.mapping.choice for op in found.ops if op.mapping and op.mapping.choice]
    assert choices
    for choice in choices:
        assert all(0 <= value <= 1 for value in choice.density.values())
        assert choice.expected.cycles > 0
    moving = {op.name: op.mapping.choice.density["moving"] for op in found.ops if op.mapping}
    assert moving["conv2.FF"] == pytest.approx(0.5, abs=0.05)
