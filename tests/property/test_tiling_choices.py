"""The tilings among which the mapper chooses, against all tilings of powers of two that fit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random

import pytest

from accelsim.errors import InputError
from accelsim.machine.mapping_choice import Pin
from accelsim.mapping.tiling.choices import choices
from accelsim.mapping.tiling.tiler import Tiler
from accelsim.pe.mapping import Tiling
from tests.examples import examples
from tests.oracle.cases import mapped, skipping, step_of

ORDERS = ("channels", "positions")
Counts = tuple[int, ...]


def tilers(number: int) -> Iterator[Tiler]:
    """Small ops whose loops can be tiled, on a random machine."""
    random = Random(number)
    try:
        machine = skipping(random)
    except InputError:
        return
    for mapper, op, _ in mapped(machine, step_of(random)):
        tiler = Tiler(mapper, op)
        if tiler.tileable:
            yield tiler


def extents(most: int) -> list[int]:
    """Powers of two, and the whole extent."""
    return [each for each in range(1, most + 1) if each == most or each & (each - 1) == 0]


def counts(tiler: Tiler, t: Tiling) -> Counts:
    """Words of a tiling by route; of two with equal words the larger delivery is better."""
    need = tiler.demand(t)
    delivered = t.together if t.order == "positions" else t.buffer_positions
    words = (need.moving, need.stationary, need.carried, need.dram_moving, need.dram_stationary)
    return (*words, -delivered)


def no_worse(a: Counts, b: Counts) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True))


def every(tiler: Tiler, pes: int) -> Iterator[Tiling]:
    """All legal tilings of powers of two with ``pes`` PEs on channels."""
    tiles, columns = tiler.tiled.channel_tiles(pes), tiler.tiled.position_tiles(pes)
    sizes = (columns, tiler.reduction, tiles, columns)
    for order, outer in itertools.product(ORDERS, ORDERS):
        for together, chunk, high, wide in itertools.product(*map(extents, sizes)):
            tiling = Tiling(pes, order, together, chunk, outer, high, wide)
            if not tiler.faults(tiling):
                yield tiling


@pytest.mark.parametrize("part", range(2))
def test_no_tiling_that_fits_moves_fewer_words_than_all_choices(part: int) -> None:
    compared = 0
    for number in range(part, examples(200, 1500), 2):
        for tiler in tilers(number):
            found = list(choices(tiler))
            assert found[0] is None
            chosen = [each for each in found if each is not None]
            for pes in tiler.tiled.channel_splits:
                words = [counts(tiler, each) for each in chosen if each.channel_pes == pes]
                for other in every(tiler, pes):
                    compared += 1
                    assert any(no_worse(each, counts(tiler, other)) for each in words), other
                for a, b in itertools.permutations(words, 2):
                    assert not no_worse(a, b)
    assert compared


def test_a_pin_leaves_the_choices_that_have_its_values() -> None:
    """Every choice of a pinned field is legal and keeps the value; no choice means a refusal."""
    seen: set[bool] = set()
    for number in range(examples(300, 3000)):
        random = Random(number)
        for tiler in tilers(number):
            pes = random.choice([*tiler.tiled.channel_splits, 0, 1000])
            tiles, columns = (
                max(map(extent, tiler.tiled.channel_splits))
                for extent in (tiler.tiled.channel_tiles, tiler.tiled.position_tiles)
            )
            values = {
                "channel_pes": pes,
                "order": random.choice(ORDERS),
                "together": random.randint(1, columns + 1),
                "chunk": random.randint(1, tiler.reduction + 1),
                "buffer_order": random.choice(ORDERS),
                "buffer_channels": random.randint(1, tiles + 1),
                "buffer_positions": random.randint(1, columns + 1),
            }
            fields = random.sample(sorted(values), random.randint(1, 3))
            pinned = {name: values[name] for name in fields}
            try:
                found = choices(tiler, Pin.model_construct(op=tiler.op.name, **pinned))
            except InputError:
                found = []
            assert None not in found
            for tiling in found:
                assert tiling is not None
                assert tiler.faults(tiling) == []
                assert {name: getattr(tiling, name) for name in fields} == pinned
            legal = any(
                all(getattr(each, name) == value for name, value in pinned.items())
                for each_pes in tiler.tiled.channel_splits
                for each in every(tiler, each_pes)
            )
            assert found or not legal
            seen.add(bool(found))
    assert seen == {True, False}
