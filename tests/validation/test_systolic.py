"""Systolic arrays through the whole simulator: compute cycles equal the closed forms of
docs/pe-systolic.md, and SCALE-Sim's own golden runs.
"""

from __future__ import annotations

from itertools import product

import pytest

from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.results.op import OpResult
from accelsim.studies.validation.simulators.systolic import checks
from accelsim.workload.network import Network
from tests.random_machines import machine
from tests.reference_networks import Builder

DATAFLOWS = {"os": "output_stationary", "ws": "weight_stationary", "is": "input_stationary"}


def array(rows: int, cols: int, dataflow: str) -> Machine:
    return machine(
        "systolic", pe_array__rows=rows, pe_array__cols=cols, pe_array__dataflow=DATAFLOWS[dataflow]
    )


def compute_cycles(op: OpResult) -> int:
    return op.cycles - op.array_cycles.stall.total


def ops(
    network: Network, architecture: Machine, batch: int, rule: str = "bp"
) -> dict[str, OpResult]:
    return {
        op.name: op
        for op in simulate(network, architecture, rule=rule, batch=batch, trace="dense").ops
    }


def closed_form(m: int, n: int, k: int, rows: int, cols: int, dataflow: str) -> int:
    """Tiles * (K + R + C - 2) and its siblings (docs/pe-systolic.md); ragged tiles cost a full
    array.
    """
    if dataflow == "os":
        return -(-m // rows) * -(-n // cols) * (k + rows + cols - 2)
    if dataflow == "ws":
        return -(-k // rows) * -(-n // cols) * (m + 2 * rows + cols - 2)
    return -(-k // rows) * -(-m // cols) * (n + 2 * rows + cols - 2)


# SCALE-Sim v3 @1d62b68a, test/general/golden_trace_*/COMPUTE_REPORT.csv, 32x32 array: total minus
# stall cycles. It reports the index of the last cycle, one less than ours.
@pytest.mark.parametrize(("dataflow", "golden"), [("os", 10175), ("ws", 11199), ("is", 14207)])
def test_the_golden_gemm_of_scalesim(dataflow: str, golden: int) -> None:
    """M=256 (batch), N=128 (outputs), K=256 (inputs)."""
    found = ops(Builder("gemm", (1, 1, 256)).add("fc", 128).network(), array(32, 32, dataflow), 256)
    assert compute_cycles(found["fc0.FF"]) == golden + 1


def test_the_golden_alexnet_layer_of_scalesim() -> None:
    """conv1 of AlexNet, 224x224x3, 96 kernels of 11x11, stride 4, rounded up to a 55x55 map, weight
    stationary: M=3025, K=363, N=96.
    """
    network = (
        Builder("conv1", (227, 227, 3))
        .add("conv", 96, kernel=(11, 11), stride=(4, 4))
        .add("global_avg_pool")
        .add("fc", 2)
        .network()
    )
    assert network.layers[0].out_shape == (55, 55, 96)
    assert compute_cycles(ops(network, array(32, 32, "ws"), 1)["conv0.FF"]) == 112283 + 1


@pytest.mark.parametrize(
    ("dataflow", "shape"), list(product(DATAFLOWS, [(4, 4), (3, 5), (8, 1), (1, 8)]))
)
def test_every_pass_takes_the_closed_form(dataflow: str, shape: tuple[int, int]) -> None:
    network = (
        Builder("every", (7, 6, 4))
        .add("conv", 6, kernel=(3, 2), stride=(2, 1), padding=(1, 0, 0, 1), groups=2)
        .add("relu")
        .add("conv", 5, kernel=(2, 3), dilation=(2, 1), padding=(1, 1, 2, 0))
        .add("fc", 7)
        .add("fc", 3)
        .network()
    )
    batch = 3
    found = ops(network, array(*shape, dataflow), batch)
    for layer in network.weighted:
        (h, w, c), (p, q, k) = layer.in_shape, layer.out_shape
        if layer.kind == "fc":
            h, w, c = 1, 1, h * w * c
        r, s, g = (1, 1, 1) if layer.kind == "fc" else (*layer.kernel, layer.groups)
        # (positions, output channels, reduction) of one group
        gemms = {
            "FF": (batch * p * q, k // g, r * s * c // g),
            "EP": (batch * h * w, c // g, r * s * k // g),
            "WG": (r * s * c // g, k // g, batch * p * q),
        }
        for pass_, gemm in gemms.items():
            if f"{layer.name}.{pass_}" in found:
                assert compute_cycles(found[f"{layer.name}.{pass_}"]) == g * closed_form(
                    *gemm, *shape, dataflow
                ), f"{layer.name}.{pass_}"


def test_feedback_is_a_product_of_the_output_errors() -> None:
    network = Builder("feedback", (4, 4, 2)).conv(6).add("relu").add("fc", 5).network()
    op = ops(network, array(4, 2, "os"), 3, "dfa")["fc2.EP"]
    # 3 samples by 16 pixels of 6 channels, each neuron with its own row of 5 weights
    assert compute_cycles(op) == closed_form(3, 96, 5, 4, 2, "os")


def test_a_dense_array_executes_everything_and_gates_the_zeros() -> None:
    network = Builder("gated", (4, 4, 2)).conv(6).add("relu").add("fc", 5).network()
    for op in simulate(network, array(4, 2, "os"), trace="random:0.5").ops:
        assert op.macs.executed == op.macs.dense
        assert op.macs.gated == op.macs.executed - op.macs.effectual
    sparse, dense = (
        simulate(network, array(4, 2, "os"), trace=trace) for trace in ("random:0.1", "dense")
    )
    assert sparse.cycles == dense.cycles
    assert sparse.energy_by_component_pj["mac"] < dense.energy_by_component_pj["mac"]


@pytest.mark.parametrize("partitions", [1, 2, 3, 6])
def test_a_partition_is_a_smaller_array(partitions: int) -> None:
    """2 x 3 PEs in groups: whole columns while a group has two PEs, else a part of one."""
    network = Builder("groups", (4, 4, 2)).conv(6).add("relu").add("fc", 5).network()
    architecture = machine("systolic", partitions=partitions)
    op = next(
        op
        for op in simulate(network, architecture, trace="dense", schedule="unlocked").ops
        if op.name == "conv0.FF"
    )
    pes = 6 // partitions
    assert compute_cycles(op) == closed_form(16, 6, 18, min(2, pes), pes // min(2, pes), "os")


def test_the_validation_report_has_every_golden_run() -> None:
    found = checks()
    assert [check.expected for check in found] == [10175, 11199, 14207, 112283]
    assert all(
        check.holds and check.measured == check.expected and "one more" in check.note
        for check in found
    )
