"""Rules of recurrent networks as ops: what each op reads and waits for, what is stored, whose zeros
it sees, and what is refused.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.kernels.bits.bitmaps import to_mask
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction, Op, Pass, TrainingStep, Use
from accelsim.step.zero_sources import Dense
from accelsim.workload.loading import load_network
from accelsim.workload.network import Network
from accelsim.zeros.masks import MaskSource
from accelsim.zeros.trace import Trace
from tests.naive.bounds import bounds
from tests.random_networks import network_of
from tests.reference_networks import Builder


def words(*cells: str, dim: int = 4, steps: int = 3) -> Network:
    """An embedding, cells of 4, and a classifier of 7."""
    layers = [{"name": "embedding", "kind": "embedding", "dim": dim}]
    layers += [
        {"name": f"cell{index}", "kind": kind, "hidden": 4} for index, kind in enumerate(cells)
    ]
    layers.append({"name": "fc", "kind": "fc", "out_features": 7})
    return network_of(
        {
            "name": "words",
            "input": {"sequence": steps, "vocabulary": 9},
            "batch": 2,
            "layers": layers,
        }
    )


def read(op: Op, use: Use) -> list[str]:
    return [operand.tensor.name for operand in op.operands if operand.use is use]


def propagation(step: TrainingStep) -> list[Op]:
    return [op for op in step.ops if op.pass_ is Pass.EP and isinstance(op, Contraction)]


def ancestors(step: TrainingStep) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for op in step.ops:
        found[op.name] = set(op.depends_on).union(*(found[name] for name in op.depends_on))
    return found


@pytest.mark.parametrize("rule", ["triangular", "revised", "revised:sparsity=0.5,binary=true"])
@pytest.mark.parametrize(
    ("kind", "error"),
    [("rnn", "cell1.gate_error"), ("lstm", "cell1.error"), ("gru", "cell1.error")],
)
def test_a_row_reads_the_errors_of_its_step_and_later_ones(
    rule: str, kind: str, error: str
) -> None:
    step = lower(words("lstm", kind), rule, 2)
    for layer, landed in (("cell1", "cell0.error"), ("cell0", "embedding.error")):
        for t in range(3):
            op = step.op(f"{layer}.EP.t{t:02d}")
            assert op.kind == "feedback"
            assert read(op, Use.MOVING) == [f"{error}.t{later:02d}" for later in range(t, 3)]
            assert read(op, Use.STATIONARY) == [f"{layer}.feedback.t{t:02d}"]
            assert [tensor.name for tensor in op.outputs] == [f"{landed}.t{t:02d}"]
            b = bounds(op)
            assert (b.n, b.k, b.c) == (2, 4, 4 * (3 - t))


@pytest.mark.parametrize("rule", ["triangular", "revised"])
@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_no_error_crosses_time_or_layers_step_by_step(rule: str, kind: str) -> None:
    """S_fc waits for the loss alone; a block's row for the feedback into the last cell at its own
    and later steps, and nothing else.
    """
    step = lower(words("gru", kind), rule, 2)
    before, passes = ancestors(step), {op.name: op.pass_ for op in step.ops}
    for t in range(3):
        assert {name for name in before[f"fc.EP.t{t:02d}"] if passes[name] is not Pass.FF} == {
            "loss.EP"
        }
        later = [f"t{other:02d}" for other in range(t, 3)]
        expected = {"loss.EP", *(f"fc.EP.{each}" for each in later)} | (
            {f"cell1.gate.EP.{each}" for each in later} if kind == "rnn" else set()
        )
        for layer in ("cell0", "cell1"):
            assert {
                name for name in before[f"{layer}.EP.t{t:02d}"] if passes[name] is not Pass.FF
            } == expected


def test_blocks_are_stored_once_and_shared_feedback_once_for_all_steps() -> None:
    for per_step, words_of_output in (("false", 7 * 4), ("true", 3 * 7 * 4)):
        step = lower(words("rnn"), f"triangular:per_step={per_step}", 2)
        tensors = {
            o.tensor.name: o.tensor
            for op in propagation(step)
            for o in op.operands
            if o.use is Use.STATIONARY
        }
        assert (
            sum(t.elements for name, t in tensors.items() if name.startswith("fc."))
            == words_of_output
        )
        assert sum(t.elements for name, t in tensors.items() if name.startswith("cell0.")) == 6 * 16
        assert all(
            tensor.persistent and tensor.bits is None and not tensor.index_bits
            for tensor in tensors.values()
        )


def test_sparse_rows_and_their_indices() -> None:
    step = lower(words("lstm"), "revised:sparsity=0.6,binary=true", 2)
    rows = {op.name: (bounds(op).nonzeros, op.operands[-1].tensor) for op in propagation(step)}
    # round(0.4 * 7) = 3 of the output's errors; round(0.4 * 4) = 2 of each block's
    assert {name: nonzeros for name, (nonzeros, _) in rows.items()} == {
        **{f"fc.EP.t{t:02d}": 3 for t in range(3)},
        **{f"cell0.EP.t{t:02d}": 2 * (3 - t) for t in range(3)},
    }
    assert {(name[:2], tensor.bits, tensor.index_bits) for name, (_, tensor) in rows.items()} == {
        ("fc", 1, 3),
        ("ce", 1, 2),
    }
    assert {name: tensor.elements for name, (_, tensor) in rows.items()} == {
        name: 4 * nonzeros for name, (nonzeros, _) in rows.items()
    }
    least = lower(words("lstm"), "revised:sparsity=0.99", 2)
    assert {bounds(op).nonzeros for op in propagation(least)} == {1, 2, 3}


def test_options_without_a_count_change_no_op() -> None:
    plain = lower(words("gru"), "revised", 2).ops
    for option in ("init=bw", "scale=0.5", "sparsity=0"):
        assert lower(words("gru"), f"revised:{option}", 2).ops == plain
    # The printed exponents make no block an identity: zeros differ, and nothing else does.
    printed = lower(words("gru"), "revised:exponent=printed", 2).ops
    assert printed != plain
    assert [without_zeros(op) for op in printed] == [without_zeros(op) for op in plain]


def without_zeros(op: Op) -> Op:
    return replace(op, operands=tuple(replace(each, zeros=Dense()) for each in op.operands))


def test_a_sequence_of_one_token_has_one_block() -> None:
    step = lower(words("lstm", steps=1), "triangular", 2)
    assert [op.name for op in propagation(step)] == ["fc.EP", "cell0.EP"]
    assert step.op("cell0.EP").dense_macs == 2 * 16


# Zeros

MASK = np.random.default_rng(3).random((3, 2, 4)) < 0.5


def masks(**named: np.ndarray) -> MaskSource:
    network = words("lstm")
    return MaskSource(
        Trace.from_masks(
            network.name,
            "bp",
            "",
            0,
            0,
            {key.replace("__", "."): mask for key, mask in named.items()},
        ),
        network,
        2,
    )


def test_rows_see_the_zeros_of_each_step_side_by_side() -> None:
    step = lower(words("lstm"), "triangular", 2)
    source = masks(cell0__error=MASK)
    for t in range(3):
        bound = source.moving(step.op(f"cell0.EP.t{t:02d}"))
        assert bound is not None
        found = to_mask(bound.words, bound.channels).reshape(2, -1)
        assert np.array_equal(found, np.concatenate(list(MASK[t:]), axis=1))
    assert masks(fc__error=np.ones((3, 2, 7), bool)).moving(step.op("cell0.EP.t00")) is None


def test_sparse_rows_name_equally_many_errors_of_each_step() -> None:
    step = lower(words("lstm"), "revised:sparsity=0.5", 2)
    source = masks(cell0__error=MASK)
    for t in range(3):
        named = source.feedback_indices(step.op(f"cell0.EP.t{t:02d}"))
        assert named.shape == (4, 2 * (3 - t))
        for row in named:
            assert len(set(row)) == len(row)
            assert [int(index) // 4 for index in sorted(row)] == [
                block for block in range(3 - t) for _ in range(2)
            ]


# Refusals


@pytest.mark.parametrize(
    ("network", "rule", "message"),
    [
        (
            words("rnn"),
            "revised:groups=4",
            "revised.groups must be left out for a network with recurrent layers, got 4",
        ),
        (
            words("rnn"),
            "revised:order=printed",
            "revised.order must be left out for a network with recurrent layers, got printed",
        ),
        (
            words("rnn"),
            "revised:modules=cell0+fc",
            "revised.modules must be left out for a network with recurrent layers, got cell0+fc",
        ),
        (
            load_network("mnist-fc"),
            "revised:sparsity=0.5",
            "revised.sparsity must be left out for a network without recurrent layers, got 0.5",
        ),
        (
            load_network("mnist-fc"),
            "revised:per_step=true",
            "revised.per_step must be left out for a network without recurrent layers, got true",
        ),
        (
            words("rnn"),
            "revised:sparsity=1",
            "revised.sparsity must be a number from 0, below 1, got 1",
        ),
        (
            words("rnn", dim=3),
            "revised",
            "revised must have inputs of cell0 as long as the state of cell0 (4), got 3",
        ),
        (words(), "triangular", "triangular must have a network with recurrent layers, got words"),
        (words(), "revised", "revised must have a network with recurrent layers, got words"),
        (
            Builder("images").conv(4).add("fc", 3).network(),
            "triangular",
            "triangular must have a network with recurrent layers, got images",
        ),
    ],
)
def test_refusals(network: Network, rule: str, message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        lower(network, rule, 1)


def test_every_option_of_the_other_kind_is_named_at_once() -> None:
    with pytest.raises(InputError) as refusal:
        lower(words("rnn"), "revised:groups=2,order=counted", 1)
    assert len(refusal.value.faults) == 2


def test_triangular_takes_inputs_of_any_length() -> None:
    assert lower(words("rnn", dim=3), "triangular", 1).op("cell0.EP.t00").dense_macs == 3 * 12
