"""DRAM of the whole-machine twin, stepped in its own clock: at every clock edge a channel issues
the one command that is allowed, or none.

Constraints between two commands are those of `tests.naive.dram`, evaluated at one clock: is this
command allowed now? Transfers wait in one line, and a channel works on the first burst of its part
of the line. A refresh that is due has priority.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from accelsim.dram.standard import DramSpec
from tests.naive.dram import Command, decode, gap
from tests.naive.whole_machine_parts import Request

PICOSECONDS = 10**12


@dataclass
class DramRequest(Request):
    """A transfer: the number of bursts left, and the commands issued for it."""

    left: int = 0
    seen: int = 0
    commands: Counter[str] = field(default_factory=Counter)


@dataclass
class Burst:
    request: DramRequest
    kind: str
    rank: int
    group: int
    bank: int
    row: int


class Channel:
    """A command bus, its banks, and bursts in line."""

    def __init__(self, spec: DramSpec, gaps: dict[Any, int]) -> None:
        self.spec = spec
        self.line: deque[Burst] = deque()
        self.passing: list[tuple[int, DramRequest]] = []
        self.open: dict[tuple[int, int, int], int] = {}
        self.last: dict[tuple[str, int, int, int], Command] = {}
        self.activates: dict[int, deque[int]] = {
            rank: deque(maxlen=4) for rank in range(spec.organisation.ranks)
        }
        self.due = spec.timing.tREFI
        self.refreshing: deque[tuple[str, int, int, int]] = deque()
        self.commands: Counter[str] = Counter()
        self.active_clocks = 0
        self._gaps = gaps

    def step(self, clock: int) -> None:
        self.active_clocks += len({rank for rank, _, _ in self.open})
        for at, request in self.passing:
            if at == clock:
                request.left -= 1
                request.ended = request.left == 0
        self.passing = [each for each in self.passing if each[0] > clock]
        if not self.refreshing and self.spec.policy.refresh == "all_bank" and clock >= self.due:
            self._begin_refresh()
        if self.refreshing:
            kind, *where = self.refreshing[0]
            if self.may_go(kind, clock, *where):
                self.issue(kind, clock, *where)
                self.refreshing.popleft()
        elif self.line and clock > self.line[0].request.seen:
            self._serve(self.line[0], clock)

    def _begin_refresh(self) -> None:
        """Queue, rank by rank, the precharges of open banks and the refresh."""
        for rank in range(self.spec.organisation.ranks):
            self.refreshing += [("PRE", *bank) for bank in sorted(self.open) if bank[0] == rank]
            self.refreshing.append(("REF", rank, 0, 0))
        self.due += self.spec.timing.tREFI

    def _serve(self, burst: Burst, clock: int) -> None:
        bank = (burst.rank, burst.group, burst.bank)
        row = self.open.get(bank)
        kind = "ACT" if row is None else burst.kind if row == burst.row else "PRE"
        if not self.may_go(kind, clock, *bank):
            return
        self.issue(kind, clock, *bank, burst.row)
        burst.request.commands[kind] += 1
        if kind == burst.kind:
            t = self.spec.timing
            latency = (
                t.AL
                + (t.CWL if kind == "WR" else t.CL)
                + (self.spec.organisation.burst_clk or self.spec.organisation.BL // 2)
            )
            self.passing.append((clock + latency, burst.request))
            self.line.popleft()

    def may_go(self, kind: str, clock: int, rank: int, group: int, bank: int) -> bool:
        """True if every constraint with respect to earlier commands holds at this clock. Of equal
        commands to a bank, only the last one matters.
        """
        activates = self.activates[rank]
        if kind == "ACT" and len(activates) == 4 and clock < activates[0] + self.spec.timing.tFAW:
            return False
        return all(
            clock >= past.clock + self._gap(past, kind, rank, group, bank)
            for past in self.last.values()
        )

    def _gap(self, past: Command, kind: str, rank: int, group: int, bank: int) -> int:
        key = (past.kind, past.rank, past.group, past.bank, kind, rank, group, bank)
        if key not in self._gaps:
            self._gaps[key] = gap(self.spec, past, Command(kind, 0, rank, group, bank))
        return self._gaps[key]

    def issue(self, kind: str, clock: int, rank: int, group: int, bank: int, row: int = -1) -> None:
        self.commands[kind] += 1
        self.last[kind, rank, group, bank] = Command(kind, clock, rank, group, bank)
        if kind == "ACT":
            self.activates[rank].append(clock)
            self.open[rank, group, bank] = row
        elif kind == "PRE":
            del self.open[rank, group, bank]


class SteppedDram:
    """All channels, and their clock relative to the accelerator's."""

    def __init__(self, spec: DramSpec, clock_hz: int) -> None:
        self.spec = spec
        self.clock = -1
        self._clock_hz = clock_hz
        gaps: dict[Any, int] = {}
        self.channels = [Channel(spec, gaps) for _ in range(spec.organisation.channels)]

    def edge_by(self, clock: int, cycle: int) -> bool:
        """True if DRAM clock edge ``clock`` is not later than the start of accelerator cycle
        ``cycle``.
        """
        return clock * self.spec.timing.tck_ps * self._clock_hz <= cycle * PICOSECONDS

    def step_to(self, cycle: int) -> None:
        """Step through all edges up to the start of a cycle."""
        while self.edge_by(self.clock + 1, cycle):
            self.step()

    def step(self) -> None:
        self.clock += 1
        for channel in self.channels:
            channel.step(self.clock)

    def ask(self, cycle: int, pieces: list[tuple[int, int]], write: bool) -> DramRequest:
        """Hand over a transfer of (first byte, bytes) pieces at the start of a cycle. It is seen at
        the next edge and acted on one edge later.
        """
        on_edge = self.clock * self.spec.timing.tck_ps * self._clock_hz == cycle * PICOSECONDS
        request = DramRequest(seen=self.clock if on_edge else self.clock + 1)
        size = self.spec.organisation.burst
        for first, nbytes in pieces:
            for number in range(first // size, (first + nbytes - 1) // size + 1):
                channel, rank, group, bank, row = decode(self.spec, number)
                self.channels[channel].line.append(
                    Burst(request, "WR" if write else "RD", rank, group, bank, row)
                )
                request.left += 1
        return request

    def finish(self, cycle: int) -> int:
        """Run to the first edge at or after a cycle, and further while a refresh that was due is in
        progress. Returns the elapsed clocks.
        """
        while not (
            self.clock >= 0
            and self.clock * self.spec.timing.tck_ps * self._clock_hz >= cycle * PICOSECONDS
        ):
            self.step()
        while any(channel.refreshing for channel in self.channels):
            self.step()
        return self.clock
