"""Bank conflicts against the twin that steps cycle by cycle, and closed forms of streams with a
known answer.
"""

from __future__ import annotations

from math import gcd

from hypothesis import given
from hypothesis import strategies as st

from accelsim.kernels.links.banks import stream_cycles
from tests.naive import banks as naive

small = st.integers(1, 9)


@given(
    st.integers(0, 80),
    st.integers(1, 20),
    small,
    small,
    st.integers(1, 8),
    st.sampled_from([1, 7, 8, 16, 64]),
    st.sampled_from([0, 0, 1, 3, 50]),
)
def test_streams_take_the_cycles_of_the_twin(
    words: int, bits: int, column: int, stride: int, banks: int, width: int, block_lines: int
) -> None:
    arguments = (words, bits, column, stride, banks, width, block_lines)
    found = stream_cycles(*arguments)
    assert found == naive.stream_cycles(*arguments)


@given(st.integers(1, 500), st.integers(1, 40), st.integers(1, 16), st.integers(1, 64))
def test_words_in_a_row_never_conflict_between_interleaved_banks(
    words: int, bits: int, banks: int, width: int
) -> None:
    assert stream_cycles(words, bits, words, 1, banks, width, 0) == -(
        -words * bits // (banks * width)
    )


@given(st.integers(1, 300), st.integers(1, 40), st.integers(1, 16))
def test_a_stride_leaves_the_banks_that_share_no_factor_with_it(
    words: int, stride: int, banks: int
) -> None:
    """One word per line: a stride of s visits banks / gcd(s, banks) banks in turn."""
    visited = banks // gcd(stride, banks)
    assert stream_cycles(words, 16, words, stride, banks, 16, 0) == -(-words // visited)


@given(st.integers(1, 300), st.integers(1, 16))
def test_a_block_in_one_bank_gives_a_line_a_cycle(words: int, banks: int) -> None:
    assert stream_cycles(words, 16, words, 1, banks, 16, 1000) == words
