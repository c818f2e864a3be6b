"""Effectual MACs: the loop nests written out, both operands looked up."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from accelsim.experiment.simulate import simulate
from accelsim.results.op import NO_MACS
from accelsim.rules.registry import lower
from accelsim.zeros.effectual import effectual_macs, repeats
from accelsim.zeros.masks import MaskSource
from accelsim.zeros.trace import Trace
from tests.random_machines import machine
from tests.reference_networks import Builder


def test_items_repeat_cyclically() -> None:
    assert repeats(7, 3).tolist() == [3, 2, 2]
    assert repeats(2, 3).tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    "masked", ["", "weight", "input", "error", "input error", "input error weight"]
)
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_pairs_of_a_grouped_strided_dilated_convolution(masked: str, batch: int) -> None:
    builder = Builder("pairs", (5, 4, 4)).conv(4).add("relu")
    builder.add(
        "conv", 6, kernel=(2, 3), stride=(2, 1), padding=(1, 0, 2, 1), dilation=(1, 2), groups=2
    )
    network = builder.add("fc", 3).network()
    layer = network.layer("conv2")
    (h, w, _), (p, q, _) = layer.in_shape, layer.out_shape
    random = np.random.default_rng(3)
    shapes = {
        "input": (2, *layer.in_shape),
        "error": (2, *layer.out_shape),
        "weight": layer.weight_shape,
    }
    whole = {
        role: random.random(shape) < 0.5 if role in masked.split() else np.ones(shape, bool)
        for role, shape in shapes.items()
    }
    trace = Trace.from_masks(
        "pairs", "bp", "", 0, 0, {f"conv2.{role}": whole[role] for role in masked.split()}
    )
    masks, step = MaskSource(trace, network, batch), lower(network, "bp", batch)
    counted = dict.fromkeys(("FF", "EP", "WG"), 0)
    for n, k, y, x, r, s, c in product(
        range(batch), range(6), range(p), range(q), range(2), range(3), range(2)
    ):
        row, col, channel = y * 2 - 1 + r, x - 2 + 2 * s, k // 3 * 2 + c
        if 0 <= row < h and 0 <= col < w:
            a, e, b = (
                whole["input"][n % 2, row, col, channel],
                whole["error"][n % 2, y, x, k],
                whole["weight"][k, r, s, c],
            )
            counted["FF"] += int(a & b)
            counted["EP"] += int(e & b)
            counted["WG"] += int(a & e)
    assert {name: effectual_macs(step.op(f"conv2.{name}"), masks) for name in counted} == counted


def test_vector_work_has_none() -> None:
    network = Builder("v", (1, 1, 3)).add("fc", 4).add("relu").add("fc", 2).network()
    ops = {op.name: op for op in simulate(network, machine(), trace="random:0.5").ops}
    assert ops["relu1.FF"].macs == NO_MACS
    assert ops["fc2.FF"].macs.dense == 4 * 2
