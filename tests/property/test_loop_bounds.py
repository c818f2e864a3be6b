"""The nests of a layer's three passes describe one convolution, that of the network's layer."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.layers.attention import Attention
from accelsim.layers.conv_transpose import ConvTranspose
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction, Pass
from accelsim.workload.network import Layer, Network
from tests.examples import examples
from tests.naive import counts
from tests.naive.bounds import Bounds, bounds
from tests.random_networks import networks
from tests.reference_networks import all_networks


def of_layer(layer: Layer, samples: int) -> Bounds:
    """Bounds of the layer's convolution, from its shapes."""
    (h, w, c), (p, q, k) = layer.in_shape, layer.out_shape
    if layer.kind == "fc":
        return Bounds(samples, k, h * w * c)
    if layer.kind == "linear":
        return Bounds(samples * h * w, k, c)
    if layer.recurrent:
        return Bounds(samples, counts.GATES[layer.kind] * k, c + k)
    top, _, left, _ = layer.padding
    return Bounds(
        samples,
        k,
        c,
        p,
        q,
        h,
        w,
        *layer.kernel,
        layer.groups,
        layer.stride,
        (top, left),
        layer.dilation,
    )


def of_attention(layer: Attention, name: str, samples: int) -> Bounds:
    """Bounds of a product and its two gradients: a group per head of keys and sample; positions are
    queries of the heads that share them.
    """
    (h, w, c), (y, x, _), _ = layer.in_shapes
    groups, sharing = samples * layer.kv_heads, layer.heads // layer.kv_heads
    of_query = name.endswith((".scores", ".query", ".key"))
    keys, size = groups * y * x, (c if of_query else layer.out_shape[2]) // layer.heads * groups
    k, depth = (keys, size) if name.endswith((".scores", ".query")) else (size, keys)
    return Bounds(1, k, depth, sharing, h * w, sharing, h * w, groups=groups)


def check(network: Network, rule: str, batch: int) -> None:
    """Check the bounds of every op, and that backpropagation has all three passes."""
    passes = defaultdict(set)
    for op in lower(network, rule, batch).ops:
        if isinstance(op, Contraction) and op.kind != "feedback":
            layer = network.layer(op.layer)
            if isinstance(layer, Attention):
                assert bounds(op) == of_attention(layer, op.name, batch), op.name
                continue
            # A recurrent layer has one op per time step, except for its gradient.
            stepwise = layer.recurrent and op.pass_ is not Pass.WG
            samples = batch if stepwise else batch * network.time_steps
            transposed = isinstance(layer, ConvTranspose)
            expected = of_layer(layer.convolution if transposed else layer, samples)
            assert bounds(op, transposed) == expected, op.name
            passes[op.layer].add(op.pass_)
    assert passes.keys() == {layer.name for layer in counts.contracting(network)}
    propagating = {layer.name for layer in counts.propagating(network)}
    for name, found in passes.items():
        assert found == {Pass.FF, Pass.WG} | ({Pass.EP} if name in propagating else set())


@pytest.mark.parametrize("network", all_networks().values(), ids=lambda network: network.name)
@pytest.mark.parametrize("rule", ["bp", "fa"])
def test_all_passes_of_a_layer_have_its_bounds(network: Network, rule: str) -> None:
    check(network, rule, 2)


@settings(max_examples=examples(60), deadline=None)
@given(networks(), st.sampled_from(["bp", "fa"]), st.integers(1, 3))
def test_all_passes_of_a_random_layer_have_its_bounds(
    network: Network, rule: str, batch: int
) -> None:
    check(network, rule, batch)


@pytest.mark.parametrize(("rule", "nonzeros"), [("dfa", 0), ("ssdfa", 1), ("sdfa:k=2", 2)])
def test_feedback_has_the_bounds_of_its_target_map(rule: str, nonzeros: int) -> None:
    for network in all_networks().values():
        errors = network.output.out_shape[2]
        for op in lower(network, rule, 2).ops:
            if op.kind == "feedback":
                h, w, c = network.layer(op.layer).in_shape
                if network.layer(op.layer).recurrent:
                    continue
                assert bounds(op) == Bounds(2, c, errors, h, w, nonzeros=nonzeros), op.name
