"""The stash in scratchpads: its room, its way over the NoC, and when it gives its room back."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest

from accelsim.errors import LawViolation
from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.mapping.residency import allocate
from accelsim.mapping.stash_room import StashRoom
from accelsim.results.result import Result
from accelsim.rules.registry import lower
from accelsim.sim.ledger import VARIABLE
from accelsim.sim.memory.held import Place
from accelsim.sim.memory.tensors import TensorMemory
from accelsim.step.ops import Tensor, TrainingStep
from tests.random_machines import machine
from tests.reference_networks import Builder
from tests.unit.test_places import hand_made
from tests.watched_machine import watch

NETWORK = Builder("pair", (1, 1, 4)).add("fc", 6).add("relu").add("fc", 3).network()
STASH = ("relu1.out", "relu1.mask", "fc2.out")
"""6 words, 6 masks of one bit, 3 words."""


@pytest.fixture(autouse=True)
def _books(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")


def without_buffer(organization: str = "near_memory", **overrides: Any) -> Machine:
    """A machine whose global buffer has one byte beside staging."""
    small = {"global_buffer__capacity": "129B", "global_buffer__staging": "64B"}
    return machine(organization, **small, **overrides)


def run(stash: str, **overrides: Any) -> Result:
    found = simulate(
        NETWORK,
        without_buffer(placement__stash=stash, **overrides),
        trace="dense",
        optimizer="momentum",
    )
    assert isinstance(found, Result)
    return found


def places(result: Result) -> dict[str, str]:
    return {each.name: each.place for each in result.tensors if each.name in STASH}


def test_words_cross_the_noc_instead_of_the_bus() -> None:
    before, after = run("buffer"), run("scratchpad")
    assert set(places(before).values()) == {"dram", "global_buffer"}
    assert set(places(after).values()) == {"scratchpads"}
    # Map and mask are written once and read twice, the output is written and read once. The buffer
    # held the mask.
    assert before.words.dram - after.words.dram == 3 * 6 + 2 * 3
    assert after.words.local - before.words.local == 3 * 6 + 2 * 3 + 3 * 6
    assert after.words.global_buffer - before.words.global_buffer == 3 * 6
    assert after.words.remote == before.words.remote
    received = [sum(op.words_received for op in each.ops) for each in (before, after)]
    assert received[1] - received[0] == 6 + 3 + 6
    assert all(not each.words_by_cause for each in after.tensors if each.name in STASH)
    assert before.peak_stash_bytes == after.peak_stash_bytes
    # 96 + 6 + 48 bits wait together.
    assert "the scratchpads hold at most 19 bytes of the stash" in after.notes
    assert not any("of the stash" in note for note in before.notes)


@pytest.mark.parametrize("topology", ["tree", "mesh"])
def test_bits_of_every_stage(topology: str) -> None:
    seen = watch(NETWORK, without_buffer(placement__stash="scratchpad", noc__topology=topology))
    written = {"relu1.FF": 96 + 6, "fc2.FF": 48}
    read = {"fc2.FF": 96, "loss.EP": 48, "fc2.EP": 6, "fc2.WG": 96, "relu1.EP": 6}
    # Six PEs in two rows. All leave by the port of row 1, and each has a sixth of the words.
    ports = slice(4 * 6, 4 * 6 + 2)
    for record in seen.run.records:
        plan, name = record.plan, record.op.name
        bits = read.get(name, 0), written.get(name, 0)
        if topology == "tree":
            assert (plan.stash_in_bits, plan.stash_out_bits) == bits
            continue
        meshes = plan.mesh_load, plan.mesh_store
        assert tuple(0 if mesh is None else mesh[ports].sum() for mesh in meshes) == bits
        assert (plan.stash_in_bits, plan.stash_out_bits) == (0, 0)


def test_a_wait_for_stash_alone_is_one_for_the_noc() -> None:
    """FF of fc2 moves nothing over DRAM: its operands come from scratchpads, and its output goes
    there.
    """
    slow = {"noc__width": 1, "clock": "10MHz"}
    before, after = (
        next(op for op in run(stash, **slow).ops if op.name == "fc2.FF").array_cycles.stall
        for stash in ("buffer", "scratchpad")
    )
    assert before.dram > 0
    # 96 bits go up, 96 down into the PEs, 48 up, 48 down, bit by bit; the drain is a stall of its
    # own.
    assert (after.dram, after.noc, after.drain) == (0, 96 + 96 + 48, 48)


# Room


def test_gradients_and_stash_share_a_room() -> None:
    """Four PEs with 10, 10, 20 and 40 bytes left; a gradient takes 4 bytes of each."""
    room = StashRoom(range(4), total_bytes=80, every_bytes=10, for_gradients=4)
    assert (room.free_for_stash(), room.free_for_gradients()) == (8 * 64, 10)
    room.stash_bits = 8 * 64
    assert (room.free_for_stash(), room.free_for_gradients()) == (0, 4)
    room.gradient_bytes = 4
    assert (room.free_for_stash(), room.free_for_gradients()) == (0, 0)
    # A second gradient while there is less stash: 80 - 30 bytes are 12 a PE.
    room.stash_bits = 8 * 30
    assert (room.free_for_stash(), room.free_for_gradients()) == (8 * 34, 6)
    room.gradient_bytes = 10
    assert (room.free_for_stash(), room.free_for_gradients()) == (8 * 10, 0)
    first = StashRoom(range(4), total_bytes=80, every_bytes=10, for_stash=7)
    assert (first.free_for_stash(), first.free_for_gradients()) == (8 * 80, 10)
    tight = StashRoom(range(4), total_bytes=40, every_bytes=10, for_stash=7)
    assert (tight.free_for_stash(), tight.free_for_gradients()) == (8 * 40, 3)


def step() -> TrainingStep:
    """A and B wait for a later pass, C does not."""
    return hand_made(
        ("one", "FF", (), ("A",)),
        ("two", "FF", ("A",), ("B", "C")),
        ("three", "FF", ("C",), ()),
        ("four", "WG", ("B",), ()),
        ("five", "WG", ("A",), ()),
        sizes={"A": 100, "B": 30, "C": 10},
    )


def held(architecture: Machine) -> list[dict[str, str]]:
    """Places after the start of each op."""
    made = step()
    memory = TensorMemory(architecture, allocate(made, architecture, 1), made)
    found = []
    for op in made.ops:
        memory.start(0, op)
        for tensor in op.outputs:
            memory.produce(0, tensor, None, op.layer)
        now = {}
        for name in ("A", "B", "C"):
            tensor = next(t for each in made.ops for t in each.tensors if t.name == name)
            now[name] = place(memory, tensor)
        found.append({name: each for name, each in now.items() if each != "dram"})
        memory.consumed(0, tuple(operand.tensor.name for operand in op.operands), op.layer)
        for tensor in op.outputs:
            memory.finished(0, tensor, op.layer)
    assert all(room.stash_bits == 0 for room in memory.residency.stash_rooms)
    return found


def place(memory: TensorMemory, tensor: Tensor) -> str:
    if memory.stash_pes(0, tensor) is not None:
        return str(Place.SCRATCHPADS)
    return "dram" if memory.in_dram(0, tensor) else str(Place.GLOBAL_BUFFER)


def with_room(pads: int, buffer: int, stash: str, organization: str = "near_memory") -> Machine:
    """Bytes beside the working space of each of two PEs, and beside staging."""
    return machine(
        organization,
        pe_array__rows=1,
        pe_array__cols=2,
        scratchpad__working="600B",
        scratchpad__capacity=f"{600 + pads}B",
        global_buffer__staging="16B",
        global_buffer__capacity=f"{32 + buffer}B",
        placement__stash=stash,
    )


@pytest.mark.parametrize("organization", ["near_memory", "von_neumann"])
def test_the_order_of_memories(organization: str) -> None:
    """200 B of A, 60 B of B, 20 B of C. Two PEs have 2 x 100 B, and then one byte less."""
    pads, buffer = "scratchpads", "global_buffer"
    cases = {
        ("scratchpad", 100, 80): {"A": pads, "B": buffer, "C": buffer},
        ("scratchpad", 99, 80): {"B": pads, "C": buffer},
        ("scratchpad", 130, 80): {"A": pads, "B": pads, "C": buffer},
        ("auto", 130, 80): {"A": pads, "B": buffer, "C": buffer},
        ("auto", 130, 200): {"A": buffer, "B": pads},
        ("buffer", 130, 80): {"B": buffer, "C": buffer},
    }
    for (stash, room, beside), expected in cases.items():
        found = held(with_room(room, beside, stash, organization))
        assert found[1] == expected, (stash, room, beside)
        # B is gone after its reader.
        assert found[4] == {name: expected[name] for name in ("A",) if name in expected}


def test_state_leaves_room_for_a_stash_that_comes_first() -> None:
    """One layer of 2 x 4 weights: 8 B of weights and of momentum in each of two PEs, and a stash of
    4 B of outputs.
    """
    one = Builder("one", (1, 1, 4)).add("fc", 2).network()
    made = lower(one, "bp", 1, "momentum")
    last, first = (
        allocate(
            made,
            machine(
                pe_array__rows=1,
                pe_array__cols=2,
                scratchpad__working="600B",
                scratchpad__capacity="616B",
                placement__stash="scratchpad",
                placement__order=order,
            ),
            1,
        )
        for order in (
            ["weights", "copies", "feedback", "gradients", "optimizer_state", "stash"],
            ["weights", "copies", "feedback", "stash", "gradients", "optimizer_state"],
        )
    )
    assert (last.homes["fc0.momentum"].spilled, last.stash_rooms[0].free_for_stash()) == (0, 0)
    # 2 B of 8 B of state in each PE spill: a quarter of its 8 words.
    assert first.homes["fc0.momentum"].spilled == 2
    assert first.stash_rooms[0].free_for_stash() == 8 * 4


def test_a_machine_without_homes_uses_what_scratchpads_have() -> None:
    plain = {"scratchpad__working": "600B", "scratchpad__capacity": "600B"}
    wide = {"scratchpad__working": "600B", "scratchpad__capacity": "700B"}
    words = []
    for pads in (plain, wide):
        architecture = without_buffer("von_neumann", placement__stash="auto", **pads)
        result = simulate(NETWORK, architecture, trace="dense")
        words.append(result.words.dram)
        assert ("scratchpads" in places(result).values()) == (pads is wide)
    assert words[0] - words[1] == 3 * 6 + 2 * 3


# The books


def test_a_stash_that_was_never_written_is_missed() -> None:
    real = TensorMemory.stash_pes

    def imagined(self: TensorMemory, step: int, tensor: Tensor) -> range | None:
        made_up = tensor.name == "relu1.out" and self._left.get((step, tensor.name)) == 1
        return range(6) if made_up else real(self, step, tensor)

    with (
        patch.object(TensorMemory, "stash_pes", imagined),
        pytest.raises(LawViolation, match=r"words of relu1\.out from scratchpads, but only 0"),
    ):
        run("buffer")


def test_a_stash_that_leaves_too_early_is_missed() -> None:
    consumed = TensorMemory.consumed

    def forgetful(self: TensorMemory, step: int, names: tuple[str, ...], layer: str) -> list[str]:
        gone = consumed(self, step, names, layer)
        return gone + [name for name in names if name == "relu1.out" and name not in gone]

    with (
        patch.object(TensorMemory, "consumed", forgetful),
        pytest.raises(LawViolation, match=r"words of relu1\.out from scratchpads, but only 0"),
    ):
        run("scratchpad")
