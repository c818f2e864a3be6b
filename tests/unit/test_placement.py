"""The section `placement`: what is refused, and the order in which scratchpads give out room."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelsim.cli.file_kinds import faults
from accelsim.machine.file_form import file_form
from accelsim.mapping.residency import Residency, allocate
from accelsim.rules.registry import lower
from tests.random_machines import machine
from tests.reference_networks import Builder

NETWORK = Builder("homes", (1, 1, 4)).add("fc", 3).add("fc", 3).network()
"""Weights of 3 x 4 and 3 x 3 words, whose channels of 8 and 6 B go to PEs 0-2 and 3-5 of six."""
STATE_FIRST = ["weights", "feedback", "gradients", "optimizer_state", "copies", "stash"]


def residency(room: int, rule: str = "bp", **placement: object) -> Residency:
    """Homes in scratchpads with ``room`` bytes beside the working space."""
    architecture = machine(
        pe_array__rows=2,
        pe_array__cols=3,
        scratchpad__working="300B",
        scratchpad__capacity=f"{300 + room}B",
        **{f"placement__{key}": value for key, value in placement.items()},
    )
    return allocate(lower(NETWORK, rule, 1, "momentum"), architecture, 1)


def copies(found: Residency) -> dict[str, int]:
    return {name: home.copies for name, home in found.homes.items() if home.copies > 1}


def spilled(found: Residency) -> dict[str, int]:
    return {name: home.spilled for name, home in found.homes.items() if home.spilled}


ORDER = "weights, copies, feedback, gradients, optimizer_state and stash"


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (
            "{order: [weights, copies, feedback]}",
            (
                f"3:20: placement.order must be a list of {ORDER}, each once, "
                "got [weights, copies, feedback]"
            ),
        ),
        (
            "{order: [weights, weights, copies, feedback, gradients, stash]}",
            (
                f"3:20: placement.order must be a list of {ORDER}, each once, "
                "got [weights, weights, copies, feedback, gradients, stash]"
            ),
        ),
        (
            "{order: [copies, weights, feedback, gradients, optimizer_state, stash]}",
            (
                "3:20: placement.order must be weights before copies, "
                "got [copies, weights, feedback, gradients, optimizer_state, stash]"
            ),
        ),
        (
            "{order: [weights, copies, feedback, gradient, optimizer_state, stash]}",
            (
                "3:48: placement.order[3] must be weights, copies, feedback, gradients, "
                "optimizer_state or stash, got gradient; did you mean gradients?"
            ),
        ),
        ("{order: weights}", "3:20: placement.order must be a list or null, got weights"),
        (
            "{copies: 0}",
            "3:21: placement.copies must be >= 1, got 0",
        ),
        (
            "{copies: most}",
            "3:21: placement.copies must be auto or an integer from 1 to 65536, got most",
        ),
        (
            "{stash: dram}",
            "3:20: placement.stash must be buffer, scratchpad, auto or null, got dram",
        ),
        ("{copy: 1}", "3:13: placement.copy is not a known key; known keys: order, copies, stash"),
    ],
)
def test_a_fault_has_its_place_and_its_rule(tmp_path: Path, key: str, message: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(f"base: near-memory\nname: m\nplacement: {key}\n")
    found = [str(fault).removeprefix(f"{tmp_path}/m.yaml:") for fault in faults(path)]
    assert found == [message]


def test_the_section_is_in_the_file_form() -> None:
    form = file_form(machine(placement__order=STATE_FIRST, placement__copies=2))
    assert form["placement"] == {"order": STATE_FIRST, "copies": 2}
    assert file_form(machine())["placement"]["copies"] == "auto"


def test_copies_before_state_take_its_room() -> None:
    """Homes take 8 B of PEs 0-2 and 6 B of PEs 3-5. Both weights have a second set in the other
    three: 14 B. Each state has two PEs per channel: 4 and 5 words for both, 2 and 2 for each, that
    is 4 B of every PE, so with copies 22 B. Room for state goes to the last layer first.
    """
    assert copies(residency(22)) == {"fc0.weight": 2, "fc1.weight": 2}
    assert spilled(residency(22)) == {}
    assert copies(residency(18)) == {"fc0.weight": 2, "fc1.weight": 2}
    assert spilled(residency(18)) == {"fc0.momentum": 12}
    # State first: 8 + 8 B, and no room for copies.
    first = residency(18, order=STATE_FIRST)
    assert (copies(first), spilled(first)) == ({}, {})
    assert copies(residency(22, order=STATE_FIRST)) == {"fc0.weight": 2, "fc1.weight": 2}


def test_a_limit_of_copies() -> None:
    one = Builder("one", (1, 1, 4)).add("fc", 2).network()
    for limit, expected in (("auto", 3), (1, 1), (2, 2), (3, 3), (9, 3)):
        found = allocate(lower(one, "bp", 1), machine(placement__copies=limit), 1)
        assert found.homes["fc0.weight"].copies == expected
