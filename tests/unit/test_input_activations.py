"""gelu and silu: their ops by hand, and their numbers beside plain formulas."""

from __future__ import annotations

from math import erf, exp, pi, sqrt, tanh
from typing import Any

import numpy as np
import pytest

import accelsim
from accelsim.errors import InputError
from accelsim.layers.model import Model
from accelsim.numerics.formats import StorageFormats, stored
from accelsim.step.forms import Form
from accelsim.step.ops import Role, VectorWork
from tests.layer_kinds import (
    TOLERANCE,
    around,
    assert_derivatives,
    assert_keeps_dtype,
    drawn,
    numbers_of,
    step_of,
    words,
)

KINDS: list[tuple[str, dict[str, Any]]] = [("gelu", {}), ("gelu", {"form": "tanh"}), ("silu", {})]
FORMULAS = [
    lambda x: x / 2 * (1 + erf(x / sqrt(2))),
    lambda x: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))),
    lambda x: x / (1 + exp(-x)),
]


@pytest.mark.parametrize(
    ("kind", "keys", "forward", "back"),
    [("gelu", {}, 5, 10), ("gelu", {"form": "tanh"}, 8, 15), ("silu", {}, 2, 6)],
)
def test_ops_read_the_input_back(kind: str, keys: dict[str, Any], forward: int, back: int) -> None:
    """2 samples of 3 positions of 4 channels: 24 elements. No mask, no stash of its own."""
    step = step_of(around(kind, **keys))
    op, ep = step.op("it.FF"), step.op("it.EP")
    assert isinstance(op, VectorWork)
    assert isinstance(ep, VectorWork)
    assert (op.elements, op.ops_per_element, op.form) == (24, forward, Form.ELEMENTWISE)
    assert (ep.elements, ep.ops_per_element, ep.form) == (24, back, Form.ELEMENTWISE)
    assert words(op) == ({"before.out": 24}, {"it.out": 24})
    assert words(ep) == ({"it.error": 24, "before.out": 24}, {"before.error": 24})
    assert not any(tensor.role is Role.MASK for each in step.ops for tensor in each.tensors)


@pytest.mark.parametrize(("case", "formula"), list(zip(KINDS, FORMULAS, strict=True)))
def test_numbers_equal_their_formula(case: tuple[str, dict[str, Any]], formula: Any) -> None:
    kind, keys = case
    maps = 3 * drawn(2, 3, 1, 4)
    found = numbers_of(around(kind, **keys)).forward((maps,), training=True)
    expected = np.array([formula(x) for x in maps.reshape(-1)]).reshape(maps.shape)
    assert np.abs(found - expected).max() < TOLERANCE


@pytest.mark.parametrize(("kind", "keys"), KINDS)
def test_far_from_zero(kind: str, keys: dict[str, Any]) -> None:
    """f is x or 0, f' is 1 or 0, without overflow."""
    maps = np.array([-1000.0, 1000.0, -80.0, 80.0]).reshape(1, 1, 1, 4)
    numbers = numbers_of(around(kind, rows=1, **keys))
    with np.errstate(over="raise", invalid="raise"):
        output = numbers.forward((maps,), training=True)
        (error,) = numbers.backward(np.ones_like(maps), propagate=True)
    assert np.abs(output.reshape(-1) - [0, 1000, 0, 80]).max() < TOLERANCE
    assert np.abs(error.reshape(-1) - [0, 1, 0, 1]).max() < TOLERANCE


@pytest.mark.parametrize(("kind", "keys"), KINDS)
def test_derivatives(kind: str, keys: dict[str, Any]) -> None:
    assert_derivatives(numbers_of(around(kind, **keys)), 2 * drawn(2, 3, 1, 4))


@pytest.mark.parametrize(("kind", "keys"), KINDS)
def test_numbers_keep_their_type(kind: str, keys: dict[str, Any]) -> None:
    assert_keeps_dtype(around(kind, **keys))


@pytest.mark.parametrize(("kind", "keys"), [*KINDS, ("tanh", {}), ("sigmoid", {})])
def test_derivatives_are_those_of_the_stored_maps(kind: str, keys: dict[str, Any]) -> None:
    """f' follows from the map that memory holds, input or output, rounded to bf16."""
    network = around(kind, **keys)
    model = Model(network, formats=StorageFormats(activation="bf16"))
    model.forward(drawn(2, 3, 1, 2, dtype=np.float32))
    before, after = model.maps["before"], model.maps["it"]
    assert np.array_equal(after, stored(after, "bf16"))
    (error,) = model.layers["it"].backward(np.ones_like(after), propagate=True)
    if kind in ("tanh", "sigmoid"):
        expected = 1 - after * after if kind == "tanh" else after * (1 - after)
    else:
        numbers = Model(network).layers["it"]
        numbers.forward((before,), training=True)
        (expected,) = numbers.backward(np.ones_like(after), propagate=True)
    assert np.array_equal(error, expected)


def test_their_ff_is_an_epilogue_under_full_alone() -> None:
    """EP reads the map before them again, so that it has two readers; the error has one."""
    for fusion, into in (("epilogue", {"it.EP"}), ("full", {"it.FF", "it.EP"})):
        machine = accelsim.load_machine("von-neumann").replace(fusion=fusion)
        result = accelsim.simulate(around("gelu"), machine, trace="dense")
        fused = {op.name for op in result.ops if op.fused_into}
        assert {name for name in fused if name.startswith("it.")} == into


def test_form() -> None:
    with pytest.raises(InputError, match="form must be erf or tanh, got fast"):
        around("gelu", form="fast")
