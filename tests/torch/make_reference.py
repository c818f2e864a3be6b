"""Writes tests/golden/reference_gradients.npz: PyTorch's results for the small networks, for tests without PyTorch.

python -m tests.torch.make_reference
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.reference_networks import small_networks
from tests.reference_results import joined
from tests.torch.oracle import backprop, direct_feedback

TARGET = Path(__file__).resolve().parent.parent / "golden" / "reference_gradients.npz"

if __name__ == "__main__":
    stored = {}
    for name, network in small_networks().items():
        for rule, results in (("bp", backprop(network)), ("dfa", direct_feedback(network))):
            stored[f"{name}/{rule}"] = joined(results)
    np.savez_compressed(TARGET, **stored)
    print(f"{TARGET.name}: {len(stored)} arrays, {TARGET.stat().st_size} bytes")
