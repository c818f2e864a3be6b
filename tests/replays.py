"""Replay of a DRAM trace by the controller alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from accelsim.config import catalog
from accelsim.config.loader import load_model
from accelsim.dram.requests import read_requests
from accelsim.dram.run import simulate
from accelsim.dram.standard import DramSpec
from tests.naive.dram import decode


def replay(trace: Path, standard: str | DramSpec, channels: int | None = None) -> int:
    """Check that every burst of a trace is done at the same clock in the controller alone, and lies
    in the same channel. Returns the number of bursts.

    ``standard``: the machine's, by name, or itself. ``channels`` overrides its number of channels.
    """
    spec = standard
    if isinstance(spec, str):
        spec = load_model(catalog.find("dram", spec), DramSpec)
    if channels is not None:
        spec = spec.with_channels(channels)
    lines = trace.read_text(encoding="utf-8").splitlines()[1:]
    if not lines:
        return 0
    requests = read_requests(trace, spec.organisation.capacity_bytes)
    done = np.array([int(line.rsplit(",", 1)[1]) for line in lines])
    np.testing.assert_array_equal(simulate(spec, requests).done, done)
    for line in lines[:: 1 + len(lines) // 500]:
        _, address, _, channel, _ = line.split(",", 4)
        assert decode(spec, int(address) // spec.organisation.burst)[0] == int(channel)
    return len(lines)
