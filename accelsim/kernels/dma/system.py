"""Arrays of a machine's DRAM: channels, controllers, DMA, and the stretches of their runs that are
known.
"""

from __future__ import annotations

from typing import NamedTuple

from accelsim.kernels.dma.arrays import Dma
from accelsim.kernels.dram.queues import Controller
from accelsim.kernels.dram.state import Dram, Ints

BELOW, BLOCK = range(2)
"""Indices into ``geometry``: consecutive bursts of one channel; bursts of a channel per block."""
STATES, STRETCHES = range(2)
"""Indices into ``sizes``."""
EMPTY = -1
"""Free place of a table."""


class Layout(NamedTuple):
    """Order in which the blocks of a channel pass through its banks."""

    geometry: Ints
    """int64 (2), by `BELOW` and `BLOCK`."""
    order: Ints
    """int64 (sets, banks per set): banks of each set."""
    sets: Ints
    """int64 (banks): set of each bank."""


class Stretches(NamedTuple):
    """Known states and stretches."""

    layout: Layout
    states: Ints
    """int64 (states, longest vector + 1): length and vector of each state."""
    far: Ints
    """int64 (states): stretch after a state when no refresh falls due within it, or `EMPTY`."""
    places: Ints
    """int64 (places): hash table of states."""
    near: Ints
    """int64 (places, 3): hash table of (state, distance of the refresh, stretch)."""
    stretches: Ints
    """int64 (stretches, 5 + counts), by `LENGTH` to `COUNTED`."""
    sizes: Ints
    """int64 (2), by `STATES` and `STRETCHES`."""
    begun: Ints
    """int64 (channels, 5 + counts), by `FROM` to `COUNTED`: the stretch that is being recorded."""
    scratch: Ints
    """int64 (longest vector): vector of the present state."""


class System(NamedTuple):
    """The DRAM of a machine: its state, the controllers of its channels, and the DMA."""

    dram: Dram
    controller: Controller
    dma: Dma
    stretches: Stretches
