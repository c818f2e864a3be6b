"""The mapping that an op got, and what it is estimated to cost."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.pe.mapping import Tiling


@dataclass(frozen=True)
class Cost:
    """Estimated cycles, and energy in pJ, of an op or of a step."""

    cycles: float = 0.0
    energy_pj: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.cycles + other.cycles, self.energy_pj + other.energy_pj)


@dataclass(frozen=True)
class Chosen:
    """The mapping that an op got, and the one that came second; a tiling of None is the canonical
    mapping. ``second_cost``: None if there was one mapping only. ``in_parts``: whether words that
    do not fit the staging buffer tile by tile pass it in parts of a tile.
    """

    tiling: Tiling | None
    cost: Cost
    second: Tiling | None = None
    second_cost: Cost | None = None
    in_parts: bool = False
