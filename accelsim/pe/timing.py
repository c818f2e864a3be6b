"""The result of every timing model of the PE array, and the models' interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping as Counted
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from accelsim.machine.architecture import Machine
from accelsim.machine.words import access_bits, line_bits
from accelsim.pe.mapping import Mapping
from accelsim.zeros.masks import MaskSource


@dataclass(frozen=True)
class ArrayTiming:
    """Cycles and MACs of one op on the array, or on the partition it is mapped to.

    - ``block_cycles``: int64 (blocks), cycles per block of tiles.
    - ``outputs``: outputs scheduled.
    - MACs: ``effectual`` of the whole op, ``executed`` on scheduled outputs, ``gated`` as part of
      executed.
    - Lane cycles: ``busy`` one per MAC; ``window_empty`` without an effectual pair in the window;
      ``imbalance`` waiting at the tile's barrier; ``idle`` without an output to reduce.
    - ``mask_bits``: mask bits read, in whole accesses of the scratchpad.
    - ``actions``: further control actions, by name.
    - ``sum_updates``: MACs that read a partial sum from the scratchpad and write it back.
    - ``runs``: length of a run of positions that a lane visits one after another -> number of such
      runs; {} if the model does not say.
    - ``in_order``: whether lanes read the words of a run one after another, so that neighbouring
      words share an access. Else each word has an access of its own, except words of one bit.
    - ``stationary_bits``: bits of the accesses that read the stationary operand, if the model
      counts them itself.
    - ``stationary_runs``: as ``runs``, of stationary words that PEs read one after another; {} if
      ``runs`` and ``in_order`` hold for both operands.

    Every kind must satisfy these laws, which are checked on results:

    - ``busy`` = ``executed``: one lane cycle per MAC. If a MAC takes several cycles, the others are
      ``window_empty``: the lane works, but without a further MAC.
    - ``busy`` + ``window_empty`` + ``imbalance`` + ``idle`` = ``mapping.pes`` x ``array.lanes`` x
      ``cycles``.
    - ``busy`` + ``window_empty`` is charged as `control.clock`. In all other lane cycles clocks are
      gated (`control.idle_clock`).
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
    actions: Counted[str, int] = field(default_factory=dict)
    sum_updates: int = 0
    runs: Counted[int, int] = field(default_factory=dict)
    in_order: bool = False
    stationary_bits: int | None = None
    stationary_runs: Counted[int, int] = field(default_factory=dict)

    @property
    def cycles(self) -> int:
        """Cycles of all blocks."""
        return int(self.block_cycles.sum())

    def read_bits(self, words: int, bits: int, width: int) -> int:
        """Bits of the accesses that lanes make for ``words`` words of ``bits`` bits in their
        streams.

        A lane makes no more accesses than there are words, and no more than its runs have lines.
        """
        apart = access_bits(words, bits, width)
        if not self.runs or not (self.in_order or bits == 1):
            return apart
        return min(apart, run_bits(self.runs, bits, width))

    def stationary_read_bits(self, words: int, bits: int, width: int) -> int:
        """As `read_bits`, of words of the stationary operand. ``bits`` includes what is stored with
        each word, such as its index.
        """
        if self.stationary_bits is not None:
            return self.stationary_bits
        if not self.stationary_runs:
            return self.read_bits(words, bits, width)
        return min(access_bits(words, bits, width), run_bits(self.stationary_runs, bits, width))

    def shared(self, words: int, streams: tuple[int, int] | None) -> int:
        """Words of the stationary operand that PEs fetch, of ``words`` that lanes read, if so many
        streams of a channel serve so many lanes' streams (`PEKind.stationary_streams`).
        """
        visited = sum(length * number for length, number in self.runs.items())
        if streams is None or not visited:
            return words
        return min(words, -(-visited * streams[0] // streams[1]))


def run_bits(runs: Counted[int, int], bits: int, width: int) -> int:
    """Bits of the accesses that read runs of words in order. ``runs``: as in `ArrayTiming`."""
    return sum(number * line_bits(length, bits, width) for length, number in runs.items())


class TimingModel(ABC):
    """Times mapped ops on the zeros of one run.

    A result depends only on the op, its masks and the machine, so callers cache it per op.
    """

    def __init__(self, architecture: Machine, masks: MaskSource) -> None:
        self.architecture = architecture
        self.masks = masks

    @abstractmethod
    def time(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        """Time an op in at most ``blocks`` blocks, or fewer if it has fewer parts."""
