"""Components of the whole-machine twin, stepped once per cycle: links and ports, lanes of a
partition, and the vector unit.

A `Request` is what a stage asks of a component for one block. It has ended when the component has
worked on it for the required number of cycles.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.naive.machine import Pair, Stream


@dataclass
class Request:
    """Bits to move, then cycles of waiting for banks. For an array, a job with its own state."""

    bits: int = 0
    wait: int = 0
    ended: bool = False


@dataclass
class Link:
    """Moves up to ``width`` bits per cycle of the oldest request. A cycle serves only
    one request.
    """

    width: int
    queue: deque[Request] = field(default_factory=deque)
    busy_cycles: int = 0
    bits: int = 0

    def ask(self, bits: int, wait: int = 0) -> list[Request]:
        """Queue a request, unless it is empty."""
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
    """Walks along one stream. Each cycle it takes the first effectual position in its window, or
    passes over a window that has none.
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
    """One output of a tile: the pairs of its stream, and the lanes that reduce it, more than one if
    PEs share the reduction.
    """

    pairs: Stream
    mode: str
    window: int
    shared: int = 1
    channels: int = 1

    def lanes(self) -> list[Lane]:
        """New lanes at the starts of their streams. If PEs share the reduction, PE j has channels
        j, j + shared, ...; the last round is padded with zeros.
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
    """Tiles of a block, one after another; the lanes of a tile wait for each other at its end. Then
    cycles of waiting for the scratchpads' ports.
    """

    tiles: deque[list[Output]] = field(default_factory=deque)
    lanes: list[Lane] = field(default_factory=list)
    walked: int = 0

    def begin(self) -> None:
        """Start the next tile that has a non-empty stream. A tile of empty streams
        takes no time.
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
