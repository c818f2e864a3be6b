"""Masks of feedback that a trace gives: every feedback matrix takes them, on every PE kind."""

from __future__ import annotations

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.results.result import Result
from accelsim.rules.registry import lower
from accelsim.sim.encodings import Encoding, encode
from accelsim.workload.network import Network
from accelsim.zeros.masks import MaskSource
from accelsim.zeros.stored import stored_entries
from accelsim.zeros.trace import Trace, TraceTensor
from tests.naive import tensor_formats as naive
from tests.random_machines import machine
from tests.reference_networks import Builder
from tests.unit.test_triangular import words

ERRORS = np.array([[1, 0, 0], [0, 1, 1]], np.bool_)
"""Of the three outputs, by sample."""
ONES = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]], np.bool_)
"""B of five neurons. Sample 0 meets a non-zero in rows 0 and 1, sample 1 in rows 2 and 3."""
TWOS = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 1], [0, 0, 1], [0, 0, 0]], np.bool_)
"""Sample 0 meets rows 0 and 1, sample 1 row 0 once, row 2 twice and row 3 once: 2 + 4 in all."""


def network() -> Network:
    return Builder("small", (1, 1, 6)).add("fc", 5).add("relu").add("fc", 3).network()


def trace(feedback: np.ndarray, of: Network | None = None, rule: str = "ssdfa") -> Trace:
    network_ = of or network()
    masks = {f"{network_.output.name}.error": ERRORS, f"{network_.output.name}.feedback": feedback}
    return Trace.from_masks(network_.name, rule, "", 0, 0, masks)


LANES = {"pe_array__lanes": 2}
MACHINES = {
    "lanes": machine(),
    "lanes in one window": machine(pe_array__structural_zeros="window"),
    "coupled": machine(pe_array__kind="coupled"),
    "broadcast": machine(pe_array__kind="broadcast"),
    "systolic": machine("systolic"),
    "row stationary": machine("systolic", pe_array__kind="row_stationary"),
}


@pytest.mark.parametrize("arch", MACHINES.values(), ids=MACHINES)
@pytest.mark.parametrize(
    ("rule", "feedback", "effectual"),
    [("ssdfa", ONES, 4), ("sdfa:k=2", TWOS, 6), ("sdfa:k=2", ONES, 4), ("dfa", TWOS, 6)],
)
def test_effectual_macs_are_those_of_the_mask(
    rule: str, feedback: np.ndarray, effectual: int, arch: object
) -> None:
    found = ep(simulate(network(), arch, rule=rule, batch=2, trace=trace(feedback, rule=rule)))
    assert found.macs.effectual == effectual
    stored = {"ssdfa": 1, "sdfa:k=2": 2, "dfa": 3}[rule]
    assert found.macs.dense == 2 * 5 * stored
    # Samples 2 and 3 repeat 0 and 1.
    twice = ep(simulate(network(), arch, rule=rule, batch=4, trace=trace(feedback, rule=rule)))
    assert twice.macs.effectual == 2 * effectual


def ep(result: Result) -> object:
    return next(op for op in result.ops if op.name == "fc2.EP")


@pytest.mark.parametrize(
    ("skip", "executed"),
    [
        # Entries that sdfa stores for TWOS: columns 01, 0(1), 12, (0)2, (0)(1), zeros in brackets.
        ("none", 20),
        # Non-zero errors under the entries: sample 0 in rows 0, 1, 3, 4; sample 1 in rows 0 (one),
        # 1 (one), 2 (two), 3 (one), 4 (one).
        ("moving", 4 + 6),
        ("stationary", 2 * 6),
        ("both", 6),
    ],
)
def test_lanes_execute_what_the_skipped_operand_leaves(skip: str, executed: int) -> None:
    for kind in ({}, {"pe_array__kind": "coupled"}):
        arch = machine(pe_array__skip__ep=skip, **kind)
        result = simulate(network(), arch, rule="sdfa:k=2", batch=2, trace=trace(TWOS))
        assert ep(result).macs.executed == executed


def test_entries_of_a_row_with_few_non_zeros_are_filled_with_zeros() -> None:
    rows, nonzero = stored_entries(TraceTensor.from_mask(TWOS), 2)
    assert rows.tolist() == [[0, 1], [0, 1], [1, 2], [0, 2], [0, 1]]
    assert nonzero.tolist() == [[1, 1], [1, 0], [1, 1], [0, 1], [0, 0]]
    with pytest.raises(ValueError, match="rows store 1 entries, got one with 2 non-zeros"):
        stored_entries(TraceTensor.from_mask(TWOS), 1)


def test_every_time_step_reads_the_mask() -> None:
    """Three steps, each with its own B when the trace has none."""
    network_ = words("gru")
    layer = network_.output
    neurons, errors = 4, 7
    mask = np.arange(errors) == np.arange(neurons)[:, None]
    given = Trace.from_masks(network_.name, "ssdfa", "", 0, 0, {f"{layer.name}.feedback": mask})
    for rule in ("ssdfa", "ssdfa:per_step=true"):
        step = lower(network_, rule, 2)
        source = MaskSource(given, network_, 2)
        ops = [op for op in step.ops if op.name.startswith(f"{layer.name}.EP")]
        assert len(ops) == network_.time_steps > 1
        for op in ops:
            assert source.feedback_indices(op)[:, 0].tolist() == [0, 1, 2, 3]


