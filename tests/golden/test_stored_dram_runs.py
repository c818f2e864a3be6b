"""The controller with one channel: clocks and counts of every stream of the validation, and of
other schedulers, equal the stored ones (dram_one_channel.csv).

The stored lines were written before a memory of several channels took a request per clock and
channel. ``python -m tests.golden.test_stored_dram_runs`` writes them again.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from pathlib import Path

import pytest

from accelsim.dram.run import DramRun, simulate
from accelsim.studies.validation.simulators import dram, dram_streams

STORED = Path(__file__).parent / "dram_one_channel.csv"
STREAMS = (
    *("seq_read", "seq_read_w32", "seq_write", "row_conflict", "rand_read", "rand_read_w32"),
    *("rand_read_paced", "rand_write", "mix_dma", "mix_dma_w32", "mix_dma_paced", "tiles"),
    "trickle",
)
OTHER_SCHEDULERS = ("fcfs", "frfcfs")
OTHER_STREAMS = ("seq_read_w32", "rand_write", "mix_dma")
CASES = [
    *((name, stream, "frfcfs_rowhit") for name in dram.CONFIGURATIONS for stream in STREAMS),
    *(
        (name, stream, scheduler)
        for name in ("ddr4_2400_x8", "hbm2_pc")
        for stream in OTHER_STREAMS
        for scheduler in OTHER_SCHEDULERS
    ),
]


def line(name: str, stream: str, scheduler: str) -> list[str]:
    """Configuration, stream, scheduler, clock of the last data, commands, and a digest of all
    clocks and counts.
    """
    if scheduler == "frfcfs_rowhit":
        run = dram.run(name, stream)
    else:
        spec = dram.configuration(name)
        policy = spec.policy.model_copy(update={"scheduler": scheduler})
        run = simulate(
            spec.model_copy(update={"policy": policy}),
            dram_streams.make(stream, spec),
            dram_streams.max_outstanding(stream),
        )
    return [
        name,
        stream,
        scheduler,
        str(run.total_cycles),
        str(sum(run.commands.values())),
        digest(run),
    ]


def digest(run: DramRun) -> str:
    """16 hexadecimal digits over every clock and every count of a run."""
    counts = [
        run.forwarded_reads,
        run.merged_writes,
        *run.rows,
        *sorted(run.commands.items()),
        *sorted((*action, count) for action, count in run.counts),
    ]
    text = json.dumps([run.accepted.tolist(), run.done.tolist(), counts])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize(("name", "stream", "scheduler"), CASES)
def test_one_channel_is_as_stored(name: str, stream: str, scheduler: str) -> None:
    with STORED.open(encoding="utf-8", newline="") as lines:
        stored = [row for row in csv.reader(lines) if row[:3] == [name, stream, scheduler]]
    assert stored == [line(name, stream, scheduler)]


if __name__ == "__main__":
    csv.writer(sys.stdout, lineterminator="\n").writerows(line(*case) for case in CASES)
