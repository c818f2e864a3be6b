"""Running ops, each in a slot, and the events of their blocks: what kernels know of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

STAGES = 5
LOAD, FILL, COMPUTE, DRAIN, STORE = range(STAGES)
"""Kinds of stages, in their order."""
(
    STAGE_COUNT,
    BLOCKS,
    STAGED_IN,
    FILL_BITS,
    FILL_BUFFER,
    PEER_BITS,
    DRAIN_BITS,
    DRAIN_BUFFER,
    STAGED_OUT,
    FILL_WAIT,
    DRAIN_WAIT,
    STAGED_IN_WAIT,
    STAGED_OUT_WAIT,
    LOADS,
    PARTS,
) = range(15)
"""Columns of ``ops``: stages and blocks; bits that each link moves for the op; cycles of bank
conflicts; parts that are loads, and all parts.
"""
BASE, SIZE, NBYTES = range(3)
"""Columns of ``parts``: first byte in DRAM, bytes of the tensor, bytes to move."""
BLOCK, POINT, FINISHED, AWAITED, AWAITED_BLOCK, SINCE = range(6)
"""Columns of ``steps``: block in work, point in the block, blocks whose end others have seen, stage
and block that it waits for, and since when.
"""
STARTED, DONE = range(2)
"""Indices into ``times``."""


class Slots(NamedTuple):
    """The running ops."""

    ops: Ints
    """int64 (slots, 15), by `STAGE_COUNT` to `PARTS`."""
    kinds: Ints
    """int64 (slots, 5): kinds of the stages that the op has, in order."""
    block_cycles: Ints
    """int64 (slots, blocks): cycles of the compute stage."""
    mesh_bits: Ints
    """int64 (slots, 2, mesh): bits that fill and drain move over each link of a mesh."""
    parts: Ints
    """int64 (slots, parts, 3), by `BASE` to `NBYTES`: tensors that load, then that store moves."""
    steps: Ints
    """int64 (slots, 5, 6), by `BLOCK` to `SINCE`: where each stage is."""
    times: Ints
    """int64 (slots, 2, 5, blocks), by `STARTED` and `DONE`: cycles of each stage's blocks."""
    commands: Ints
    """int64 (slots, 5): commands of the DRAM for the op."""


NOW, NUMBER, QUEUED, TODO, STAMP, ENDS, NEXT = range(7)
"""Indices into ``clock``: the cycle; the number of the next event to be scheduled; how many events
and stages wait in ``queue`` and ``todo``; stamp of the next stage that waits; how many ops have
ended in a call; the cycle of the next event, `NEVER` without one.
"""
NEVER = 1 << 62
CYCLE, ORDER, CODE = range(3)
"""Columns of ``queue``: when, the number under which it was scheduled, and what happens."""
SLOT, END_CYCLE, END_NUMBER = range(3)
"""Columns of ``ended``."""


class Events(NamedTuple):
    """The events of the ops' blocks."""

    clock: Ints
    """int64 (7), by `NOW` to `NEXT`."""
    queue: Ints
    """int64 (events, 3), by `CYCLE` to `CODE`: the events to come, in no order."""
    todo: Ints
    """int64 (stages): codes of stages that the event in work has still to wake, the last first."""
    ended: Ints
    """int64 (slots, 3), by `SLOT` to `END_NUMBER`: ops whose end a call has found, its cycle, and
    the number that it would have as an event.
    """


class Memory(NamedTuple):
    """What turns cycles of the machine and bytes into clocks and bursts of the DRAM."""

    tck_ps: int
    burst_bytes: int
    capacity_bytes: int
    ps: int
    """So many picoseconds are ``cycles`` cycles."""
    cycles: int
