"""Adds to tests/golden/reference_gradients.npz PyTorch's results for the small networks that it
lacks, for tests without PyTorch.

python -m tests.torch.make_reference
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.reference_networks import all_networks
from tests.reference_results import joined
from tests.torch.oracle import backprop, direct_feedback

TARGET = Path(__file__).resolve().parent.parent / "golden" / "reference_gradients.npz"

if __name__ == "__main__":
    with np.load(TARGET) as archive:
        stored = dict(archive)
    before = len(stored)
    for name, network in all_networks().items():
        for rule, results in (("bp", backprop), ("dfa", direct_feedback)):
            if f"{name}/{rule}" not in stored:
                stored[f"{name}/{rule}"] = joined(results(network))
    np.savez_compressed(TARGET, **stored)
    print(
        f"{TARGET.name}: {len(stored)} arrays, {len(stored) - before} of them new, "
        f"{TARGET.stat().st_size} bytes"
    )
