"""The tilings among which the mapper chooses: a legal subset of an op's tilings, in a fixed order.

Extents are powers of two and the whole extent, as usual for loop tiles. A pinned field has its
pinned value only. A tiling is left out if another one with the same channel split moves no more
words over any route: it can be no better in cycles or energy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count
from operator import le
from typing import Any

import numpy as np

from accelsim.errors import InputError
from accelsim.machine.mapping_choice import Pin
from accelsim.mapping.tiling.arrays import ORDERS, POSITIONS, Demand, Demands, Tilings
from accelsim.mapping.tiling.demand import demands, least_scratchpad_bits
from accelsim.mapping.tiling.tiler import Tiler, one_of
from accelsim.pe.mapping import Tiling

Choices = dict[Tiling | None, Demand | None]
"""Tilings in the order in which ties are resolved, with their demands; None is the canonical
mapping.
"""
Row = tuple[int, int, int, bool, int, int]
"""Number of a tiling, then together, chunk, whether the buffer's outer loop is over positions,
buffer channels and buffer positions.
"""
Legal = tuple[Tiling, list[int], Demands, int]
"""A tiling; its words by route, then what it delivers at once, negated (smaller is better); where
its demand stands.
"""


def choices(tiler: Tiler, pin: Pin | None = None) -> Choices:
    """Tilings worth evaluating. None, the canonical mapping, comes first if nothing is pinned.

    InputError, with the reasons, if a pin leaves no legal tiling, or pins an op that has no choice.
    """
    if not tiler.tileable:
        if pin is not None:
            raise InputError(
                f"mapping.pins: op must be one whose loops can be tiled, got {tiler.op.name}, "
                f"which has only its canonical mapping"
            )
        return {None: None}
    fixed = {} if pin is None else pin.model_dump(exclude={"op"}, exclude_none=True)
    impossible = _beyond_reach(tiler, fixed)
    if impossible:
        raise InputError(*(f"mapping.pins of {tiler.op.name}: {fault}" for fault in impossible))
    tilings: Choices = {} if pin is not None else {None: None}
    for pes in _pinned(fixed, "channel_pes", tiler.tiled.channel_splits):
        tilings |= _undominated(_legal(tiler, pes, fixed))
    if not tilings:
        refused = _refusal(tiler, fixed)
        raise InputError(*(f"mapping.pins of {tiler.op.name}: {fault}" for fault in refused))
    return tilings


def _legal(tiler: Tiler, pes: int, fixed: dict[str, Any]) -> list[Legal]:
    """The tilings with ``pes`` PEs on channels and the pinned values that the machine can execute.

    Extents that are not pinned are legal from the start.
    """
    tiled = tiler.tiled
    found: list[tuple[int, Legal]] = []
    for order, rows in _space(tiler, pes, fixed).items():
        legal = [
            row for row in rows if not (fixed and tiler.extent_faults(_tiling(pes, order, row)))
        ]
        tilings = Tilings(pes, order, np.array(legal, np.int64).reshape(-1, 6)[:, 1:])
        fits = least_scratchpad_bits(tiled, tilings) <= tiled.working_bits
        if not fits.any():
            continue
        legal, tilings = [legal[place] for place in np.flatnonzero(fits)], tilings[fits]
        need = demands(tiled, tilings)
        fits = need.scratchpad_bits <= tiled.working_bits
        fits &= need.buffer_bits <= tiled.staging_bits
        # A larger delivery packs scheduled outputs better, so it counts as a further criterion.
        delivered = tilings.together if order == POSITIONS else tilings.buffer_positions
        criteria = (
            need.moving,
            need.stationary,
            need.carried,
            need.dram_moving,
            need.dram_stationary,
            -delivered,
        )
        words = np.stack(criteria, axis=1).tolist()
        for place in np.flatnonzero(fits).tolist():
            tiling = _tiling(pes, order, legal[place])
            found.append((legal[place][0], (tiling, words[place], need, place)))
    return [each for _, each in sorted(found, key=lambda each: each[0])]


def _refusal(tiler: Tiler, fixed: dict[str, Any]) -> list[str]:
    """Why no tiling with the pinned values is legal: the faults of the one that got furthest, sizes
    that do not fit rather than extents of another channel split.
    """
    refused: list[str] = []
    for pes in _pinned(fixed, "channel_pes", tiler.tiled.channel_splits):
        space = _space(tiler, pes, fixed)
        numbered = sorted((row, order) for order, rows in space.items() for row in rows)
        for row, order in numbered:
            if not refused or "must be 1 to" in refused[0]:
                refused = tiler.faults(_tiling(pes, order, row))
    return refused


def _beyond_reach(tiler: Tiler, fixed: dict[str, Any]) -> list[str]:
    """Faults of pinned values that no choice of the other fields makes legal."""
    splits = (
        [fixed["channel_pes"]]
        if fixed.get("channel_pes") in tiler.tiled.channel_splits
        else tiler.tiled.channel_splits
    )
    tiles, columns = (
        max(extent(pes) for pes in splits)
        for extent in (tiler.tiled.channel_tiles, tiler.tiled.position_tiles)
    )
    most = {
        "chunk": tiler.reduction,
        "buffer_channels": tiles,
        "together": columns,
        "buffer_positions": columns,
    }
    faults = [
        f"{name} must be 1 to {extent}, got {fixed[name]}"
        for name, extent in most.items()
        if fixed.get(name, 1) > extent
    ]
    if "channel_pes" in fixed and fixed["channel_pes"] not in tiler.tiled.channel_splits:
        faults.append(
            f"channel_pes must be {one_of(tiler.tiled.channel_splits)}, got {fixed['channel_pes']}"
        )
    return faults


def _space(tiler: Tiler, pes: int, fixed: dict[str, Any]) -> dict[str, list[Row]]:
    """All tilings, legal or not, with ``pes`` PEs on channels and the pinned values, by order. They
    are numbered in the order in which ties are resolved.
    """
    columns, gradient = tiler.tiled.position_tiles(pes), tiler.op.nest.sums_samples
    chunks = _pinned(
        fixed, "chunk", _extents(tiler.reduction) if tiler.tiled.staged else (tiler.reduction,)
    )
    orders = _pinned(fixed, "order", tiler.orders)
    rows: dict[str, list[Row]] = {order: [] for order in orders}
    number = count()
    for buffer_order, high, wide in _buffer_tiles(tiler, pes, fixed):
        outer = buffer_order == POSITIONS
        shared = _pinned(fixed, "together", [each for each in _extents(columns) if each <= wide])
        # Whole groups: as many as fit, or the group of a pin, whether it fits or not.
        whole = wide == columns or "buffer_positions" in fixed
        groups = [
            (each, wide if whole else min(columns, max(each, wide - wide % each)))
            for each in shared
        ]
        alone = [each for each in groups if each[0] == 1 or "together" in fixed]
        for order in orders:
            for chunk in chunks:
                # ``together`` is the number of tiles that share moving words (in WG the maps of a
                # channel) or partial sums. If tiles share neither, it is not a choice.
                independent = order != POSITIONS and chunk >= tiler.reduction and not gradient
                rows[order] += [
                    (next(number), together, chunk, outer, high, positions)
                    for together, positions in (alone if independent else groups)
                ]
    return rows


def _tiling(pes: int, order: str, row: Row) -> Tiling:
    _, together, chunk, outer, high, wide = row
    return Tiling(pes, order, together, chunk, ORDERS[outer], high, wide)


def _buffer_tiles(tiler: Tiler, pes: int, fixed: dict[str, Any]) -> Iterator[tuple[str, int, int]]:
    """Yield (order, channel tiles, position tiles) of the global buffer.

    For a given number of channel tiles, the most position tiles that fit are best: fewer words are
    fetched again.
    """
    tiles, columns = tiler.tiled.channel_tiles(pes), tiler.tiled.position_tiles(pes)
    free = tiler.orders == ORDERS
    orders = ORDERS if free else ORDERS[:1]
    channels, positions = (_extents(extent) if free else (extent,) for extent in (tiles, columns))
    for high in _pinned(fixed, "buffer_channels", channels):
        fitting = _pinned(
            fixed,
            "buffer_positions",
            [wide for wide in positions if tiler.fits_buffer(pes, high, wide)][:1]
            or positions[-1:],
        )
        for wide in fitting:
            for order in _pinned(
                fixed, "buffer_order", orders[:1] if (high, wide) == (tiles, columns) else orders
            ):
                yield order, high, wide


def _undominated(legal: Sequence[Legal]) -> Choices:
    """Drop each tiling for which another is at least as good in every count. Ties keep the
    first.
    """
    best: list[Legal] = []
    for each in legal:
        words = each[1]
        if any(all(map(le, other[1], words)) for other in best):
            continue
        best = [other for other in best if not all(map(le, words, other[1]))]
        best.append(each)
    return {tiling: need.of(place) for tiling, _, need, place in best}


def _pinned(fixed: dict[str, Any], name: str, values: Sequence[Any]) -> Sequence[Any]:
    return (fixed[name],) if name in fixed else values


@cache
def _extents(most: int) -> tuple[int, ...]:
    """The whole extent, then the powers of two below it, largest first."""
    return (most, *(1 << bit for bit in reversed(range((most - 1).bit_length()))))
