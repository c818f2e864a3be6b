"""relu6: its numbers at both ends, its ops, and the masks of f' that traces hold."""

from __future__ import annotations

import numpy as np
import pytest

from accelsim.layers.model import Model
from accelsim.numerics.formats import FORMATS, StorageFormats
from accelsim.rules.registry import lower
from accelsim.step.ops import Role, Use
from accelsim.training.capture import capture_masks
from accelsim.zeros.masks import check_trace
from accelsim.zeros.trace import Trace
from tests.reference_networks import Builder

INPUTS = [-7.0, -1e-30, 0.0, 1e-30, 2.5, np.nextafter(6, 0), 6.0, np.nextafter(6, 7), 9.0]
OUTPUTS = [0.0, 0.0, 0.0, 1e-30, 2.5, np.nextafter(6, 0), 6.0, 6.0, 6.0]
PASSES = [False, False, False, True, True, True, False, False, False]


def test_numbers_at_both_ends() -> None:
    network = Builder("ends", (1, 1, len(INPUTS))).add("relu6").network()
    numerics = Model(network, dtype=np.float64).layers["relu60"]
    output = numerics.forward((np.array(INPUTS).reshape(1, 1, 1, -1),), training=True)
    assert output.reshape(-1).tolist() == OUTPUTS
    (error,) = numerics.backward(np.full(output.shape, -3.0), propagate=True)
    assert error.reshape(-1).tolist() == [-3.0 if passes else 0.0 for passes in PASSES]
    assert numerics.passes(output).reshape(-1).tolist() == PASSES
    assert numerics.backward(error, propagate=False) == ()


@pytest.mark.parametrize("name", FORMATS)
def test_the_upper_end_is_exact_in_every_format(name: str) -> None:
    """6 = 1.5 x 4 has one bit behind the point; no stored map may open what was closed."""
    network = Builder("stored", (1, 1, 4)).add("relu6").add("fc", 3).network()
    model = Model(network, dtype=np.float32, formats=StorageFormats(activation=name))
    model.forward(np.array([[-1.0, 3.0, 6.0, 100.0]], np.float32).reshape(1, 1, 1, 4))
    assert model.maps["relu60"].reshape(-1).tolist() == [0.0, 3.0, 6.0, 6.0]


def test_ops_compare_with_both_ends_and_read_back_one_bit() -> None:
    """2 samples of a map 6 x 5 x 4: 240 elements, two comparisons each forward, one selection back,
    for which 240 bits are kept and no word of the output is read.
    """
    step = lower(Builder("ops").conv(4).add("relu6").add("fc", 3).network(), "bp", 2)
    ops = {op.name: op for op in step.ops}
    forward, back = ops["relu61.FF"], ops["relu61.EP"]
    assert (forward.elements, forward.ops_per_element) == (240, 2)
    assert (back.elements, back.ops_per_element) == (240, 1)
    (mask,) = [tensor for tensor in forward.outputs if tensor.role is Role.MASK]
    assert (mask.elements, mask.bits) == (240, 1)
    assert [operand.tensor for operand in back.operands] == [*ops["fc2.EP"].outputs, mask]
    needed = ops["fc2.EP"].operand(Use.NEEDED)
    assert needed is not None
    assert needed.tensor == mask


def test_traced_masks_are_zero_at_both_ends_also_behind_a_max_pool() -> None:
    """The pool takes the largest of four: 6 where one is at or above 6, whose f' is 0."""
    builder = Builder("traced", (2, 6, 1)).add("relu6")
    builder.add("max_pool", kernel=(2, 2), stride=(2, 2)).conv(2, side=1).add("relu6").add("fc", 2)
    network = builder.network()
    model = Model(network, dtype=np.float64)
    model.parameters()["conv2", "weight"][...] = np.array([1.0, 3.0]).reshape(2, 1, 1, 1)
    images = np.array([[-1, -2, 1, 7, 0, 3], [-3, -4, 2, 1, 2, 1]], float).reshape(1, 2, 6, 1)
    model.forward(images)
    masks = capture_masks(model, {}, 1)
    # The pool's outputs are 0, 6 and 3; the convolution's (0, 0), (6, 18), (3, 9).
    assert masks["conv2.input"].reshape(-1).tolist() == [False, True, True]
    assert masks["conv2.mask"].reshape(-1).tolist() == [False, False, True]
    assert masks["fc4.input"].reshape(-1).tolist() == [False, False, True, True, True, True]
    assert masks["fc4.mask"].reshape(-1).tolist() == [False, False, False, False, True, False]
    check_trace(Trace.from_masks("traced", "bp", "by hand", 0, 0, masks), network)
