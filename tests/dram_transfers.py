"""A single DRAM transfer for tests. It uses the same kernel as a machine's blocks."""

from __future__ import annotations

from accelsim.cost.counters import ActionCounts
from accelsim.dram.channels import DramChannels
from accelsim.errors import InputError
from accelsim.kernels.dram.streams import stream


def transfer(
    dram: DramChannels,
    start_ps: int,
    address: int,
    nbytes: int,
    write: bool,
    counts: ActionCounts | None = None,
) -> int:
    """Move ``nbytes`` (>= 1) from ``address``. Returns the time of the last data in ps.

    ``start_ps`` is the time at which the transfer is handed over. The first command can be issued
    one DRAM clock after the first clock edge at or after it. ``counts`` receives the commands
    issued, ("dram", "activate" | "precharge" | "read_burst" | "write_burst" | "refresh"), including
    refreshes that have become due since the previous transfer. Raises InputError if the range does
    not lie inside the DRAM.
    """
    table = dram.table
    if nbytes < 1 or address < 0 or address + nbytes > table.capacity_bytes:
        raise InputError(
            f"a DRAM transfer must lie within its {table.capacity_bytes} bytes, got {nbytes} "
            f"bytes at address {address}"
        )
    first = address // table.burst_bytes
    bursts = (address + nbytes - 1) // table.burst_bytes - first + 1
    accept = -(-start_ps // table.tck_ps)
    done = stream(first, bursts, write, accept, dram.state)
    if counts is not None:
        dram.count(counts)
    return int(done) * table.tck_ps
