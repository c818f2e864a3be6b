"""What a machine with FIFOs refuses and keeps, and small ops by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accelsim.cli.file_kinds import faults
from accelsim.experiment.simulate import simulate
from accelsim.machine.loading import load_machine
from accelsim.machine.words import home_bits, word_bits
from accelsim.pe.broadcast.section import BroadcastArray
from accelsim.results.result import Result
from accelsim.step.ops import Role, Tensor
from accelsim.zeros.trace import Trace
from tests.naive.broadcast import Array
from tests.naive.machine import Counts, Twin, Work
from tests.random_machines import lanes_of, machine
from tests.reference_networks import Builder


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "pe_array: {kind: broadcast, window: 4}\n",
            "m.yaml:3:29: pe_array.window is a key of kind lanes, not broadcast: leave it out",
        ),
        (
            "pe_array: {kind: broadcast, fifo_depth: 0}\n",
            "m.yaml:3:41: pe_array.fifo_depth must be >= 1, got 0",
        ),
        (
            "pe_array: {kind: broadcast, fifo_depth: 1025}\n",
            "m.yaml:3:41: pe_array.fifo_depth must be <= 1024, got 1025",
        ),
        (
            "pe_array: {kind: broadcast, index_bits: 0}\n",
            "m.yaml:3:41: pe_array.index_bits must be >= 1, got 0",
        ),
        (
            "pe_array: {kind: broadcast, index_bits: 17}\n",
            "m.yaml:3:41: pe_array.index_bits must be <= 16, got 17",
        ),
        (
            "pe_array: {kind: broadcast, dataflow: input_stationary}\n",
            "m.yaml:3:29: pe_array.dataflow is a key of kind systolic, not broadcast: leave it out",
        ),
        (
            "pe_array: {fifo_depth: 4}\n",
            "m.yaml:3:12: pe_array.fifo_depth is a key of kind broadcast, not lanes: leave it out",
        ),
        (
            "pe_array: {index_bits: 5}\n",
            "m.yaml:3:12: pe_array.index_bits is a key of kind broadcast, not lanes: leave it out",
        ),
        (
            "pe_array: {kind: broadcast}\nnear_memory: {transpose: psum_reduce}\n",
            (
                "m.yaml:4:26: near_memory.transpose must be remote_read or transposable in an "
                "array "
                "with FIFOs, got psum_reduce"
            ),
        ),
    ],
)
def test_rules_between_keys_word_for_word(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(f"name: mine\nbase: near-memory\n{text}", encoding="utf-8")
    assert [str(fault).removeprefix(f"{tmp_path}/") for fault in faults(path)] == [message]


@pytest.mark.parametrize("base", ["near-memory", "von-neumann", "systolic-32x32", "tensordash"])
def test_any_array_becomes_one_with_fifos_and_back(tmp_path: Path, base: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(
        f"name: mine\nbase: {base}\npe_array: {{kind: broadcast, fifo_depth: 3, index_bits: 2}}\n",
        encoding="utf-8",
    )
    array = BroadcastArray.of(load_machine(path).pe_array)
    assert (array.kind, array.fifo_depth, array.index_bits) == ("broadcast", 3, 2)
    back = tmp_path / "back.yaml"
    back.write_text("name: back\nbase: m.yaml\npe_array: {kind: lanes}\n", encoding="utf-8")
    assert load_machine(back).pe_array.kind == "lanes"
    back.write_text("name: back\nbase: m.yaml\npe_array: {fifo_depth: 4}\n", encoding="utf-8")
    assert load_machine(back).pe_array == array.model_copy(update={"fifo_depth": 4})


def test_index_bits_are_part_of_a_stored_word() -> None:
    """In its home and on its way; nothing else has an index, nor has what is not skipped."""
    both, none = (
        machine(
            pe_array__kind="broadcast",
            pe_array__index_bits=3,
            pe_array__skip={"ff": skip, "ep": skip},
        )
        for skip in ("both", "moving")
    )
    weight, error = Tensor("w", Role.WEIGHT, (4, 5)), Tensor("e", Role.ERROR, (2, 5))
    sparse = Tensor("b", Role.FEEDBACK, (4, 1, 1, 10), 4, index_bits=4)
    assert [
        word_bits(weight, both),
        home_bits(weight, both),
        word_bits(weight, none),
        word_bits(error, both),
    ] == [19, 19, 16, 16]
    assert [word_bits(sparse, both), word_bits(sparse, none), word_bits(sparse, machine())] == [
        19,
        19,
        20,
    ]


def forward(
    network: str, sizes: tuple[int, int], found: dict[str, np.ndarray], **overrides: Any
) -> Any:
    """FF of one fully connected layer on one row of PEs."""
    built = Builder(network, (1, 1, sizes[0])).add("fc", sizes[1]).network()
    row = {
        "pe_array__rows": 1,
        "pe_array__cols": 2,
        "pe_array__lanes": 1,
        "pe_array__skip": {"ff": "both"},
    }
    architecture = machine(pe_array__kind="broadcast", **row, **overrides)
    result = simulate(
        built,
        architecture,
        rule="bp",
        batch=1,
        trace=Trace.from_masks(network, "bp", "random", 0, 0, found),
    )
    assert isinstance(result, Result)
    return next(op for op in result.ops if op.name == "fc0.FF")


def test_a_layer_by_hand() -> None:
    """Two PEs, four outputs, inputs 1 0 1: column 0 has words for outputs 0, 2 and 3, column 2 for
    output 1 alone.

    PE 0 (outputs 0 and 2) takes 2 cycles and 1 for the empty column, PE 1 (outputs 1 and 3) 1 and
    1.
    """
    weights = np.array([[1, 1, 0], [0, 1, 1], [1, 1, 0], [1, 1, 0]], np.bool_)
    op = forward(
        "hand", (3, 4), {"fc0.weight": weights, "fc0.input": np.array([[1, 0, 1]], np.bool_)}
    )
    assert op.cycles - op.array_cycles.stall.total == 3
    assert {key: getattr(op.macs, key) for key in ("dense", "executed", "effectual", "gated")} == {
        "dense": 12,
        "executed": 4,
        "effectual": 4,
        "gated": 0,
    }
    assert {
        key: getattr(op.lane_cycles, key) for key in ("busy", "window_empty", "imbalance", "idle")
    } == {
        "busy": 4,
        "window_empty": 1,
        "imbalance": 1,
        "idle": 0,
    }


def test_a_padding_zero_takes_a_cycle_and_is_no_mac() -> None:
    """Rows 0 and 3 of PE 0 with an index of one bit: of the two zeros between, one is a stored
    padding zero.
    """
    weights = np.zeros((8, 1), np.bool_)
    weights[[0, 6]] = True
    found = {"fc0.weight": weights, "fc0.input": np.ones((1, 1), np.bool_)}
    narrow, wide = (forward("padding", (1, 8), found, pe_array__index_bits=bits) for bits in (1, 2))
    cycles = [op.cycles - op.array_cycles.stall.total for op in (narrow, wide)]
    assert cycles == [3, 2]
    assert narrow.macs.executed == wide.macs.executed == 2


@pytest.mark.parametrize("skip", ["both", "moving", "stationary", "none"])
def test_zeros_of_a_dense_feedback_matrix(skip: str) -> None:
    """A trace may say which words of B are zero: against the twin, whose feedback rows then have
    them.
    """
    random = np.random.default_rng(5)
    network = (
        Builder("feedback", (2, 2, 3))
        .add("conv", 4, kernel=(1, 1))
        .add("relu")
        .add("fc", 5)
        .network()
    )
    found = {
        "fc2.feedback": random.random((16, 5)) < 0.5,
        "fc2.error": random.random((2, 5)) < 0.6,
        "fc2.mask": random.random((2, 16)) < 0.7,
    }
    architecture = machine(
        pe_array__kind="broadcast",
        pe_array__skip={"ep": skip},
        pe_array__fifo_depth=2,
        pe_array__index_bits=1,
    )
    result = simulate(
        network,
        architecture,
        rule="dfa",
        batch=3,
        trace=Trace.from_masks("feedback", "dfa", "random", 0, 0, found),
    )
    assert isinstance(result, Result)
    op = next(each for each in result.ops if each.name == "fc2.EP")
    lanes = lanes_of(architecture)
    work = Twin(network, found, 3, lanes, "dfa", 0, 0).ops()["fc2.EP"]
    dense = work.stream

    def stream(channel: int, m: int) -> list[tuple[int, int, bool]]:
        neuron = m % (work.positions // 3) * work.channels + channel
        return [
            (a, int(found["fc2.feedback"][neuron, i]), mac)
            for i, (a, _, mac) in enumerate(dense(channel, m))
        ]

    expected = Array(
        Work(
            "EP",
            work.channels,
            work.positions,
            stream,
            work.dense,
            work.needed,
            column_words=work.column_words,
        ),
        lanes,
    ).run()
    causes = {
        key: getattr(op.lane_cycles, key) for key in ("busy", "window_empty", "imbalance", "idle")
    }
    macs = {key: getattr(op.macs, key) for key in ("dense", "effectual", "executed", "gated")}
    assert Counts(**macs, cycles=op.cycles - op.array_cycles.stall.total, **causes) == expected


@pytest.mark.parametrize(
    ("name", "nest"),
    [
        (
            "fc0.FF",
            """fc0.FF: 5 channels x 2 positions, reduction of 7 (canonical)
  out[n, k] += activation[n, c] * weight[k, c]
  n in 2, k in 5, c in 7; words of 16 and 16 bits
  for (n, p, q) in 2 x 1 position tile                   # scratchpad
    for (r, s, c) in 7: broadcast                        # PE array
      parallel k over 2 PEs                              # PE array
        for k in 3, 1 at a time: multiply, accumulate    # lanes""",
        ),
        (
            "fc0.WG",
            """fc0.WG: 5 channels x 7 positions, reduction of 2 (canonical)
  out[k, c] += activation[n, c] * error[n, k]
  c in 7, k in 5, n in 2; words of 16 and 16 bits
  for (n, c) in 14: broadcast                            # PE array
    parallel k over 2 PEs                                # PE array
      for k in 3, 1 at a time: multiply, accumulate      # lanes""",
        ),
    ],
)
def test_the_loop_nest_says_what_is_broadcast(name: str, nest: str) -> None:
    network = Builder("nest", (1, 1, 7)).add("fc", 5).network()
    architecture = machine(
        pe_array__kind="broadcast", pe_array__rows=1, pe_array__cols=2, pe_array__lanes=1
    )
    op = next(
        each
        for each in simulate(network, architecture, rule="bp", batch=2, trace="dense").to_json()[
            "ops"
        ]
        if each["name"] == name
    )
    assert [" ".join(line.split()) for line in op["mapping"]["nest"]] == [
        " ".join(line.split()) for line in nest.splitlines()
    ]
