"""Sizes of compressed tensors against encoders that produce every field, and whose output decodes
to the tensor.
"""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from accelsim.kernels.bits.formats import entries_at, run_entries
from tests.naive import tensor_formats as naive

values = st.sampled_from([0, 0, 0, 1, 7])
rows = st.integers(1, 40).flatmap(
    lambda length: st.lists(
        st.lists(values, min_size=length, max_size=length), min_size=1, max_size=6
    )
)
mosts = st.sampled_from([0, 1, 2, 3, 15])


@given(rows, mosts)
def test_entries_are_those_of_the_encoder_and_decode_to_the_tensor(
    matrix: list[list[int]], most: int
) -> None:
    mask = np.array(matrix) != 0
    assert run_entries(mask, most).tolist() == naive.run_entries(matrix, most)
    length = len(matrix[0])
    assert entries_at(np.flatnonzero(mask), length, most) == sum(naive.run_entries(matrix, most))
    for row in matrix:
        entries = naive.encode_runs(row, most)
        assert naive.decode_runs(entries, length) == row
        assert all(0 <= run <= most for run, _ in entries)


@given(rows)
def test_a_bitmap_decodes_to_the_tensor(matrix: list[list[int]]) -> None:
    flat = [value for row in matrix for value in row]
    bits, stored = naive.encode_bitmap(flat)
    assert naive.decode_bitmap(bits, stored) == flat
    assert len(stored) == int(np.count_nonzero(flat))


@given(rows, mosts)
def test_columns_decode_to_the_matrix(matrix: list[list[int]], most: int) -> None:
    entries, pointers = naive.encode_csc(matrix, most)
    assert naive.decode_csc(entries, pointers, len(matrix)) == matrix
    columns = np.ascontiguousarray((np.array(matrix) != 0).T)
    assert int(run_entries(columns, most).sum()) == len(entries)
    assert len(pointers) == len(matrix[0]) + 1


def test_a_run_of_sixteen_zeros_takes_a_padding_entry_of_four_bit_runs() -> None:
    """The example of Han et al. 2016 (EIE), section III.B: [0,0,1,2, 18 zeros, 3] is v = [1,2,0,3],
    z = [2,0,15,2].
    """
    vector = [0, 0, 1, 2, *[0] * 18, 3]
    assert naive.encode_runs(vector, 15) == [(2, 1), (0, 2), (15, 0), (2, 3)]
    assert run_entries(np.array([vector]) != 0, 15).tolist() == [4]