def test_a_mask_that_the_rule_cannot_store_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        simulate(network(), rule="ssdfa", batch=2, trace=trace(TWOS))
    assert "must have at most 1 non-zeros per row, which ssdfa stores, got 2 in row 0" in str(
        caught.value
    )


def test_a_matrix_from_another_map_takes_its_mask() -> None:
    """`modular` carries the error of fc2, 7 elements, to the input of fc1 in the same module."""
    deep = (
        Builder("deep", (1, 1, 6)).add("fc", 5).add("relu").add("fc", 7).add("relu").add("fc", 3)
    ).network()
    modules = ["fc2", "fc4"]
    deep = Network(deep.name, deep.input_shape, deep.layers, modules=tuple(modules))
    mask = np.eye(5, 7, dtype=np.bool_)
    given = Trace.from_masks("deep", "modular", "", 0, 0, {"fc2.feedback": mask})
    result = simulate(deep, rule="modular", batch=2, trace=given)
    assert ep(result).macs.effectual == 2 * 5
    with pytest.raises(InputError, match=r"must be of shape \(5, 3\) under dfa, got \(5, 7\)"):
        simulate(deep, rule="dfa", batch=2, trace=given, trace_any_rule=True)


def test_a_mask_that_no_op_reads_is_told() -> None:
    result = simulate(network(), rule="bp", batch=2, trace=trace(TWOS, rule="bp"))
    assert "no op of bp reads the trace's fc2.feedback" in result.notes


@pytest.mark.parametrize("form", ["bitmap", "rle", "csc"])
@pytest.mark.parametrize("rule", ["dfa", "sdfa:k=2"])
def test_formats_store_the_non_zeros_of_the_mask(rule: str, form: str) -> None:
    """B of a map of 2 x 3 x 4 and six errors, stored channel by channel."""
    network_ = (
        Builder("sparse", (2, 3, 2)).conv(4).add("relu").conv(3).add("relu").add("fc", 6).network()
    )
    random = np.random.default_rng(5)
    matrix = np.zeros((2, 3, 4, 6), np.bool_)
    for neuron in np.ndindex(2, 3, 4):
        matrix[neuron][random.permutation(6)[: random.integers(0, 3)]] = True
    masks = {"conv2.feedback": matrix.reshape(24, 6)}
    given = MaskSource(Trace.from_masks("sparse", rule, "", 0, 0, masks), network_, 1)
    architecture = machine(
        format__feedback=form, format__run_bits=2, format__index_bits=1, format__pointer_bits=8
    )
    found = encode(lower(network_, rule, 1), architecture, given).of["conv2.feedback"]
    stored = matrix.transpose(2, 0, 1, 3).astype(int)
    assert found.bits == bits(form, stored)
    assert found.elements == (48 if rule == "sdfa:k=2" else stored.size)


def bits(form: str, stored: np.ndarray) -> int:
    """Bits of a matrix (C, H, W, errors): a stream per channel, a column per error."""
    streams = stored.reshape(len(stored), -1).tolist()
    if form == "bitmap":
        return stored.size + 16 * int(stored.sum())
    if form == "rle":
        return sum(len(naive.encode_runs(stream, 3)) * 18 for stream in streams)
    columns = stored.reshape(-1, stored.shape[-1]).T.tolist()
    entries = sum(len(naive.encode_runs(column, 1)) for column in columns)
    return entries * 17 + 8 * (len(columns) + 1)


@pytest.mark.parametrize("sparsity", [0, 0.5])
def test_identity_blocks_are_effectual_on_their_diagonal(sparsity: float) -> None:
    """Three steps; blocks of 4 x 4. Step i reads 3 - i blocks, of which the first is an identity:
    dense, 4 of its 16 words are not zero; at half density, those of its 8 stored words that are on
    the diagonal. No error is zero; two samples.
    """
    network_ = words("gru")
    rule = f"revised:sparsity={sparsity},init=random"
    result = simulate(network_, rule=rule, batch=2, trace="dense")
    source = MaskSource(None, network_, 2)
    step = lower(network_, rule, 2)
    steps = network_.time_steps
    for op in result.ops:
        if not op.name.startswith("cell0.EP.t"):
            continue
        at = int(op.name[-2:])
        diagonal, block = 4, 16
        if sparsity:
            rows = source.feedback_indices(step.op(op.name))[:, :2]
            diagonal = sum(neuron in row for neuron, row in enumerate(rows.tolist()))
            block = 8
        assert op.macs.dense == 2 * block * (steps - at)
        assert op.macs.effectual == 2 * (diagonal + block * (steps - at - 1))


def test_encoding_of_an_identity_block() -> None:
    """One step: 4 non-zeros of 16 words, 16 bits each beside the bitmap."""
    network_ = words("gru", steps=1)
    architecture = machine(format__feedback="bitmap")
    step = lower(network_, "revised", 1)
    found = encode(step, architecture, MaskSource(None, network_, 1)).of["cell0.feedback"]
    assert found == Encoding(16, 4, 16, 16 + 4 * 16)
