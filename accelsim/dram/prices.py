"""Prices of a DRAM standard's events."""

from __future__ import annotations

from accelsim.cost.price import Price, PricePart
from accelsim.dram.standard import DramSpec

DRAM_EVENTS = {
    "activate": "ACT",
    "read_burst": "RD",
    "write_burst": "WR",
    "refresh": "REF",
    "active_standby": "active_standby_per_clk",
    "precharge_standby": "precharge_standby_per_clk",
}
_BURSTS = ("RD", "WR")
"""Events that one draw moves; another moves those that take place whatever is transferred."""


def dram_prices(dram: DramSpec) -> tuple[Price, ...]:
    """Prices of a DRAM standard's events; () if it states no energies.

    A PRE is free, because the energy of an ACT includes its PRE.
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
        event = getattr(dram.energy, name)
        primitive = f"{dram.name}/{'burst' if name in _BURSTS else 'background'}"
        part = PricePart(primitive, event.pj, event.factors, event.verified)
        source = f"{dram.name}: {event.source}"
        prices.append(
            Price("dram", action, event.pj, source, event.verified, (part,) if event.pj else ())
        )
    return tuple(prices)
