"""The driver with which other DRAM simulators were measured: at most one request per clock for all
channels together, in list order. `accelsim dram` takes one per clock and channel.
"""

from __future__ import annotations

import numpy as np

from accelsim.dram.requests import Requests
from accelsim.dram.standard import DramSpec
from accelsim.dram.table import controller_policy, resolve
from accelsim.kernels.dram import controller as k
from accelsim.kernels.dram import queues, state
from accelsim.kernels.dram.hand_over import hand_over


def last_data(spec: DramSpec, requests: Requests, outstanding: int | None) -> int:
    """Clock (tCK) of the last data, with at most ``outstanding`` reads handed over and not done."""
    table = resolve(spec)
    listed = np.zeros((len(requests), 6), np.int64)
    listed[:, queues.ARRIVES] = requests.cycles
    listed[:, queues.BURST] = requests.addresses // table.burst_bytes
    listed[:, queues.IS_WRITE] = requests.writes
    queues.locate(listed, table.shape)
    all_queues = queues.new_controller(controller_policy(spec), listed, table.shape, 0)
    all_queues.requests[:, queues.ISSUED] = -1
    all_queues.requests[:, queues.OUTCOME] = state.HITS
    dram = state.new_dram(table.delays, table.shape)
    channels = [
        (queues.queues_of(all_queues, number), state.channel_of(dram, number))
        for number in range(spec.organisation.channels)
    ]
    control, served = all_queues.control, all_queues.requests
    ends: list[int] = []
    upcoming, left, now, out = 0, len(requests), 0, 0
    while left:
        for number, (waiting, channel) in enumerate(channels):
            if control[number, queues.WAKE] <= now:
                finished = k.tick(now, waiting, channel)
                if finished != queues.NOTHING:
                    left -= 1
                    if not requests.writes[finished]:
                        ends.append(int(served[finished, queues.DONE]))
        out -= sum(end <= now for end in ends)
        ends = [end for end in ends if end > now]
        times = [int(control[:, queues.WAKE].min()), *ends]
        if upcoming < len(requests):
            write = bool(requests.writes[upcoming])
            number = int(listed[upcoming, queues.CHANNEL])
            times.append(max(now + 1, int(requests.cycles[upcoming])))
            if (
                requests.cycles[upcoming] <= now
                and (write or outstanding is None or out < outstanding)
                and hand_over(now, upcoming, True, *channels[number])
            ):
                if served[upcoming, queues.DONE]:
                    left -= 1
                else:
                    out += not write
                upcoming += 1
        now = max(now + 1, min(times))
    return int(served[:, queues.DONE].max())
