"""Where tensors stand while a step runs, and when they give up their places: the stash, and the
rows of the DRAM.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any
from unittest.mock import patch

import pytest
import simpy

from accelsim.dram.rows import DramRows
from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.mapping.residency import allocate
from accelsim.rules.registry import lower
from accelsim.sim import pipeline as pipeline_module
from accelsim.sim.memory.tensors import TensorMemory
from accelsim.sim.program import Program
from accelsim.step.ops import Operand, Pass, Role, Tensor, TrainingStep, Use, VectorWork
from accelsim.workload.network import Network
from accelsim.zeros.masks import MaskSource
from tests.naive.pipeline import Server
from tests.random_machines import machine
from tests.reference_networks import Builder
from tests.watched_machine import Watched, dram_of, watch, watch_steps

ROW = 64 * 64
"""Bytes of a row of LPDDR4-3200: 64 bursts of 64 bytes."""


def chain() -> Network:
    return (
        Builder("chain", (6, 6, 4))
        .conv(6)
        .add("relu")
        .conv(6)
        .add("relu")
        .conv(6)
        .add("relu")
        .add("fc", 4)
        .network()
    )


def through_dram(organization: str = "von_neumann", **overrides: Any) -> Machine:
    """A machine whose global buffer has room for staging alone: every tensor lives in DRAM."""
    return machine(
        organization, global_buffer__capacity="129B", global_buffer__staging="64B", **overrides
    )


# The stash


def hand_made(
    *work: tuple[str, str, tuple[str, ...], tuple[str, ...]], sizes: dict[str, int]
) -> TrainingStep:
    """Ops (name, pass, reads, writes) over activations of 16-bit words."""
    tensors = {name: Tensor(name, Role.ACTIVATION, (words,)) for name, words in sizes.items()}
    ops = []
    for name, pass_, reads, writes in work:
        operands = tuple(Operand(tensors[each], Use.READ) for each in reads)
        outputs = tuple(tensors[each] for each in writes)
        ops.append(VectorWork(name, name, Pass(pass_), operands, outputs, (), "add", 1, 1))
    return TrainingStep("by hand", "bp", 1, tuple(ops))


def test_the_stash_peaks_before_the_end_of_ff_where_backward_work_comes_early() -> None:
    """A and B wait together, 2 x (100 + 30) bytes, beside the input X of 7 words, which WG reads
    last; when C of 50 words comes, A is gone; D and the input Y, read in FF alone, are none of it,
    nor are the labels L, which FF does not read.
    """
    step = hand_made(
        ("one", "FF", ("X", "Y"), ("A", "B")),
        ("two", "WG", ("A",), ()),
        ("three", "FF", ("B", "X"), ("C", "D")),
        ("four", "FF", ("D",), ()),
        ("five", "WG", ("B",), ()),
        ("six", "WG", ("C", "X", "L"), ()),
        ("seven", "WG", ("L",), ()),
        sizes={"A": 100, "B": 30, "C": 50, "D": 1000, "X": 7, "Y": 2000, "L": 3000},
    )
    architecture = machine()
    memory = TensorMemory(architecture, allocate(step, architecture, 1), step)
    peaks = []
    for op in step.ops:
        memory.start(0, op)
        for tensor in op.outputs:
            memory.produce(0, tensor, None, op.layer)
        peaks.append(sum(memory._stash.held.values()))
        memory.consumed(0, tuple(operand.tensor.name for operand in op.operands), op.layer)
    assert peaks == [274, 274, 174, 174, 174, 114, 0]
    assert memory.peak_stash_bytes == 274
    assert memory._stash.held == {}
    network = chain()
    assert (
        Program(step, architecture, dram_of(architecture))
        .run(MaskSource(None, network, 1))
        .peak_stash_bytes
        == 274
    )


# Links and ports


def test_nothing_to_move_waits_for_nobody() -> None:
    server = Server(simpy.Environment(), 8)
    assert [server.reserve(80), server.reserve(0), server.reserve(1), server.reserve(0)] == [
        10,
        0,
        11,
        0,
    ]
    assert (server.busy_cycles, server.bits) == (11, 81)


# Rows of the DRAM


def test_a_tensor_takes_the_first_free_rows_that_hold_it() -> None:
    found = DramRows(capacity_bytes=6 * ROW, row_bytes=ROW)
    for name, nbytes in (("a", 1), ("b", 2 * ROW), ("c", ROW + 1)):
        found.place(name, nbytes)
    assert found._places == {"a": (0, ROW), "b": (ROW, 3 * ROW), "c": (3 * ROW, 5 * ROW)}
    found.release("b")
    assert not found.overcommitted
    for name, nbytes in (("d", ROW), ("e", 2 * ROW), ("f", ROW)):
        found.place(name, nbytes)
    assert found._places == {
        "a": (0, ROW),
        "d": (ROW, 2 * ROW),
        "f": (2 * ROW, 3 * ROW),
        "c": (3 * ROW, 5 * ROW),
        "e": (5 * ROW, 7 * ROW),
    }
    assert found.peak_bytes == 7 * ROW
    assert found.overcommitted
    found.release("nobody")


def spans(seen: Watched) -> dict[object, tuple[int, int]]:
    """(first, last) cycle in which each tensor that an op made stands in DRAM: from its first word
    to the end of its last reader.
    """
    made = {tensor.name for op in seen.step.ops for tensor in op.outputs if not tensor.persistent}
    last: dict[object, int] = {}
    for record in seen.run.records:
        for tensor in (*(operand.tensor for operand in record.op.operands), *record.op.outputs):
            if tensor.name in made:
                last[record.step, tensor.name] = max(
                    last.get((record.step, tensor.name), 0), record.end
                )
    first = {each.tensor: each.at for each in reversed(seen.journal.crossings)}
    return {key: (first[key], end) for key, end in last.items() if key in first}


def check_rows(seen: Watched) -> None:
    """A tensor keeps its rows, and no two that are there at once share one."""
    always = (0, seen.run.cycles)
    live = spans(seen)
    rows = {each.tensor: (each.first, each.end) for each in seen.journal.crossings}
    assert all((each.first, each.end) == rows[each.tensor] for each in seen.journal.crossings)
    for (one, (first, end)), (other, (start, stop)) in combinations(rows.items(), 2):
        (began, ended), (starts, stops) = live.get(one, always), live.get(other, always)
        if began < stops and starts < ended:
            assert end <= start or stop <= first, f"{one} and {other} share rows"


@pytest.mark.parametrize("rule", ["bp", "dfa"])
@pytest.mark.parametrize("organization", ["von_neumann", "near_memory"])
@pytest.mark.parametrize("schedule", ["serial", "unlocked"])
def test_no_two_live_tensors_share_rows(organization: str, schedule: str, rule: str) -> None:
    small = (
        {"scratchpad__capacity": "640B", "scratchpad__working": "600B"}
        if organization == "near_memory"
        else {}
    )
    seen = watch(
        chain(), through_dram(organization, partitions=3, **small), rule, schedule=schedule
    )
    assert len({each.tensor for each in seen.journal.crossings}) > 20
    check_rows(seen)


@pytest.mark.parametrize("rule", ["bp", "dfa"])
def test_steps_that_overlap_have_their_own_rows(rule: str) -> None:
    architecture = through_dram(partitions=3)
    seen = watch_steps(chain(), architecture, lower(chain(), rule, 1, "sgd"), 4)
    check_rows(seen)


def test_a_step_needs_the_rows_of_what_lives_at_once_alone() -> None:
    """Every tensor takes one row: 4 weights, 4 momenta and the input stay; labels, and what a step
    makes, come and go.
    """
    seen = watch(chain(), through_dram())
    live = spans(seen)
    most = max(sum(first <= at < last for first, last in live.values()) for at, _ in live.values())
    outside = 4 + 4 + 2
    assert seen.run.peak_dram_bytes <= (outside + most) * ROW
    assert (
        most + outside
        < len(live) + outside
        == len({each.tensor for each in seen.journal.crossings})
    )


def test_tensors_fit_because_rows_are_freed() -> None:
    """A DRAM of one row fewer than all tensors of a step take, and of those that live at once."""
    needed = watch(chain(), through_dram()).run.peak_dram_bytes
    tensors = len({each.tensor for each in watch(chain(), through_dram()).journal.crossings})
    assert needed < (tensors - 1) * ROW
    for room, overcommitted in (
        (needed, False),
        ((tensors - 1) * ROW, False),
        (needed - ROW, True),
    ):

        class Small(DramRows):
            def __init__(self, *arguments: Any) -> None:
                super().__init__(*arguments)
                self._capacity_bytes = room  # noqa: B023  # used at once

        with patch.object(pipeline_module, "DramRows", Small):
            result = simulate(chain(), through_dram(), trace="dense")
        assert any("tensors in DRAM need" in note for note in result.notes) is overcommitted
