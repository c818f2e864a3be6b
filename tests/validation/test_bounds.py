"""Structural bounds, and the window's, against streams written out position by position."""

from __future__ import annotations

from fractions import Fraction

import pytest

from accelsim.studies.validation import bounds
from accelsim.studies.validation.check import Check
from tests.naive.zero_skip import walk

CHECKS = bounds.checks()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.subject}: {check.quantity}")
def test_every_bound_is_met_exactly(check: Check) -> None:
    """Coupled lanes reach theirs where all pairs, or none, are there to skip; between, they stay
    below it.
    """
    assert check.holds
    if check.expected is None:
        assert 1 < check.measured < 3
    else:
        assert check.measured == check.expected


def stream_of_stride(y: int, x: int, channels: int) -> list[int]:
    """What EP's output pixel (y, x) of a 2x2 kernel of stride 2 sees: an error where its distance
    to the tap is a multiple of the stride.
    """
    return [
        int((y - r) % 2 == 0 and (x - s) % 2 == 0)
        for r in range(2)
        for s in range(2)
        for _ in range(channels)
    ]


def stream_of_dilation(d: int, channels: int) -> list[int]:
    """A 3x3 kernel with the zeros between its taps."""
    return [
        int(r % d == 0 and s % d == 0)
        for r in range(2 * d + 1)
        for s in range(2 * d + 1)
        for _ in range(channels)
    ]


def expected(streams: list[list[int]], window: int) -> Fraction:
    """Every position a cycle, over the cycles of lanes that walk through the window."""
    return Fraction(sum(map(len, streams)), sum(walk(stream, window) for stream in streams))


def of(subject: str, quantity: str) -> float:
    return next(
        check.measured
        for check in CHECKS
        if check.subject.startswith(subject) and check.quantity.startswith(quantity)
    )


def test_the_window_keeps_what_the_streams_say() -> None:
    streams = [stream_of_stride(y, x, bounds.CHANNELS) for y in range(8) for x in range(8)]
    assert (
        of("EP", "speedup, window")
        == float(expected(streams, bounds.WINDOW))
        == pytest.approx(3.4, abs=0.05)
    )
    for d in bounds.DILATIONS:
        assert of(f"FF of a 3x3 convolution, dilation {d}", "speedup, window") == float(
            expected([stream_of_dilation(d, bounds.CHANNELS)], bounds.WINDOW)
        )


def test_zeros_removed_are_the_effectual_share_of_the_streams() -> None:
    streams = [stream_of_stride(y, x, 1) for y in range(8) for x in range(8)]
    assert (
        of("EP", "speedup, zeros removed") == sum(map(len, streams)) / sum(map(sum, streams)) == 4
    )
    for d in bounds.DILATIONS:
        stream = stream_of_dilation(d, 1)
        assert (
            of(f"FF of a 3x3 convolution, dilation {d}", "speedup, zeros removed")
            == len(stream) / sum(stream)
            == (2 * d + 1) ** 2 / 3**2
        )
