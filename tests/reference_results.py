"""Results of the reference training on a small network, named as the oracle names its own."""

from __future__ import annotations

import numpy as np

from accelsim.numerics.loss import softmax_loss
from accelsim.rules.chained.numbers import Backprop
from accelsim.rules.direct.numbers import DirectFeedback
from accelsim.workload.network import Network
from accelsim.zeros.feedback import Feedback
from tests.reference_networks import CLASSES, batch_of, feedback_of, filled_model

TOLERANCE = 1e-9


def reference_results(network: Network, rule: str) -> dict[str, np.ndarray]:
    """Loss, gradients and errors under bp, or dfa with `feedback_of`."""
    model = filled_model(network)
    images, labels = batch_of(network)
    loss, error = softmax_loss(model.forward(images), labels)
    if rule == "bp":
        errors = Backprop(model).propagate(error, labels)
    else:
        errors = DirectFeedback(
            model,
            {name: (Feedback(CLASSES, matrix),) for name, matrix in feedback_of(network).items()},
        ).propagate(error, labels)
    found = {"loss": np.array(loss)}
    found.update({f"{name}.{key}": gradient for (name, key), gradient in model.gradients().items()})
    found.update({f"{name}.error": array for name, array in errors.items()})
    return found


def joined(results: dict[str, np.ndarray]) -> np.ndarray:
    """All arrays one after the other, by name."""
    return np.concatenate([results[key].reshape(-1) for key in sorted(results)])


def split(values: np.ndarray, like: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inverse of `joined`, names and shapes taken from ``like``."""
    names = sorted(like)
    ends = np.cumsum([like[key].size for key in names])
    assert ends[-1] == values.size
    return {
        key: part.reshape(like[key].shape)
        for key, part in zip(names, np.split(values, ends[:-1]), strict=True)
    }


def assert_close(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    """Same names; every array within the tolerance of the expected one's largest entry."""
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        assert found[key].shape == array.shape, key
        scale = np.abs(array).max()
        # A gradient that is exactly zero in theory (the weights before a batch norm have none along
        # themselves) never is as a whole array.
        assert scale > 0, key
        assert np.abs(found[key] - array).max() <= TOLERANCE * scale, key
