"""Systolic arrays: the closed forms against SCALE-Sim's published runs and against registers
shifted cycle by cycle.
"""

from __future__ import annotations

import numpy as np
import pytest

from accelsim.kernels.dense.systolic import fold_cycles
from tests.naive import systolic as naive

# SCALE-Sim v3 golden runs on a 32x32 array (github.com/scalesim-project/SCALE-Sim, commit 1d62b68a,
# test/general/golden_trace_*/ COMPUTE_REPORT.csv): compute cycles as it reports them, the index of
# the last cycle, one less than the number of cycles.
GOLDEN = [
    pytest.param(256, 128, 256, "os", 10175, id="GEMM os"),
    pytest.param(256, 128, 256, "ws", 11199, id="GEMM ws"),
    pytest.param(256, 128, 256, "is", 14207, id="GEMM is"),
    pytest.param(3025, 96, 363, "ws", 112283, id="AlexNet conv1 ws"),
]


@pytest.mark.parametrize(("m", "n", "k", "dataflow", "reported"), GOLDEN)
def test_cycles_are_scalesims_and_one(m: int, n: int, k: int, dataflow: str, reported: int) -> None:
    assert fold_cycles(m, n, k, 32, 32, dataflow)[0] == reported + 1


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 4), (2, 5, 3), (4, 4, 9), (1, 6, 2)])
def test_one_fold_is_what_shifted_registers_take(shape: tuple[int, int, int]) -> None:
    rows, cols, depth = shape
    rng = np.random.default_rng(sum(shape))
    a, b = rng.integers(-9, 10, (rows, depth)), rng.integers(-9, 10, (depth, cols))
    product, cycles = naive.output_stationary(a, b)
    assert np.array_equal(product, a @ b)
    assert fold_cycles(rows, cols, depth, rows, cols, "os") == (cycles, 1)
    stream, held = rng.integers(-9, 10, (depth, rows)), rng.integers(-9, 10, (rows, cols))
    product, cycles = naive.operand_stationary(stream, held)
    assert np.array_equal(product, stream @ held)
    assert fold_cycles(depth, cols, rows, rows, cols, "ws") == (cycles, 1)
    assert fold_cycles(cols, depth, rows, rows, cols, "is") == (cycles, 1)


def test_a_ragged_fold_costs_a_whole_one() -> None:
    assert fold_cycles(33, 64, 10, 32, 32, "os") == (4 * (10 + 62), 4)
    assert fold_cycles(10, 33, 65, 32, 32, "ws") == (6 * (10 + 94), 6)
    assert fold_cycles(33, 10, 65, 32, 32, "is") == (6 * (10 + 94), 6)


def test_an_unknown_dataflow_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^dataflow must be os, ws or is, got rs$"):
        fold_cycles(1, 1, 1, 1, 1, "rs")
