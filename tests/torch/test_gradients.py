"""The reference numbers against PyTorch, float64."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed (make test-torch)")

from tests.reference_networks import all_networks
from tests.reference_results import assert_close, reference_results
from tests.torch import oracle

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("network", all_networks().values(), ids=lambda network: network.name)
@pytest.mark.parametrize("rule", ["bp", "dfa"])
def test_every_layer_kind_equals_pytorch(network, rule):
    expected = oracle.backprop(network) if rule == "bp" else oracle.direct_feedback(network)
    assert_close(reference_results(network, rule), expected)
