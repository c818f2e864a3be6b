"""Results of the reference training on a small network, with the names that the oracle uses."""

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
    """Loss, gradients and errors under bp, or under dfa with `feedback_of`."""
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
    results = {"loss": np.array(loss)}
    results |= {f"{name}.{key}": gradient for (name, key), gradient in model.gradients().items()}
    results |= {f"{name}.error": array for name, array in errors.items()}
    return results


def joined(results: dict[str, np.ndarray]) -> np.ndarray:
    """All arrays in one vector, ordered by name."""
    return np.concatenate([results[key].reshape(-1) for key in sorted(results)])


def split(values: np.ndarray, like: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Inverse of `joined`, with names and shapes from ``like``."""
    names = sorted(like)
    ends = np.cumsum([like[key].size for key in names])
    assert ends[-1] == values.size
    return {
        key: part.reshape(like[key].shape)
        for key, part in zip(names, np.split(values, ends[:-1]), strict=True)
    }


def assert_close(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    """Assert equal names, and that every array is within the tolerance of the expected one,
    relative to its largest entry.
    """
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        assert found[key].shape == array.shape, key
        scale = np.abs(array).max()
        # Single components can be exactly zero in theory (weights before a batch norm have no
        # gradient along themselves), but never a whole array.
        assert scale > 0, key
        assert np.abs(found[key] - array).max() <= TOLERANCE * scale, key
