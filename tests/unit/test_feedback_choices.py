"""Index sets of a sparse B: k distinct classes a neuron, every class as likely as any other, by
either way of drawing them.
"""

from __future__ import annotations

import numpy as np
import pytest

from accelsim.zeros.feedback import feedback_random, sparse_feedback


@pytest.mark.parametrize(("classes", "k"), [(10, 3), (1000, 2), (64, 4), (10, 10), (33, 1)])
def test_every_row_names_distinct_classes_evenly(classes: int, k: int) -> None:
    neurons = 20_000
    read = sparse_feedback(neurons, classes, k, 0, feedback_random(1, "layer")).classes_read
    assert read is not None
    assert read.shape == (neurons, k)
    assert (np.diff(read, axis=1) > 0).all()
    uses = np.bincount(read.reshape(-1), minlength=classes)
    expected = neurons * k / classes
    # Six standard deviations of a binomial count.
    assert np.abs(uses - expected).max() <= 6 * np.sqrt(expected)
