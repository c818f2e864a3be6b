"""Links and ports that serve transfers first come, first served: ``links`` int64[5 + mesh, 4], a
row each of width in bits a cycle, the cycle from which it is free, cycles busy and bits moved.
After `DOWN` to `BUFFER_WRITE` come the links of a mesh, if there is one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.jit import jit

Ints = NDArray[np.int64]

DOWN, UP, PEER, BUFFER, BUFFER_WRITE, MESH = range(6)
"""Of a tree: from the root, to it, between PEs. Of the global buffer: its port, and the one for
writes where there are two.
"""
WIDTH, FREE, BUSY, BITS = range(4)


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
def reserve(link: int, bits: int, wait: int, now: int, links: Ints) -> int:
    """Take the next turn on a link; the cycle in which it ends. ``wait``: cycles that conflicts
    add. Nothing to move waits for nobody.
    """
    if bits == 0 and wait == 0:
        return now
    cycles = (bits + links[link, WIDTH] - 1) // links[link, WIDTH] + wait
    links[link, FREE] = max(links[link, FREE], now) + cycles
    links[link, BUSY] += cycles
    links[link, BITS] += bits
    return links[link, FREE]  # type: ignore[no-any-return]


@jit
def reserve_mesh(loads: Ints, block: int, blocks: int, now: int, links: Ints) -> int:
    """Take the next turn on every link of the mesh that one block's share of ``loads``, bits a
    link, crosses; the cycle in which the last ends.
    """
    done = now
    for link in range(len(loads)):
        if loads[link]:
            done = max(done, reserve(MESH + link, share(loads[link], block, blocks), 0, now, links))
    return done
