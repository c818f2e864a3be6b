"""Search for the places and mappings of a whole step.

The step is planned op by op without events, on expected zeros (`Choice`). Starting with the
canonical places, one decision after another is changed and kept if the objective of the step falls:
the places of the stash, the order in which room is given out, then copies of single tensors left
out and optimizer states moved to DRAM, the largest first. After each improvement the search begins
again, until nothing helps. Nothing is drawn at random. The number of tries depends on the number of
ops only; docs/mapping.md says what a search costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial

from accelsim.cost.energy import EnergyTable
from accelsim.dram.standard import DramSpec
from accelsim.machine.architecture import Machine
from accelsim.machine.placement import Kind
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.placing import Placing
from accelsim.mapping.residency import allocate, updates_in_pe
from accelsim.pe.registry import pe_kind
from accelsim.pe.timing import TimingModel
from accelsim.sim.encodings import encode
from accelsim.sim.memory.held import Held, Place
from accelsim.sim.memory.release import release
from accelsim.sim.memory.tensors import TensorMemory
from accelsim.sim.planning.choice import MARGIN, Choice, Memo
from accelsim.sim.planning.chosen import Cost
from accelsim.sim.planning.costs import Costs, Objective
from accelsim.sim.planning.plan import Planner
from accelsim.step.ops import Contraction, Op, Role, TrainingStep
from accelsim.zeros.masks import MaskSource

ORDERS: tuple[tuple[Kind, ...], ...] = (
    ("weights", "feedback", "gradients", "optimizer_state", "stash", "copies"),
    ("weights", "feedback", "gradients", "stash", "optimizer_state", "copies"),
    ("weights", "feedback", "copies", "gradients", "stash", "optimizer_state"),
)
"""Orders of room that are tried beside the canonical one: state, then stash, before copies; stash
before state, if it may be in scratchpads; copies before both.
"""
STASHES = ("auto", "scratchpad")
"""Places of the stash that are tried beside the canonical ones."""
ARBITRATION = "oldest_first"
"""Order of the bursts of several transfers, unless the machine file states one or a trial finds a
better one (`Program.mapped`). Rows are mostly opened less often if a transfer's bursts follow one
another; the estimate, at the peak rate, does not see it.
"""
PLANNED_OPS = 3000
"""Ops that a search plans in all, at most."""
LEAST_TRIES = 8
"""Places that are tried in a step of many ops, too."""


@dataclass(frozen=True)
class StepMapping:
    """Places and mappings of a step, for its simulation.

    - ``placing``: decisions on places. ``arbitration``: order of the bursts of several transfers.
      ``objective``, ``memo``: those of the choice among mappings.
    - ``expected``: the timing model on expected zeros.
    - ``canonical``, ``chosen``: expected costs of the step; None if nothing was searched.
    - ``tries``: other places that were planned.
    """

    placing: Placing
    arbitration: str
    objective: Objective
    expected: TimingModel
    memo: Memo
    canonical: Cost | None = None
    chosen: Cost | None = None
    tries: int = 0

    @classmethod
    def without_search(cls, architecture: Machine, masks: MaskSource) -> StepMapping:
        """Canonical places and mappings. Pins apply."""
        return cls(
            Placing.canonical(architecture.placement),
            architecture.dram.arbitration or "round_robin",
            Objective("canonical"),
            pe_kind(architecture).expected_timing(masks),
            Memo(),
        )


Change = Callable[[Placing], Placing]


@dataclass(frozen=True)
class Draft:
    """A step planned with some places. ``cost``: expected. ``held``: places of its tensors."""

    placing: Placing
    cost: Cost
    held: tuple[Held, ...]

    @property
    def crowded(self) -> bool:
        """Whether a tensor is in DRAM that might be on the chip. Inputs of the step are not."""
        return any(
            each.spilled or (each.place is Place.DRAM and not each.tensor.persistent)
            for each in self.held
        )


class StepSearch:
    """Search for one step on one machine."""

    def __init__(
        self,
        step: TrainingStep,
        architecture: Machine,
        dram: DramSpec,
        prices: EnergyTable | None,
        masks: MaskSource,
        partitions: int,
    ) -> None:
        self._step = step
        self._architecture = architecture
        self._costs = Costs(architecture, dram, prices)
        self._expected = pe_kind(architecture).expected_timing(masks)
        self._partitions = partitions
        self._encodings = encode(step, architecture, masks)
        self._memo = Memo()

    def find(self) -> StepMapping:
        """The best places and mappings found. InputError if a pin or an op does not fit."""
        placing = Placing.canonical(self._architecture.placement)
        canonical = self._draft(placing, Objective("canonical"))
        name = self._architecture.mapping.objective or "canonical"
        objective = Objective(name, canonical.cost)
        best = self._draft(placing, objective)
        most = max(LEAST_TRIES, PLANNED_OPS // len(self._step.ops) - 2)
        tried, better = {placing}, best.crowded
        while better:
            better = False
            for changed in (change(best.placing) for change in self._changes(best)):
                if changed in tried or len(tried) > most:
                    continue
                tried.add(changed)
                other = self._draft(changed, objective)
                better = self._improves(other, best, objective)
                if better:
                    best = other
                    break
        return StepMapping(
            best.placing,
            self._architecture.dram.arbitration or ARBITRATION,
            objective,
            self._expected,
            self._memo,
            canonical.cost,
            best.cost,
            len(tried) - 1,
        )

    def _improves(self, other: Draft, best: Draft, objective: Objective) -> bool:
        return objective.of_step(other.cost) < (1 - MARGIN) * objective.of_step(best.cost)

    def _changes(self, best: Draft) -> Iterator[Change]:
        """Changes of one decision, in the order in which they are tried."""
        policy, near_memory = self._architecture.placement, self._near_memory
        if policy.stash is None:
            yield from (partial(replace, stash=stash) for stash in STASHES)
        if policy.order is None and near_memory:
            yield from (partial(_reordered, order) for order in ORDERS)
        found: list[tuple[int, Change]] = []
        for each in best.held:
            name = each.tensor.name
            if each.copies > 1:
                found.append((each.bits * (each.copies - 1), partial(_without_copies, name)))
            elif each.tensor.role is Role.OPTIMIZER_STATE and each.place is Place.SCRATCHPADS:
                found.append((each.bits, partial(_evicted, name)))
        yield from (change for _, change in sorted(found, key=lambda each: -each[0]))

    @property
    def _near_memory(self) -> bool:
        return self._architecture.organization == "near_memory"

    def _draft(self, placing: Placing, objective: Objective) -> Draft:
        """Plan all ops in the order of the serial schedule, without events."""
        bits = self._encodings.at_home(self._architecture)
        residency = allocate(self._step, self._architecture, self._partitions, bits, placing)
        memory = TensorMemory(self._architecture, residency, self._step, self._encodings.of)
        mapper = Mapper(self._architecture, residency)
        choice = Choice(self._architecture, mapper, self._costs, objective, self._memo)
        choice.refuse_illegal_pins(self._step.ops)
        planner = Planner(mapper, self._expected, self._expected, memory, choice)
        cost = Cost()
        for op in self._step.ops:
            partition = (residency.partition(op) or 0) if self._on_array(op) else None
            cost += planner.cost(0, op, partition)
            release(memory, 0, op)
        inputs = self._inputs
        held = (each for each in memory.held() if each.tensor.name not in inputs)
        return Draft(placing, cost, tuple(held))

    def _on_array(self, op: Op) -> bool:
        return isinstance(op, Contraction) or updates_in_pe(op, self._architecture)

    @cached_property
    def _inputs(self) -> set[str]:
        """Names of the tensors that the step finds in DRAM."""
        made = {tensor.name for op in self._step.ops for tensor in op.outputs}
        return {
            tensor.name
            for op in self._step.ops
            for tensor in op.tensors
            if tensor.name not in made and not tensor.persistent
        }


def _reordered(order: tuple[Kind, ...], placing: Placing) -> Placing:
    """The stash needs no place in the order if it stays out of the scratchpads."""
    if placing.stash == "buffer":
        order = (*(kind for kind in order if kind != "stash"), "stash")
    return replace(placing, order=order)


def _without_copies(name: str, placing: Placing) -> Placing:
    return replace(placing, single=placing.single | {name})


def _evicted(name: str, placing: Placing) -> Placing:
    return replace(placing, evicted=placing.evicted | {name})
