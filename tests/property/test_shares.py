"""Words that groups of PEs take and keep, and footprints of runs of positions, against a walk over
the positions of small nests of every kind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from itertools import product
from random import Random

import pytest

from accelsim.kernels.bits.reads import Share
from accelsim.mapping.tiling.footprint import (
    Footprint,
    channels_of_one,
    gradient_channels,
    moving_footprint,
    reduction_footprint,
    sent_per_kernel_row,
)
from accelsim.pe.skipping.receivers import (
    Sending,
    channel_takers,
    columns_of_one,
    last_taken,
    moving_held,
    moving_sent,
    moving_taken,
    position_takers,
    row_takers,
    tile_held,
)
from accelsim.step.contraction import Nest, convolution_nest, feedback_nest, matrix_nest
from accelsim.step.window import Window
from tests.examples import examples

Element = tuple[int, ...]
Read = tuple[tuple[int, int], Element]
"""A tap, and the element that it reads."""


def window(random: Random) -> Window:
    """One dimension of a forward convolution: size, kernel, stride, dilation, padding."""
    size, dilation, stride = random.randint(1, 6), random.randint(1, 2), random.randint(1, 3)
    padding, beyond = random.randint(0, 2), random.randint(0, 2)
    taps = random.randint(1, min(3, (size + padding + beyond - 1) // dilation + 1))
    reach = (taps - 1) * dilation + 1
    positions = (size + padding + beyond - reach) // stride + 1
    return Window(size, positions, taps, stride, dilation, padding)


def convolution(random: Random) -> Nest:
    """FF, EP or WG of a convolution."""
    groups = random.choice([1, 1, 2])
    channels, depth = (groups * random.randint(1, 3) for _ in range(2))
    sizes = (random.randint(1, 3), channels, depth)
    nest = convolution_nest(*sizes, window(random), window(random), groups)
    return random.choice([nest, nest.backward, nest.gradient])


def nest_of(random: Random) -> Nest:
    """A nest of any kind, of a few positions."""
    kind = random.choice(["convolution"] * 3 + ["matrix", "outer", "feedback"])
    samples = random.randint(1, 5)
    if kind == "convolution":
        return convolution(random)
    if kind == "feedback":
        target = (random.randint(1, 3), random.randint(1, 3), random.randint(1, 3))
        return feedback_nest(samples, target, random.randint(1, 4))
    matrix = matrix_nest(samples, random.randint(1, 4), random.randint(1, 9))
    return matrix if kind == "matrix" else matrix.gradient


def share_of(random: Random) -> Share:
    run = random.randint(1, 3)
    return Share(run, run * random.randint(1, 4), random.randint(1, 4))


def places(window: Window, position: int) -> list[tuple[int, int]]:
    """(tap, element) of a position, without zeros of padding and stride."""
    found = []
    for tap in range(window.taps):
        place = position * window.stride + tap * window.dilation - window.padding
        if place % window.spacing == 0 and 0 <= place // window.spacing < window.size:
            found.append((tap, place // window.spacing))
    return found


def reads(nest: Nest) -> list[list[Read]]:
    """What each position reads of one channel group, in the order of the positions."""
    samples, channels = range(nest.samples), range(nest.depth // nest.groups)
    map_ = list(product(range(nest.rows.positions), range(nest.columns.positions)))

    def taps(y: int, x: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        both = product(places(nest.rows, y), places(nest.columns, x))
        return [((i, j), (h, w)) for (i, h), (j, w) in both]

    if nest.outer_product:
        return [[((0, 0), (n, c)) for n in samples] for c in channels]
    if nest.sums_samples:
        return [
            [(tap, (n, *place, c)) for n in samples for tap, place in taps(y, x)]
            for y, x in map_
            for c in channels
        ]
    if not nest.has_taps:
        return [[((0, 0), (n, c)) for c in channels] for n in samples for _ in map_]
    return [
        [(tap, (n, *place, c)) for tap, place in taps(y, x) for c in channels]
        for n in samples
        for y, x in map_
    ]


def holder(position: int, share: Share) -> tuple[int, int]:
    """(group of tiles, PE) of a position."""
    return position // (share.tile * share.together), position % share.tile // share.run


def taken(
    nest: Nest, share: Share, moment: str = "", chunk: int = 0
) -> dict[tuple[int, int], set[Hashable]]:
    """Words of each `holder`: distinct elements, those of different moments apart."""
    found: dict[tuple[int, int], set[Hashable]] = defaultdict(set)
    for position, read in enumerate(reads(nest)):
        words = found[holder(position, share)]
        for (i, j), element in read:
            key: Hashable = {"": None, "row": (position // nest.columns.positions, i)}.get(moment)
            if moment == "tap":
                key = (position, i, j)
            if chunk:
                number = (element[0] * nest.rows.taps + i) * nest.columns.taps + j
                key = number // chunk
            words.add((key, element))
    return found


def total(words: Iterable[set[Hashable]]) -> int:
    return sum(map(len, words))


NUMBERS = examples(400, 4000)


def test_pes_take_what_their_positions_read() -> None:
    for number in range(NUMBERS):
        random = Random(number)
        nest, share = nest_of(random), share_of(random)
        if nest.unshared:
            share = share._replace(together=nest.positions)
        if not nest.outer_product:
            once = nest.groups * total(taken(nest, share).values())
            assert moving_taken(nest, share, Sending.ONCE) == once, (nest, share)
        if nest.has_taps:
            again = nest.groups * total(taken(nest, share, "tap").values())
            assert moving_taken(nest, share, Sending.PER_TAP) == again, (nest, share)
        if nest.has_taps and nest.sums_samples:
            chunk = random.randint(1, nest.reduction)
            found = nest.groups * total(taken(nest, share, "", chunk).values())
            assert moving_taken(nest, share, Sending.ONCE, chunk) == found, (nest, share, chunk)
        elif nest.has_taps:
            found = nest.groups * total(taken(nest, share, "row").values())
            assert moving_taken(nest, share, Sending.PER_KERNEL_ROW) == found, (nest, share)


def test_feedback_that_is_not_kept_comes_again_for_each_tile() -> None:
    for number in range(NUMBERS):
        random = Random(number)
        target = (random.randint(1, 3), random.randint(1, 3), 2)
        nest, share = feedback_nest(random.randint(1, 5), target, 3), share_of(random)
        pixels = nest.map_positions
        tiles, runs, rows = set(), set(), set()
        for position in range(nest.positions):
            sample, pixel = divmod(position, pixels)
            tile, lane = divmod(position, share.tile)
            tiles.add((sample, tile))
            runs.add((sample, tile, lane // share.run))
            rows.add((sample // (share.tile * share.together), pixel, lane // share.run))
        assert moving_sent(nest, share, Sending.PER_TAP) == 3 * len(tiles)
        assert moving_taken(nest, share, Sending.PER_TAP) == 3 * len(runs)
        assert row_takers(nest.samples, pixels, share) == len(rows)


def test_pes_keep_what_their_positions_read() -> None:
    for number in range(NUMBERS):
        random = Random(number)
        nest, share = nest_of(random), share_of(random)
        count = len(reads(nest))
        whole = share._replace(together=-(-count // share.tile))
        every = taken(nest, whole)
        assert moving_held(nest, whole) == max(map(len, every.values())), (nest, share)
        if not nest.unshared and not nest.sums_samples:
            of_tile = taken(nest, share._replace(together=1))
            assert tile_held(nest, share) == max(map(len, of_tile.values())), (nest, share)
        if nest.has_taps and not nest.sums_samples:
            held = taken(nest, share)
            end = max(group for group, _ in held)
            last = [words for (group, _), words in held.items() if group == end]
            assert last_taken(nest, share) == nest.groups * total(last), (nest, share)
            columns: dict[int, set[int]] = defaultdict(set)
            for position in range(nest.positions):
                found = places(nest.columns, position % nest.columns.positions)
                columns[holder(position, share)[1]] |= {place for _, place in found}
            assert columns_of_one(nest, share) == max(map(len, columns.values()))
        if nest.sums_samples and nest.has_taps:
            channels: dict[Hashable, set[int]] = defaultdict(set)
            for position in range(nest.positions):
                channels[holder(position, share)].add(position % (nest.depth // nest.groups))
            assert channels_of_one(nest, share) == max(map(len, channels.values()))


def test_positions_are_dealt_to_groups_of_pes() -> None:
    for number in range(NUMBERS):
        random = Random(number)
        positions, share = random.randint(1, 40), share_of(random)
        holders = {holder(position, share) for position in range(positions)}
        assert position_takers(positions, share) == len(holders)


@pytest.mark.parametrize("apart", [False, True])
def test_channel_groups_go_to_the_pes_of_their_channels(apart: bool) -> None:
    for number in range(NUMBERS):
        random = Random(number)
        groups = random.randint(1, 6)
        channels, per_tile = groups * random.randint(1, 5), random.randint(1, 8)
        per_sending = random.randint(1, 12)
        visits, takers = set(), set()
        held: dict[Hashable, set[int]] = defaultdict(set)
        for channel in range(channels):
            group, within = divmod(channel, channels // groups)
            sending = (within if apart else channel) // per_sending
            visits.add((sending, group))
            takers.add((channel % per_tile, sending, group))
            held[channel % per_tile, sending].add(group)
        found = channel_takers(channels, groups, per_tile, per_sending, apart)
        assert found == (len(visits), len(takers), max(map(len, held.values())))


def spanned(nest: Nest, positions: Iterable[Element]) -> int:
    """Elements of one channel from the first to the last row and column that positions (sample,
    row, column) read; whole rows unless they are of one row. Those that none reads are left out.
    """
    lines, across = (
        {place for each in range(axis.positions) for _, place in places(axis, each)}
        for axis in (nest.rows, nest.columns)
    )
    of_sample: dict[int, list[Element]] = defaultdict(list)
    for each in positions:
        of_sample[each[0]].append(each)
    one_row = len({each[:2] for found in of_sample.values() for each in found}) == 1
    words = 0
    for found in of_sample.values():
        rows = _span({y for _, y, _ in found}, nest.rows) & lines
        columns = _span({x for _, _, x in found}, nest.columns) & across if one_row else across
        words += len(rows) * len(columns)
    return words


def _span(positions: set[int], window: Window) -> set[int]:
    """Elements from the first to the last that the windows of positions span, read or not."""
    found: set[int] = set()
    for position in positions:
        start = position * window.stride - window.padding
        ends = (start, start + (window.taps - 1) * window.dilation)
        inside = range(min(ends), max(ends) + 1)
        found |= {each // window.spacing for each in inside if each % window.spacing == 0}
    found = {each for each in found if 0 <= each < window.size}
    return set(range(min(found), max(found) + 1)) if found else set()


def footprint(nest: Nest, positions: list[Element], group: int) -> Footprint:
    words = [spanned(nest, positions[i : i + group]) for i in range(0, len(positions), group)]
    return Footprint(max(words), words[-1], sum(words))


def test_runs_of_positions_need_what_their_windows_span() -> None:
    for number in range(NUMBERS):
        random = Random(number)
        nest = convolution(random)
        if nest.sums_samples:
            # Errors are the positions of the map, and weights its taps.
            summed = convolution_nest(
                nest.samples, nest.channels, nest.depth, nest.rows.swapped, nest.columns.swapped
            )
            errors = list(product(*map(range, (nest.samples, nest.rows.taps, nest.columns.taps))))
            chunk = random.randint(1, nest.reduction + 1)
            assert reduction_footprint(nest, chunk) == footprint(summed, errors, chunk), nest
            depth, group = nest.depth // nest.groups, random.randint(1, nest.positions)
            needed = [
                len({each % depth for each in range(first, min(first + group, nest.positions))})
                for first in range(0, nest.positions, group)
            ]
            expected = Footprint(max(needed), needed[-1], sum(needed))
            assert gradient_channels(nest, group) == expected
            continue
        sizes = (nest.samples, nest.rows.positions, nest.columns.positions)
        positions = list(product(*map(range, sizes)))
        plane = sizes[1] * sizes[2]
        group = random.choice([random.randint(1, nest.positions + 1), plane, 2 * plane])
        expected = footprint(nest, positions, group)
        words = (expected.largest, expected.last, expected.total)
        found = moving_footprint(nest, group)
        assert found == Footprint(*(nest.depth * each for each in words)), (nest, group)
        sent = {
            (number // group, y, n, i, element)
            for number, ((n, y, _), read) in enumerate(zip(positions, reads(nest), strict=True))
            for (i, _), element in read
        }
        assert sent_per_kernel_row(nest, group) == nest.groups * len(sent), (nest, group)
