"""The request-level controller against DRAMsim3 (umd-memsys, commit 2981759) and Ramulator 2.1
(CMU-SAFARI, commit c5b1c3a).

The measurements are copied in accelsim/studies/validation/data/dram; the streams are made again
from their seeds.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from accelsim.dram import run as dram_run
from accelsim.dram.requests import Requests
from accelsim.dram.standard import DramSpec
from accelsim.studies.validation.check import Check
from accelsim.studies.validation.simulators import dram, dram_streams

CHECKS = dram.checks()
BEYOND = {("hbm2_pc seq_read", "energy")}
"""DRAMsim3 looks further ahead than 32 reads, finishes this stream a fifth earlier, and so pays for
fewer clocks of standby: docs/dram.md.
"""

# of the streams with which the simulators were measured: SHA-256 over clocks, addresses and writes
DIGESTS = {
    ("ddr4_2400_x8", "seq_read"): "8c99dc791e2a8fb3",
    ("ddr4_2400_x8", "seq_write"): "43604e0e7d2e070f",
    ("ddr4_2400_x8", "row_conflict"): "ddbada3aa2a03a1a",
    ("ddr4_2400_x8", "rand_read"): "cf71b007d3739cb0",
    ("ddr4_2400_x8", "rand_read_paced"): "ffe93dc9a53dfdbc",
    ("ddr4_2400_x8", "rand_write"): "5888dc83c012ba3e",
    ("ddr4_2400_x8", "mix_dma"): "f274cf7d1e8a029e",
    ("ddr4_2400_x8", "mix_dma_paced"): "b4aa37583a40c6d0",
    ("ddr4_2400_x8", "tiles"): "5c5864a852ae9fb4",
    ("ddr4_2400_x8", "trickle"): "184b02c42561b262",
    ("lpddr4_3200", "seq_read"): "8c99dc791e2a8fb3",
    ("lpddr4_3200", "seq_write"): "43604e0e7d2e070f",
    ("lpddr4_3200", "row_conflict"): "90b1d74996e32dc8",
    ("lpddr4_3200", "rand_read"): "cf71b007d3739cb0",
    ("lpddr4_3200", "rand_read_paced"): "ffe93dc9a53dfdbc",
    ("lpddr4_3200", "rand_write"): "5888dc83c012ba3e",
    ("lpddr4_3200", "mix_dma"): "f274cf7d1e8a029e",
    ("lpddr4_3200", "mix_dma_paced"): "b4aa37583a40c6d0",
    ("lpddr4_3200", "tiles"): "5c5864a852ae9fb4",
    ("lpddr4_3200", "trickle"): "184b02c42561b262",
    ("hbm2_pc", "seq_read"): "1f3d9902057e199a",
    ("hbm2_pc", "seq_write"): "45f1e627c0e1a3b6",
    ("hbm2_pc", "row_conflict"): "fdaa75fdcfb7c609",
    ("hbm2_pc", "rand_read"): "854bc997e306427b",
    ("hbm2_pc", "rand_read_paced"): "1e1e885341275fed",
    ("hbm2_pc", "rand_write"): "89136e33dc4f176b",
    ("hbm2_pc", "mix_dma"): "bebc9704807b1a57",
    ("hbm2_pc", "mix_dma_paced"): "9d0da924c18a379b",
    ("hbm2_pc", "tiles"): "f4ac2033ac47599c",
    ("hbm2_pc", "trickle"): "4ba570b06de39661",
}


def digest(requests: Requests) -> str:
    words = (
        requests.cycles.astype("<i8").tobytes()
        + requests.addresses.astype("<i8").tobytes()
        + requests.writes.astype("u1").tobytes()
    )
    return hashlib.sha256(words).hexdigest()[:16]


@pytest.mark.parametrize(
    "check", CHECKS, ids=[f"{each.subject}: {each.quantity}" for each in CHECKS]
)
def test_within_its_limit(check: Check) -> None:
    print(
        f"{check.subject}, {check.quantity}: expected {check.expected}, measured {check.measured}, "
        f"{check.limit}; {check.source}; {check.note}"
    )
    assert check.holds is ((check.subject, check.quantity) not in BEYOND)


def test_every_stream_of_every_configuration_is_held_against_both() -> None:
    assert {name for name, _ in dram.measurements()} == set(dram.CONFIGURATIONS)
    for known in dram.measurements().values():
        assert set(known) == set(dram.SOURCES)
    held = [check.subject for check in CHECKS if check.quantity == "last data"]
    assert held == [f"{name} {stream}" for name, stream in dram.measurements()]
    assert len(held) == 5 * 13


@pytest.mark.parametrize(("name", "stream"), list(dram.measurements()))
def test_commands_and_rows_are_those_of_ramulator(name: str, stream: str) -> None:
    """With its scheduler, every single command: not only the clock of the last data is the same."""
    ours, theirs = (
        dram.run(name, stream),
        dram.measurements()[name, stream]["ramulator2_frfcfs_rowhit"],
    )
    assert ours.total_cycles == theirs.total_cycles
    assert ours.commands == theirs.commands


@pytest.mark.parametrize("name", dram.CONFIGURATIONS)
def test_first_ready_is_that_of_ramulator_too(name: str) -> None:
    """Without row-hit protection; one stream is a clock longer, because a PREA here keeps tPPD to
    the PRE before it.
    """
    spec = dram.configuration(name)
    spec = spec.model_copy(
        update={"policy": spec.policy.model_copy(update={"scheduler": "frfcfs"})}
    )
    for (configuration, stream), known in dram.measurements().items():
        if configuration == name:
            theirs = known["ramulator2_frfcfs"]
            ours = dram_run.simulate(
                spec, dram_streams.make(stream, spec), dram_streams.max_outstanding(stream)
            )
            assert ours.total_cycles - theirs.total_cycles == (
                (name, stream) == ("lpddr4_3200", "mix_dma_w32")
            )
            assert ours.commands == theirs.commands


@pytest.mark.parametrize(
    "spec", [dram.configuration(name) for name in dram.CONFIGURATIONS], ids=dram.CONFIGURATIONS
)
def test_the_streams_are_those_that_were_measured(spec: DramSpec) -> None:
    for stream in (
        stream
        for name, stream in dram.measurements()
        if name == spec.name and not stream.endswith("_w32")
    ):
        requests = dram_streams.make(stream, spec)
        assert (
            digest(requests)
            == DIGESTS[spec.name.removesuffix("_bgi").removesuffix("_noref"), stream]
        )
        assert len(np.unique(requests.addresses)) == len(requests)
        assert (np.diff(requests.cycles) >= 0).all()
        assert not (requests.addresses % spec.organisation.burst).any()


def test_deviations() -> None:
    def check(expected: float | None) -> Check:
        return Check("s", "q", expected, 103.0, "clocks", "", None, "")

    assert check(100.0).deviation == pytest.approx(0.03)
    assert check(None).deviation is None
    assert check(0.0).deviation is None
