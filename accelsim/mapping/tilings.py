"""The tilings among which the mapper chooses: a legal subset of an op's tilings, in a fixed order.

Extents are powers of two and the whole extent, as usual for loop tiles. A pinned field has its
pinned value only. A tiling is left out if another one with the same channel split moves no more
words over any route: it can be no better in cycles or energy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from accelsim.errors import InputError
from accelsim.machine.mapping_choice import Pin
from accelsim.mapping.demand import POSITIONS, Demand, least_scratchpad_bits
from accelsim.mapping.tiler import ORDERS, Tiler, one_of
from accelsim.pe.mapping import Tiling


def choices(tiler: Tiler, pin: Pin | None = None) -> list[Tiling | None]:
    """Tilings worth evaluating. None, the canonical mapping, comes first if nothing is pinned.

    InputError, with the reasons, if a pin leaves no legal tiling, or pins an op that has no choice.
    """
    if not tiler.tileable:
        if pin is not None:
            raise InputError(
                f"mapping.pins: op must be one whose loops can be tiled, got {tiler.op.name}, "
                f"which has only its canonical mapping"
            )
        return [None]
    fixed = {} if pin is None else pin.model_dump(exclude={"op"}, exclude_none=True)
    impossible = _beyond_reach(tiler, fixed)
    if impossible:
        raise InputError(*(f"mapping.pins of {tiler.op.name}: {fault}" for fault in impossible))
    refused: list[str] = []
    tilings: list[Tiling] = []
    for pes in _pinned(fixed, "channel_pes", tiler.tiled.channel_splits):
        legal: list[tuple[Tiling, Demand]] = []
        for tiling in _space(tiler, pes, fixed):
            if not fixed and least_scratchpad_bits(tiler.tiled, tiling) > tiler.tiled.working_bits:
                continue
            faults = tiler.faults(tiling) if fixed else []
            if not faults:
                demand = tiler.demand(tiling)
                faults = tiler.capacity_faults(demand)
            if faults:
                # Report the refusal that got furthest: sizes that do not fit, rather than extents
                # of another channel split.
                refused = faults if not refused or "must be 1 to" in refused[0] else refused
            else:
                legal.append((tiling, demand))
        tilings += _undominated(legal)
    if pin is not None and not tilings:
        raise InputError(*(f"mapping.pins of {tiler.op.name}: {fault}" for fault in refused))
    return [*([None] if pin is None else []), *tilings]


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


def _space(tiler: Tiler, pes: int, fixed: dict[str, Any]) -> Iterator[Tiling]:
    """All tilings, legal or not, with ``pes`` PEs on channels and the pinned values."""
    columns, gradient = tiler.tiled.position_tiles(pes), tiler.op.nest.sums_samples
    chunks = _pinned(
        fixed, "chunk", _extents(tiler.reduction) if tiler.tiled.staged else (tiler.reduction,)
    )
    for buffer_order, high, wide in _buffer_tiles(tiler, pes, fixed):
        for order in _pinned(fixed, "order", tiler.orders):
            for chunk in chunks:
                # ``together`` is the number of tiles that share moving words (in WG the maps of a
                # channel) or partial sums. If tiles share neither, it is not a choice.
                independent = order != POSITIONS and chunk >= tiler.reduction and not gradient
                for together in _pinned(
                    fixed,
                    "together",
                    (1,) if independent else [each for each in _extents(columns) if each <= wide],
                ):
                    if wide == columns or wide % together == 0 or "buffer_positions" in fixed:
                        yield Tiling(pes, order, together, chunk, buffer_order, high, wide)
                    else:
                        # Whole groups: as many as fit, or the group of a pin, whether it fits or
                        # not.
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


def _undominated(legal: Sequence[tuple[Tiling, Demand]]) -> list[Tiling]:
    """Drop each tiling for which another is at least as good in every count. Ties keep the
    first.
    """
    best: list[tuple[Tiling, tuple[int, ...]]] = []
    for tiling, demand in legal:
        # A larger delivery packs scheduled outputs better, so it counts as a further criterion.
        words = (
            demand.moving,
            demand.stationary,
            demand.carried,
            demand.dram_moving,
            demand.dram_stationary,
            -_delivered(tiling),
        )
        if any(all(a <= b for a, b in zip(other, words, strict=True)) for _, other in best):
            continue
        best = [
            each for each in best if not all(a <= b for a, b in zip(words, each[1], strict=True))
        ]
        best.append((tiling, words))
    return [tiling for tiling, _ in best]


def _delivered(tiling: Tiling) -> int:
    return tiling.together if tiling.order == POSITIONS else tiling.buffer_positions


def _pinned(fixed: dict[str, Any], name: str, values: Sequence[Any]) -> Sequence[Any]:
    return (fixed[name],) if name in fixed else values


def _extents(most: int) -> tuple[int, ...]:
    """The whole extent, then the powers of two below it, largest first."""
    return (most, *(1 << bit for bit in reversed(range((most - 1).bit_length()))))
