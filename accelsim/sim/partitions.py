"""Partitions of the PE array: one op holds one at a time, and those that wait are served by
priority.
"""

from __future__ import annotations

from collections.abc import Generator
from heapq import heappop, heappush

import simpy


class Partitions:
    """``count`` partitions by number. An op takes the one that it must have, or whichever is free:
    then the lowest number.

    The lowest priority value goes first; among equals who asked first. As with SimPy's resources,
    one that is given back is handed on after what else has happened in the same cycle before.
    """

    def __init__(self, env: simpy.Environment, count: int) -> None:
        self._env = env
        self.count = count
        self._free = set(range(count))
        self._waiting: dict[int | None, list[tuple[int, int, simpy.Event]]] = {}
        self._asked = 0

    def take(self, wanted: int | None, priority: int) -> Generator[simpy.Event, None, int]:
        """Wait for the partition ``wanted``, for any if it is None; returns the number of the one
        taken.
        """
        event = self._env.event()
        self._asked += 1
        heappush(self._waiting.setdefault(wanted, []), (priority, self._asked, event))
        self._serve()
        yield event
        number = event.value
        assert isinstance(number, int)
        return number

    def give_back(self, number: int) -> None:
        """The holder of that partition has ended."""
        self._free.add(number)
        freed = self._env.event()
        assert freed.callbacks is not None
        freed.callbacks.append(lambda _: self._serve())
        freed.succeed()

    def _serve(self) -> None:
        for number in sorted(self._free):
            queues = [
                queue for queue in (self._waiting.get(number), self._waiting.get(None)) if queue
            ]
            if queues:
                _, _, event = heappop(min(queues))
                self._free.remove(number)
                event.succeed(number)
