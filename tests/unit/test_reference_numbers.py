"""The reference numbers against stored results of PyTorch, and against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from accelsim.config.registries import LAYERS
from accelsim.numerics.loss import softmax_loss
from accelsim.rules.chained.numbers import Backprop
from tests.reference_networks import all_networks, batch_of, filled_model
from tests.reference_results import assert_close, reference_results, split

NETWORKS = all_networks()


@pytest.fixture(scope="module")
def stored(root):
    with np.load(root / "tests" / "golden" / "reference_gradients.npz") as archive:
        return {key: archive[key] for key in archive.files}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rule", ["bp", "dfa"])
def test_numbers_equal_stored_results_of_pytorch(stored, name, rule):
    found = reference_results(NETWORKS[name], rule)
    assert_close(found, split(stored[f"{name}/{rule}"], found))


def test_small_networks_have_every_kind_of_layer():
    kinds = {layer.kind for network in NETWORKS.values() for layer in network.layers}
    # vector_work has no numbers; tests of the other two compare them with their formulas.
    assert kinds == set(LAYERS.names()) - {"vector_work", "recurrence", "matmul"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.check) if name == "residual" else name
        for name in NETWORKS
    ],
)
def test_backpropagation_equals_finite_differences(name):
    """Along one direction a parameter: 1e-6 of rounding and curvature is left at this step."""
    model = filled_model(NETWORKS[name])
    images, labels = batch_of(NETWORKS[name])
    before = {key: draws.copy() for key, draws in model.running_moments().items()}
    _, error = softmax_loss(model.forward(images), labels)
    Backprop(model).propagate(error, labels)
    gradients = {key: array.copy() for key, array in model.gradients().items()}
    step = 1e-5
    for key, array in model.parameters().items():
        original = array.copy()
        direction = np.cos(3.1 * np.arange(array.size)).reshape(array.shape)
        losses = []
        for sign in (1, -1):
            for place, draws in before.items():
                model.running_moments()[place][...] = draws  # dropout draws the same again
            array[...] = original + sign * step * direction
            losses.append(softmax_loss(model.forward(images), labels)[0])
        array[...] = original
        assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(
            (gradients[key] * direction).sum(), rel=1e-6, abs=1e-8
        ), key
