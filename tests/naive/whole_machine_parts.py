"""Components of the whole-machine twin, stepped once a cycle: links and ports, lanes of a
partition, the vector unit.

A `Request` is what a stage asks of a component for one block; it has ended when the component has
worked on it for as many cycles as it takes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.naive.machine import Pair, Stream


@dataclass
class Request:
    """Bits to move, then cycles of waiting for banks; or, of an array, whatever its job is."""

    bits: int = 0
    wait: int = 0
    ended: bool = False


@dataclass
class Link:
    """Moves up to ``width`` bits a cycle of the oldest request; a cycle serves one request
    alone.
    """

    width: int
    queue: deque[Request] = field(default_factory=deque)
    busy_cycles: int = 0
    bits: int = 0

    def ask(self, bits: int, wait: int = 0) -> list[Request]:
        """Queue a request, unless there is nothing to do."""
        if bits == 0 and wait == 0:
            return []
        self.queue.append(Request(bits, wait))
        return [self.queue[-1]]

    def step(self) -> None:
        if not self.queue:
            return
        head = self.queue[0]
        self.busy_cycles += 1
        if head.bits:
            moved = min(self.width, head.bits)
            head.bits -= moved
            self.bits += moved
        else:
            head.wait -= 1
        if not head.bits and not head.wait:
            head.ended = True
            self.queue.popleft()


@dataclass
class Lane:
    """Walks along one stream: each cycle it takes the first wanted position of its window, or
    passes over a window without one.
    """

    bits: Sequence[int]
    window: int
    position: int = 0
    walked: int = 0
    taken: list[int] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        return self.position >= len(self.bits)

    def step(self) -> None:
        if self.ended:
            return
        self.walked += 1
        for place in range(self.position, min(self.position + self.window, len(self.bits))):
            if self.bits[place]:
                self.taken.append(place)
                self.position = place + 1
                return
        self.position += self.window


@dataclass
class Output:
    """One output that a tile has: the pairs of its stream, and the lanes that reduce it, several
    where PEs share its reduction.
    """

    pairs: Stream
    mode: str
    window: int
    shared: int = 1
    channels: int = 1

    def lanes(self) -> list[Lane]:
        """New lanes at the starts of their streams. PE j of those that share has channels j, j +
        shared, ...; zeros fill up the last round.
        """
        if self.shared == 1:
            return [Lane([self.wanted(pair) for pair in self.pairs], self.window)]
        taps = [
            self.pairs[start : start + self.channels]
            for start in range(0, len(self.pairs), self.channels)
        ]
        rounds = -(-self.channels // self.shared)
        found = []
        for pe in range(self.shared):
            stream = []
            for tap in taps:
                own = tap[pe :: self.shared]
                stream += own + [(0, 0, False)] * (rounds - len(own))
            found.append(Lane([self.wanted(pair) for pair in stream], self.window))
        return found

    def wanted(self, pair: Pair) -> int:
        return {"both": pair[0] & pair[1], "moving": pair[0], "stationary": pair[1], "none": 1}[
            self.mode
        ]


@dataclass
class ArrayJob(Request):
    """A block's tiles, one after the other; the lanes of a tile meet at a barrier. Then cycles of
    waiting for the scratchpads' ports.
    """

    tiles: deque[list[Output]] = field(default_factory=deque)
    lanes: list[Lane] = field(default_factory=list)
    walked: int = 0

    def begin(self) -> None:
        """Take up the first tile that has something to walk along; a tile of empty streams takes no
        time.
        """
        while self.tiles and all(lane.ended for lane in self.lanes):
            self.lanes = [lane for output in self.tiles.popleft() for lane in output.lanes()]
        self.ended = not self.wait and not self.tiles and all(lane.ended for lane in self.lanes)

    def step(self) -> None:
        if all(lane.ended for lane in self.lanes):
            self.wait -= 1
        for lane in self.lanes:
            before = lane.walked
            lane.step()
            self.walked += lane.walked - before
        self.begin()


@dataclass
class VectorJob(Request):
    """Beats of work without MACs, then cycles of waiting for the scratchpads' ports."""

    beats: int = 0

    def begin(self) -> None:
        self.ended = not self.beats and not self.wait

    def step(self) -> None:
        if self.beats:
            self.beats -= 1
        else:
            self.wait -= 1
        self.begin()
