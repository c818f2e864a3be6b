"""Eyeriss: measured latencies and active PEs beside those that come from shapes, registers and
buses.
"""

from __future__ import annotations

from math import prod

import pytest

from accelsim.experiment.simulate import simulate
from accelsim.machine.loading import load_machine
from accelsim.studies.validation.check import Check
from accelsim.studies.validation.chips import eyeriss
from accelsim.studies.validation.simulators.systolic import rows
from tests.naive import row_stationary as naive
from tests.reference_networks import Builder

CHECKS = eyeriss.checks()


def of(subject: str, quantity: str) -> Check:
    (found,) = [
        check for check in CHECKS if check.subject == subject and check.quantity == quantity
    ]
    return found


@pytest.mark.parametrize(
    "check",
    [check for check in CHECKS if check.limit != "none"],
    ids=lambda check: f"{check.subject}: {check.quantity}",
)
def test_what_is_limited_holds(check: Check) -> None:
    assert check.holds
    assert check.expected is not None
    if check.limit == "equal":
        assert check.measured == check.expected
    elif check.limit == "within 20%":
        assert abs(check.measured / check.expected - 1) <= 0.2
    else:
        assert check.limit == "at most the latency"
        assert check.measured <= check.expected


def test_every_layer_is_there_and_only_alexnet_is_limited() -> None:
    """5 and 13 layers; VGG16's deviations are printed whatever they are."""
    latencies = [
        check
        for check in CHECKS
        if check.quantity == "processing latency" and "mapping" not in check.subject
    ]
    assert len(latencies) == 5 + 13 + 2
    assert all(
        (check.limit == "within 20%") == check.subject.startswith("AlexNet") for check in latencies
    )
    assert all(check.deviation is not None for check in latencies)
    pes = {check.subject: int(check.measured) for check in CHECKS if check.quantity == "active PEs"}
    assert [pes[f"AlexNet CONV{n}, batch 4"] for n in range(1, 6)] == [154, 135, 156, 156, 156]


def test_no_limit_is_one_that_anything_keeps() -> None:
    """A chip with a psum bus of one word, or of twice the clock, is outside."""
    slow = load_machine("eyeriss-like", {"pe_array.psum_bus": 1})
    outside = [
        check
        for check in eyeriss._network("AlexNet", slow)
        if check.limit == "within 20%" and not check.holds
    ]
    assert len(outside) >= 3
    fast = load_machine("eyeriss-like", {"clock": "400MHz"})
    assert not any(
        check.holds for check in eyeriss._network("AlexNet", fast) if check.limit == "within 20%"
    )


@pytest.mark.parametrize(
    ("name", "macs"),
    [("CONV1", 0.42), ("CONV2", 0.90), ("CONV3", 0.60), ("CONV4", 0.45), ("CONV5", 0.30)],
)
def test_the_layers_have_the_papers_macs(name: str, macs: float) -> None:
    """GMACs of four images, JSSC table V."""
    assert round(eyeriss.forward(name, 4).dense_macs / 1e9, 2) == macs


def test_vgg_has_the_papers_macs() -> None:
    """GMACs of three images, JSSC table VI: 46.04."""
    names = [name for name in eyeriss.LAYERS if "-" in name]
    assert round(
        sum(eyeriss.forward(name, 3).dense_macs for name in names) / 1e9, 2
    ) == pytest.approx(46.04, abs=0.01)


@pytest.mark.parametrize("row", rows("eyeriss_mapping.csv"), ids=lambda row: row["layer"])
def test_the_chips_own_mapping_is_legal_here(row: dict[str, str]) -> None:
    """It fits registers and buffer, and has the chip's active PEs."""
    architecture = load_machine("eyeriss-like")
    own = eyeriss.mapping(row["layer"], 4, architecture)
    taps, e, r, t, p, q, n = (int(row[key]) for key in ("R", "e", "r", "t", "p", "q", "n"))
    limits = (224, 12, 24, 4, 1, 4, 100 * 1024 * 8)
    assert naive.fits(own.shape, (taps, taps, e, r, t, p, q, n), limits, 16, 16)
    assert r * t <= naive.places(taps, e, 12, 14)
    assert prod((taps, e, r, t)) == own.active_pes
    # The choice is of as many active PEs, and never slower.
    assert own.cycles <= own.groups * naive.total_cycles(
        own.shape, (taps, taps, e, r, t, p, q, n), limits
    )


def test_the_simulator_takes_the_cycles_of_the_mapping() -> None:
    """CONV3 of AlexNet in a network, four images."""
    network = (
        Builder("conv3", (13, 13, 256)).conv(384).add("global_avg_pool").add("fc", 2).network()
    )
    op = next(
        op
        for op in simulate(network, "eyeriss-like", batch=4, trace="dense", passes=("ff",)).ops
        if op.name == "conv0.FF"
    )
    expected = eyeriss.mapping("CONV3", 4, load_machine("eyeriss-like")).cycles
    assert op.cycles - op.array_cycles.stall.total == expected
