"""Execution of one op in the whole-machine twin: its stages, and the array's stall causes, cycle by
cycle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from tests.naive.whole_machine_parts import Request
from tests.naive.whole_machine_work import Task


class Clock(Protocol):
    """What an op needs from its machine: the cycle, busy stages in the order in which they began,
    and signals within the cycle.
    """

    now: int
    busy: list[Stage]

    def signal(self, told: Callable[[], None], urgent: bool = False) -> None: ...


@dataclass
class Stage:
    """A control unit that processes one block after another: it waits for the block, then for a
    free buffer after it, then for its requests.

    ``ask`` hands a block's requests to components. A signal tells neighbours that a block has
    ended; ``told`` counts the blocks announced so far.
    """

    name: str
    machine: Clock
    blocks: int
    ask: Callable[[int], list[Request]]
    over: Callable[[], None]
    before: Stage | None = None
    behind: Stage | None = None
    told: int = 0
    started: list[int] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    waiting: list[tuple[int, Stage]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._control = self._run()

    def go_on(self) -> None:
        next(self._control, None)

    @property
    def at_work(self) -> bool:
        return len(self.started) > len(self.done)

    @property
    def ready(self) -> bool:
        return all(request.ended for request in self.requests)

    def _run(self) -> Generator[None, None, None]:
        for block in range(self.blocks):
            if self.before is not None and self.blocks > 1 and self.before.told <= block:
                self.before.waiting.append((block, self))
                yield
            if self.behind is not None and block >= 2 and self.behind.told <= block - 2:
                self.behind.waiting.append((block - 2, self))
                yield
            self.started.append(self.machine.now)
            self.requests = self.ask(block)
            if not self.ready:
                self.machine.busy.append(self)
                yield
            self.done.append(self.machine.now)
            if self.blocks > 1:
                self.machine.signal(partial(self._tell, block))
        self.over()

    def _tell(self, block: int) -> None:
        """Resume the stages that wait for this block, in the order in which they began to wait."""
        self.told += 1
        ready = [stage for wanted, stage in self.waiting if wanted == block]
        self.waiting = [(wanted, stage) for wanted, stage in self.waiting if wanted != block]
        for stage in ready:
            stage.go_on()


@dataclass
class Running:
    """An op that holds its component.

    ``serial``: its number in the order of start. ``seen``: cycles by activity or stall cause of the
    compute stage. ``commands``: DRAM commands of its transfers.
    """

    task: Task
    step: int
    partition: int | None
    start: int
    serial: int
    stages: list[Stage] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    commands: list[Counter[str]] = field(default_factory=list)
    end: int = -1
    bank: int = 0

    def observe(self) -> None:
        """Record the activity of the compute stage in the cycle that begins now."""
        by_name = {stage.name: stage for stage in self.stages}
        compute, load, fill = by_name["compute"], by_name.get("load"), by_name.get("fill")
        drain = by_name.get("drain")
        behind = "drain" if drain and drain.at_work else "store"
        block = len(compute.done)
        if compute.at_work:
            self.seen["compute"] += 1
        elif block == compute.blocks:
            self.seen[behind] += 1
        elif load and len(load.done) <= block:
            self.seen["load"] += 1
        elif fill and len(fill.done) <= block:
            # A fill that begins as soon as its data are loaded is limited by the load, except for
            # the first block.
            on_time = (
                load
                and block
                and len(fill.started) > block
                and fill.started[block] <= load.done[block]
            )
            self.seen["load" if on_time else "fill"] += 1
        else:
            self.seen[behind] += 1
