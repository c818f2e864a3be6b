"""What every timing model of the PE array returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping as Counted
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from accelsim.machine.architecture import Architecture
from accelsim.pe.mapping import Mapping
from accelsim.zeros.masks import MaskSource


@dataclass(frozen=True)
class ArrayTiming:
    """Cycles and MACs of one op on the array (or on the partition it was mapped to).

    ``block_cycles``: int64, one entry per block of tiles. MACs: ``effectual`` of the whole op,
    ``executed`` on scheduled outputs, ``gated`` part of executed. Lane cycles: ``busy``
    a MAC each, ``window_empty`` nothing effectual in the window, ``imbalance`` waiting at the
    tile's barrier, ``idle`` no output to reduce. ``mask_bits``: bits looked at. ``moving_reads``:
    words of the moving operand read from scratchpads, where that is not one for each MAC.
    ``actions``: what else control does.

    What every kind must keep, because results are held to it:

    * ``busy`` = ``executed``, one lane cycle per MAC. Where a MAC takes several cycles, the others
      are ``window_empty``: the lane works in them, and has no further MAC.
    * ``busy`` + ``window_empty`` + ``imbalance`` + ``idle`` = ``mapping.pes`` x ``array.lanes`` x
      ``cycles``.
    * ``busy`` + ``window_empty`` is what `control.clock` charges; in the other lane cycles clocks
      are gated (`control.idle_clock`).
    """

    block_cycles: NDArray[np.int64]
    outputs: int
    effectual: int
    executed: int
    gated: int
    busy: int
    window_empty: int
    imbalance: int
    idle: int
    mask_bits: int
    moving_reads: int | None = None
    actions: Counted[str, int] = field(default_factory=dict)

    @property
    def cycles(self) -> int:
        return int(self.block_cycles.sum())


class TimingModel(ABC):
    """Times mapped ops on the masks of one run.

    Results depend on the op, its masks and the machine alone, so they are kept for ops that recur.
    """

    def __init__(self, architecture: Architecture, masks: MaskSource) -> None:
        self.architecture = architecture
        self.masks = masks

    @abstractmethod
    def time(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        """Cycles of the op in at most ``blocks`` blocks; fewer where it has fewer parts."""
