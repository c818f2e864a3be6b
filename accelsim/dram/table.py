"""A DRAM standard resolved to the integer arrays that the kernels read."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.dram.standard import FIELDS, DramSpec, Organisation
from accelsim.kernels.dram import queues
from accelsim.kernels.dram import state as k

FIELD_CODES = {
    "ro": k.ROW_FIELD,
    "ch": k.CHANNEL_FIELD,
    "ra": k.RANK_FIELD,
    "ba": k.BANK_FIELD,
    "bg": k.GROUP_FIELD,
    "co": k.COLUMN_FIELD,
}

SCHEDULERS = {
    "fcfs": queues.FCFS,
    "frfcfs": queues.FRFCFS,
    "frfcfs_rowhit": queues.FRFCFS_ROWHIT,
}
UNLIMITED = 1 << 60


@dataclass(frozen=True)
class DramTable:
    """A standard as arrays, and the units to convert bytes and time to them.

    ``delays``: int64 (scope, command, command); ``shape``: int64 (17); both as in
    `kernels.dram.state`.
    """

    delays: NDArray[np.int64]
    shape: NDArray[np.int64]
    tck_ps: int
    burst_bytes: int
    capacity_bytes: int


def constraint_delays(spec: DramSpec) -> NDArray[np.int64]:
    """Minimum clocks between two commands, by the closest scope that they share (JEDEC JESD79-4,
    JESD209-4).

    int64 (scope, command, command); 0 if the standard sets no constraint.
    """
    t, bl = spec.timing, spec.organisation.burst_clocks
    read_latency, write_latency = t.AL + t.CL, t.AL + t.CWL
    delays = np.zeros((k.SCOPES, k.COMMANDS, k.COMMANDS), np.int64)

    def set_(scope: int, first: int, second: int, clocks: int) -> None:
        delays[scope, first, second] = max(0, clocks)

    set_(k.SAME_BANK, k.ACT, k.ACT, t.row_cycle)
    set_(k.SAME_BANK, k.ACT, k.PRE, t.tRAS)
    set_(k.SAME_BANK, k.ACT, k.RD, (t.tRCDRD or t.tRCD) - t.AL)
    set_(k.SAME_BANK, k.ACT, k.WR, (t.tRCDWR or t.tRCD) - t.AL)
    set_(k.SAME_BANK, k.RD, k.PRE, t.AL + t.tRTP)
    set_(k.SAME_BANK, k.WR, k.PRE, write_latency + bl + t.tWR)
    set_(k.SAME_BANK, k.PRE, k.ACT, t.tRP)
    for scope, tccd, trrd, twtr in (
        (k.SAME_GROUP, t.tCCD_L, t.tRRD_L, t.tWTR_L),
        (k.SAME_RANK, t.tCCD_S, t.tRRD_S, t.tWTR_S),
    ):
        set_(scope, k.ACT, k.ACT, trrd)
        set_(scope, k.RD, k.RD, max(tccd, bl))
        set_(scope, k.WR, k.WR, max(tccd, bl))
        set_(scope, k.WR, k.RD, write_latency + bl + twtr)
    set_(k.SAME_RANK, k.RD, k.WR, read_latency + bl - write_latency + t.tRTRS)
    set_(k.SAME_RANK, k.PRE, k.PRE, t.tPPD)
    set_(k.SAME_RANK, k.PRE, k.REF, t.tRP)
    set_(k.SAME_RANK, k.ACT, k.REF, t.row_cycle)
    set_(k.SAME_RANK, k.REF, k.ACT, t.tRFC)
    set_(k.SAME_RANK, k.REF, k.REF, t.tRFC)
    set_(k.OTHER_RANK, k.RD, k.RD, bl + t.tRTRS)
    set_(
        k.OTHER_RANK,
        k.WR,
        k.WR,
        bl,
        # The controller drives both data bursts, so there is no turnaround, as in DRAMsim3 and
        # Ramulator.
    )
    set_(k.OTHER_RANK, k.RD, k.WR, read_latency + bl + t.tRTRS - write_latency)
    set_(k.OTHER_RANK, k.WR, k.RD, write_latency + bl + t.tRTRS - read_latency)
    return delays


def resolve(spec: DramSpec, channels: int | None = None) -> DramTable:
    """Arrays of a standard. ``channels`` (>= 1) overrides the number of channels of its
    organisation.
    """
    o = (
        spec.organisation
        if channels is None
        else spec.organisation.model_copy(update={"channels": channels})
    )
    shape = np.zeros(k.SHAPE_LENGTH, np.int64)
    bl = o.burst_clocks
    shape[k.CHANNELS], shape[k.RANKS], shape[k.GROUPS], shape[k.BANKS] = (
        o.channels,
        o.ranks,
        o.bankgroups,
        o.banks_per_group,
    )
    shape[k.ROWS], shape[k.ROW_BURSTS] = o.rows, o.row_bursts
    shape[k.READ_DATA], shape[k.WRITE_DATA] = (
        spec.timing.AL + spec.timing.CL + bl,
        spec.timing.AL + spec.timing.CWL + bl,
    )
    shape[k.FAW] = spec.timing.tFAW
    shape[k.REFI] = spec.timing.tREFI if spec.policy.refresh == "all_bank" else 0
    mapping = [spec.address_mapping[i : i + 2] for i in range(0, 2 * len(FIELDS), 2)][::-1]
    shape[k.FIELD :] = [FIELD_CODES[field] for field in mapping]
    shape[k.RUN_BURSTS] = run_bursts(mapping, o)
    return DramTable(constraint_delays(spec), shape, spec.timing.tck_ps, o.burst, o.capacity_bytes)


def controller_policy(spec: DramSpec, max_outstanding: int | None = None) -> NDArray[np.int64]:
    """Policy array of the controller: int64 (7), as in `kernels.dram.queues.Queues`.

    ``max_outstanding`` (>= 1) limits the reads handed over and not yet done.
    """
    policy = np.zeros(queues.POLICY_LENGTH, np.int64)
    policy[queues.SCHEDULER] = SCHEDULERS[spec.policy.scheduler]
    policy[queues.READ_SLOTS], policy[queues.WRITE_SLOTS] = (
        spec.policy.read_queue,
        spec.policy.write_queue,
    )
    # Thresholds as integers: more than 25.6 writes means more than 25; fewer than 6.4 means fewer
    # than 7.
    policy[queues.DRAIN_ABOVE] = math.floor(spec.policy.drain_high * spec.policy.write_queue)
    policy[queues.DRAIN_BELOW] = math.ceil(spec.policy.drain_low * spec.policy.write_queue)
    policy[queues.BUSES] = 2 if spec.two_buses else 1
    policy[queues.OUTSTANDING] = max_outstanding or UNLIMITED
    return policy


def run_bursts(mapping: list[str], organisation: Organisation) -> int:
    """Number of bursts of consecutive addresses that share a row.

    It is the whole row if no field with more than one value lies below the column, else 1.
    """
    sizes = {
        "ch": organisation.channels,
        "ra": organisation.ranks,
        "ba": organisation.banks_per_group,
        "bg": organisation.bankgroups,
        "ro": organisation.rows,
    }
    below = mapping[: mapping.index("co")]
    return organisation.row_bursts if all(sizes[field] == 1 for field in below) else 1
