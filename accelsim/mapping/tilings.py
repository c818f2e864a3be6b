"""The tilings that the mapper chooses among: an enumerated legal space of an op, without those that
cannot be the best, in a fixed order.

Extents are powers of two and the whole, as is usual for loop tiles; a pinned field has its one
value, whatever it is. Left out is what moves no fewer words over any route than another tiling
whose lanes work on the same tiles: it can be no better in cycles or energy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from accelsim.errors import InputError
from accelsim.machine.mapping_choice import Pin
from accelsim.mapping.demand import POSITIONS, Demand
from accelsim.mapping.tiler import ORDERS, Tiler, one_of
from accelsim.pe.mapping import Tiling


def choices(tiler: Tiler, pin: Pin | None = None) -> list[Tiling | None]:
    """Tilings worth trying; where nothing is pinned, None comes first, for the canonical mapping.

    InputError when a pin leaves no legal tiling, or pins what cannot be chosen; it says why.
    """
    if not tiler.tileable:
        if pin is not None:
            raise InputError(
                f"mapping.pins: op must be one whose loops can be tiled, got {tiler.op.name}, "
                f"which has its canonical mapping alone"
            )
        return [None]
    fixed = {} if pin is None else pin.model_dump(exclude={"op"}, exclude_none=True)
    beyond = _beyond_reach(tiler, fixed)
    if beyond:
        raise InputError(*(f"mapping.pins of {tiler.op.name}: {fault}" for fault in beyond))
    refused: list[str] = []
    kept: list[Tiling] = []
    for pes in _pinned(fixed, "channel_pes", tiler.tiled.channel_splits):
        legal: list[tuple[Tiling, Demand]] = []
        for tiling in _space(tiler, pes, fixed):
            faults = tiler.faults(tiling) if fixed else []
            if not faults:
                demand = tiler.demand(tiling)
                faults = tiler.capacity_faults(demand)
            if faults:
                # Of all refusals the one that came furthest: what does not fit, rather than extents
                # that another split has.
                refused = faults if not refused or "must be 1 to" in refused[0] else refused
            else:
                legal.append((tiling, demand))
        kept += _undominated(legal)
    if pin is not None and not kept:
        raise InputError(*(f"mapping.pins of {tiler.op.name}: {fault}" for fault in refused))
    return [*([None] if pin is None else []), *kept]


def _beyond_reach(tiler: Tiler, fixed: dict[str, Any]) -> list[str]:
    """Pinned values that no choice of the other fields makes legal."""
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
    found = [
        f"{name} must be 1 to {extent}, got {fixed[name]}"
        for name, extent in most.items()
        if fixed.get(name, 1) > extent
    ]
    if "channel_pes" in fixed and fixed["channel_pes"] not in tiler.tiled.channel_splits:
        found.append(
            f"channel_pes must be {one_of(tiler.tiled.channel_splits)}, got {fixed['channel_pes']}"
        )
    return found


def _space(tiler: Tiler, pes: int, fixed: dict[str, Any]) -> Iterator[Tiling]:
    """The tilings with so many PEs on channels that a pin leaves, legal or not."""
    columns = tiler.tiled.position_tiles(pes)
    chunks = _pinned(
        fixed, "chunk", _extents(tiler.reduction) if tiler.tiled.staged else (tiler.reduction,)
    )
    for buffer_order, high, wide in _buffer_tiles(tiler, pes, fixed):
        for order in _pinned(fixed, "order", tiler.orders):
            for chunk in chunks:
                # Together are tiles that share moving words or partial sums: with neither, their
                # number is nothing to choose.
                alone = order != POSITIONS and chunk >= tiler.reduction
                for together in _pinned(
                    fixed,
                    "together",
                    (1,) if alone else [each for each in _extents(columns) if each <= wide],
                ):
                    if wide == columns or wide % together == 0 or "buffer_positions" in fixed:
                        yield Tiling(pes, order, together, chunk, buffer_order, high, wide)
                    else:
                        # Whole groups: as many as fit, or the one that a pin asks for, whether it
                        # fits or not.
                        yield Tiling(
                            pes,
                            order,
                            together,
                            chunk,
                            buffer_order,
                            high,
                            min(columns, max(together, wide - wide % together)),
                        )


def _buffer_tiles(tiler: Tiler, pes: int, fixed: dict[str, Any]) -> Iterator[tuple[str, int, int]]:
    """Order and tiles of the global buffer. Of as many channel tiles, as many position tiles as fit
    are best: fewer words come again.
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


def _undominated(found: Sequence[tuple[Tiling, Demand]]) -> list[Tiling]:
    """Of tilings whose lanes work on the same tiles, those that no other betters: the first of
    equals.
    """
    kept: list[tuple[Tiling, tuple[int, ...]]] = []
    for tiling, demand in found:
        # What is delivered at once decides how scheduled outputs are packed, so that more of it is
        # better too.
        words = (
            demand.moving,
            demand.stationary,
            demand.carried,
            demand.dram_moving,
            demand.dram_stationary,
            -_delivered(tiling),
        )
        if any(all(a <= b for a, b in zip(other, words, strict=True)) for _, other in kept):
            continue
        kept = [
            each for each in kept if not all(a <= b for a, b in zip(words, each[1], strict=True))
        ]
        kept.append((tiling, words))
    return [tiling for tiling, _ in kept]


def _delivered(tiling: Tiling) -> int:
    return tiling.together if tiling.order == POSITIONS else tiling.buffer_positions


def _pinned(fixed: dict[str, Any], name: str, values: Sequence[Any]) -> Sequence[Any]:
    return (fixed[name],) if name in fixed else values


def _extents(most: int) -> tuple[int, ...]:
    """The whole, and the powers of two below it, largest first."""
    return (most, *(1 << bit for bit in reversed(range((most - 1).bit_length()))))
