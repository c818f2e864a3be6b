"""What tests of layer kinds share: a network around one layer, its ops, and numbers beside plain
formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from accelsim.layers.model import Model
from accelsim.layers.numerics import LayerNumerics
from accelsim.rules.registry import lower
from accelsim.step.ops import Op, TrainingStep
from accelsim.workload.network import Network
from tests.random_networks import network_of

TOLERANCE = 1e-9


def around(kind: str, rows: int = 3, channels: int = 4, **keys: Any) -> Network:
    """A convolution of 1 x 1, the layer ``it`` on a map of (rows, 1, channels), a classifier of
    three.
    """
    return network_of(
        {
            "name": "around",
            "input": {"height": rows, "width": 1, "channels": 2},
            "layers": [
                {"name": "before", "kind": "conv", "out_channels": channels, "kernel": 1},
                {"name": "it", "kind": kind, **keys},
                {"name": "fc", "kind": "fc", "out_features": 3},
            ],
        }
    )


def step_of(network: Network, rule: str = "bp", batch: int = 2) -> TrainingStep:
    return lower(network, rule, batch)


def words(op: Op) -> tuple[dict[str, int], dict[str, int]]:
    """Words that an op reads and writes, by tensor."""
    read = {each.tensor.name: each.words_read for each in op.operands}
    return read, {tensor.name: tensor.elements for tensor in op.outputs}


def numbers_of(network: Network, dtype: Any = np.float64) -> LayerNumerics:
    """Numbers of the layer ``it``, with parameters that differ from channel to channel."""
    model = Model(network, dtype=dtype)
    random = np.random.default_rng(7)
    for array in model.layers["it"].parameters.values():
        array[...] = random.uniform(0.5, 1.5, array.shape)
    return model.layers["it"]


def drawn(*shape: int, seed: int = 0, dtype: Any = np.float64) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def assert_derivatives(
    numbers: LayerNumerics,
    inputs: np.ndarray,
    forward: Callable[[], np.ndarray] | None = None,
) -> None:
    """Assert that errors and gradients of parameters equal central differences of <error, output>,
    each element on its own; 1e-8 of curvature and rounding is left at this step.
    """
    forward = forward or (lambda: numbers.forward((inputs,), training=True))
    error = drawn(*forward().shape, seed=1)
    (found,) = numbers.backward(error, propagate=True)
    gradients = {key: array.copy() for key, array in numbers.gradients.items()}
    assert gradients.keys() == numbers.parameters.keys()
    step = 1e-5
    for array, slopes in (
        (inputs, found),
        *((array, gradients[key]) for key, array in numbers.parameters.items()),
    ):
        assert slopes.shape == array.shape
        for index in np.ndindex(array.shape):
            original = array[index]
            sides = []
            for sign in (1, -1):
                array[index] = original + sign * step
                sides.append((error * forward()).sum())
            array[index] = original
            assert abs((sides[0] - sides[1]) / (2 * step) - slopes[index]) < 1e-8, index


def assert_keeps_dtype(network: Network) -> None:
    """Assert that numbers in float32 stay in float32, and that backward without propagation gives
    no error.
    """
    numbers = numbers_of(network, np.float32)
    inputs = drawn(2, *network.layer("it").in_shape, dtype=np.float32)
    output = numbers.forward((inputs,), training=True)
    assert output.dtype == np.float32
    (error,) = numbers.backward(output, propagate=True)
    assert error.dtype == np.float32
    assert all(array.dtype == np.float32 for array in numbers.gradients.values())
    assert numbers.backward(output, propagate=False) == ()
