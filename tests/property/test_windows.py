"""Windows of loop nests against the products of a one-dimensional convolution."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from accelsim.step.window import Window

Product = tuple[int, int, int]


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """Window of a forward pass. The elements it reads need not cover the map, nor lie inside it."""
    taps, stride, dilation = (draw(st.integers(1, 4)) for _ in range(3))
    size, positions, padding = (
        draw(st.integers(least, most)) for least, most in ((1, 9), (1, 7), (0, 5))
    )
    return Window(size, positions, taps, stride, dilation, padding)


def products(window: Window) -> set[Product]:
    """(position, tap, element) of every product in the forward pass."""
    return {
        (position, tap, element)
        for position in range(window.positions)
        for tap in range(window.taps)
        for element in range(window.size)
        if position * window.stride + tap * window.dilation - window.padding == element
    }


def read(window: Window) -> set[Product]:
    """(position, tap, element) that a window reads, by its definition."""
    triples = set()
    for position in range(window.positions):
        for tap in range(window.taps):
            place = position * window.stride + tap * window.dilation - window.padding
            element, rest = divmod(place, window.spacing)
            if rest == 0 and 0 <= element < window.size:
                triples.add((position, tap, element))
    return triples


@given(windows())
def test_every_pass_reads_the_products_of_the_forward_one(window: Window) -> None:
    """Errors go back from positions to elements; gradients are computed at taps."""
    forward = products(window)
    assert read(window) == forward
    assert {(p, t, e) for e, t, p in read(window.transposed)} == forward
    assert {(p, t, e) for t, p, e in read(window.swapped)} == forward


@given(windows())
def test_pairs_inside_are_the_products(window: Window) -> None:
    count = len(products(window))
    assert window.pairs_inside == count
    assert window.transposed.pairs_inside == count
    assert window.swapped.pairs_inside == count


@given(windows(), st.booleans())
def test_streams_read_the_same_elements(window: Window, keep_zeros: bool) -> None:
    for each in (window, window.transposed):
        table = each.reads(keep_zeros)
        assert len(table) == each.positions
        for position, row in enumerate(table):
            expected = sorted(e for p, _, e in read(each) if p == position)
            assert sorted(int(e) for e in row if e >= 0) == expected


@given(windows())
def test_reach_is_the_distance_between_the_first_and_the_last_tap(window: Window) -> None:
    places = [tap * window.dilation for tap in range(window.taps)]
    assert window.reach == window.transposed.reach == max(places) - min(places)
