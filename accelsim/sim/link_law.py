"""Conservation of bits: each link carries exactly the bits that ops send over it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accelsim.errors import LawViolation
from accelsim.kernels.links.servers import BUFFER, BUFFER_WRITE, DOWN, MESH, PEER, UP
from accelsim.machine.memories import GlobalBuffer
from accelsim.sim.pipeline import Pipelines
from accelsim.sim.planning.op_plan import OpPlan


def check_links(
    plans: Sequence[OpPlan], pipelines: Pipelines, buffer: GlobalBuffer, cycles: int
) -> None:
    """Check every link of the NoC, the mesh and the global buffer after a run of ``cycles`` cycles.

    Raises LawViolation if a link carried more or fewer bits than the executed ``plans`` sent over
    it, or was busy for more than ``cycles``.
    """
    read = sum(plan.fill_buffer_bits + plan.staged_out_bits for plan in plans)
    written = sum(plan.drain_buffer_bits + plan.staged_in_bits for plan in plans)
    shared = buffer.ports == 1
    links = {
        "NoC down": (DOWN, sum(plan.fill_bits + plan.stash_out_bits for plan in plans)),
        "NoC up": (UP, sum(plan.drain_bits + plan.stash_in_bits for plan in plans)),
        "NoC between PEs": (PEER, sum(plan.peer_bits for plan in plans)),
        "global buffer": (BUFFER, read + written if shared else read),
        "global buffer, writes": (BUFFER_WRITE, 0 if shared else written),
    }
    loads = [load for plan in plans for load in plan.mesh_bits if load is not None]
    if loads:
        links |= {
            f"NoC link {link}": (MESH + link, int(bits))
            for link, bits in enumerate(np.sum(loads, axis=0))
        }
    for name, (link, sent) in links.items():
        server = pipelines.served(link)
        if server.bits != sent or server.busy_cycles > cycles:
            raise LawViolation(
                f"{name}: {server.bits} bits carried in {server.busy_cycles} busy cycles of "
                f"{cycles}, {sent} bits sent"
            )
