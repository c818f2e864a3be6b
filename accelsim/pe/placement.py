"""Where tensors live in the scratchpads, as far as the mapping of an op needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from accelsim.step.ops import Op, Tensor


@dataclass(frozen=True)
class Home:
    """``resident`` words have a home PE; ``spilled`` words live in DRAM. ``copies`` of the resident
    words exist (1: just the home).
    """

    resident: int
    spilled: int
    copies: int = 1


class Placement(Protocol):
    """Homes of tensors in the PEs of one partition."""

    @property
    def pes(self) -> int:
        """PEs that an op has: those of one partition."""

    def home(self, tensor: Tensor) -> Home | None:
        """The tensor's home, or None when it has none."""

    def gradient_split(self, op: Op, tensor: Tensor) -> tuple[int, int] | None:
        """(resident, spilled) words of a gradient that stays with its weights; None when the tensor
        has no home.
        """
