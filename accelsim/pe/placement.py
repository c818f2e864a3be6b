"""Homes of tensors in scratchpads: the interface that the mapping of an op needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from accelsim.step.ops import Op, Tensor


@dataclass(frozen=True)
class Home:
    """Words of a tensor with a home in the PEs.

    ``resident``: words in their home PE. ``spilled``: words in DRAM. ``copies``: copies of the
    resident words, 1 if only the home.
    """

    resident: int
    spilled: int
    copies: int = 1


class Placement(Protocol):
    """Homes of tensors in the PEs of one partition."""

    @property
    def pes(self) -> int:
        """Number of PEs per op: those of one partition."""

    def home(self, tensor: Tensor) -> Home | None:
        """The tensor's home, or None if it has none."""

    def gradient_split(self, op: Op, tensor: Tensor) -> tuple[int, int] | None:
        """(resident, spilled) words of a gradient that stays with its weights; None if the tensor
        has no home.
        """
