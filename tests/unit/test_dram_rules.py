"""Every timing rule of every built-in standard at its exact clock, in the kernels and in a checker
that knows the rules from JEDEC's names alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from accelsim.config import catalog
from accelsim.config.loader import load_model
from accelsim.dram.requests import Requests
from accelsim.dram.run import simulate
from accelsim.dram.standard import DramSpec
from accelsim.dram.table import resolve
from accelsim.kernels.dram import state as k
from accelsim.kernels.dram import timing
from tests.naive import dram_checker

CODES = {"ACT": k.ACT, "PRE": k.PRE, "RD": k.RD, "WR": k.WR, "REF": k.REF}
START = 10_000


def standard(name: str, **changes: dict[str, Any]) -> DramSpec:
    """A built-in standard with keys of its sections changed."""
    spec = load_model(catalog.find("dram", name), DramSpec)
    return spec.model_copy(
        update={
            section: getattr(spec, section).model_copy(update=keys)
            for section, keys in changes.items()
        }
    )


STANDARDS = ("ddr4-2400", "ddr4-3200", "hbm2-pc", "lpddr4-3200", "lpddr5x-7500")
RULES = {
    "tRCD": (17, 22, 14, 29, 17),
    "tRCDWR": (17, 22, 14, 29, 17),
    "tRAS": (39, 52, 34, 68, 40),
    "tRAS all": (39, 52, 34, 68, 40),
    "tRC": (39 + 17, 52 + 22, 34 + 14, 68 + 29, 40 + 17),
    "tRC refresh": (39 + 17, 52 + 22, 34 + 14, 68 + 29, 40 + 17),
    "tRP": (17, 22, 14, 29, 17),
    "tRP all": (17, 22, 14, 29, 17),
    "tRP refresh": (17, 22, 14, 29, 17),
    "tRTP": (9, 12, 5, 12, 10),
    "tRTP all": (9, 12, 5, 12, 10),
    "tWR": (12 + 4 + 18, 16 + 4 + 24, 4 + 2 + 16, 14 + 8 + 29, 11 + 2 + 32),
    "tWR all": (12 + 4 + 18, 16 + 4 + 24, 4 + 2 + 16, 14 + 8 + 29, 11 + 2 + 32),
    "tPPD": (0, 0, 0, 4, 2),
    "tRRD_S": (4, 4, 4, 16, 5),
    "tRRD_L": (6, 8, 6, 16, 5),
    "tCCD_S read": (4, 4, 2, 8, 2),
    "tCCD_L read": (6, 8, 4, 8, 4),
    "tCCD_S write": (4, 4, 2, 8, 2),
    "tCCD_L write": (6, 8, 4, 8, 4),
    "tWTR_S": (12 + 4 + 3, 16 + 4 + 4, 4 + 2 + 6, 14 + 8 + 16, 11 + 2 + 6),
    "tWTR_L": (12 + 4 + 9, 16 + 4 + 12, 4 + 2 + 8, 14 + 8 + 16, 11 + 2 + 12),
    "tRTW": (17 + 4 - 12 + 2, 22 + 4 - 16 + 2, 14 + 2 - 4 + 2, 28 + 8 - 14 + 2, 20 + 2 - 11 + 2),
    "tRTRS read": (4 + 2, 4 + 2, 2 + 2, 8 + 2, 2 + 2),
    "write to write": (4, 4, 2, 8, 2),
    "tRTRS read to write": (
        17 + 4 + 2 - 12,
        22 + 4 + 2 - 16,
        14 + 2 + 2 - 4,
        28 + 8 + 2 - 14,
        20 + 2 + 2 - 11,
    ),
    "tRTRS write to read": (
        12 + 4 + 2 - 17,
        16 + 4 + 2 - 22,
        4 + 2 + 2 - 14,
        14 + 8 + 2 - 28,
        11 + 2 + 2 - 20,
    ),
    "tRFC": (420, 560, 260, 448, 263),
}
"""Fewest clocks between two commands, by JEDEC's name, in the standards in that order: formulas of
the numbers in the files.
"""
FAWS = {"ddr4-2400": 26, "ddr4-3200": 34, "hbm2-pc": 30, "lpddr4-3200": 64, "lpddr5x-7500": 19}


class Bench:
    """One channel with two ranks that commands are put to by hand; the rows of all banks can be
    open.
    """

    def __init__(self, spec: DramSpec) -> None:
        self.spec = spec
        self.table = resolve(spec)
        self.channel = k.channel_of(k.new_dram(self.table.delays, self.table.shape), 0)

    def issue(self, name: str, bank: int, clock: int) -> None:
        if name == "PREA":
            self.issue("PRE", bank, clock)
        else:
            rules, _, *state = self.channel
            timing.issue(CODES[name], bank, 0, clock, rules, *state)

    def first(self, name: str, bank: int) -> int:
        """First clock at which a command may go; a PREA of one open bank is a PRE of that bank, as
        the controller has it.
        """
        return int(
            timing.allowed_from(CODES["PRE" if name == "PREA" else name], bank, *self.channel[1:5])
        )


def place(spec: DramSpec, bank: int) -> tuple[int, int, int]:
    per_group, groups = spec.organisation.banks_per_group, spec.organisation.bankgroups
    return bank // (per_group * groups), bank // per_group % groups, bank % per_group


def test_the_rules_are_those_of_the_files() -> None:
    assert tuple(name for name in catalog.names("dram") if name != "hbm2") == STANDARDS
    for place, name in enumerate(STANDARDS):
        assert {rule: clocks for rule, *_, clocks in dram_checker.rules(standard(name))} == {
            rule: clocks[place] for rule, clocks in RULES.items()
        }


@pytest.mark.parametrize("name", STANDARDS)
@pytest.mark.parametrize("rule", range(len(RULES)), ids=list(RULES))
def test_one_clock_early_is_refused(name: str, rule: int) -> None:
    """For every pair of commands and of places that a rule names: one clock before the strictest
    rule allows it no, at that clock yes.
    """
    spec = standard(name, organisation={"ranks": 2})
    known = dram_checker.rules(spec)
    _, firsts, seconds, shares, _ = known[rule]
    o = spec.organisation
    other = {
        "bank": 0,
        "group": 1,
        "rank": o.banks_per_group if o.bankgroups > 1 else 1,
        "other rank": o.bankgroups * o.banks_per_group,
    }[shares]
    for first in firsts:
        for second in seconds:
            bench = Bench(spec)
            # what an all-bank PRE closes is the bank that the other command was for
            at = 0 if "PREA" in {first, second} and "PRE" not in {first, second} else other
            bench.issue(first, 0, START)
            one = (START, first, *place(spec, 0), 0)

            def later(clock: int, second: str = second, at: int = at) -> dram_checker.Entry:
                return (clock, second, *place(spec, at), 0)

            strictest = max(
                clocks
                for _, ones, others, what, clocks in known
                if first in ones and second in others and dram_checker._shares(what, one, later(0))
            )
            if strictest > 1:  # else the command bus is what decides
                assert bench.first(second, at) == START + strictest
                assert dram_checker._spacing(spec, [one, later(START + strictest - 1)])
            assert not dram_checker._spacing(spec, [one, later(START + max(1, strictest))])


@pytest.mark.parametrize("name", STANDARDS)
def test_four_activates_in_any_window(name: str) -> None:
    spec = standard(name)
    bench, t = Bench(spec), spec.timing
    banks = (
        [group * spec.organisation.banks_per_group for group in range(spec.organisation.bankgroups)]
        if name != "lpddr4-3200"
        else [0, 1, 2, 3]
    )
    for number, bank in enumerate(banks):
        bench.issue("ACT", bank, START + number * t.tRRD_S)
    fifth = banks[1] + 1 if name != "lpddr4-3200" else 4
    clock = START + max(FAWS[name], 3 * t.tRRD_S + t.tRRD_S)
    assert bench.first("ACT", fifth) == clock
    trace = [
        (START + number * t.tRRD_S, "ACT", *place(spec, bank), 0)
        for number, bank in enumerate(banks)
    ]
    assert dram_checker.violations(spec, [*trace, (clock, "ACT", *place(spec, fifth), 0)]) == []
    early = dram_checker.violations(spec, [*trace, (clock - 1, "ACT", *place(spec, fifth), 0)])
    assert any("tFAW" in each or "tRRD" in each for each in early)


@pytest.mark.parametrize("name", STANDARDS)
@pytest.mark.parametrize("scheduler", ["fcfs", "frfcfs", "frfcfs_rowhit"])
@pytest.mark.parametrize("ranks", [1, 2])
def test_traces_under_load_keep_every_rule(name: str, scheduler: str, ranks: int) -> None:
    """300 requests in few rows, a third of them writes, with three refreshes of every rank within
    them.
    """
    spec = standard(
        name, policy={"scheduler": scheduler}, organisation={"ranks": ranks}, timing={"tREFI": 1200}
    )
    draw = np.random.Generator(np.random.PCG64(7))
    below = (
        3 * spec.organisation.capacity_bytes // spec.organisation.rows
    )  # three rows of every bank
    requests = Requests(
        np.arange(300) * 16, draw.integers(below, size=300), draw.integers(3, size=300) == 0
    )
    run = simulate(spec, requests, traced=True)
    trace = [(each.clock, each.name, *place(spec, each.bank), each.row) for each in run.trace]
    assert dram_checker.violations(spec, trace) == []
    assert run.commands["REF"] >= 3 * ranks
    # and any RD or WR that follows its ACT as soon as it may could not have gone a clock earlier
    tight = 0
    for index, (clock, kind, *rest) in enumerate(trace):
        if kind in {"RD", "WR"}:
            earlier = [*trace[:index], (clock - 1, kind, *rest)]
            tight += bool(dram_checker._spacing(spec, earlier[-40:]))
    assert tight > 50


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        ([(0, "ACT", 0, 0, 0, 5), (16, "RD", 0, 0, 0, 5)], "tRCD at 16"),
        ([(0, "ACT", 0, 0, 0, 5), (17, "RD", 0, 0, 0, 6)], "RD of a closed row at 17"),
        ([(0, "ACT", 0, 0, 0, 5), (56, "ACT", 0, 0, 0, 6)], "ACT of an open bank at 56"),
        ([(0, "ACT", 0, 0, 0, 5), (60, "REF", 0, 0, 1, -1)], "REF of an open rank at 60"),
        ([(0, "REF", 0, 0, 0, -1), (419, "ACT", 0, 3, 0, 5)], "tRFC at 419"),
        ([(0, "ACT", 0, 0, 0, 5), (0, "ACT", 1, 0, 0, 5)], "command bus at 0"),
    ],
)
def test_the_checker_finds_what_is_broken(broken: list[dram_checker.Entry], name: str) -> None:
    assert dram_checker.violations(standard("ddr4-2400", organisation={"ranks": 2}), broken) == [
        name
    ]
