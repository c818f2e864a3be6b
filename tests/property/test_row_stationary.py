"""Row-stationary kernels against registers and buses stepped cycle by cycle, and against exhaustive
search over mappings.
"""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.kernels.dense import row_stationary as kernels
from tests.examples import examples
from tests.naive import row_stationary as naive

sizes = st.integers


@st.composite
def shapes(draw: st.DrawFn, most: int = 3) -> tuple[int, ...]:
    """(images, filters, channels, output map, kernel, strides, dilations)."""
    extents = [draw(sizes(1, most)) for _ in range(7)]
    return (*extents, *(draw(sizes(1, 3)) for _ in range(4)))


@st.composite
def all_limits(draw: st.DrawFn, bits: int = 10**6) -> tuple[int, ...]:
    """(registers of a PE, buses, buffer)."""
    return (
        draw(sizes(1, 30)),
        draw(sizes(1, 12)),
        draw(sizes(1, 4)),
        *(draw(sizes(1, 4)) for _ in range(3)),
        bits,
    )


def operands(shape: tuple[int, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    height, width = (
        (shape[3 + axis] - 1) * shape[7 + axis] + (shape[5 + axis] - 1) * shape[9 + axis] + 1
        for axis in (0, 1)
    )
    return rng.integers(-9, 10, (shape[0], shape[2], height, width)), rng.integers(
        -9, 10, (shape[1], shape[2], *shape[5:7])
    )


@settings(max_examples=examples(60), deadline=None)
@given(shapes(), all_limits(), sizes(1, 6), sizes(1, 6), sizes(0, 99))
def test_products_and_cycles_are_those_of_registers_stepped_cycle_by_cycle(
    shape: tuple[int, ...], limits: tuple[int, ...], rows: int, cols: int, seed: int
) -> None:
    choice, cycles = kernels.best_choice(shape, limits, rows, cols, 16, 16)
    assert cycles > 0
    x, w = operands(shape, seed)
    out, stepped, words = naive.convolve(x, w, shape, choice, limits)
    assert np.array_equal(out, naive.direct(x, w, shape))
    assert (
        cycles
        == kernels.total_cycles(shape, choice, limits)
        == stepped
        == naive.total_cycles(shape, choice, limits)
    )
    assert words["psum_out"] - words["psum_in"] == out.size


@settings(max_examples=examples(150), deadline=None)
@given(shapes(4), all_limits(), st.tuples(*(sizes(1, 5) for _ in range(8)), st.booleans()))
def test_a_pass_takes_the_cycles_of_its_steps(
    shape: tuple[int, ...], limits: tuple[int, ...], extents: tuple[int, ...]
) -> None:
    part, rest = kernels.Part(*extents[:6]), (*extents[6:], shape, limits)
    assert kernels.pass_cycles(part, *rest) == naive.pass_cycles(*extents, shape, limits)


@settings(max_examples=examples(60), deadline=None)
@given(shapes(4), sizes(20, 4000).flatmap(all_limits), sizes(1, 6), sizes(1, 6))
def test_the_mapping_is_the_best_of_all(
    shape: tuple[int, ...], limits: tuple[int, ...], rows: int, cols: int
) -> None:
    assert kernels.best_choice(shape, limits, rows, cols, 16, 24) == naive.best_choice(
        shape, limits, rows, cols, 16, 24
    )


@given(sizes(1, 12), sizes(1, 12), sizes(1, 6), sizes(1, 6))
def test_rows_places_and_groups(a: int, b: int, c: int, d: int) -> None:
    assert kernels.input_rows(a, b, c, d) == naive.input_rows(a, b, c, d)
    assert kernels.places(c, b, a, d) == naive.places(c, b, a, d)
    counted: dict[int, int] = {}
    for size, number in kernels.groups(a, b):
        if number:
            counted[size] = counted.get(size, 0) + number
    assert counted == naive.groups(a, b)
    assert kernels.next_part(a, min(a, b)) == naive.next_part(a, min(a, b))
