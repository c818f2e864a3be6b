"""DRAM of the whole-machine twin, stepped in its own clock: controllers of `dram_controller`, and a
DMA engine per channel that offers one burst after another.

In every clock each channel issues its commands. Then its engine offers a burst if its port is free,
and the controller takes the burst at the port if it has room.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from accelsim.dram.standard import DramSpec
from tests.naive.dram import Channel, Command, decode
from tests.naive.dram_controller import Controller, Request
from tests.naive.whole_machine_parts import Request as Asked

PICOSECONDS = 10**12


@dataclass
class DramRequest(Asked):
    """A transfer: the bursts that each channel has yet to offer, the number of bursts not done, and
    the commands issued for it. ``key``: number of its op, and of the tensor within the op.
    """

    key: tuple[int, int] = (0, 0)
    write: bool = False
    asked: int = 0
    bursts: list[list[int]] = field(default_factory=list)
    left: int = 0
    commands: Counter[str] = field(default_factory=Counter)


@dataclass
class Burst(Request):
    """A burst of a transfer. ``offered``: clock at which it came to the port."""

    transfer: DramRequest = field(default_factory=DramRequest)
    offered: int = -1
    counted: bool = False


class LastCommands(Channel):
    """A channel that forgets commands which no longer matter: of a kind and bank the last one does,
    and of a rank the last four ACTs. It counts all of them.
    """

    def __init__(self, spec: DramSpec) -> None:
        super().__init__(spec)
        self.counted: Counter[str] = Counter()

    def issue(self, kind: str, clock: int, rank: int, group: int, bank: int, row: int = -1) -> None:
        new = Command(kind, clock, rank, group, bank, row)
        self.counted[kind] += 1
        self.history.append(new)
        acts = [past for past in self.history if (past.kind, past.rank) == ("ACT", rank)][-4:]
        self.history = [
            past
            for past in self.history
            if past is new
            or any(past is act for act in acts)
            or past.kind != kind
            or not past.same_bank(new)
        ]


class CountingController(Controller):
    """A controller that counts commands for the transfers that they serve."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.channel = LastCommands(self.spec)

    def serve(self, now: int, request: Request, kind: str) -> None:
        assert isinstance(request, Burst)
        super().serve(now, request, kind)
        request.transfer.commands[kind] += 1


class Engine:
    """DMA engine and controller of one channel."""

    def __init__(self, spec: DramSpec, number: int, outstanding: int, oldest_first: bool) -> None:
        self.number, self.outstanding, self.oldest_first = number, outstanding, oldest_first
        self.spec, self.controller = spec, CountingController(spec)
        self.offered: list[Burst] = []
        self.port: Burst | None = None
        self.last = (-1, -1)
        self.active_clocks = 0
        self._accepted = 0

    @property
    def commands(self) -> Counter[str]:
        channel = self.controller.channel
        assert isinstance(channel, LastCommands)
        return channel.counted

    def step(self, clock: int, transfers: list[DramRequest]) -> list[Burst]:
        """One clock. Returns the burst that was offered, if any."""
        o = self.spec.organisation
        self.active_clocks += sum(
            any(
                self.controller.open_row((rank, group, bank)) >= 0
                for group in range(o.bankgroups)
                for bank in range(o.banks_per_group)
            )
            for rank in range(o.ranks)
        )
        self.controller.tick(clock)
        new = []
        if self.port is None:
            self.port = self._offer(clock, transfers)
            new = [self.port] if self.port else []
        if self.port is not None:
            self.port.number = self._accepted
            if self.controller.hand_over(clock, self.port):
                self._accepted += 1
                self.port = None
        return new

    def _offer(self, clock: int, transfers: list[DramRequest]) -> Burst | None:
        self.offered = [each for each in self.offered if not 0 <= each.done <= clock]
        ready = {
            each.key: each for each in transfers if each.bursts[self.number] and each.asked <= clock
        }
        if not ready or len(self.offered) >= self.outstanding:
            return None
        later = [key for key in ready if key > self.last]
        self.last = min(ready) if self.oldest_first or not later else min(later)
        transfer = ready[self.last]
        number = transfer.bursts[self.number].pop(0)
        place = decode(self.spec, number)
        burst = Burst(0, clock, number, transfer.write, place, transfer=transfer, offered=clock)
        self.offered.append(burst)
        return burst


class SteppedDram:
    """All channels, and their clock relative to the accelerator's."""

    def __init__(
        self, spec: DramSpec, clock_hz: int, outstanding: int | None, arbitration: str
    ) -> None:
        self.spec = spec
        self.clock = -1
        self._clock_hz = clock_hz
        limit = outstanding or spec.policy.read_queue + spec.policy.write_queue
        self.channels = [
            Engine(spec, number, limit, arbitration == "oldest_first")
            for number in range(spec.organisation.channels)
        ]
        self.transfers: list[DramRequest] = []
        self.bursts: list[Burst] = []
        self.log: list[tuple[int, tuple[int, int], Burst]] = []

    def _edge(self, clock: int) -> int:
        """Time of a clock edge, in units in which a cycle begins at cycle * PICOSECONDS."""
        return clock * self.spec.timing.tck_ps * self._clock_hz

    def step_to(self, cycle: int) -> None:
        """Step through all edges before the start of a cycle, and note the bursts that have ended
        by then. An edge at the start of the cycle itself comes after what is asked in the cycle.
        """
        while self._edge(self.clock + 1) < cycle * PICOSECONDS:
            self.step()
        for burst in self.bursts:
            if burst.done >= 0 and self._edge(burst.done) <= cycle * PICOSECONDS:
                burst.transfer.left -= 1
                burst.counted = True
        self.bursts = [burst for burst in self.bursts if not burst.counted]
        for transfer in self.transfers:
            transfer.ended = transfer.left == 0
        self.transfers = [transfer for transfer in self.transfers if not transfer.ended]

    def step(self) -> None:
        self.clock += 1
        for channel in self.channels:
            new = channel.step(self.clock, self.transfers)
            self.bursts += new
            self.log += [(self.clock, burst.transfer.key, burst) for burst in new]

    def ask(
        self, cycle: int, pieces: list[tuple[int, int]], write: bool, key: tuple[int, int]
    ) -> DramRequest:
        """Hand over a transfer of (first byte, bytes) pieces at the start of a cycle. Its first
        bursts are offered at the next edge, which may be at the start of the cycle.
        """
        asked = self.clock + 1
        while self._edge(asked) < cycle * PICOSECONDS:
            asked += 1
        bursts: list[list[int]] = [[] for _ in self.channels]
        request = DramRequest(key=key, write=write, asked=asked, bursts=bursts)
        size = self.spec.organisation.burst
        for first, nbytes in pieces:
            for number in range(first // size, (first + nbytes - 1) // size + 1):
                bursts[decode(self.spec, number)[0]].append(number)
                request.left += 1
        self.transfers.append(request)
        return request

    def finish(self, cycle: int) -> int:
        """Run through the first edge at or after a cycle. Returns the elapsed clocks."""
        while self.clock < 0 or self._edge(self.clock) < cycle * PICOSECONDS:
            self.step()
        return self.clock
