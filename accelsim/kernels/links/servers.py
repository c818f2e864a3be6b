"""Links and ports that serve transfers first come, first served."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.jit import jit

Ints = NDArray[np.int64]

DOWN, UP, PEER, BUFFER, BUFFER_WRITE, VECTOR, MESH = range(7)
"""Links of a tree: from the root, to the root, between PEs. Ports of the global buffer: its only or
read port, and the write port if there are two. The vector unit, whose bits are its cycles. The
links of a mesh, if any, follow.
"""


WIDTH, FREE, BUSY, BITS = range(4)


class Links(NamedTuple):
    """All links of a machine."""

    table: Ints
    """int64 (links, 4), numbered by `DOWN` to `MESH` and up: bits per cycle, cycle from which the
    link is free, busy cycles so far, bits moved so far.
    """
    writes: int
    """Link for writes to the global buffer: `BUFFER` or `BUFFER_WRITE`."""


@jit
def scaled(value: int, by: int, over: int) -> int:
    """ceil(value * by / over) without intermediate overflow.

    ``by`` and ``over`` must be below 2**40, and the result must fit 63 bits.
    """
    whole = value // over
    rest = value - whole * over
    high = rest * (by >> 20)
    quotient = high // over
    low = ((high - quotient * over) << 20) + rest * (by & ((1 << 20) - 1))
    return whole * by + (quotient << 20) + (low + over - 1) // over


@jit
def before(total: int, block: int, blocks: int) -> int:
    """Share of a total that belongs to the blocks before ``block``: floor(total * block / blocks),
    for blocks < 2**31.
    """
    whole = total // blocks
    return whole * block + (total - whole * blocks) * block // blocks


@jit
def share(total: int, block: int, blocks: int) -> int:
    """Share of a total that belongs to one block."""
    return before(total, block + 1, blocks) - before(total, block, blocks)


@jit
def reserve(link: int, bits: int, wait: int, now: int, table: Ints) -> int:
    """Reserve the next turn on a link of `Links.table`. Returns the cycle in which it ends.

    ``wait``: cycles that conflicts add. With nothing to move, returns ``now`` at once.
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
    """Reserve the next turn on every mesh link that one block's share of ``loads`` crosses.

    ``loads``: bits per link. Returns the cycle in which the last turn ends.
    """
    done = now
    for link in range(len(loads)):
        if loads[link]:
            done = max(done, reserve(MESH + link, share(loads[link], block, blocks), 0, now, table))
    return done
