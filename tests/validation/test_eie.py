"""EIE's layers beside the paper's times: expected, measured, deviation; and the machine `eie` on
one of them, operand by operand.
"""

from __future__ import annotations

import numpy as np
import pytest

from accelsim.experiment.simulate import simulate
from accelsim.kernels.bits.bitmaps import from_mask
from accelsim.kernels.broadcast.columns import broadcast_split, column_costs
from accelsim.machine.loading import load_machine
from accelsim.results.result import Result
from accelsim.studies.validation.check import Check
from accelsim.studies.validation.chips import eie
from accelsim.zeros.trace import Trace
from tests.reference_networks import Builder

CHECKS = eie.checks()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.subject}, {check.quantity}")
def test_eie(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        published = (
            ""
            if check.deviation is None
            else f" {check.expected:g} published, {check.deviation:+.1%}"
        )
        print(
            f"\n{check.subject}, {check.quantity}: {check.measured:.4g} {check.unit}{published}",
            end="",
        )
    assert check.measured > 0
    assert check.holds is not False


def test_what_is_asked_for() -> None:
    """Seven of nine theoretical times within 10 %, and FIFOs that never hurt by being deeper."""
    asked = {check.quantity: check.measured for check in CHECKS if check.holds}
    assert asked["layers whose padded work is within 10% of the theoretical time"] >= 7
    assert (
        len([quantity for quantity in asked if "mean load balance" in quantity])
        == len(eie.DEPTHS) - 1
    )


def test_actual_times_of_all_nine_stand_beside_the_paper_s() -> None:
    times = {check.subject: check for check in CHECKS if check.quantity.startswith("time")}
    assert len(times) == 9
    assert all(check.expected is not None and check.holds is None for check in times.values())


def test_padded_work_is_at_least_the_non_zeros() -> None:
    for layer in eie.layers():
        nonzeros = (
            round(layer.inputs * layer.activation_density) * layer.outputs * layer.weight_density
        )
        assert eie.padded_us(layer) >= 0.99 * nonzeros / eie.PES / eie.CLOCK_HZ * 1e6


def test_the_machine_has_the_numbers_of_the_layers() -> None:
    machine = load_machine("eie")
    array = machine.pe_array
    assert (array.rows * array.cols, array.fifo_depth, array.index_bits) == (
        eie.PES,
        eie.FIFO_DEPTH,
        eie.INDEX_BITS,
    )
    assert machine.clock_hz == eie.CLOCK_HZ
    assert array.rows * array.cols * machine.accumulators >= max(
        layer.outputs for layer in eie.layers()
    )


def test_the_machine_takes_the_cycles_of_the_kernel() -> None:
    """NT-LSTM through lowering, mapping and timing model."""
    layer = eie.layers()[-1]
    random = np.random.default_rng(1)
    weights, inputs = (
        random.random((layer.outputs, layer.inputs)) < layer.weight_density,
        random.random((1, layer.inputs)) < 0.5,
    )
    network = Builder("nt-lstm", (1, 1, layer.inputs)).add("fc", layer.outputs).network()
    trace = Trace.from_masks(
        "nt-lstm", "bp", "random", 0, 0, {"fc0.weight": weights, "fc0.input": inputs}
    )
    result = simulate(network, "eie", rule="bp", batch=1, trace=trace)
    assert isinstance(result, Result)
    op = next(each for each in result.ops if each.name == "fc0.FF")
    entries, padding = column_costs(
        from_mask(weights.T[inputs[0]]), layer.outputs, eie.PES, eie.INDEX_BITS
    )
    cycles, busy, empty, imbalance, _ = broadcast_split(
        np.maximum(entries + padding, 1).T.astype(np.int64), eie.FIFO_DEPTH
    )
    assert op.cycles - op.array_cycles.stall.total == cycles
    assert op.macs.executed == op.macs.effectual == entries.sum()
    assert op.lane_cycles.busy + op.lane_cycles.window_empty == busy
    assert op.lane_cycles.imbalance == empty + imbalance
