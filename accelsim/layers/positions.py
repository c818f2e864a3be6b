"""Learned positions: a learned vector per position, added to the map."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.layers.shift import Shift, ShiftNumerics
from accelsim.numerics.arrays import Array
from accelsim.workload.lowering import Work
from accelsim.workload.network import Shape
from accelsim.workload.section import LayerSection, Sources


class PositionsSection(LayerSection):
    """A learned vector per position of the map, added to every sample."""

    kind: Literal["positions"] = Field(
        description="Learned vector per position, added (positional embedding)."
    )

    def layer(self, sources: Sources) -> Positions:
        several_positions(sources)
        return Positions(self.name, sources.names, sources.shapes, sources.shapes[0])


def several_positions(sources: Sources) -> None:
    """Record a fault if the map has one position, as each time step of a sequence has."""
    height, width, channels = sources.shapes[0]
    if height * width == 1:
        got = f"{height}x{width}x{channels}"
        sources.fault("kind", "used on a map of two or more positions", got)


class Positions(Shift):
    """x + table, with a table of shape (H, W, C). Its gradient is the sum of the errors over
    samples. The table is as large as a map, too large to be gathered where errors are made.
    """

    kind: ClassVar[str] = "positions"

    @property
    def parameter_shape(self) -> Shape:
        return self.out_shape

    def work_back(self) -> Work:
        return Work("positions_gradient", prod(self.out_shape), 1)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> PositionsNumerics:
        return PositionsNumerics(self, dtype)


class PositionsNumerics(ShiftNumerics):
    """y = x + ``table``, (H, W, C), which starts with a standard deviation of ``DEVIATION``."""

    DEVIATION = 0.02
    """As in GPT-2 and BERT."""

    parameter: ClassVar[str] = "table"
    summed: ClassVar[tuple[int, ...]] = (0,)

    def fresh_parameters(self, random: np.random.Generator, makes_logits: bool) -> dict[str, Array]:
        table = random.normal(0, self.DEVIATION, self.layer.out_shape)
        return {"table": table.astype(self.dtype)}
