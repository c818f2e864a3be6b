"""Estimated cycles and energy of a planned op, and the objective that weighs them.

Only the overlap of an op's transfers is estimated: a pipeline of blocks lasts as long as its
busiest component, plus the first or last block of the other stages. DRAM moves rows at its peak
rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.cost.counters import EVERY_CYCLE, ActionCounts
from accelsim.cost.energy import EnergyTable
from accelsim.dram.standard import DramSpec
from accelsim.machine.architecture import Machine
from accelsim.sim.planning.chosen import Cost
from accelsim.sim.planning.op_plan import OpPlan


@dataclass(frozen=True)
class Objective:
    """What a choice makes small.

    ``name``: cycles, energy or edp; canonical with pins counts cycles. ``step``: cost of the step
    under the canonical mapping. The energy-delay product of a step falls if the sum of the relative
    changes of its energy and its cycles is negative, so an op under `edp` weighs its cycles and its
    energy by those of the step.
    """

    name: str
    step: Cost | None = None

    def of_op(self, cost: Cost) -> float:
        """The objective's part of an op; without a ``step``, of the op alone."""
        if self.name == "energy":
            return cost.energy_pj
        if self.name != "edp":
            return cost.cycles
        if self.step is None:
            return cost.cycles * cost.energy_pj
        return cost.cycles / self.step.cycles + cost.energy_pj / self.step.energy_pj

    def of_step(self, cost: Cost) -> float:
        """The objective of a whole step."""
        if self.name == "energy":
            return cost.energy_pj
        return cost.cycles * cost.energy_pj if self.name == "edp" else cost.cycles


class Costs:
    """Costs of plans on one machine. Without ``prices`` the energy is 0."""

    def __init__(self, architecture: Machine, dram: DramSpec, prices: EnergyTable | None) -> None:
        self._architecture = architecture
        self._prices = prices
        organisation = dram.organisation
        self._burst_bits = 8 * organisation.burst
        self._row_bits = self._burst_bits * organisation.row_bursts
        burst_ps = organisation.burst_clocks * dram.timing.tck_ps
        channels = dram.channels(architecture.dram.channels)
        per_cycle = 1e12 / architecture.clock_hz
        self._dram_bits = channels * self._burst_bits * per_cycle / burst_ps
        self._dram_clocks = channels * organisation.ranks * per_cycle / dram.timing.tck_ps

    def of(self, plan: OpPlan) -> Cost:
        """Estimated cost of a plan."""
        cycles = self._cycles(plan)
        return Cost(cycles, self._energy_pj(plan, cycles))

    def _cycles(self, plan: OpPlan) -> float:
        noc, buffer = self._architecture.noc, self._architecture.global_buffer
        loads, stores = (
            8 * sum(part.nbytes for part in parts) / self._dram_bits
            for parts in (plan.loads, plan.stores)
        )
        fill = (
            max(plan.fill_bits, _busiest(plan.mesh_fill), plan.peer_bits / noc.peer_links)
            / noc.width_bits
        )
        compute, drain = (
            float(plan.block_cycles.sum()),
            max(plan.drain_bits, _busiest(plan.mesh_drain)) / noc.width_bits,
        )
        fill, drain = max(fill, plan.fill_vector), max(drain, plan.drain_vector)
        width = buffer.banks * buffer.width_bits
        read = (plan.fill_buffer_bits + plan.staged_out_bits) / width
        read += plan.fill_wait + plan.staged_out_wait
        written = (plan.drain_buffer_bits + plan.staged_in_bits) / width
        written += plan.drain_wait + plan.staged_in_wait
        port = read + written if buffer.ports == 1 else max(read, written)
        fetch, stow = (
            max(bits, _busiest(mesh)) / noc.width_bits
            for bits, mesh in (
                (plan.stash_in_bits, plan.mesh_load),
                (plan.stash_out_bits, plan.mesh_store),
            )
        )
        stages = (max(loads, fetch), fill, compute, drain, max(stores, stow))
        busiest = max(*stages, loads + stores, fill + stow, drain + fetch, port)
        return busiest + (sum(stages) - max(stages)) / max(1, plan.blocks)

    def _energy_pj(self, plan: OpPlan, cycles: float) -> float:
        """Its actions, DRAM bursts in whole rows, standby with open rows, leakage and
        clocks."""
        if self._prices is None:
            return 0.0
        read, written = (
            8 * sum(part.nbytes for part in parts) for parts in (plan.loads, plan.stores)
        )
        array = self._architecture.pe_array
        busy = plan.timing.busy + plan.timing.window_empty if plan.timing else 0
        meanwhile = ActionCounts()
        for component, action, times in (
            ("dram", "read_burst", -(-read // self._burst_bits)),
            ("dram", "write_burst", -(-written // self._burst_bits)),
            ("dram", "activate", -(-(read + written) // self._row_bits)),
            ("dram", "active_standby", round(cycles * self._dram_clocks)),
            *((*action, round(cycles)) for action in EVERY_CYCLE),
            ("control", "clock", busy),
            (
                "control",
                "idle_clock",
                max(0, round(cycles) * array.rows * array.cols * array.lanes - busy),
            ),
        ):
            meanwhile.add(component, action, times)
        return self._prices.total(plan.counts) + self._prices.total(meanwhile)


def _busiest(links: NDArray[np.int64] | None) -> int:
    """Bits over the busiest link of a mesh; 0 without a mesh."""
    return 0 if links is None or not links.size else int(links.max())
