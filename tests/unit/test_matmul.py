"""Products of two maps: numbers, products, laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import accelsim
from accelsim.layers.model import Model
from accelsim.results.laws import violations
from accelsim.step.ops import Contraction, Pass
from accelsim.workload.network import Network
from tests.layer_kinds import step_of
from tests.random_networks import network_of

ROWS, HEADS = 4, 2


def network(transposed: bool) -> Network:
    """(4, 1, 2 * 3) by (5, 1, 2 * 3) transposed, or (4, 1, 2 * 4) by (4, 1, 2 * 3)."""
    first = 3 if transposed else 4
    return network_of(
        {
            "name": "products",
            "input": {"height": ROWS, "width": 1, "channels": 2},
            "layers": [
                {"name": "a", "kind": "linear", "out_features": HEADS * first},
                {"name": "b", "kind": "linear", "inputs": ["input"], "out_features": HEADS * 3},
                {
                    "name": "it",
                    "kind": "matmul",
                    "inputs": ["a", "b"],
                    "heads": HEADS,
                    "transposed": transposed,
                },
                {"name": "fc", "kind": "fc", "out_features": 2},
            ],
        }
    )


@pytest.mark.parametrize("transposed", [False, True])
def test_products_follow_the_formula(transposed: bool) -> None:
    model = Model(network(transposed), seed=1, dtype=np.float64)
    model.forward(np.random.default_rng(0).standard_normal((3, ROWS, 1, 2)))
    a, b, y = (model.maps[name][:, :, 0] for name in ("a", "b", "it"))
    for sample in range(3):
        for head in range(HEADS):
            left = np.split(a[sample], HEADS, axis=1)[head]
            right = np.split(b[sample], HEADS, axis=1)[head]
            expected = left @ (right.T if transposed else right)
            assert np.allclose(np.split(y[sample], HEADS, axis=1)[head], expected, rtol=1e-12)


@pytest.mark.parametrize("transposed", [False, True])
def test_errors_are_differences(transposed: bool) -> None:
    layer = Model(network(transposed), dtype=np.float64).layers["it"]
    random = np.random.default_rng(2)
    maps = [random.standard_normal((2, *shape)) for shape in layer.layer.in_shapes]
    error = random.standard_normal((2, *layer.layer.out_shape))
    layer.forward((maps[0], maps[1]), True)
    for place, at_input in enumerate(layer.backward(error, True)):
        direction = random.standard_normal(at_input.shape)

        def loss(step: float, place: int = place, direction: Any = direction) -> float:
            moved = [m + step * direction if p == place else m for p, m in enumerate(maps)]
            return float((layer.forward((moved[0], moved[1]), True) * error).sum())

        slope = (loss(1e-5) - loss(-1e-5)) / 2e-5
        assert slope == pytest.approx(float((at_input * direction).sum()))


@pytest.mark.parametrize("transposed", [False, True])
def test_counts(transposed: bool) -> None:
    step = step_of(network(transposed), batch=3)
    macs = {
        pass_: sum(
            op.nest.macs
            for op in step.ops
            if isinstance(op, Contraction) and op.layer == "it" and op.pass_ is pass_
        )
        for pass_ in Pass
    }
    each = 3 * HEADS * ROWS * (3 * ROWS if transposed else 4 * 3)
    assert macs == {Pass.FF: each, Pass.EP: 2 * each, Pass.WG: 0, Pass.WU: 0}


@pytest.mark.parametrize("rule", ["bp", "dfa"])
@pytest.mark.parametrize("arch", ["near-memory", "systolic-32x32"])
def test_laws_hold(rule: str, arch: str) -> None:
    result = accelsim.simulate(network(True), arch, rule=rule, batch=2)
    assert violations(result) == []


def test_maps_that_do_not_fit() -> None:
    layers: list[dict[str, Any]] = [
        {"name": "a", "kind": "linear", "out_features": 3},
        {"name": "it", "kind": "matmul", "inputs": ["a", "input"]},
    ]
    data = {"name": "x", "input": {"height": 4, "width": 1, "channels": 2}, "layers": layers}
    with pytest.raises(accelsim.InputError, match="a second map of 3 positions, got 4"):
        network_of(data)
