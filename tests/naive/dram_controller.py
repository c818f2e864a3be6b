"""Plain-Python twin of the memory controller: steps every clock of every channel, examines every
request, and keeps a list of all commands issued.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from accelsim.dram.standard import DramSpec
from tests.naive.dram import Channel, Command, decode, gap

COLUMNS = ("RD", "WR")


@dataclass
class Request:
    number: int
    arrives: int
    burst: int
    write: bool
    place: tuple[int, int, int, int, int]  # channel, rank, group, bank, row
    accept: int = -1
    issued: int = -1
    done: int = -1
    outcome: str = "hit"
    joined: list[Request] = field(
        default_factory=list
    )  # later writes to the same burst, merged into this one while it waited

    @property
    def bank(self) -> tuple[int, int, int]:
        return self.place[1], self.place[2], self.place[3]

    @property
    def row(self) -> int:
        return self.place[4]

    @property
    def column(self) -> str:
        return "WR" if self.write else "RD"


def drains(spec: DramSpec, draining: bool, reads: int, writes: int) -> bool:
    """Whether writes are drained next. Draining starts above the high mark or without reads. It
    stops, if reads wait, below the low mark or without writes.
    """
    policy = spec.policy
    if not draining and (writes > policy.drain_high * policy.write_queue or reads == 0):
        return True
    if draining and (writes < policy.drain_low * policy.write_queue or writes == 0) and reads > 0:
        return False
    return draining


@dataclass
class Controller:
    """One channel."""

    spec: DramSpec
    channel: Channel = field(init=False)
    reads: list[Request] = field(default_factory=list)
    writes: list[Request] = field(default_factory=list)
    opened: list[Request] = field(default_factory=list)
    commands: list[tuple[int, str, int, int, int, int]] = field(default_factory=list)
    draining: bool = False
    refreshes: list[int] = field(default_factory=list)  # ranks with an overdue refresh
    due: int = 0
    made_way: dict[tuple[int, int, int], bool] = field(default_factory=dict)
    cached: dict[tuple[object, ...], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.channel = Channel(self.spec)
        self.due = self.spec.timing.tREFI

    def bus(self, kind: str) -> str:
        return "any" if not self.spec.two_buses else "column" if kind in COLUMNS else "row"

    def allowed(self, kind: str, rank: int, group: int, bank: int) -> int:
        """First clock at which every constraint with respect to all earlier commands holds,
        including the command's own bus.
        """
        key = (kind, rank, group, bank)
        if key not in self.cached:
            wanted = Command(kind, 0, rank, group, bank)
            clock = self.channel.probe(kind, rank, group, bank) if not self.spec.two_buses else 0
            for past in self.channel.history:
                least = gap(self.spec, past, wanted)
                if (
                    least == 1
                    and self.bus(past.kind) != self.bus(kind)
                    and not past.same_bank(wanted)
                ):
                    least = 0
                clock = max(clock, past.clock + least)
            activates = [
                past.clock
                for past in self.channel.history
                if past.kind == "ACT" and past.rank == rank
            ]
            if kind == "ACT" and len(activates) >= 4:
                clock = max(clock, activates[-4] + self.spec.timing.tFAW)
            self.cached[key] = clock
        return self.cached[key]

    def issue(self, now: int, kind: str, bank: tuple[int, int, int], row: int) -> None:
        self.channel.issue(kind, now, *bank, row)
        self.commands.append((now, kind, *bank, row))
        self.cached.clear()

    def open_row(self, bank: tuple[int, int, int]) -> int:
        return self.channel.open_row(*bank)

    def needed(self, request: Request) -> str:
        return self.channel.needed(request.column, *request.bank, request.row)

    def pick_opened(self, now: int) -> Request | None:
        ready = [each for each in self.opened if self.allowed(each.column, *each.bank) <= now]
        return min(ready, key=lambda each: each.number, default=None)

    def pick_queued(self, now: int, carried: str) -> Request | None:
        queue = self.writes if self.draining else self.reads
        for request in queue[:1] if self.spec.policy.scheduler == "fcfs" else queue:
            kind = self.needed(request)
            if carried not in ("any", self.bus(kind)) or self.allowed(kind, *request.bank) > now:
                continue
            if kind == "PRE":
                older = (
                    [each for each in queue if each.number < request.number]
                    if self.spec.policy.scheduler == "frfcfs_rowhit"
                    else []
                )
                if any(
                    each.bank == request.bank and each.row == self.open_row(each.bank)
                    for each in [*self.opened, *older]
                ):
                    continue
            return request
        return None

    def serve(self, now: int, request: Request, kind: str) -> None:
        self.issue(now, kind, request.bank, -1 if kind == "PRE" else request.row)
        if kind == "PRE":
            self.made_way[request.bank] = True
            return
        for queue in (self.reads, self.writes, self.opened):
            if request in queue:
                queue.remove(request)
        if kind == "ACT":
            request.outcome = "conflict" if self.made_way.get(request.bank) else "miss"
            self.opened.append(request)
        else:
            t = self.spec.timing
            request.issued = now
            request.done = (
                now
                + t.AL
                + (t.CWL if request.write else t.CL)
                + (self.spec.organisation.burst_clk or self.spec.organisation.BL // 2)
            )
            for other in request.joined:
                other.done = request.done

    def maintain(self, now: int) -> None:
        rank, o = self.refreshes[0], self.spec.organisation
        banks = [
            (rank, group, bank)
            for group in range(o.bankgroups)
            for bank in range(o.banks_per_group)
        ]
        open_banks = [bank for bank in banks if self.open_row(bank) >= 0]
        if not open_banks:
            if self.allowed("REF", *banks[0]) <= now:
                self.issue(now, "REF", banks[0], -1)
                self.refreshes.pop(0)
                self.made_way = {
                    bank: made for bank, made in self.made_way.items() if bank[0] != rank
                }
            return
        if any(each.bank[0] == rank for each in self.opened):
            return
        if all(self.allowed("PRE", *bank) <= now for bank in open_banks):
            self.commands.append((now, "PREA", *banks[0], -1))
            for bank in open_banks:
                self.channel.issue("PRE", now, *bank)
            self.cached.clear()

    def tick(self, now: int) -> None:
        if self.spec.policy.refresh == "all_bank" and now == self.due:
            self.refreshes += range(self.spec.organisation.ranks)
            self.due += self.spec.timing.tREFI
        for carried in ("column", "row") if self.spec.two_buses else ("any",):
            request = self.pick_opened(now) if carried != "row" else None
            if request is not None:
                self.serve(now, request, request.column)
            elif self.refreshes:
                if carried != "column":
                    self.maintain(now)
            elif self.spec.policy.scheduler != "fcfs" or not self.opened:
                self.draining = drains(self.spec, self.draining, len(self.reads), len(self.writes))
                request = self.pick_queued(now, carried)
                if request is not None:
                    self.serve(now, request, self.needed(request))

    def waiting_write(self, burst: int) -> Request | None:
        return next(
            (each for each in [*self.writes, *self.opened] if each.write and each.burst == burst),
            None,
        )

    def hand_over(self, now: int, request: Request) -> bool:
        policy, waiting = self.spec.policy, self.waiting_write(request.burst)
        if waiting is not None and request.write:
            waiting.joined.append(request)
        elif waiting is not None:
            request.done = now + 1
        elif len(self.writes if request.write else self.reads) < (
            policy.write_queue if request.write else policy.read_queue
        ):
            (self.writes if request.write else self.reads).append(request)
        else:
            return False
        request.accept = now
        return True


class Memory:
    """All channels and the driver."""

    def __init__(self, spec: DramSpec, outstanding: int) -> None:
        self.spec = spec
        self.outstanding = outstanding
        self.controllers = [Controller(spec) for _ in range(spec.organisation.channels)]

    def run(self, wanted: list[tuple[int, int, bool]]) -> list[Request]:
        """Serve requests given as (clock, burst number, is write)."""
        requests = [
            Request(number, *each, decode(self.spec, each[1])) for number, each in enumerate(wanted)
        ]
        waiting = list(requests)
        now = 0
        while (
            waiting
            or any(each.done < 0 for each in requests)
            or now <= max(each.done for each in requests)
        ):
            for controller in self.controllers:
                controller.tick(now)
            tried: set[int] = set()  # a channel's later requests wait for its first one
            for request in list(waiting):
                channel = request.place[0]
                if channel in tried:
                    continue
                tried.add(channel)
                out = sum(
                    not each.write and each.accept >= 0 and (each.done < 0 or each.done > now)
                    for each in requests
                )
                if (
                    request.arrives <= now
                    and (request.write or out < self.outstanding)
                    and self.controllers[channel].hand_over(now, request)
                ):
                    waiting.remove(request)
            now += 1
        return requests
