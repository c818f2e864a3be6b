"""Han et al. 2020, table 4, from the ops that the rules of recurrent networks emit (forensics G,
errata 4 to 6).

T = 35 steps, a hidden state of 200, a vocabulary of 33,278, batch 20. Decimal megabytes, values
alone.
"""

from __future__ import annotations

import pytest

from accelsim.rules.registry import lower
from accelsim.step.ops import Op, Tensor, Use
from accelsim.workload.loading import load_network

BLOCKS = 35 * 36 // 2
WORKLOADS = ("rnn-wikitext2", "lstm-wikitext2", "gru-wikitext2")


def feedback(workload: str, rule: str) -> tuple[list[Op], list[Tensor]]:
    network = load_network(workload)
    ops = [op for op in lower(network, rule, network.batch).ops if op.kind == "feedback"]
    return ops, list(
        {
            o.tensor.name: o.tensor for op in ops for o in op.operands if o.use is Use.STATIONARY
        }.values()
    )


def counted(workload: str, rule: str) -> tuple[int, int]:
    """(dense MACs of the batch, words)."""
    ops, tensors = feedback(workload, rule)
    return sum(op.dense_macs for op in ops), sum(tensor.elements for tensor in tensors)


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("rule", ["revised", "triangular"])
def test_the_table_counts_a_matrix_a_step(workload: str, rule: str) -> None:
    weights = 33_278 * 200 * 35 + BLOCKS * 200 * 200
    assert counted(workload, f"{rule}:per_step=true") == (20 * weights, weights)
    assert weights == 258_146_000
    assert f"{4 * weights / 1e6:.1f}" == "1032.6"


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_shared_matrix_does_the_same_work_with_fewer_words(workload: str) -> None:
    words = 33_278 * 200 + BLOCKS * 200 * 200
    assert counted(workload, "revised") == (20 * 258_146_000, words)
    assert f"{4 * words / 1e6:.1f}" == "127.4"


@pytest.mark.parametrize("workload", WORKLOADS)
def test_direct_feedback_into_both_layers(workload: str) -> None:
    assert counted(workload, "dfa:per_step=true") == (20 * 33_278 * 14_000, 33_278 * 14_000)


@pytest.mark.parametrize(
    ("sparsity", "s_fc", "block"), [("0.5", 16_639, 100), ("0.9", 3_328, 20), ("0.98", 666, 4)]
)
def test_sparse_rows_keep_a_whole_number_of_entries(sparsity: str, s_fc: int, block: int) -> None:
    """The table multiplies 258,146,000 by 1 - s; here each row of S_fc (33,278 errors) and of a
    block (200) is rounded, S_fc's to 665.56 -> 666.
    """
    macs, words = counted(
        "lstm-wikitext2", f"revised:sparsity={sparsity},per_step=true,binary=true"
    )
    assert words == s_fc * 200 * 35 + BLOCKS * block * 200
    assert macs == 20 * words
    assert words == pytest.approx((1 - float(sparsity)) * 258_146_000, rel=1e-3)


def test_positions_cost_more_than_signs_at_98_percent() -> None:
    """Errata 6: the table's 0.65 MB are signs alone. Positions kept as indices take 16 and 8 bits
    beside each.
    """
    _, tensors = feedback("lstm-wikitext2", "revised:sparsity=0.98,per_step=true,binary=true")
    assert {(tensor.shape[-1] == 33_278, tensor.bits, tensor.index_bits) for tensor in tensors} == {
        (True, 1, 16),
        (False, 1, 8),
    }
    assert f"{sum(tensor.elements for tensor in tensors) / 8e6:.2f}" == "0.65"
    assert f"{sum(tensor.elements * tensor.index_bits for tensor in tensors) / 8e6:.2f}" == "9.83"
