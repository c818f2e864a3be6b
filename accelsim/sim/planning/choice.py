"""Choice among an op's mappings: the lowest cost under the machine's objective; ties go to the
first.

A mapping is planned exactly as it would run, on the op's own zeros. Only the overlap of its
transfers is estimated:

- A pipeline of blocks lasts as long as its busiest component, plus the first or last block of the
  other stages.
- DRAM moves rows at its peak rate.

`accelsim/studies/validation/mapper.py` simulates random mappings and reports how far this choice is
from the best of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from accelsim.cost.counters import ActionCounts
from accelsim.cost.energy import EnergyTable
from accelsim.dram.standard import DramSpec
from accelsim.errors import Fault, InputError
from accelsim.machine.architecture import Machine
from accelsim.machine.mapping_choice import Pin
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.tiler import Tiler
from accelsim.mapping.tilings import choices
from accelsim.pe.mapping import Mapping, Tiling
from accelsim.sim.planning.op_plan import OpPlan
from accelsim.step.ops import Contraction, Op

Planned = Callable[[Mapping], OpPlan]


class Choice:
    """Chooses mappings on one machine. ``prices`` are required for the objectives energy and
    edp.
    """

    def __init__(
        self, architecture: Machine, dram: DramSpec, mapper: Mapper, prices: EnergyTable | None
    ) -> None:
        self._architecture = architecture
        self._mapper = mapper
        self._prices = prices
        fixed = architecture.pe_array.has_fixed_mapping
        self._objective = "canonical" if fixed else architecture.mapping.objective
        organisation = dram.organisation
        self._burst_bits = 8 * organisation.burst
        self._row_bits = self._burst_bits * organisation.row_bursts
        burst_ps = organisation.burst_clocks * dram.timing.tck_ps
        self._dram_bits = (
            dram.channels(architecture.dram.channels)
            * self._burst_bits
            * 1e12
            / (burst_ps * architecture.clock_hz)
        )
        self._tilings: dict[Hashable, list[Tiling | None]] = {}
        self._chosen: dict[tuple[str, tuple[Hashable, ...]], Tiling | None] = {}

    def pin(self, op: Op) -> Pin | None:
        """The first pin whose pattern matches the op's name."""
        return next(
            (pin for pin in self._architecture.mapping.pins if fnmatchcase(op.name, pin.op)), None
        )

    def refuse_illegal_pins(self, ops: Iterable[Op]) -> None:
        """Raise InputError with every fault of the pins that match these ops. Called before a
        run.
        """
        faults: list[Fault] = []
        for op in ops:
            if isinstance(op, Contraction) and self.pin(op) is not None:
                try:
                    self._choices(self.tiler(op))
                except InputError as error:
                    faults += error.faults
        if faults:
            raise InputError(*dict.fromkeys(faults))

    def tiler(self, op: Contraction) -> Tiler:
        """The legal mappings of an op, within the space that is free now.

        Call it before the op's outputs are allocated.
        """
        return Tiler(self._mapper, op)

    def best(self, tiler: Tiler, placed: tuple[Hashable, ...], planned: Planned) -> OpPlan:
        """The plan of the cheapest mapping.

        First call: search. Later calls with the same op and places reuse that choice.
        ``placed``: place of each of the op's tensors, in the order of ``op.tensors``.
        InputError for a pin that the machine cannot execute.
        """
        op = tiler.op
        if self.pin(op) is None and self._objective == "canonical":
            return planned(tiler.canonical)
        key = (op.name, placed)
        if key in self._chosen:
            return planned(tiler.mapping(self._chosen[key]))
        tilings = self._choices(tiler)
        plans = [planned(tiler.mapping(tiling)) for tiling in tilings]
        costs = [self.cost(plan) for plan in plans]
        best = costs.index(min(costs))
        self._chosen[key] = tilings[best]
        return plans[best]

    def _choices(self, tiler: Tiler) -> list[Tiling | None]:
        pin = self.pin(tiler.op)
        if pin is not None:
            return choices(tiler, pin)
        tilings = self._tilings.get(tiler.geometry)
        if tilings is None:
            tilings = self._tilings[tiler.geometry] = choices(tiler)
        return tilings

    def cost(self, plan: OpPlan) -> float:
        """Cost under the objective: cycles, pJ or pJ x cycles. A canonical objective with pins uses
        cycles.
        """
        cycles = self.cycles(plan)
        if self._objective in {"cycles", "canonical"}:
            return cycles
        energy = self.energy_pj(plan, cycles)
        return energy if self._objective == "energy" else energy * cycles

    def cycles(self, plan: OpPlan) -> float:
        """Estimated cycles of the op's pipeline."""
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
        staged = (
            plan.fill_buffer_bits
            + plan.drain_buffer_bits
            + plan.staged_in_bits
            + plan.staged_out_bits
        )
        port = (
            staged / (buffer.banks * buffer.width_bits)
            + plan.fill_wait
            + plan.drain_wait
            + plan.staged_in_wait
            + plan.staged_out_wait
        )
        fetch, stow = (
            max(bits, _busiest(mesh)) / noc.width_bits
            for bits, mesh in (
                (plan.stash_in_bits, plan.mesh_load),
                (plan.stash_out_bits, plan.mesh_store),
            )
        )
        stages = (max(loads, fetch), fill, compute, drain, max(stores, stow))
        busiest = max(*stages, loads + stores, fill + stow, drain + fetch, port)
        return busiest + (sum(stages) - max(stages)) / plan.blocks

    def energy_pj(self, plan: OpPlan, cycles: float) -> float:
        """Estimated energy of the op in pJ: its actions, DRAM bursts in whole rows, leakage and
        clocks.

        Raises ValueError without prices.
        """
        if self._prices is None:
            raise ValueError("an objective of energy needs prices")
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
            ("leakage", "cycles", round(cycles)),
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
