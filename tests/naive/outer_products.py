"""Plain twin of outer products: the words and the order of a lane, and the room of its sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.naive.machine import Lanes, Stream, Work


def outer_segment(work: Work, k: int, lane: int, lanes: int) -> Stream:
    """Stream of a lane in an outer product: a contiguous segment of the moving vector, sample after
    sample.
    """
    size = -(-work.outer // lanes)
    columns = [work.stream(k, c) for c in range(lane * size, min((lane + 1) * size, work.outer))]
    return [column[n] for n in range(len(columns[0]) if columns else 0) for column in columns]


def outer_segments(
    work: Work, lanes: int, machine: Lanes, channels: int, held: int, staged: int
) -> int:
    """Segments of an outer product's moving vector: one per lane, or as many more as it takes for
    the partial sums of a PE to fit its working space.

    A PE works on ``channels`` output channels with one or several lanes each, holds ``held`` sums
    in accumulators, and stages ``staged`` positions of both operands, twice, per lane.
    """
    samples = len(work.stream(0, 0))
    each = channels * (machine.lanes if machine.kind == "lanes" else 1)
    words = -(-work.outer // lanes)
    if samples == 1 or words * each <= held:
        return min(lanes, work.outer)
    space = machine.working_bits
    for _ in range(machine.lanes * 2 * staged):
        space -= 2 * machine.word_bits
    if words * each * machine.psum_bits <= space:
        return min(lanes, work.outer)
    errors = sum(machine.word_bits for _ in range(samples) for _ in range(channels))
    if 2 * errors <= machine.working_bits and errors + each * machine.psum_bits <= space:
        space -= errors
    parts = 1
    while -(-words // parts) * each * machine.psum_bits > space and parts < words:
        parts += 1
    return min(lanes * parts, work.outer)
