"""Base of the layers that only read words from other places, and the axes of a map that they share.

They have no scalar operations. Where fusion is used, their words do not move at all: readers read
the sources at other addresses (docs/fusion.md).
"""

from __future__ import annotations

from math import prod
from typing import Literal

from accelsim.layers.vector_layer import VectorLayer
from accelsim.step.forms import Form
from accelsim.workload.lowering import Work

Axis = Literal["rows", "columns", "channels"]
AXES: dict[str, int] = {"rows": 0, "columns": 1, "channels": 2}
"""Place of each axis in a shape (H, W, C); an array (N, H, W, C) has it one further."""


class AddressingLayer(VectorLayer):
    """A layer whose output words are words of its inputs."""

    def work(self) -> Work:
        return Work(self.kind, prod(self.out_shape), 0, Form.ADDRESSING)
