"""Inside the simulator: clock, start, measured cycles, and the comparison of every tile with what
the model expects.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, with_timeout
from cocotb.utils import get_sim_time

PERIOD = 2
"""Nanoseconds of a clock."""
LIMIT = 100_000
"""Clocks after which a tile counts as hanging."""


def pack(values: Sequence[int], bits: int) -> int:
    """Two's complement of each value, the first one lowest."""
    word = 0
    for value in reversed(values):
        word = word << bits | value & (1 << bits) - 1
    return word


def unpack(word: int, bits: int, count: int) -> list[int]:
    """The signed values of `pack`."""
    values = [word >> i * bits & (1 << bits) - 1 for i in range(count)]
    return [value - (value >> bits - 1 << bits) for value in values]


async def reset(dut: Any, inputs: Sequence[str]) -> None:
    """Start the clock, hold every input at 0, and reset the design."""
    for name in inputs:
        dut[name].value = 0
    dut.start.value = 0
    dut.rst.value = 1
    Clock(dut.clk, PERIOD, "ns", impl="gpi").start()
    await RisingEdge(dut.clk)
    await RisingEdge(dut.clk)
    dut.rst.value = 0


async def measure(dut: Any) -> int:
    """Start a tile; clocks from the edge that sees the start to the edge after which it is done.
    Returns in the middle of a clock.
    """
    dut.start.value = 1
    await RisingEdge(dut.clk)
    start = get_sim_time("ns")
    dut.start.value = 0
    await FallingEdge(dut.clk)
    while not int(
        dut.done.value
        # `done` may rise for a moment while registers change: what counts is its value in the
        # middle of a clock
    ):
        await with_timeout(RisingEdge(dut.done), LIMIT * PERIOD, "ns")
        await FallingEdge(dut.clk)
    return int(get_sim_time("ns") - start) // PERIOD


async def compare(run: Callable[[dict[str, Any]], Awaitable[tuple[int, list[int]]]]) -> None:
    """Run every tile and hold its cycles and results against the model's; fails when one differs,
    all of them named in the outcome.
    """
    tiles = json.loads(Path(os.environ["RTL_TILES"]).read_text(encoding="utf-8"))
    faults, cycles, results = [], 0, 0
    for index, tile in enumerate(tiles):
        got_cycles, got_results = await run(tile)
        cycles += got_cycles
        results += len(got_results)
        if got_cycles != tile["cycles"]:
            faults.append((index, f"cycles must be {tile['cycles']}, got {got_cycles}"))
        elif got_results != tile["results"]:
            faults.append((index, f"results must be {tile['results']}, got {got_results}"))
    outcome = {"tiles": len(tiles), "cycles": cycles, "results": results, "faults": faults}
    Path(os.environ["RTL_OUTCOME"]).write_text(json.dumps(outcome), encoding="utf-8")
    assert not faults, (
        f"{len(faults)} of {len(tiles)} tiles differ, first tile {faults[0][0]}: {faults[0][1]}"
    )
