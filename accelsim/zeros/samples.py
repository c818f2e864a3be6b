"""Distinct samples behind a batch, and the size of the error that repeated samples make."""

from __future__ import annotations

from accelsim.workload.network import Network
from accelsim.zeros.trace import Trace

MEASURED = {
    1: ("-3.6 to 0.0 %", "+9 to +94 %"),
    2: ("-1.4 to 0.0 %", "+4 to +55 %"),
    4: ("-0.2 to +0.6 %", "0 to +36 %"),
    8: ("-0.1 to +0.3 %", "0 to +5 %"),
}
"""Error of cycles, and of lane cycles of imbalance in WG, by number of distinct samples: lowest and
highest mean over five networks on images (docs/traces.md, Repeated samples).
"""


def distinct_samples(trace: Trace, network: Network) -> int:
    """Number of samples of the trace; 0 if none of its tensors has samples."""
    axis = 1 if network.unrolled else 0
    sampled = (
        tensor.shape[axis]
        for key, tensor in trace.tensors.items()
        if key.endswith((".input", ".error", ".mask"))
    )
    return next(sampled, 0)


def repeated_samples(trace: Trace, network: Network, batch: int) -> list[str]:
    """A note if the batch repeats the samples of the trace, else []. The size of the error is that
    of traces of training; zeros drawn at random have another.
    """
    samples = distinct_samples(trace, network)
    if not 0 < samples < batch:
        return []
    are = "sample is" if samples == 1 else "samples are"
    note = f"{samples} distinct {are} repeated for the batch of {batch}"
    if trace.data.startswith("random:"):
        return [note]
    measured = max(number for number in MEASURED if number <= samples)
    cycles, imbalance = MEASURED[measured]
    size = f"mean cycles were off by {cycles}, imbalance of WG by {imbalance} (docs/traces.md)"
    return [f"{note}: measured with {measured}, {size}"]
