"""The traces that come with the workloads: they fit their networks, and they are what their names say."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelsim.masks import check_trace
from accelsim.networks import load_network
from accelsim.rules import family
from accelsim.trace import Trace

FOLDER = Path(__file__).resolve().parents[2] / "workloads" / "traces"
FILES = sorted(FOLDER.glob("*.npz"))


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def shipped(request):
    """Path, trace and network."""
    name = request.param.name.removesuffix(".npz").rpartition(".")[0]
    return request.param, Trace.read(request.param), load_network(name)


def test_there_are_traces_of_few_megabytes():
    assert FILES
    assert sum(path.stat().st_size for path in FILES) < 4e6


def test_a_trace_fits_its_network_and_its_name(shipped):
    path, trace, network = shipped
    check_trace(trace, network)
    assert path.name == f"{trace.workload}.{trace.rule}.npz"
    assert family(trace.rule)
    for layer in network.weighted:
        assert trace.get(f"{layer.name}.input"), layer.name
        assert trace.get(f"{layer.name}.error"), layer.name
        assert (trace.get(f"{layer.name}.mask") is not None) == network.rectified(layer.inputs[0]), layer.name


def test_a_trace_is_of_a_training_that_learnt(shipped):
    _, trace, _ = shipped
    assert trace.step >= 50
    assert trace.data == "cifar10"
    assert trace.extra["loss_end"] < trace.extra["loss_start"]


def test_errors_are_zero_where_a_relu_right_behind_is_shut(shipped):
    """Without batch norm between, whatever the rule; a pool between the ReLU and the next layer leaves the error to its own positions."""
    _, trace, network = shipped
    pairs = 0
    for layer in network.weighted:
        behind = network.consumers[layer.name]
        if len(behind) != 1 or behind[0].kind != "relu":
            continue
        for reader in network.consumers[behind[0].name]:
            if reader.weighted:
                error, opened = trace.get(f"{layer.name}.error").mask(), trace.get(f"{reader.name}.mask").mask()
                assert not (error & ~opened).any(), layer.name
                assert error.any(), layer.name
                pairs += 1
    assert (pairs > 0) == ("nobn" in network.name)
