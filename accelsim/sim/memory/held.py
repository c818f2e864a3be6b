"""Places of a step's tensors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from accelsim.step.ops import Tensor


class Place(StrEnum):
    """Where a tensor is held. Generated feedback is computed where it is used."""

    SCRATCHPADS = "scratchpads"
    GLOBAL_BUFFER = "global_buffer"
    DRAM = "dram"
    GENERATED = "generated"


@dataclass(frozen=True)
class Held:
    """A tensor of a step and its place.

    ``bits``: of the whole tensor as stored. ``copies``: of its words, in the scratchpads.
    ``spilled``: words for which the scratchpads, its home, have no room.
    """

    tensor: Tensor
    bits: int
    place: Place
    copies: int = 1
    spilled: int = 0
