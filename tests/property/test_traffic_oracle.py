"""Words of every transfer against a walk through the printed nest, product by product
(`tests/oracle`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tests.examples import examples
from tests.oracle.cases import Case, cases, chosen, row_stationary, skipping, systolic
from tests.oracle.counted import Counted
from tests.oracle.dense import Folds, Passes
from tests.oracle.machines import dense_keys, keys_of, masks_are_kept, simulated
from tests.oracle.skipping import Walk
from tests.oracle.tiled import TiledWalk, Tiles


def differences(expected: Counted, found: Counted) -> list[str]:
    """What the two counts say about each role, where they differ."""
    told = []
    for role in sorted(expected.moved.keys() | found.moved.keys()):
        a, b = (each.moved.get(role, (0, 0, 0)) for each in (expected, found))
        if a[1] is None or b[1] is None:
            a, b = ((sent, None, dram) for sent, _, dram in (a, b))
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
        inner = [loop for loop in case.nest.loops if not loop.parallel and ":" not in loop.text]
        assert all(loop.turns != 1 for loop in inner), case.text
        assert masks_are_kept(case.machine, case.mapping), case.text
        told = differences(walk(case), simulated(case.mapping))
        assert not told, "\n".join([case.text, *told])
    return count


PARTS = 10


def walked(case: Case) -> Counted:
    """Words of an op on an array that skips zeros."""
    keys, tiling = keys_of(case.machine), case.mapping.tiling
    if tiling is None:
        return Walk(case.nest, keys, case.home, case.made_at_home).run()
    tiles = Tiles(*vars(tiling).values())
    return TiledWalk(case.nest, keys, case.home, case.made_at_home, tiles).run()


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
def test_folds_of_systolic_arrays_fetch_what_they_multiply(part: int) -> None:
    numbers = range(part, examples(600, 6000), PARTS)
    walked = [
        compare(cases(number, systolic), lambda case: Folds(case.nest, dense_keys(case)).run())
        for number in numbers
    ]
    assert sum(walked) > len(numbers)


@pytest.mark.parametrize("part", range(PARTS))
def test_row_stationary_passes_fetch_what_they_multiply(part: int) -> None:
    numbers = range(part, examples(600, 6000), PARTS)
    walked = [
        compare(
            cases(number, row_stationary), lambda case: Passes(case.nest, dense_keys(case)).run()
        )
        for number in numbers
    ]
    assert sum(walked) > len(numbers)
