"""Stalls: cycles in which the array waits during an op, by cause."""

from __future__ import annotations

import numpy as np

from accelsim.kernels.links.servers import BUFFER, DOWN, MESH, PEER, UP
from accelsim.kernels.links.slots import Ints
from accelsim.sim.pipeline import Pipelines, StageTimes, Times
from accelsim.sim.planning.op_plan import OpPlan


def attribute(
    plan: OpPlan, times: Times, start: int, end: int, pipelines: Pipelines
) -> dict[str, int]:
    """Stall cycles of the array during an op, by cause (dram, noc, bank, dependency, drain,
    vector).

    While the vector unit executes the op, the array waits for a dependency. A wait for a fill
    counts as a NoC stall, except for the share by which the global buffer's port alone takes
    longer, which is a bank stall. So does a wait for a load or store that moves stash to or from
    scratchpads, and nothing over DRAM. Of a wait for a fill or a drain, the share by which the
    vector unit's work on its words takes longer is a vector stall.
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
    up = pipelines.cycles(UP, plan.drain_bits)
    if plan.mesh_drain is not None:
        up = max(up, pipelines.cycles(MESH, int(plan.mesh_drain.max())))
    written = pipelines.cycles(BUFFER, plan.drain_buffer_bits) + plan.drain_wait
    late_fill = _longer(fill, plan.fill_vector, max(links, port))
    late_drain = _longer(waits["drain"], plan.drain_vector, max(up, written))
    fill -= late_fill
    bank = fill * max(0, port - links) // port if port else 0
    dependency = 0 if plan.on_array else end - start - sum(waits.values()) - plan.port_wait
    over_dram = bool(plan.loads) * waits["load"] + bool(plan.stores) * waits["store"]
    return {
        "dram": over_dram,
        "noc": fill - bank + waits["load"] + waits["store"] - over_dram,
        "bank": bank + plan.port_wait,
        "dependency": dependency,
        "drain": waits["drain"] - late_drain,
        "vector": late_fill + late_drain,
    }


def _longer(wait: int, cycles: int, others: int) -> int:
    """Share of a wait by which ``cycles`` exceed those of the others, who work at the same
    time.
    """
    return wait * max(0, cycles - others) // cycles if cycles else 0


def stalls(times: Times, start: int, end: int) -> dict[str, int]:
    """Cycles between ``start`` and ``end`` in which an op's compute stage was idle, by cause.

    - ``load``: before the first block, waiting for the load. Before a later block, waiting for a
      fill that began as soon as its load was done, so that the load sets the pace.
    - ``store``: behind the array, waiting for the store while nothing drains.
    - ``fill``: before the first block, waiting for the fill. Before a later block, waiting for a
      fill that was late itself.
    - ``drain``: data were ready but the next stage had not freed a buffer, or the last block was
      done, and outputs drained.
    """
    compute, load, fill = times["compute"], times.get("load"), times.get("fill")
    drain = times.get("drain")
    began = compute.started
    idle_from = np.concatenate([[start], compute.done[:-1]])
    loaded = np.minimum(began, load.done) if load else idle_from
    filled = np.minimum(began, fill.done) if fill else loaded
    if load and fill:
        on_time = fill.started <= load.done
        on_time[0] = False
        loaded = np.where(on_time, filled, loaded)
    # Intervals in which stages behind the array held it up.
    held_from = np.append(np.maximum(np.maximum(idle_from, loaded), filled), compute.done[-1])
    held_until = np.append(began, end)
    drained = 0
    if drain:
        drained = (drained_before(held_until, drain) - drained_before(held_from, drain)).sum()
    waits = {
        "load": np.maximum(0, loaded - idle_from).sum(),
        "store": (held_until - held_from).sum() - drained,
        "fill": np.maximum(0, filled - np.maximum(idle_from, loaded)).sum(),
        "drain": drained,
    }
    return {cause: int(cycles) for cause, cycles in waits.items()}


def drained_before(cycles: Ints, drain: StageTimes) -> Ints:
    """Cycles in which blocks drained before each of the ``cycles``: int64, of the same shape.

    Blocks drain one after another.
    """
    worked = np.concatenate([[0], np.cumsum(drain.done - drain.started)])
    begun = np.searchsorted(drain.started, cycles)
    last = np.maximum(begun - 1, 0)
    still = np.where(begun > 0, np.maximum(0, drain.done[last] - cycles), 0)
    return worked[begun] - still
