"""Order of a standard's banks under consecutive addresses, and the empty table of stretches."""

from __future__ import annotations

import numpy as np

from accelsim.dram.table import DramTable
from accelsim.kernels.dma.snapshots import MOST_MEMBERS
from accelsim.kernels.dma.stretches import COUNTED, COUNTS
from accelsim.kernels.dma.system import EMPTY, Layout, Stretches
from accelsim.kernels.dram import state as k
from accelsim.kernels.dram.addresses import bank_of, field_size, fill_digits

STATES, STRETCHES = 1 << 12, 1 << 13
"""Capacity of the table. Once it is full, what it does not know is run clock by clock."""


def layout_of(table: DramTable) -> Layout | None:
    """Order in which consecutive bursts of a channel pass through its banks.

    None if rows are not the highest field of a channel's addresses: blocks do not follow one order
    then.
    """
    shape = table.shape
    fields = [int(field) for field in shape[k.FIELD :]]
    within = [field for field in fields if field != k.CHANNEL_FIELD]
    if within[-1] != k.ROW_FIELD:
        return None
    sizes = {field: int(field_size(field, shape)) for field in fields}
    column = within.index(k.COLUMN_FIELD)
    width = int(np.prod([sizes[field] for field in within[:column]], dtype=np.int64))
    sets = int(np.prod([sizes[field] for field in within[column + 1 : -1]], dtype=np.int64))
    below = fields[: fields.index(k.CHANNEL_FIELD)]
    block = width * sizes[k.COLUMN_FIELD]
    apart = int(np.prod([sizes[field] for field in below], dtype=np.int64))
    geometry = np.array([apart, block], np.int64)
    order, digits = np.zeros((sets, width), np.int64), np.zeros(6, np.int64)
    for each in range(sets):
        for burst in range(width):
            number = each * block + burst
            fill_digits(
                number // apart * apart * sizes[k.CHANNEL_FIELD] + number % apart, shape, digits
            )
            order[each, burst] = bank_of(digits, shape)
    of_bank = np.zeros(sets * width, np.int64)
    of_bank[order] = np.arange(sets)[:, None]
    return Layout(geometry, order, of_bank)


def new_stretches(table: DramTable, outstanding: int) -> Stretches:
    """A table that knows nothing; one without room if addresses have no such order."""
    layout, shape = layout_of(table), table.shape
    states, stretches = (STATES, STRETCHES) if layout else (0, 0)
    if layout is None:
        one = np.zeros((1, 1), np.int64)
        layout = Layout(np.ones(2, np.int64), one, one[0])
    banks, ranks = int(shape[k.RANKS] * shape[k.GROUPS] * shape[k.BANKS]), int(shape[k.RANKS])
    longest = 12 + 2 * MOST_MEMBERS + 2 * outstanding + (2 + k.COMMANDS) * banks
    longest += k.COMMANDS * ranks * int(shape[k.GROUPS]) + (k.COMMANDS + 4) * ranks
    return Stretches(
        layout,
        states=np.zeros((states, 1 + longest), np.int64),
        far=np.full(states, EMPTY, np.int64),
        places=np.full(4 * states, EMPTY, np.int64),
        near=np.full((4 * stretches, 3), EMPTY, np.int64),
        stretches=np.zeros((stretches, COUNTED + COUNTS), np.int64),
        sizes=np.zeros(2, np.int64),
        begun=np.full((int(shape[k.CHANNELS]), COUNTED + COUNTS), EMPTY, np.int64),
        scratch=np.zeros(longest, np.int64),
    )
