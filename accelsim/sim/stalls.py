"""Why the array waits: the stalls of an op, by cause."""

from __future__ import annotations

import numpy as np

from accelsim.kernels.links.servers import BUFFER, DOWN, MESH, PEER
from accelsim.sim.pipeline import Pipelines, Times
from accelsim.sim.planning.op_plan import OpPlan


def attribute(
    plan: OpPlan, times: Times, start: int, end: int, pipelines: Pipelines
) -> dict[str, int]:
    """The array's waiting during the op by cause; while the vector unit works for it, the array
    waits for a dependency.

    Waiting for a fill is the NoC's doing unless the global buffer's port alone took longer:
    that part is a bank stall.
    """
    waits = stalls(times, start, end)
    fill = waits["fill"]
    links = max(
        pipelines.cycles(DOWN, plan.fill_bits),
        pipelines.cycles(PEER, plan.peer_bits),
    )
    if plan.mesh_fill is not None:
        links = max(links, pipelines.cycles(MESH, int(plan.mesh_fill.max())))
    port = pipelines.cycles(BUFFER, plan.fill_buffer_bits) + plan.fill_wait
    bank = fill * max(0, port - links) // port if port else 0
    dependency = (
        0 if plan.on_array else end - start - waits["dram"] - fill - waits["drain"] - plan.port_wait
    )
    return {
        "dram": waits["dram"],
        "noc": fill - bank,
        "bank": bank + plan.port_wait,
        "dependency": dependency,
        "drain": waits["drain"],
    }


def stalls(times: Times, start: int, end: int) -> dict[str, int]:
    """Cycles in which the compute stage of an op from ``start`` to ``end`` did not compute, by
    cause.

    Before the first block: ``dram`` while its data come from there, ``fill`` on their way to the
    PEs. Before a later one the stage that sets the pace: ``dram`` if the fill began as soon as the
    data had left DRAM, ``fill`` if it was behind. ``drain``: data were there but the stage behind
    had not freed a buffer, and what follows the last block.
    """
    compute, load, fill = times["compute"], times.get("load"), times.get("fill")
    began = compute.started
    idle_from = np.concatenate([[start], compute.done[:-1]])
    loaded = np.minimum(began, load.done) if load else idle_from
    filled = np.minimum(began, fill.done) if fill else loaded
    if load and fill:
        on_time = fill.started <= load.done
        on_time[0] = False
        loaded = np.where(on_time, filled, loaded)
    found = {
        "dram": np.maximum(0, loaded - idle_from).sum(),
        "fill": np.maximum(0, filled - np.maximum(idle_from, loaded)).sum(),
        "drain": (began - np.maximum(np.maximum(idle_from, loaded), filled)).sum()
        + end
        - compute.done[-1],
    }
    return {cause: int(cycles) for cause, cycles in found.items()}
