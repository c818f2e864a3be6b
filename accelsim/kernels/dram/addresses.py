"""DRAM addresses as channel, rank, group, bank, row and column."""

from __future__ import annotations

import numpy as np

from accelsim.kernels.dram.state import (
    BANK_FIELD,
    BANKS,
    CHANNEL_FIELD,
    CHANNELS,
    COLUMN_FIELD,
    FIELD,
    GROUP_FIELD,
    GROUPS,
    RANK_FIELD,
    RANKS,
    ROW_BURSTS,
    ROW_FIELD,
    ROWS,
    Ints,
)
from accelsim.kernels.jit import jit


@jit
def field_size(field: int, shape: Ints) -> int:
    """Number of values of an address field."""
    if field == COLUMN_FIELD:
        return shape[ROW_BURSTS]  # type: ignore[no-any-return]
    if field == GROUP_FIELD:
        return shape[GROUPS]  # type: ignore[no-any-return]
    if field == BANK_FIELD:
        return shape[BANKS]  # type: ignore[no-any-return]
    if field == RANK_FIELD:
        return shape[RANKS]  # type: ignore[no-any-return]
    return shape[CHANNELS] if field == CHANNEL_FIELD else shape[ROWS]  # type: ignore[no-any-return]


@jit
def fill_digits(burst: int, shape: Ints, digits: Ints) -> None:
    """Write the address fields of a burst number (address / burst bytes): int64 (6), by `ROW_FIELD`
    etc.

    Burst numbers beyond the capacity wrap around.
    """
    for position in range(6):
        field = shape[FIELD + position]
        size = field_size(field, shape)
        digits[field] = burst % size
        burst //= size


@jit
def bank_of(digits: Ints, shape: Ints) -> int:
    """Bank within its channel, from an address's fields."""
    group = digits[RANK_FIELD] * shape[GROUPS] + digits[GROUP_FIELD]
    return group * shape[BANKS] + digits[BANK_FIELD]  # type: ignore[no-any-return]


@jit
def decode(burst: int, shape: Ints) -> tuple[int, int, int]:
    """(channel, bank within the channel, row) of a burst number (address / burst bytes).

    Burst numbers beyond the capacity wrap around.
    """
    digits = np.empty(6, np.int64)
    fill_digits(burst, shape, digits)
    return digits[CHANNEL_FIELD], bank_of(digits, shape), digits[ROW_FIELD]
