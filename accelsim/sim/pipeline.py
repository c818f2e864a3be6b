"""One op as a pipeline of blocks: DRAM load, fill, compute, drain, DRAM store, each overlapping the others' neighbouring blocks.

Between two stages there is a double buffer: a stage may start block b once the stage before has finished b and the stage
behind has finished b - 2. One event a stage and block.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import simpy

Work = Callable[[int], int]
"""Starts the stage's transfers of one block and returns the cycle in which the block is done."""

Process = Generator[simpy.Event, None, None]


@dataclass
class Stage:
    """``name``: load, fill, compute, drain or store. ``done``: the cycle in which each block left the stage."""

    name: str
    work: Work
    done: list[int] = field(default_factory=list)
    started: list[int] = field(default_factory=list)


def run_pipeline(env: simpy.Environment, stages: list[Stage], blocks: int) -> Process:
    """Run all blocks through all stages; ends with the last block's last stage."""
    if blocks == 1:
        for stage in stages:
            stage.started.append(int(env.now))
            yield from _wait(env, stage.work(0))
            stage.done.append(int(env.now))
        return
    events = [[env.event() for _ in range(blocks)] for _ in stages]
    processes = [env.process(_stage(env, stages, events, index, blocks)) for index in range(len(stages))]
    yield processes[-1]


def _stage(env: simpy.Environment, stages: list[Stage], events: list[list[simpy.Event]], index: int, blocks: int) -> Process:
    stage = stages[index]
    for block in range(blocks):
        if index:
            yield events[index - 1][block]
        if index + 1 < len(stages) and block >= 2:
            yield events[index + 1][block - 2]
        stage.started.append(int(env.now))
        yield from _wait(env, stage.work(block))
        stage.done.append(int(env.now))
        events[index][block].succeed()


def _wait(env: simpy.Environment, cycle: int) -> Process:
    if cycle > env.now:
        yield env.timeout(cycle - env.now)


def stalls(stages: list[Stage], start: int, end: int) -> dict[str, int]:
    """Cycles in which the compute stage of an op from ``start`` to ``end`` did not compute, by cause.

    Before the first block: ``dram`` while its data come from there, ``fill`` on their way to the PEs. Before a later one the
    stage that sets the pace: ``dram`` if the fill began as soon as the data had left DRAM, ``fill`` if it was behind.
    ``drain``: data were there but the stage behind had not freed a buffer, and what follows the last block.
    """
    by_name = {stage.name: stage for stage in stages}
    compute, load, fill = by_name["compute"], by_name.get("load"), by_name.get("fill")
    found = {"dram": 0, "fill": 0, "drain": 0}
    idle_from = start
    for block, began in enumerate(compute.started):
        loaded = min(began, load.done[block]) if load else idle_from
        filled = min(began, fill.done[block]) if fill else loaded
        if block and load and fill and fill.started[block] <= load.done[block]:
            loaded = filled
        found["dram"] += max(0, loaded - idle_from)
        found["fill"] += max(0, filled - max(idle_from, loaded))
        found["drain"] += began - max(idle_from, loaded, filled)
        idle_from = compute.done[block]
    found["drain"] += end - idle_from
    return found
