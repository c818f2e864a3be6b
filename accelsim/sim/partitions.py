"""Partitions of the PE array. One op holds a partition at a time; waiting ops are served by
priority.
"""

from __future__ import annotations

from collections.abc import Generator
from heapq import heappop, heappush

import simpy


class Partitions:
    """``count`` partitions, numbered from 0.

    An op takes one given partition, or any free one, lowest number first. The lowest priority value
    is served first; ties go to the earlier request. As with SimPy's resources, a returned partition
    is handed on after the other events already scheduled in that cycle.
    """

    def __init__(self, env: simpy.Environment, count: int) -> None:
        self._env = env
        self.count = count
        self._free = set(range(count))
        self._waiting: dict[int | None, list[tuple[int, int, simpy.Event]]] = {}
        self._asked = 0

    def take(self, wanted: int | None, priority: int) -> Generator[simpy.Event, None, int]:
        """Wait for partition ``wanted``, or for any if it is None. Returns the number of the
        partition taken.
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
        """Return a partition after its holder has ended."""
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
