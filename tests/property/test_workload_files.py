"""Any workload either resolves to a network or is refused with faults."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.config.registries import RULES
from accelsim.errors import Fault, InputError
from accelsim.rules.registry import lower
from accelsim.workload.network import Network
from tests.examples import examples
from tests.random_networks import (
    image_workloads,
    network_of,
    sequence_workloads,
    token_workloads,
)

words = ["same", "valid", "input", "fc", "conv0", "add", "lstm"]
values = st.one_of(
    st.integers(-1, 12),
    st.sampled_from([1 << 24, *words]),
    st.lists(st.integers(0, 3), max_size=3),
    st.none(),
)
keys = st.sampled_from(
    [
        "name",
        "kind",
        "inputs",
        "out_channels",
        "kernel",
        "stride",
        "padding",
        "groups",
        "dilation",
        "out_features",
        "hidden",
        "dim",
        "heads",
        "kv_heads",
        "causal",
    ],
)

ANY_NETWORK = {"bp", "bp-only", "fa", "dfa", "bdfa", "sdfa", "ssdfa", "frozen"}


def resolved(data: dict[str, Any]) -> Network | tuple[Fault, ...]:
    try:
        return network_of(data)
    except InputError as error:
        return error.faults


@settings(max_examples=examples(200), deadline=None)
@given(
    st.one_of(image_workloads(), sequence_workloads(), token_workloads()),
    st.lists(st.tuples(st.integers(0, 9), keys, values), min_size=1, max_size=3),
)
def test_resolved_or_refused(data: dict[str, Any], slips: list[tuple[int, str, Any]]) -> None:
    for index, key, value in slips:
        data["layers"][index % len(data["layers"])][key] = value
    network = resolved(data)
    if isinstance(network, tuple):
        assert network
        assert len(set(network)) == len(network)
        return
    for layer in network.layers:
        assert min(layer.in_shape + layer.out_shape) >= 1
    for rule in RULES.names():
        try:
            assert lower(network, rule, 1).ops
        except InputError:
            # Only modular rules and rules for recurrent layers restrict the network.
            assert rule not in ANY_NETWORK
