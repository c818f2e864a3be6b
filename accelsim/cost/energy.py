"""Energy: counts times a price table.

Only this file multiplies the two (`results/laws.py` repeats the product as a check, and
`uncertainty.py` repeats it for drawn prices). `machine_prices.py` derives a machine's prices.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from accelsim.config.names import Component
from accelsim.cost.counters import Action, ActionCounts
from accelsim.cost.machine_prices import MachinePrices
from accelsim.cost.price import Price, PricePart
from accelsim.cost.technology import Technology
from accelsim.cost.uncertainty import result_component
from accelsim.errors import InputError
from accelsim.machine.architecture import Machine

COMPONENTS = tuple(map(str, Component))
"""Components of a result. The generator of feedback weights (``prng``) belongs to ``control``."""


class EnergyTable:
    """The price of every action of one machine."""

    def __init__(self, prices: Iterable[Price], name: str = "") -> None:
        self.name = name
        self._prices: dict[Action, Price] = {
            (price.component, price.action): price for price in prices
        }

    @classmethod
    def build(
        cls, architecture: Machine, technology: Technology, dram: Iterable[Price]
    ) -> EnergyTable:
        """Prices of a machine: its widths, capacities and clock in a technology, and the prices of
        its DRAM.

        ``dram``: () for a standard without energies; the table then has no DRAM prices. InputError
        if the technology lacks an entry.
        """
        derived = MachinePrices(architecture, technology)
        return cls((*derived.all(), *dram), technology.name)

    def __getitem__(self, action: Action) -> Price:
        """The price of an action. InputError if the table has none."""
        try:
            return self._prices[action]
        except KeyError:
            raise InputError(
                f"the energy table{f' {self.name}' if self.name else ''} must have an entry for "
                f"{action[0]}.{action[1]}, got none"
            ) from None

    def energy(self, counts: ActionCounts) -> dict[str, float]:
        """pJ by component of a result, for all of `COMPONENTS`. InputError for a counted action
        without a price.
        """
        result = dict.fromkeys(COMPONENTS, 0.0)
        for action, times in counts:
            component = result_component(action[0])
            result[component] = result.get(component, 0.0) + times * self[action].pj
        return result

    def by_level(self, counts: ActionCounts) -> dict[str, float]:
        """pJ by ``component.level``, in order of name. A component's levels add up to it."""
        result: dict[str, float] = {}
        for action, times in counts:
            component, price = result_component(action[0]), self[action]
            for part in price.parts or (PricePart("", price.pj, (1, 1), price.verified),):
                level = f"{component}.{part.level or component}"
                result[level] = result.get(level, 0.0) + times * part.pj
        return dict(sorted(result.items()))

    def total(self, counts: ActionCounts) -> float:
        """pJ of all counts."""
        return math.fsum(self.energy(counts).values())

    def provenance(self) -> tuple[Price, ...]:
        """Every price with its source, in order of component and action."""
        return tuple(self._prices[action] for action in sorted(self._prices))
