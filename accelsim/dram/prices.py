"""Prices of a DRAM standard's events."""

from __future__ import annotations

from collections.abc import Iterator

from accelsim.cost.price import Price, PricePart
from accelsim.dram.energies import DramEnergy, EnergyEvent
from accelsim.dram.standard import DramSpec
from accelsim.machine.memories import Boundary

DRAM_EVENTS = {
    "activate": "ACT",
    "read_burst": "RD",
    "write_burst": "WR",
    "refresh": "REF",
    "active_standby": "active_standby_per_clk",
    "precharge_standby": "precharge_standby_per_clk",
}
_BURSTS = ("RD", "WR")
"""Events that move data. They have a part in the core and a part in the data pins."""


def dram_prices(dram: DramSpec, boundary: Boundary = "core_and_io") -> tuple[Price, ...]:
    """Prices of a DRAM standard's events; () if it states no energies.

    Of a burst, the core and the data pins (``boundary`` `core_and_io`) are a draw each; all that
    takes place whatever is transferred is a third. A PRE is free, because the energy of an ACT
    includes its PRE.
    """
    if dram.energy is None:
        return ()
    prices = [
        Price(
            "dram",
            "precharge",
            0.0,
            f"{dram.name}: part of dram.activate",
            dram.energy.ACT.verified,
        )
    ]
    for action, name in DRAM_EVENTS.items():
        shares = list(_shares(dram.energy, name, boundary))
        parts = [
            PricePart(f"{dram.name}/{draw}", event.pj, event.factors, event.verified, draw)
            for draw, _, event in shares
        ]
        covers = "; ".join(f"{covered}{event.source}" for _, covered, event in shares)
        if name in _BURSTS and len(shares) == 1:
            covers += f"; boundary: core, {_without(dram.energy, name)}"
        prices.append(
            Price(
                "dram",
                action,
                sum(part.pj for part in parts),
                f"{dram.name}: {covers}",
                all(part.verified for part in parts),
                tuple(part for part in parts if part.pj),
            )
        )
    return tuple(prices)


def _shares(
    energy: DramEnergy, name: str, boundary: Boundary
) -> Iterator[tuple[str, str, EnergyEvent]]:
    """(draw, what is covered, energy) of each part of an event."""
    if name not in _BURSTS:
        yield "background", "", getattr(energy, name)
        return
    pins = getattr(energy, f"{name}_IO") if boundary == "core_and_io" else None
    yield "burst", "" if pins is None else "core: ", getattr(energy, name)
    if pins is not None:
        yield "io", "io: ", pins


def _without(energy: DramEnergy, name: str) -> str:
    """Why the price of a burst has no part for the data pins."""
    given = getattr(energy, f"{name}_IO") is not None
    return "as the machine chooses" if given else "the file has no energy of the data pins"
