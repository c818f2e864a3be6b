"""Work of a stage on one block: transfers over links and DRAM."""

from __future__ import annotations

from accelsim.kernels.dma import arrays as dma_columns
from accelsim.kernels.dma.system import System
from accelsim.kernels.dma.transfers import start
from accelsim.kernels.dram.queues import NOTHING
from accelsim.kernels.jit import inlined_jit, jit
from accelsim.kernels.links.servers import (
    BUFFER,
    DOWN,
    PEER,
    UP,
    VECTOR,
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
    CROSSING,
    DRAIN,
    DRAIN_BITS,
    DRAIN_BUFFER,
    DRAIN_VECTOR,
    DRAIN_WAIT,
    FILL,
    FILL_BITS,
    FILL_BUFFER,
    FILL_VECTOR,
    FILL_WAIT,
    IS_VECTOR,
    LOADS,
    NBYTES,
    PARTS,
    PEER_BITS,
    SERIAL,
    SIZE,
    STAGED_IN,
    STAGED_IN_WAIT,
    STAGED_OUT,
    STAGED_OUT_WAIT,
    STORE,
    Memory,
    Slots,
)


@jit
def dram_clock(cycle: int, memory: Memory) -> int:
    """First DRAM clock at or after a cycle."""
    ps = scaled(cycle, memory.ps, memory.cycles)
    return (ps + memory.tck_ps - 1) // memory.tck_ps


@jit
def cycle_of(clock: int, memory: Memory) -> int:
    """First cycle at or after a DRAM clock."""
    return scaled(clock * memory.tck_ps, memory.cycles, memory.ps)


@jit
def cut(nbytes: int, block: int, blocks: int, burst: int) -> int:
    """Bytes that cross the DRAM bus before a block. Blocks are cut between bursts, since a burst
    moves as a whole.
    """
    return nbytes if block == blocks else before(nbytes, block, blocks) // burst * burst


@jit
def cross_dram(
    index: int, stage: int, block: int, slot: int, slots: Slots, clock: int, system: System
) -> int:
    """Start the transfer of one block's share of part ``index`` at a DRAM clock.

    Returns the number of transfers started: 0 for an empty share, else 1.
    """
    op, part, dma = slots.ops[slot], slots.parts[slot, index], system.dma
    burst = dma.settings[dma_columns.BURST_BYTES]
    offset = cut(part[NBYTES], block, op[BLOCKS], burst)
    nbytes = cut(part[NBYTES], block + 1, op[BLOCKS], burst) - offset
    if nbytes == 0:
        return 0
    table, transfer = dma.transfers, 0
    while table[transfer, dma_columns.SERIAL] != NOTHING:
        transfer += 1
    row = table[transfer]
    row[dma_columns.SERIAL], row[dma_columns.ORDER] = op[SERIAL], index
    row[dma_columns.SLOT], row[dma_columns.STAGE] = slot, stage
    row[dma_columns.IS_STORE] = index >= op[LOADS]
    row[dma_columns.BASE], row[dma_columns.SIZE] = part[BASE], part[SIZE]
    start(transfer, offset, nbytes, clock, system.dram.shape, dma)
    return 1


@inlined_jit
def work(
    stage: int,
    block: int,
    slot: int,
    now: int,
    slots: Slots,
    links: Links,
    memory: Memory,
    system: System,
) -> int:
    """Start a stage's transfers of one block.

    Load and store move the stash in scratchpads over the NoC, everything else over DRAM.

    Returns the cycle in which the block is done, apart from its DRAM transfers. Their number is in
    the stage's `CROSSING`.
    """
    kind, op, table = slots.kinds[slot, stage], slots.ops[slot], links.table
    blocks = op[BLOCKS]
    if kind == COMPUTE:
        if op[IS_VECTOR]:
            return reserve(VECTOR, slots.block_cycles[slot, block], 0, now, table)
        return now + slots.block_cycles[slot, block]  # type: ignore[no-any-return]
    if kind == FILL:
        done = reserve(DOWN, share(op[FILL_BITS], block, blocks), 0, now, table)
        wait = share(op[FILL_WAIT], block, blocks)
        bits = share(op[FILL_BUFFER], block, blocks)
        done = max(done, reserve(BUFFER, bits, wait, now, table))
        done = max(done, reserve(PEER, share(op[PEER_BITS], block, blocks), 0, now, table))
        done = max(done, reserve(VECTOR, share(op[FILL_VECTOR], block, blocks), 0, now, table))
        return max(done, reserve_mesh(slots.mesh_bits[slot, 0], block, blocks, now, table))
    if kind == DRAIN:
        done = reserve(UP, share(op[DRAIN_BITS], block, blocks), 0, now, table)
        wait = share(op[DRAIN_WAIT], block, blocks)
        bits = share(op[DRAIN_BUFFER], block, blocks)
        done = max(done, reserve(links.writes, bits, wait, now, table))
        done = max(done, reserve(VECTOR, share(op[DRAIN_VECTOR], block, blocks), 0, now, table))
        return max(done, reserve_mesh(slots.mesh_bits[slot, 1], block, blocks, now, table))
    write = kind == STORE
    if write:
        wait = share(op[STAGED_OUT_WAIT], block, blocks)
        done = reserve(BUFFER, share(op[STAGED_OUT], block, blocks), wait, now, table)
        bits = share(slots.stash_bits[slot, 1], block, blocks)
        done = max(done, reserve(DOWN, bits, 0, now, table))
        done = max(done, reserve_mesh(slots.mesh_bits[slot, 3], block, blocks, now, table))
    else:
        wait = share(op[STAGED_IN_WAIT], block, blocks)
        done = reserve(links.writes, share(op[STAGED_IN], block, blocks), wait, now, table)
        bits = share(slots.stash_bits[slot, 0], block, blocks)
        done = max(done, reserve(UP, bits, 0, now, table))
        done = max(done, reserve_mesh(slots.mesh_bits[slot, 2], block, blocks, now, table))
    first, end = (op[LOADS], op[PARTS]) if write else (0, op[LOADS])
    clock, crossing = dram_clock(now, memory), 0
    for index in range(first, end):
        crossing += cross_dram(index, stage, block, slot, slots, clock, system)
    slots.steps[slot, stage, CROSSING] = crossing
    return done
