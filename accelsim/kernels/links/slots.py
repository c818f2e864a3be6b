"""Running ops, one per slot, and the events of their blocks, as arrays for kernels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

STAGES = 5
LOAD, FILL, COMPUTE, DRAIN, STORE = range(STAGES)
"""Kinds of stages, in pipeline order."""
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
    SERIAL,
    FILL_VECTOR,
    DRAIN_VECTOR,
    IS_VECTOR,
) = range(19)
"""Columns of ``ops``: number of stages and of blocks; bits that each link moves for the op; cycles
of bank conflicts; number of load parts, and of all parts; number of the op in order of start;
cycles of the vector unit for what it does on words of fill and drain; whether the op is the vector
unit's own.
"""
BASE, SIZE, NBYTES = range(3)
"""Columns of ``parts``: first byte in DRAM, bytes of the tensor, bytes to move."""
BLOCK, POINT, FINISHED, AWAITED, AWAITED_BLOCK, SINCE, CROSSING, UNTIL, TICKET = range(9)
"""Columns of ``steps``: current block, point within the block, blocks whose end is visible to other
stages, stage and block that it waits for, stamp of the start of that wait; transfers of the block
that are on their way, cycle in which all other parts of the block are done, number of the event of
its end.
"""
STARTED, DONE = range(2)
"""Indices into ``times``."""


class Slots(NamedTuple):
    """The running ops."""

    ops: Ints
    """int64 (slots, 19), by `STAGE_COUNT` to `IS_VECTOR`."""
    kinds: Ints
    """int64 (slots, 5): kinds of the op's stages, in order."""
    block_cycles: Ints
    """int64 (slots, blocks): cycles of the compute stage."""
    mesh_bits: Ints
    """int64 (slots, 4, mesh links): bits that fill, drain, load and store move over each link of a
    mesh.
    """
    stash_bits: Ints
    """int64 (slots, 2): bits that load moves over the link to the root of a tree, and store over
    the link from it.
    """
    parts: Ints
    """int64 (slots, parts, 3), by `BASE` to `NBYTES`: tensors moved by load, then those moved by
    store.
    """
    steps: Ints
    """int64 (slots, 5, 9), by `BLOCK` to `TICKET`: state of each stage."""
    times: Ints
    """int64 (slots, 2, 5, blocks), by `STARTED` and `DONE`: cycles of each stage's blocks."""
    commands: Ints
    """int64 (slots, 5): DRAM commands of the op."""


NOW, NUMBER, QUEUED, TODO, STAMP, ENDS, NEXT, CROSSINGS, SETTLED, REACHED = range(10)
"""Indices into ``clock``: current cycle; number of the next event to schedule; length of ``queue``
and of ``todo``; stamp of the next stage that waits; ops that ended in this call; cycle of the next
event, or `NEVER`; transfers whose end is not known; cycle up to which the ends of all transfers are
known; DRAM clock up to which the channels have run.
"""
NEVER = 1 << 62
CYCLE, ORDER, CODE = range(3)
"""Columns of ``queue``: cycle, number under which it was scheduled, code of the event."""
SLOT, END_CYCLE, END_NUMBER = range(3)
"""Columns of ``ended``."""


class Events(NamedTuple):
    """Events of the ops' blocks."""

    clock: Ints
    """int64 (10), by `NOW` to `REACHED`."""
    queue: Ints
    """int64 (events, 3), by `CYCLE` to `CODE`: pending events, unordered."""
    todo: Ints
    """int64 (stages): codes of the stages that the current event has yet to wake; the last is taken
    first.
    """
    ended: Ints
    """int64 (slots, 3), by `SLOT` to `END_NUMBER`: ops whose end became known in a call, the cycle
    of the end, and its number as an event.
    """


class Memory(NamedTuple):
    """Conversion of machine cycles to DRAM clocks."""

    tck_ps: int
    ps: int
    """``ps`` picoseconds equal ``cycles`` machine cycles."""
    cycles: int
