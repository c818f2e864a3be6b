"""Plain-Python twin of the DRAM kernels: a list of all commands issued, one explicit rule per
constraint, one burst at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from accelsim.dram.standard import DramSpec

NEVER = -(10**9)


@dataclass(frozen=True)
class Command:
    kind: str
    clock: int
    rank: int
    group: int
    bank: int
    row: int = -1

    def same_rank(self, other: Command) -> bool:
        return self.rank == other.rank

    def same_group(self, other: Command) -> bool:
        return self.same_rank(other) and self.group == other.group

    def same_bank(self, other: Command) -> bool:
        return self.same_group(other) and self.bank == other.bank


def gap(spec: DramSpec, first: Command, second: Command) -> int:
    """Minimum number of clocks between two commands."""
    t, bl = spec.timing, (spec.organisation.burst_clk or spec.organisation.BL // 2)
    pair = (first.kind, second.kind)
    # clocks from a command to the start of its data on the bus
    start = {"RD": t.AL + t.CL, "WR": t.AL + t.CWL}
    row_cycle = t.tRC if t.tRC is not None else t.tRAS + t.tRP
    of_bank = {
        ("ACT", "ACT"): row_cycle,
        ("ACT", "PRE"): t.tRAS,
        ("ACT", "RD"): (t.tRCDRD or t.tRCD) - t.AL,
        ("ACT", "WR"): (t.tRCDWR or t.tRCD) - t.AL,
        ("PRE", "ACT"): t.tRP,
        ("RD", "PRE"): t.AL + t.tRTP,
        ("WR", "PRE"): start["WR"] + bl + t.tWR,
    }
    of_group = {
        ("ACT", "ACT"): t.tRRD_L,
        ("RD", "RD"): t.tCCD_L,
        ("WR", "WR"): t.tCCD_L,
        ("WR", "RD"): start["WR"] + bl + t.tWTR_L,
    }
    of_rank = {
        ("ACT", "ACT"): t.tRRD_S,
        ("RD", "RD"): max(t.tCCD_S, bl),
        ("WR", "WR"): max(t.tCCD_S, bl),
        ("RD", "WR"): start["RD"] + bl - start["WR"] + t.tRTRS,
        ("WR", "RD"): start["WR"] + bl + t.tWTR_S,
        ("PRE", "PRE"): t.tPPD,
        ("PRE", "REF"): t.tRP,
        ("ACT", "REF"): row_cycle,
        ("REF", "ACT"): t.tRFC,
        ("REF", "REF"): t.tRFC,
    }
    clocks = 1  # the command bus
    if first.same_bank(second):
        clocks = max(clocks, of_bank.get(pair, 0))
    if first.same_group(second):
        clocks = max(clocks, of_group.get(pair, 0))
    if first.same_rank(second):
        clocks = max(clocks, of_rank.get(pair, 0))
    elif (
        first.kind in start and second.kind in start
    ):  # data of two ranks are tRTRS apart on the bus, except for two writes
        turnaround = 0 if first.kind == second.kind == "WR" else t.tRTRS
        clocks = max(clocks, start[first.kind] + bl + turnaround - start[second.kind])
    return clocks


def decode(spec: DramSpec, burst: int) -> tuple[int, int, int, int, int]:
    """(channel, rank, group, bank of the group, row) of a burst number."""
    o = spec.organisation
    sizes = {
        "ro": o.rows,
        "ch": o.channels,
        "ra": o.ranks,
        "ba": o.banks_per_group,
        "bg": o.bankgroups,
        "co": o.row_bursts,
    }
    fields = {}
    text = spec.address_mapping
    for name in [text[i : i + 2] for i in (10, 8, 6, 4, 2, 0)]:
        fields[name] = burst % sizes[name]
        burst //= sizes[name]
    return fields["ch"], fields["ra"], fields["bg"], fields["ba"], fields["ro"]


@dataclass
class Channel:
    """One channel with its whole command history."""

    spec: DramSpec
    history: list[Command] = field(default_factory=list)
    hits: int = 0
    misses: int = 0
    conflicts: int = 0
    refreshes: int = 0

    def open_row(self, rank: int, group: int, bank: int) -> int:
        """Open row of a bank, or -1."""
        for command in reversed(self.history):
            if command.kind in ("ACT", "PRE") and (command.rank, command.group, command.bank) == (
                rank,
                group,
                bank,
            ):
                return command.row if command.kind == "ACT" else -1
        return -1

    def needed(self, column: str, rank: int, group: int, bank: int, row: int) -> str:
        """Next command that a burst needs."""
        open_row = self.open_row(rank, group, bank)
        return column if open_row == row else ("ACT" if open_row < 0 else "PRE")

    def probe(self, kind: str, rank: int, group: int, bank: int) -> int:
        """First clock at which every constraint with respect to all earlier commands holds."""
        wanted = Command(kind, 0, rank, group, bank)
        clock = max([0, *(past.clock + gap(self.spec, past, wanted) for past in self.history)])
        activates = [
            past.clock for past in self.history if past.kind == "ACT" and past.rank == rank
        ]
        if kind == "ACT" and len(activates) >= 4:
            clock = max(clock, activates[-4] + self.spec.timing.tFAW)
        return clock

    def issue(self, kind: str, clock: int, rank: int, group: int, bank: int, row: int = -1) -> None:
        self.history.append(Command(kind, clock, rank, group, bank, row))

    @property
    def due(self) -> int:
        """Clock at which the next refresh is due."""
        return (self.refreshes + 1) * self.spec.timing.tREFI

    def refresh(self) -> None:
        due, o = self.due, self.spec.organisation
        for rank in range(o.ranks):
            for group in range(o.bankgroups):
                for bank in range(o.banks_per_group):
                    if self.open_row(rank, group, bank) >= 0:
                        self.issue(
                            "PRE", max(due, self.probe("PRE", rank, group, bank)), rank, group, bank
                        )
            self.issue("REF", max(due, self.probe("REF", rank, 0, 0)), rank, 0, 0)
        self.refreshes += 1

    def refresh_until(self, clock: int) -> None:
        while self.spec.policy.refresh == "all_bank" and self.due <= clock:
            self.refresh()

    def burst(self, column: str, rank: int, group: int, bank: int, row: int, accept: int) -> int:
        """Serve one burst. Returns the clock of its RD or WR."""
        outcome = "hit"
        while True:
            kind = self.needed(column, rank, group, bank, row)
            clock = max(accept + 1, self.probe(kind, rank, group, bank))
            if self.spec.policy.refresh == "all_bank" and clock >= self.due:
                self.refresh()
                continue
            if kind == "ACT":
                closing = [
                    past.kind
                    for past in self.history
                    if (
                        past.kind == "PRE"
                        and (past.rank, past.group, past.bank) == (rank, group, bank)
                    )
                    or (past.kind == "REF" and past.rank == rank)
                ]
                outcome = "conflict" if closing and closing[-1] == "PRE" else "miss"
            self.issue(kind, clock, rank, group, bank, row if kind != "PRE" else -1)
            if kind == column:
                self.hits += outcome == "hit"
                self.misses += outcome == "miss"
                self.conflicts += outcome == "conflict"
                return clock

    def stream_run(
        self, column: str, rank: int, group: int, bank: int, row: int, bursts: int, accept: int
    ) -> int:
        return [self.burst(column, rank, group, bank, row, accept) for _ in range(bursts)][-1]

    def count(self, kind: str) -> int:
        return sum(past.kind == kind for past in self.history)

    def active_clocks(self, end: int) -> int:
        """Clocks with an open bank, summed over ranks."""
        total = 0
        for rank in range(self.spec.organisation.ranks):
            opened: set[tuple[int, int]] = set()
            since = NEVER
            for past in self.history:
                if past.rank != rank or past.kind not in ("ACT", "PRE"):
                    continue
                if not opened:
                    since = past.clock
                if past.kind == "ACT":
                    opened.add((past.group, past.bank))
                else:
                    opened.discard((past.group, past.bank))
                    if not opened:
                        total += past.clock - since
            if opened:
                total += end - since
        return total


class Dram:
    """All channels."""

    def __init__(self, spec: DramSpec) -> None:
        self.spec = spec
        self.channels = [Channel(spec) for _ in range(spec.organisation.channels)]

    def stream(self, first: int, bursts: int, write: bool, accept: int) -> int:
        """Serve consecutive bursts. Returns the clock of the last data."""
        t, bl = (
            self.spec.timing,
            (self.spec.organisation.burst_clk or self.spec.organisation.BL // 2),
        )
        done = accept
        for number in range(first, first + bursts):
            channel, rank, group, bank, row = decode(self.spec, number)
            clock = self.channels[channel].burst(
                "WR" if write else "RD", rank, group, bank, row, accept
            )
            done = max(done, clock + t.AL + (t.CWL if write else t.CL) + bl)
        return done
