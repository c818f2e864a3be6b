"""Checker of a command trace against every rule of the standards, by JEDEC name: JESD79-4 (DDR4),
JESD209-4 (LPDDR4), JESD235 (HBM).

It is independent of the controller: it reads the commands (clock, kind, rank, group, bank, row) of
one channel and compares every pair.
"""

from __future__ import annotations

from itertools import combinations, pairwise, product

from accelsim.dram.standard import DramSpec

Entry = tuple[int, str, int, int, int, int]
"""(clock; ACT, PRE, PREA, RD, WR or REF; rank; group; bank; row, or -1 if there is none)."""


def rules(spec: DramSpec) -> list[tuple[str, tuple[str, ...], tuple[str, ...], str, int]]:
    """(name, first commands, later commands, what they share: bank, group, rank or other rank,
    minimum number of clocks between them).
    """
    t, half = spec.timing, (spec.organisation.burst_clk or spec.organisation.BL // 2)
    row_cycle = t.tRAS + t.tRP if t.tRC is None else t.tRC
    read, write = t.AL + t.CL, t.AL + t.CWL
    return [
        ("tRCD", ("ACT",), ("RD",), "bank", (t.tRCDRD or t.tRCD) - t.AL),
        ("tRCDWR", ("ACT",), ("WR",), "bank", (t.tRCDWR or t.tRCD) - t.AL),
        ("tRAS", ("ACT",), ("PRE",), "bank", t.tRAS),
        ("tRAS all", ("ACT",), ("PREA",), "rank", t.tRAS),
        ("tRC", ("ACT",), ("ACT",), "bank", row_cycle),
        ("tRC refresh", ("ACT",), ("REF",), "rank", row_cycle),
        ("tRP", ("PRE",), ("ACT",), "bank", t.tRP),
        ("tRP all", ("PREA",), ("ACT", "REF"), "rank", t.tRP),
        ("tRP refresh", ("PRE",), ("REF",), "rank", t.tRP),
        ("tRTP", ("RD",), ("PRE",), "bank", t.AL + t.tRTP),
        ("tRTP all", ("RD",), ("PREA",), "rank", t.AL + t.tRTP),
        ("tWR", ("WR",), ("PRE",), "bank", write + half + t.tWR),
        ("tWR all", ("WR",), ("PREA",), "rank", write + half + t.tWR),
        ("tPPD", ("PRE", "PREA"), ("PRE", "PREA"), "rank", t.tPPD),
        ("tRRD_S", ("ACT",), ("ACT",), "rank", t.tRRD_S),
        ("tRRD_L", ("ACT",), ("ACT",), "group", t.tRRD_L),
        ("tCCD_S read", ("RD",), ("RD",), "rank", t.tCCD_S),
        ("tCCD_L read", ("RD",), ("RD",), "group", t.tCCD_L),
        ("tCCD_S write", ("WR",), ("WR",), "rank", t.tCCD_S),
        ("tCCD_L write", ("WR",), ("WR",), "group", t.tCCD_L),
        ("tWTR_S", ("WR",), ("RD",), "rank", write + half + t.tWTR_S),
        ("tWTR_L", ("WR",), ("RD",), "group", write + half + t.tWTR_L),
        ("tRTW", ("RD",), ("WR",), "rank", read + half - write + t.tRTRS),
        ("tRTRS read", ("RD",), ("RD",), "other rank", half + t.tRTRS),
        ("write to write", ("WR",), ("WR",), "other rank", half),
        ("tRTRS read to write", ("RD",), ("WR",), "other rank", read + half + t.tRTRS - write),
        ("tRTRS write to read", ("WR",), ("RD",), "other rank", write + half + t.tRTRS - read),
        ("tRFC", ("REF",), ("ACT", "REF"), "rank", t.tRFC),
    ]


def _shares(what: str, one: Entry, other: Entry) -> bool:
    depth = {"rank": 3, "group": 4, "bank": 5}
    return (
        one[2] != other[2]
        if what == "other rank"
        else one[2 : depth[what]] == other[2 : depth[what]]
    )


def violations(spec: DramSpec, trace: list[Entry]) -> list[str]:
    """Names of the rules that the commands of one channel break."""
    trace = sorted(trace, key=lambda entry: entry[0])
    return [*_spacing(spec, trace), *_windows(spec, trace), *_buses(spec, trace), *_rows(trace)]


def _spacing(spec: DramSpec, trace: list[Entry]) -> list[str]:
    known: dict[tuple[str, str], list[tuple[str, str, int]]] = {}
    for name, firsts, seconds, what, clocks in rules(spec):
        for pair in product(firsts, seconds):
            known.setdefault(pair, []).append((name, what, clocks))
    return [
        f"{name} at {later[0]}"
        for one, later in combinations(trace, 2)
        for name, what, clocks in known.get((one[1], later[1]), ())
        if later[0] - one[0] < clocks and _shares(what, one, later)
    ]


def _windows(spec: DramSpec, trace: list[Entry]) -> list[str]:
    """Violations of: at most four ACTs per rank in any tFAW."""
    found = []
    for rank in {entry[2] for entry in trace}:
        clocks = [entry[0] for entry in trace if entry[1] == "ACT" and entry[2] == rank]
        found += [
            f"tFAW at {fifth}"
            for first, fifth in zip(clocks, clocks[4:], strict=False)
            if fifth - first < spec.timing.tFAW
        ]
    return found


def _buses(spec: DramSpec, trace: list[Entry]) -> list[str]:
    """Violations of: one command per clock and command bus, and one burst at a time on the data
    bus.
    """
    found, data = [], []
    for one, later in combinations(trace, 2):
        apart = spec.two_buses and (one[1] in ("RD", "WR")) != (later[1] in ("RD", "WR"))
        if one[0] == later[0] and not apart:
            found.append(f"command bus at {later[0]}")
    t, half = spec.timing, (spec.organisation.burst_clk or spec.organisation.BL // 2)
    for entry in trace:
        if entry[1] in ("RD", "WR"):
            begin = entry[0] + t.AL + (t.CL if entry[1] == "RD" else t.CWL)
            data.append((begin, begin + half))
    data.sort()
    return [
        *found,
        *(f"data bus at {after[0]}" for before, after in pairwise(data) if after[0] < before[1]),
    ]


def _rows(trace: list[Entry]) -> list[str]:
    """Violations of: only closed banks are activated and refreshed; only the open row is read and
    written.
    """
    found = []
    rows: dict[tuple[int, int, int], int] = {}
    for clock, kind, rank, group, bank, row in trace:
        place = (rank, group, bank)
        if kind == "ACT":
            if place in rows:
                found.append(f"ACT of an open bank at {clock}")
            rows[place] = row
        elif kind in ("RD", "WR"):
            if rows.get(place) != row:
                found.append(f"{kind} of a closed row at {clock}")
        elif kind == "REF":
            if any(other[0] == rank for other in rows):
                found.append(f"REF of an open rank at {clock}")
        elif kind == "PRE":
            rows.pop(place, None)
        else:
            rows = {other: open_row for other, open_row in rows.items() if other[0] != rank}
    return found
