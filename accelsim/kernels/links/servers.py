"""Links and ports that serve transfers first come, first served."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.jit import jit

Ints = NDArray[np.int64]

DOWN, UP, PEER, BUFFER, BUFFER_WRITE, MESH = range(6)
"""Links of a tree: from the root, to it, between PEs. Of the global buffer: its port, and the one
for writes where there are two. Behind them come the links of a mesh, if there is one.
"""


WIDTH, FREE, BUSY, BITS = range(4)


class Links(NamedTuple):
    """All links of a machine."""

    table: Ints
    """int64 (links, 4), numbered by `DOWN` to `MESH` and on: bits per cycle, the cycle from which
    the link is free, cycles busy and bits moved so far.
    """
    writes: int
    """The link for writes of the global buffer: `BUFFER` or `BUFFER_WRITE`."""


@jit
def scaled(value: int, by: int, over: int) -> int:
    """ceil(value * by / over) for by and over below 2**40 and a result that fits 63 bits, without
    overflow on the way.
    """
    whole = value // over
    rest = value - whole * over
    high = rest * (by >> 20)
    quotient = high // over
    low = ((high - quotient * over) << 20) + rest * (by & ((1 << 20) - 1))
    return whole * by + (quotient << 20) + (low + over - 1) // over


@jit
def before(total: int, block: int, blocks: int) -> int:
    """floor(total * block / blocks), the part of a total that falls to the blocks before; blocks
    below 2**31.
    """
    whole = total // blocks
    return whole * block + (total - whole * blocks) * block // blocks


@jit
def share(total: int, block: int, blocks: int) -> int:
    """The part of a total that falls to one of its blocks."""
    return before(total, block + 1, blocks) - before(total, block, blocks)


@jit
def reserve(link: int, bits: int, wait: int, now: int, table: Ints) -> int:
    """Take the next turn on a link of `Links.table`; the cycle in which it ends. ``wait``: cycles
    that conflicts add. Nothing to move waits for nobody.
    """
    if bits == 0 and wait == 0:
        return now
    cycles = (bits + table[link, WIDTH] - 1) // table[link, WIDTH] + wait
    table[link, FREE] = max(table[link, FREE], now) + cycles
    table[link, BUSY] += cycles
    table[link, BITS] += bits
    return table[link, FREE]  # type: ignore[no-any-return]


@jit
def reserve_mesh(loads: Ints, block: int, blocks: int, now: int, table: Ints) -> int:
    """Take the next turn on every link of the mesh that one block's share of ``loads``, bits per
    link, crosses; the cycle in which the last ends.
    """
    done = now
    for link in range(len(loads)):
        if loads[link]:
            done = max(done, reserve(MESH + link, share(loads[link], block, blocks), 0, now, table))
    return done
