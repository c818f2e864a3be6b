"""Request streams with which other DRAM simulators were measured, regenerated from their seeds.

Addresses are multiples of a burst and distinct within a stream. In paced streams requests arrive at
intervals. In all others they are available at clock 0, and the controller accepts them as it can.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from accelsim.dram.requests import Requests
from accelsim.dram.standard import DramSpec

SEED = 20240611
MEBIBYTE = 1 << 20
OUTSTANDING = 32
"""Maximum number of reads that the driver of a `_w32` stream keeps outstanding."""

Ints = NDArray[np.int64]


def max_outstanding(stream: str) -> int | None:
    """Limit on outstanding reads of a stream's driver, or None."""
    return OUTSTANDING if stream.endswith("_w32") else None


def make(stream: str, spec: DramSpec) -> Requests:
    """A stream by name, for the bursts and rows of a standard. Raises KeyError if there is no such
    stream.
    """
    return _STREAMS[stream.removesuffix("_w32")](spec)


def _draw(offset: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(SEED + offset))


def _different(draw: np.random.Generator, count: int, below: int) -> Ints:
    """The first ``count`` distinct random numbers from 0 to ``below`` - 1."""
    drawn = np.empty(0, np.int64)
    while len(drawn) < count:
        drawn = np.append(drawn, draw.integers(0, below, size=2 * count, dtype=np.int64))
        drawn = drawn[np.sort(np.unique(drawn, return_index=True)[1])]
    return drawn[:count]


def _requests(
    addresses: Ints, cycles: Ints | None = None, writes: NDArray[np.bool_] | None = None
) -> Requests:
    nothing = np.zeros(len(addresses), np.int64)
    return Requests(
        nothing if cycles is None else cycles,
        addresses,
        nothing.astype(np.bool_) if writes is None else writes,
    )


def _written(requests: Requests) -> Requests:
    """The requests as writes."""
    return Requests(requests.cycles, requests.addresses, np.ones(len(requests), np.bool_))


def _every(requests: Requests, clocks: int) -> Requests:
    """The requests at intervals of ``clocks`` clocks."""
    return Requests(
        np.arange(len(requests), dtype=np.int64) * clocks, requests.addresses, requests.writes
    )


def _sequential(spec: DramSpec) -> Requests:
    """4096 bursts at consecutive addresses."""
    return _requests(np.arange(4096, dtype=np.int64) * spec.organisation.burst)


def _new_rows(spec: DramSpec) -> Requests:
    """2048 bursts, each in another row of one bank."""
    o = spec.organisation
    row = (
        o.burst * o.row_bursts * o.channels * o.ranks * o.bankgroups * o.banks_per_group
    )  # the row is the topmost field
    return _requests(np.arange(2048, dtype=np.int64) * row)


def _random(spec: DramSpec, offset: int) -> Requests:
    """4096 bursts at random addresses within 256 MiB."""
    burst = spec.organisation.burst
    return _requests(_different(_draw(offset), 4096, 256 * MEBIBYTE // burst) * burst)


def _mixed(spec: DramSpec) -> Requests:
    """2048 bursts each of weights (read), activations (read) and gradients (written), 1 KiB of each
    in turn, as a DMA engine moves them.
    """
    burst = spec.organisation.burst
    run = 1024 // burst
    start = np.array([0, 64 * MEBIBYTE, 128 * MEBIBYTE + 8192], np.int64)
    turn, place = np.arange(2048 // run, dtype=np.int64), np.arange(run, dtype=np.int64)
    addresses = start[None, :, None] + 1024 * turn[:, None, None] + burst * place[None, None, :]
    writes = np.zeros(addresses.shape, np.bool_)
    writes[:, 2] = True
    return _requests(addresses.ravel(), writes=writes.ravel())


def _tiles(spec: DramSpec) -> Requests:
    """96 pieces of 4 KiB at random addresses within 256 MiB, one every 300 to 899 clocks."""
    burst, draw, pieces = spec.organisation.burst, _draw(4), 96
    start = _different(draw, pieces, 256 * MEBIBYTE // 4096) * 4096
    clocks = np.append(0, np.cumsum(draw.integers(300, 900, size=pieces - 1))).astype(np.int64)
    bursts = np.arange(4096 // burst, dtype=np.int64)
    return _requests((start[:, None] + burst * bursts).ravel(), np.repeat(clocks, len(bursts)))


def _trickle(spec: DramSpec) -> Requests:
    """A read every 200 clocks: a random burst within 256 MiB, then the burst after it."""
    burst = spec.organisation.burst
    first = _different(_draw(5), 1024, 256 * MEBIBYTE // (2 * burst)) * (2 * burst)
    return _every(_requests(np.stack([first, first + burst], axis=1).ravel()), 200)


_STREAMS: dict[str, Callable[[DramSpec], Requests]] = {
    "seq_read": _sequential,
    "seq_write": lambda spec: _written(_sequential(spec)),
    "row_conflict": _new_rows,
    "rand_read": lambda spec: _random(spec, 1),
    "rand_read_paced": lambda spec: _every(_random(spec, 2), 16),
    "rand_write": lambda spec: _written(_random(spec, 3)),
    "mix_dma": _mixed,
    "mix_dma_paced": lambda spec: _every(_mixed(spec), 8),
    "tiles": _tiles,
    "trickle": _trickle,
}
