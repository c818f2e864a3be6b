"""The memory controller against its twin, clock by clock, and laws for any stream of requests."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.dram.standard import DramSpec
from accelsim.dram.table import controller_policy, resolve
from accelsim.kernels.dram import controller as k
from accelsim.kernels.dram import queues, scheduling, state
from tests.examples import examples
from tests.naive import dram_checker, dram_controller
from tests.random_drams import MAPPINGS, timings

KINDS = ("ACT", "PRE", "RD", "WR", "REF", "PREA")
OUTCOMES = {state.HITS: "hit", state.MISSES: "miss", state.CONFLICTS: "conflict"}


@st.composite
def specs(draw: st.DrawFn) -> DramSpec:
    """Small organizations with any timings and policies, and refreshes as frequent as possible."""
    values = draw(timings())
    values["tPPD"] = draw(st.integers(0, 4))
    groups, banks, ranks = draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    values["tREFI"] = 120 + groups * banks * ranks * 12 + draw(st.integers(0, 80))
    protocol, length = (
        draw(st.sampled_from([None, "DDR4", "HBM", "GDDR6"])),
        draw(st.sampled_from([2, 4, 8])),
    )
    clocks = (
        draw(st.sampled_from([clocks for clocks in (1, 2, 4) if length % (2 * clocks) == 0]))
        if protocol == "GDDR6"
        else None
    )
    low, high = sorted(
        draw(
            st.tuples(
                st.sampled_from([0.0, 0.2, 0.5, 0.75, 1.0]), st.sampled_from([0.2, 0.5, 0.8, 1.0])
            )
        )
    )
    return DramSpec.model_validate(
        {
            "timing": values,
            "protocol": protocol,
            "organisation": {
                "channels": draw(st.integers(1, 3) | st.integers(1, 8)),
                "ranks": ranks,
                "bankgroups": groups,
                "banks_per_group": banks,
                "rows": draw(st.integers(1, 4)),
                "bursts_per_row": draw(st.integers(1, 6)),
                "bus_width": 8,
                "BL": length,
                "burst_clk": clocks,
            },
            "policy": {
                "scheduler": draw(
                    st.sampled_from(["fcfs", "frfcfs", "frfcfs_rowhit", "frfcfs_rowhit"])
                ),
                "read_queue": draw(st.integers(1, 8)),
                "write_queue": draw(st.integers(1, 8)),
                "drain_high": high,
                "drain_low": low,
                "refresh": draw(st.sampled_from(["all_bank", "all_bank", "none"])),
            },
            "address_mapping": draw(st.sampled_from(MAPPINGS)),
        }
    )


streams = st.lists(
    st.tuples(
        st.integers(0, 60) | st.integers(0, 700),
        st.integers(0, 3) | st.integers(0, 40),
        st.booleans(),
    ),
    min_size=1,
    max_size=24,
)
limits = st.none() | st.integers(1, 6)


ACCEPT, DONE, ISSUED, OUTCOME = range(4)
"""Columns of `Run.served`."""


class Run:
    """Results of the kernel for a stream."""

    def __init__(
        self, spec: DramSpec, wanted: list[tuple[int, int, bool]], limit: int | None
    ) -> None:
        table, self.policy = resolve(spec), controller_policy(spec, limit)
        self.requests = np.zeros((len(wanted), 6), np.int64)
        self.requests[:, : queues.IS_WRITE + 1] = wanted
        queues.locate(self.requests, table.shape)
        controller = queues.new_controller(self.policy, self.requests, table.shape, 5000)
        dram = state.new_dram(table.delays, table.shape)
        self.last = int(k.run(controller, dram))
        self.served = controller.requests[:, queues.ACCEPT : queues.MADE + 1]
        self.control = controller.control
        self.waiting, self.tally = controller.waiting, dram.tally
        trace, traced = controller.trace, controller.traced
        assert traced[0] <= len(trace)
        o = spec.organisation
        places = list(
            itertools.product(range(o.ranks), range(o.bankgroups), range(o.banks_per_group))
        )
        self.commands: list[list[dram_checker.Entry]] = [[] for _ in range(o.channels)]
        for clock, command, channel, bank, row in trace[: traced[0]].tolist():
            self.commands[channel].append((clock, KINDS[command], *places[bank], row))


@settings(max_examples=examples(150))
@given(specs(), streams, limits)
def test_the_kernel_is_its_twin(
    spec: DramSpec, wanted: list[tuple[int, int, bool]], limit: int | None
) -> None:
    run = Run(spec, wanted, limit)
    memory = dram_controller.Memory(spec, limit or 1 << 60)
    for request, served in zip(memory.run(wanted), run.served.tolist(), strict=True):
        assert (request.accept, request.done, request.issued, request.outcome) == (
            *served[:3],
            OUTCOMES[served[OUTCOME]],
        )
    for controller, commands, tally, control in zip(
        memory.controllers, run.commands, run.tally, run.control, strict=True
    ):
        assert controller.commands == commands
        counted = [sum(kind == wanted_kind for _, kind, *_ in commands) for wanted_kind in KINDS]
        singles = tally[state.PRE] - control[queues.PREA_BANKS]
        assert counted == [
            tally[state.ACT],
            singles,
            tally[state.RD],
            tally[state.WR],
            tally[state.REF],
            control[queues.PREAS],
        ]


@given(specs(), streams, limits)
def test_no_command_breaks_a_rule(
    spec: DramSpec, wanted: list[tuple[int, int, bool]], limit: int | None
) -> None:
    for commands in Run(spec, wanted, limit).commands:
        assert dram_checker.violations(spec, commands) == []


@given(specs(), streams, limits)
def test_every_request_is_served_once(
    spec: DramSpec, wanted: list[tuple[int, int, bool]], limit: int | None
) -> None:
    run = Run(spec, wanted, limit)
    cycles, bursts, written = zip(*wanted, strict=True)
    writes = np.array(written)
    accept, done, issued = (
        run.served[:, ACCEPT],
        run.served[:, DONE],
        run.served[:, ISSUED],
    )
    answered, joined = (issued < 0) & ~writes, (issued < 0) & writes
    assert (accept >= cycles).all()
    for channel in range(spec.organisation.channels):  # in order, at most one per clock
        assert (np.diff(accept[run.requests[:, queues.CHANNEL] == channel]) >= 1).all()
    assert (issued[issued >= 0] > accept[issued >= 0]).all()
    assert (done[answered] == accept[answered] + 1).all()
    for place in np.flatnonzero(
        joined
    ):  # merged into an older waiting write to the same burst, and done at the same clock
        carriers = [
            other
            for other in range(place)
            if issued[other] >= 0 and written[other] and bursts[other] == bursts[place]
        ]
        assert any(
            issued[other] > accept[place] and done[other] == done[place] for other in carriers
        )
    assert run.last == done.max()
    assert int(run.tally[:, state.RD].sum()) == int((~writes).sum() - answered.sum())
    assert int(run.tally[:, state.WR].sum()) == int(writes.sum() - joined.sum())
    assert int(run.tally[:, state.HITS : state.CONFLICTS + 1].sum()) == int((issued >= 0).sum())
    assert int(run.tally[:, state.ACT].sum()) == int(
        run.tally[:, state.MISSES].sum() + run.tally[:, state.CONFLICTS].sum()
    )
    assert not run.waiting[..., queues.NUMBER :].any()
    if limit is not None:
        reads = ~writes
        assert all(
            int((reads & (accept < clock) & (done > clock)).sum()) < limit
            for clock in accept[reads]
        )


@given(specs(), streams)
def test_channels_do_not_hold_each_other_back(
    spec: DramSpec, wanted: list[tuple[int, int, bool]]
) -> None:
    """Without a limit on reads, a channel serves its requests as if they were the only ones."""
    run = Run(spec, wanted, None)
    for channel in range(spec.organisation.channels):
        places = np.flatnonzero(run.requests[:, queues.CHANNEL] == channel)
        if len(places):
            alone = Run(spec, [wanted[place] for place in places], None)
            np.testing.assert_array_equal(alone.served, run.served[places])


@given(specs(), streams, st.integers(1, 6))
def test_the_first_in_the_list_gets_a_free_slot(
    spec: DramSpec, wanted: list[tuple[int, int, bool]], limit: int
) -> None:
    """With queues that never fill, the reads that are available take the slots in list order."""
    roomy = spec.policy.model_copy(update={"read_queue": 32, "write_queue": 32})
    reads = [(cycle, burst, False) for cycle, burst, _ in sorted(wanted)]
    run = Run(spec.model_copy(update={"policy": roomy}), reads, limit)
    first = {}  # an available read that its channel could take passes none behind it in the list
    for clock in sorted(set(run.served[:, ACCEPT].tolist())):
        taken = run.served[:, ACCEPT] == clock
        heads = [
            int(np.flatnonzero((run.requests[:, queues.CHANNEL] == channel) & waits)[0])
            for waits in [run.served[:, ACCEPT] >= clock]
            for channel in range(spec.organisation.channels)
            if ((run.requests[:, queues.CHANNEL] == channel) & waits).any()
        ]
        able = sorted(head for head in heads if reads[head][0] <= clock)
        first[clock] = able[: int(taken.sum())]
        assert np.flatnonzero(taken).tolist() == first[clock]


@given(specs(), streams, limits)
def test_no_faster_than_the_data_bus(
    spec: DramSpec, wanted: list[tuple[int, int, bool]], limit: int | None
) -> None:
    run = Run(spec, wanted, limit)
    moved = run.served[:, ISSUED] >= 0
    busiest = max(np.bincount(run.requests[moved, queues.CHANNEL]), default=0)
    assert run.last >= busiest * (spec.organisation.burst_clk or spec.organisation.BL // 2)


@given(specs(), streams, limits, st.integers(1, 500))
def test_refreshes_are_kept_up(
    spec: DramSpec, wanted: list[tuple[int, int, bool]], limit: int | None, pause: int
) -> None:
    """Every rank has executed each due refresh, except those in progress at the end. The end of the
    stream does not cancel a refresh.
    """
    wanted = [*wanted, (wanted[-1][0] + 400 + pause, 0, False)]
    run = Run(spec, wanted, limit)
    due = run.last // spec.timing.tREFI if spec.policy.refresh == "all_bank" else 0
    for tally, control in zip(run.tally, run.control, strict=True):
        assert tally[state.REF] + control[queues.OWED] == due * spec.organisation.ranks
        assert control[queues.OWED] <= 2 * spec.organisation.ranks


@given(specs(), streams, limits, st.integers(1, 50))
def test_without_refresh_a_later_start_moves_everything(
    spec: DramSpec, wanted: list[tuple[int, int, bool]], limit: int | None, later: int
) -> None:
    quiet = spec.model_copy(update={"policy": spec.policy.model_copy(update={"refresh": "none"})})
    run, moved = (
        Run(quiet, wanted, limit),
        Run(quiet, [(cycle + later, burst, write) for cycle, burst, write in wanted], limit),
    )
    np.testing.assert_array_equal(
        moved.served[:, : DONE + 1],
        run.served[:, : DONE + 1] + later,
    )


@given(specs(), streams, limits)
def test_names_of_banks_do_not_matter(
    spec: DramSpec, wanted: list[tuple[int, int, bool]], limit: int | None
) -> None:
    """With rows numbered in reverse, every command is issued at the same clock."""
    o = spec.organisation
    if spec.address_mapping[:2] != "ro":
        return
    below = o.channels * o.ranks * o.bankgroups * o.banks_per_group * o.row_bursts
    turned = []
    for cycle, burst, write in wanted:
        row, rest = divmod(burst % (below * o.rows), below)
        turned.append((cycle, (o.rows - 1 - row) * below + rest, write))
    original = [(cycle, burst % (below * o.rows), write) for cycle, burst, write in wanted]
    one, other = Run(spec, original, limit), Run(spec, turned, limit)
    np.testing.assert_array_equal(one.served, other.served)


def test_drains_exactly_at_its_marks() -> None:
    """0.8 of 32 is 25.6 and 0.2 is 6.4: the 26th write starts a drain, and the drain ends at 6
    writes, but never if no read waits.
    """
    policy = controller_policy(DramSpec.model_validate(_DDR4))
    assert not scheduling.drains(False, 1, 25, policy)
    assert scheduling.drains(False, 1, 26, policy)
    assert scheduling.drains(True, 1, 7, policy)
    assert not scheduling.drains(True, 1, 6, policy)
    assert scheduling.drains(True, 0, 6, policy)
    assert scheduling.drains(False, 0, 0, policy)


_DDR4 = {
    "timing": dict.fromkeys(
        ("CL", "CWL", "tRCD", "tRP", "tRAS", "tRFC", "tWTR_S", "tWTR_L", "tWR", "tRTP"), 4
    )
    | dict.fromkeys(("tCCD_S", "tCCD_L", "tRRD_S", "tRRD_L", "tFAW", "tRTRS"), 4)
    | {"tCK": 1.0, "tREFI": 1000},
    "organisation": {
        "bankgroups": 1,
        "banks_per_group": 4,
        "rows": 4,
        "bursts_per_row": 4,
        "bus_width": 8,
        "BL": 8,
    },
}
