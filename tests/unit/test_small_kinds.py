"""Small layer kinds on whole machines: every result keeps the laws, whatever is fused."""

from __future__ import annotations

import pytest

import accelsim
from accelsim.results.laws import violations
from tests.random_networks import network_of

MACHINES = ("near-memory", "von-neumann", "eyeriss-like", "eie", "systolic-32x32", "tensordash")

NETWORK = network_of(
    {
        "name": "small-kinds",
        "input": {"height": 4, "width": 4, "channels": 3},
        "layers": [
            {"name": "conv1", "kind": "conv", "out_channels": 8, "kernel": 3, "padding": 1},
            {"name": "bias1", "kind": "bias"},
            {"name": "positions1", "kind": "positions"},
            {"name": "norm1", "kind": "layer_norm"},
            {"name": "conv2", "kind": "conv", "out_channels": 8, "kernel": 1},
            {"name": "relu2", "kind": "relu"},
            {"name": "sum2", "kind": "add", "inputs": ["norm1", "relu2"]},
            {"name": "norm2", "kind": "rms_norm"},
            {"name": "gelu2", "kind": "gelu"},
            {"name": "conv3", "kind": "conv", "out_channels": 8, "kernel": 1},
            {"name": "silu3", "kind": "silu"},
            {"name": "drop3", "kind": "dropout", "rate": 0.1},
            {"name": "conv4", "kind": "conv", "out_channels": 8, "kernel": 1},
            {"name": "rotary4", "kind": "rotary", "heads": 2},
            {"name": "softmax4", "kind": "softmax"},
            {"name": "gelu4", "kind": "gelu", "form": "tanh"},
            {"name": "fc", "kind": "fc", "out_features": 5},
            {"name": "bias", "kind": "bias"},
        ],
    }
)


@pytest.mark.parametrize("arch", MACHINES)
@pytest.mark.parametrize("fusion", ["none", "epilogue", "full"])
def test_laws_hold(arch: str, fusion: str) -> None:
    machine = accelsim.load_machine(arch).replace(fusion=fusion)
    for rule in ("bp", "dfa"):
        result = accelsim.simulate(NETWORK, machine, rule=rule, batch=2, trace="random:0.5")
        assert violations(result) == []
        layers = {op.layer for op in result.ops}
        assert layers >= {layer.name for layer in NETWORK.layers}
