"""The rows of sparse feedback that the simulator sees are those of the rule that trains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest

from accelsim.kernels.bits.bitmaps import to_mask
from accelsim.rules.direct.numbers import DirectFeedback
from accelsim.rules.registry import lower, rule_numerics
from accelsim.rules.sequence.numbers import SequenceFeedback
from accelsim.rules.spelling import parse_rule
from accelsim.step.ops import Contraction
from accelsim.workload.network import Network
from accelsim.zeros.masks import MaskSource
from tests.random_networks import network_of
from tests.reference_networks import Builder, filled_model

SEED = 3

Entries = np.ndarray
"""Booleans (neurons, errors): what a matrix stores."""


def words(cell: str) -> Network:
    """Two cells, a hidden layer behind them and a classifier, of maps of 12."""
    layers = [{"name": "embedding", "kind": "embedding", "dim": 12}]
    layers += [{"name": name, "kind": cell, "hidden": 12} for name in ("cell0", "cell1")]
    layers += [
        {"name": "hidden", "kind": "fc", "out_features": 12},
        {"name": "relu", "kind": "relu"},
        {"name": "fc", "kind": "fc", "out_features": 20},
    ]
    network = {"name": "words", "input": {"sequence": 4, "vocabulary": 20}, "batch": 1}
    return network_of({**network, "modules": ["cell1", "fc"], "layers": layers})


def images() -> Network:
    builder = Builder("images", (4, 4, 2)).conv(5).add("relu").conv(3).add("relu")
    return builder.add("fc", 9).add("relu").add("fc", 10).network()


def simulated(network: Network, rule: str) -> dict[str, Entries]:
    """Entries by op that reads sparse feedback."""
    masks = MaskSource(None, network, 1, SEED)
    entries = {}
    for op in lower(network, rule, 1).ops:
        if isinstance(op, Contraction) and op.nest.stored:
            rows = masks.feedback_indices(op)
            assert rows.shape == (op.nest.channels * op.nest.map_positions, op.nest.stored)
            entries[op.name] = np.zeros((len(rows), op.nest.depth), np.bool_)
            nonzero = masks.feedback_nonzeros(op)
            stored = np.True_ if nonzero is None else nonzero
            np.put_along_axis(entries[op.name], rows, stored, axis=1)
        elif isinstance(op, Contraction) and rule.startswith("revised") and op.nest.unshared:
            mask = masks.stationary(op)
            if mask is not None:
                entries[op.name] = to_mask(mask.words, mask.channels)[:, 0, 0]
    return entries


def trained(network: Network, rule: str) -> dict[str, Entries]:
    """Entries by op of the matrices that the rule holds."""
    numerics = rule_numerics(parse_rule(rule), filled_model(network), SEED)
    if isinstance(numerics, DirectFeedback):
        return dict(_direct(numerics))
    return dict(_sequence(cast("SequenceFeedback", numerics)))


def _op(layer: str, step: int, steps: int) -> str:
    return f"{layer}.EP" + (f".t{step:02d}" if steps > 1 else "")


def _direct(numerics: DirectFeedback) -> Iterator[tuple[str, Entries]]:
    steps = numerics.model.network.time_steps
    for layer, matrices in numerics.feedback.items():
        for step in range(steps):
            yield _op(layer, step, steps), matrices[step % len(matrices)].dense() != 0


def _sequence(numerics: SequenceFeedback) -> Iterator[tuple[str, Entries]]:
    steps = numerics.model.network.time_steps
    for layer, matrices in numerics.output_feedback.items():
        for step in range(steps):
            yield _op(layer, step, steps), matrices[step % len(matrices)].matrix.T != 0
    for layer, blocks in numerics.blocks.items():
        for step in range(steps):
            row = [blocks.stored[step, later].matrix.T for later in range(step, steps)]
            yield _op(layer, step, steps), np.concatenate(row, axis=1) != 0


def check(network: Network, rule: str) -> None:
    entries, expected = simulated(network, rule), trained(network, rule)
    assert entries.keys() == expected.keys()
    for op, matrix in entries.items():
        assert np.array_equal(matrix, expected[op]), op


@pytest.mark.parametrize("rule", ["sdfa:k=2", "sdfa:k=2,rank=10", "sdfa:k=10", "ssdfa"])
def test_direct_feedback(rule: str) -> None:
    check(images(), rule)


@pytest.mark.parametrize("cell", ["rnn", "gru"])
@pytest.mark.parametrize("per_step", ["true", "false"])
@pytest.mark.parametrize("rule", ["sdfa:k=2,", "sdfa:k=2,rank=10,", "ssdfa:"])
def test_direct_feedback_of_time_steps(rule: str, per_step: str, cell: str) -> None:
    check(words(cell), f"{rule}per_step={per_step}")


SPARSE = "revised:sparsity=0.9,per_step={},init={},binary={},exponent={}"


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
@pytest.mark.parametrize("per_step", ["true", "false"])
@pytest.mark.parametrize("init", ["random", "bw"])
@pytest.mark.parametrize("exponent", ["distance", "printed"])
def test_feedback_through_time(exponent: str, init: str, per_step: str, cell: str) -> None:
    """By distance, the block of the same step is an identity, whose other entries are zeros."""
    check(words(cell), SPARSE.format(per_step, init, "false", exponent))


@pytest.mark.parametrize("init", ["random", "bw"])
def test_powers_by_distance_have_the_same_rows(init: str) -> None:
    network = words("gru")
    by_distance, printed = (
        stored_rows(network, SPARSE.format("true", init, "true", exponent))
        for exponent in ("distance", "printed")
    )
    assert by_distance.keys() == printed.keys()
    assert all(np.array_equal(by_distance[op], printed[op]) for op in printed)


def stored_rows(network: Network, rule: str) -> dict[str, np.ndarray]:
    masks = MaskSource(None, network, 1, SEED)
    ops = [op for op in lower(network, rule, 1).ops if isinstance(op, Contraction)]
    return {op.name: masks.feedback_indices(op) for op in ops if op.nest.stored}


def test_dense_blocks_have_the_zeros_of_the_identity() -> None:
    """Steps 0 to 3: rows of 4, 3, 2 and 1 blocks of 12 x 12, the first an identity."""
    network = words("gru")
    found = simulated(network, "revised:init=random")
    expected = trained(network, "revised:init=random")
    assert len(found) == 2 * 4
    for op, matrix in found.items():
        step = int(op[-2:])
        assert matrix.shape == (12, 12 * (4 - step))
        assert matrix.sum() == 12 + 12 * 12 * (3 - step)
        assert np.array_equal(matrix, expected[op]), op
    assert not simulated(network, "revised:exponent=printed")


@pytest.mark.parametrize(
    "rule", ["sdfa:k=2,per_step=true", "revised:sparsity=0.9,per_step=true", "sdfa:k=2,rank=10"]
)
def test_rows_do_not_depend_on_the_order_of_the_ops(rule: str) -> None:
    network = words("gru")
    ops = [op for op in lower(network, rule, 1).ops if isinstance(op, Contraction)]
    sparse = [op for op in ops if op.nest.stored]
    forward, backward = (MaskSource(None, network, 1, SEED) for _ in range(2))
    rows = [forward.feedback_indices(op) for op in sparse]
    again = [backward.feedback_indices(op) for op in reversed(sparse)]
    assert all(map(np.array_equal, rows, reversed(again)))


def test_time_steps_have_matrices_of_their_own_where_the_rule_says_so() -> None:
    for per_step, distinct in (("true", 4), ("false", 1)):
        entries = simulated(words("gru"), f"sdfa:k=2,per_step={per_step}")
        steps = {entries[f"cell1.EP.t{step:02d}"].tobytes() for step in range(4)}
        assert len(steps) == distinct


def test_dense_feedback_has_no_rows() -> None:
    network = images()
    op = lower(network, "dfa", 1).op(f"{network.output.name}.EP")
    assert isinstance(op, Contraction)
    message = rf"^{op.name} must read feedback with a pattern, got TraceZeros"
    with pytest.raises(TypeError, match=message):
        MaskSource(None, network, 1, SEED).feedback_indices(op)
