"""Work of a stage on one block: transfers over links and DRAM."""

from __future__ import annotations

from accelsim.kernels.dram.state import COMMANDS, Dram
from accelsim.kernels.dram.streams import stream
from accelsim.kernels.jit import inlined_jit, jit
from accelsim.kernels.links.servers import (
    BUFFER,
    DOWN,
    PEER,
    UP,
    Links,
    before,
    reserve,
    reserve_mesh,
    scaled,
    share,
)
from accelsim.kernels.links.slots import (
    BASE,
    BLOCKS,
    COMPUTE,
    DRAIN,
    DRAIN_BITS,
    DRAIN_BUFFER,
    DRAIN_WAIT,
    FILL,
    FILL_BITS,
    FILL_BUFFER,
    FILL_WAIT,
    LOADS,
    NBYTES,
    PARTS,
    PEER_BITS,
    SIZE,
    STAGED_IN,
    STAGED_IN_WAIT,
    STAGED_OUT,
    STAGED_OUT_WAIT,
    STORE,
    Ints,
    Memory,
    Slots,
)


@inlined_jit
def cross_dram(
    part: Ints, block: int, blocks: int, write: bool, now: int, memory: Memory, dram: Dram
) -> int:
    """Move one block's share of one part, int64 (3), over the DRAM bus.

    Returns the cycle in which its last data have passed, 0 for an empty share. Re-reads wrap around
    the tensor.
    """
    offset = before(part[NBYTES], block, blocks)
    nbytes = before(part[NBYTES], block + 1, blocks) - offset
    if nbytes == 0:
        return 0
    now_ps = scaled(now, memory.ps, memory.cycles)
    accept = (now_ps + memory.tck_ps - 1) // memory.tck_ps
    done = now_ps
    offset %= part[SIZE]
    while nbytes > 0:
        address = (part[BASE] + offset) % memory.capacity_bytes
        size = min(nbytes, part[SIZE] - offset, memory.capacity_bytes - address)
        first = address // memory.burst_bytes
        bursts = (address + size - 1) // memory.burst_bytes - first + 1
        done = max(done, stream(first, bursts, write, accept, dram) * memory.tck_ps)
        nbytes -= size
        offset = (offset + size) % part[SIZE]
    return scaled(done, memory.cycles, memory.ps)


@jit
def count(times: int, tally: Ints, commands: Ints) -> None:
    """Add the commands of all channels so far, times ``times``, to those of an op."""
    for channel in range(tally.shape[0]):
        for command in range(COMMANDS):
            commands[command] += times * tally[channel, command]


@inlined_jit
def work(
    stage: int,
    block: int,
    slot: int,
    now: int,
    slots: Slots,
    links: Links,
    memory: Memory,
    dram: Dram,
) -> int:
    """Start a stage's transfers of one block. Returns the cycle in which the block is done."""
    kind, op, table = slots.kinds[slot, stage], slots.ops[slot], links.table
    blocks = op[BLOCKS]
    if kind == COMPUTE:
        return now + slots.block_cycles[slot, block]  # type: ignore[no-any-return]
    if kind == FILL:
        done = reserve(DOWN, share(op[FILL_BITS], block, blocks), 0, now, table)
        wait = share(op[FILL_WAIT], block, blocks)
        bits = share(op[FILL_BUFFER], block, blocks)
        done = max(done, reserve(BUFFER, bits, wait, now, table))
        done = max(done, reserve(PEER, share(op[PEER_BITS], block, blocks), 0, now, table))
        return max(done, reserve_mesh(slots.mesh_bits[slot, 0], block, blocks, now, table))
    if kind == DRAIN:
        done = reserve(UP, share(op[DRAIN_BITS], block, blocks), 0, now, table)
        wait = share(op[DRAIN_WAIT], block, blocks)
        bits = share(op[DRAIN_BUFFER], block, blocks)
        done = max(done, reserve(links.writes, bits, wait, now, table))
        return max(done, reserve_mesh(slots.mesh_bits[slot, 1], block, blocks, now, table))
    write = kind == STORE
    if write:
        wait = share(op[STAGED_OUT_WAIT], block, blocks)
        done = reserve(BUFFER, share(op[STAGED_OUT], block, blocks), wait, now, table)
    else:
        wait = share(op[STAGED_IN_WAIT], block, blocks)
        done = reserve(links.writes, share(op[STAGED_IN], block, blocks), wait, now, table)
    parts, tally, commands = slots.parts[slot], dram.tally, slots.commands[slot]
    count(-1, tally, commands)
    first, end = (op[LOADS], op[PARTS]) if write else (0, op[LOADS])
    for index in range(first, end):
        crossed = cross_dram(parts[index], block, blocks, write, now, memory, dram)
        done = max(done, crossed)
    count(1, tally, commands)
    return done
