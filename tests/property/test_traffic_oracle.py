"""Words of every transfer against a walk through the printed nest, product by product
(`tests/oracle`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from accelsim.mapping.tiling.tiler import Tiler
from tests.examples import examples
from tests.oracle.cases import Case, cases, chosen, row_stationary, skipping, systolic
from tests.oracle.counted import Counted
from tests.oracle.dense import Folds, Passes
from tests.oracle.machines import dense_keys, keys_of, masks_are_kept, simulated
from tests.oracle.skipping import Walk
from tests.oracle.space import Space
from tests.oracle.tiled import TiledWalk, Tiles


def differences(expected: Counted, found: Counted) -> list[str]:
    """What the two counts say about each role, where they differ."""
    told = []
    for role in sorted(expected.moved.keys() | found.moved.keys()):
        a, b = (each.moved.get(role, (0, 0, 0)) for each in (expected, found))
        if a != b:
            told.append(f"{role}: {a} by the walk, {b} simulated (sent, received, from DRAM)")
    for sums in ("sums_out", "sums_back", "kept_sums"):
        a, b = getattr(expected, sums), getattr(found, sums)
        if a != b:
            told.append(f"{sums}: {a} by the walk, {b} simulated")
    return told


def compare(drawn: Iterable[Case], walk: Callable[[Case], Counted]) -> int:
    """Compare all cases. Returns their number."""
    count = 0
    for case in drawn:
        count += 1
        for loop in case.nest.loops:
            shown = ":" in loop.text or (loop.parallel and len(loop.letters) == 1)
            assert loop.turns != 1 or shown, case.text
        assert masks_are_kept(case.machine, case.mapping), case.text
        told = differences(walk(case), simulated(case.mapping))
        assert not told, "\n".join([case.text, *told])
    return count


PARTS = 10


def walked(case: Case) -> Counted:
    """Words of an op on an array that skips zeros."""
    if case.mapping.tiling is not None:
        return tiled(case).run()
    return Walk(case.nest, keys_of(case.machine), case.home, case.made_at_home).run()


def folded(case: Case) -> Counted:
    """Words of an op on a systolic array."""
    return Folds(case.nest, dense_keys(case.machine)).run()


def passed(case: Case) -> Counted:
    """Words of an op on a row-stationary array."""
    return Passes(case.nest, dense_keys(case.machine)).run()


def tiled(case: Case) -> TiledWalk:
    """Walk through the nest of a chosen mapping."""
    assert case.mapping.tiling is not None
    tiles = Tiles(*vars(case.mapping.tiling).values())
    return TiledWalk(case.nest, keys_of(case.machine), case.home, case.made_at_home, tiles)


@pytest.mark.parametrize("part", range(PARTS))
def test_pes_that_skip_zeros_receive_what_their_outputs_read(part: int) -> None:
    numbers = range(part, examples(1000, 10000), PARTS)
    counts = [compare(cases(number, skipping), walked) for number in numbers]
    assert sum(counts) > len(numbers)


@pytest.mark.parametrize("part", range(PARTS))
def test_chosen_nests_move_what_their_loops_read(part: int) -> None:
    numbers = range(part, examples(600, 6000), PARTS)
    counts = [compare(chosen(number), walked) for number in numbers]
    assert sum(counts) > len(numbers) // 2


@pytest.mark.parametrize("part", range(PARTS))
def test_tilings_are_refused_if_they_do_not_fit(part: int) -> None:
    seen = set()
    for number in range(part, examples(400, 6000), PARTS):
        for case in chosen(number):
            tiling, keys, space = case.mapping.tiling, keys_of(case.machine), Space(tiled(case))
            assert tiling is not None
            tiler = Tiler(case.mapper, case.mapping.op)
            demand = tiler.demand(tiling)
            found = {"pad": demand.scratchpad_bits, "buffer": demand.buffer_bits}
            assert found == {"pad": space.pad, "buffer": space.buffer}, case.text
            beyond = (space.pad > keys.working, space.buffer > keys.staging)
            faults = tiler.faults(tiling)
            sizes = ("tile of a PE must be at most", "tile of the global buffer must be at most")
            assert tuple(any(size in fault for fault in faults) for size in sizes) == beyond
            seen.add(beyond)
    assert len(seen) > 1


@pytest.mark.parametrize("part", range(PARTS))
def test_folds_of_systolic_arrays_fetch_what_they_multiply(part: int) -> None:
    numbers = range(part, examples(600, 6000), PARTS)
    walked = [compare(cases(number, systolic), folded) for number in numbers]
    assert sum(walked) > len(numbers)


@pytest.mark.parametrize("part", range(PARTS))
def test_row_stationary_passes_fetch_what_they_multiply(part: int) -> None:
    numbers = range(part, examples(600, 6000), PARTS)
    walked = [compare(cases(number, row_stationary), passed) for number in numbers]
    assert sum(walked) > len(numbers)
