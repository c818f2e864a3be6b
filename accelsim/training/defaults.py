"""Default optimizer and learning rate of a network."""

from __future__ import annotations

from accelsim.workload.network import Network


def usual_optimizer_and_rate(workload: Network) -> tuple[str, float]:
    """Optimizer and learning rate of a run that sets none. Text has Adam, as in Han et al. 2020."""
    return ("adam", 0.002) if workload.vocabulary else ("momentum", 0.003)
