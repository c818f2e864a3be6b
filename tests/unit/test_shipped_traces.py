"""The traces that come with the workloads: they fit their networks, and they are what their names
say.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from accelsim.config.registries import RULES
from accelsim.errors import InputError
from accelsim.rules.registry import family, lower
from accelsim.step.ops import Role
from accelsim.workload.loading import load_network
from accelsim.zeros.masks import check_trace
from accelsim.zeros.trace import Trace

FOLDER = Path(__file__).resolve().parents[2] / "workloads" / "traces"
FILES = sorted(FOLDER.glob("*.npz"))


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def shipped(request):
    """Path, trace and network."""
    name = request.param.name.removesuffix(".npz").rpartition(".")[0]
    return request.param, Trace.read(request.param), load_network(name)


def test_traces_are_small():
    assert FILES
    assert sum(path.stat().st_size for path in FILES) < 16e6


def test_a_trace_fits_its_network_and_its_name(shipped):
    path, trace, network = shipped
    check_trace(trace, network)
    assert path.name == f"{trace.workload}.{trace.rule.partition(':')[0]}.npz"
    assert family(trace.rule)
    for layer in network.weighted:
        if layer.kind == "embedding":
            continue
        assert trace.get(f"{layer.name}.input"), layer.name
        # Frozen layers get no error.
        assert bool(trace.get(f"{layer.name}.error")) == (
            trace.rule != "frozen" or layer is network.output
        ), layer.name
        assert (trace.get(f"{layer.name}.mask") is not None) == network.rectified(
            layer.inputs[0]
        ), layer.name


def test_a_trace_is_of_a_training_that_learnt(shipped):
    _, trace, _ = shipped
    assert trace.step >= 50
    assert trace.data in {
        "cifar10",
        "digits",
        "fashion-mnist",
        "wikitext2 (trained on its test file)",
        "bytes of wikitext2 (trained on its test file)",
    }
    assert trace.extra["command"].startswith(
        f"accelsim trace {trace.workload} --rule {trace.rule} "
    )
    assert trace.extra["loss_end"] < trace.extra["loss_start"]


def test_the_background_of_drawings_is_zero(shipped):
    """Photographs and text have none."""
    _, trace, network = shipped
    pixels = trace.get(f"{network.weighted[0].name}.input")
    assert trace.data not in {"digits", "fashion-mnist"} or 0.3 < pixels.density < 0.6


def test_errors_are_zero_where_a_relu_right_behind_is_shut(shipped):
    """Without batch norm between, whatever the rule; a pool between the ReLU and the next layer
    leaves the error to its own positions.
    """
    _, trace, network = shipped
    pairs = 0
    for layer in network.weighted:
        if trace.get(f"{layer.name}.error") is None:
            continue
        behind = network.consumers[layer.name]
        if len(behind) != 1 or behind[0].kind != "relu":
            continue
        for reader in network.consumers[behind[0].name]:
            if reader.weighted:
                error, opened = (
                    trace.get(f"{layer.name}.error").mask(),
                    trace.get(f"{reader.name}.mask").mask(),
                )
                assert not (error & ~opened).any(), layer.name
                assert error.any(), layer.name
                pairs += 1
    if "nobn" in network.name and trace.rule != "frozen":
        assert pairs


TRAINED = (
    "digits-fc",
    "fashion-fc",
    "fashion-fc3",
    "mnist-fc",
    "mnist-conv",
    "cifar10-fc",
    "cifar10-conv",
    "vgg16-cifar10",
    "vgg16-cifar10-nobn",
    "resnet18-cifar10",
    "resnet50-cifar10",
    "rnn-wikitext2",
    "lstm-wikitext2",
    "gru-wikitext2",
)
"""Workloads that have them all: there is a free source of data for these; for CIFAR-100 and
ImageNet there is none.
"""

LARGEST_MATRIX = 200_000_000
"""Entries of feedback that any desk can hold: `modular` on wide networks, and `conv-dfa` on
ResNet-50, take more and need have no trace.
"""


@pytest.mark.parametrize("workload", TRAINED)
def test_every_family_of_rules_has_a_trace(workload):
    network = load_network(workload)
    wanted = set()
    for name in RULES.names():
        try:
            step = lower(network, name, 1)
        except InputError:
            continue  # hdfa takes two families' traces; others are for one kind of network
        stored = sum(
            tensor.elements
            for tensor in {
                each.tensor.name: each.tensor for op in step.ops for each in op.operands
            }.values()
            if tensor.role is Role.FEEDBACK
        )
        if name not in {"modular", "conv-dfa"} or stored < LARGEST_MATRIX:
            wanted.add(family(name))
    found = {
        family(path.name.removesuffix(".npz").rpartition(".")[2])
        for path in FILES
        if path.name.startswith(f"{workload}.")
    }
    assert wanted <= found <= wanted | {"modular"}
