"""Choice among an op's mappings: the lowest cost under the machine's objective; ties go to the
first, which is the canonical mapping.

A mapping is planned as it would run, but with the zeros that are expected from the densities of the
op's operands: nobody knows the zeros themselves before the data come. Its cost is estimated
(`costs.py`). `accelsim/studies/validation/mapper.py` simulates random mappings and reports how far
this choice is from the best of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from accelsim.errors import Fault, InputError
from accelsim.machine.architecture import Machine
from accelsim.machine.mapping_choice import Pin
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.tiling.choices import Choices, choices
from accelsim.mapping.tiling.tiler import Tiler
from accelsim.pe.mapping import Mapping
from accelsim.sim.planning.chosen import Chosen, Cost
from accelsim.sim.planning.costs import Costs, Objective
from accelsim.sim.planning.op_plan import OpPlan
from accelsim.step.ops import Contraction, Op

Expected = Callable[[Mapping, bool], OpPlan]
"""The plan of a mapping on expected zeros, and whether tiles pass the staging buffer in parts."""


MARGIN = 0.01
"""Part of its cost by which a mapping must be cheaper than the canonical one to replace it. Smaller
differences are within the error of the estimate.
"""


@dataclass
class Memo:
    """What one search keeps for later ones of the same step on the same machine, by op and places
    of its tensors.
    """

    tilers: dict[Hashable, Tiler] = field(default_factory=dict)
    tilings: dict[Hashable, Choices] = field(default_factory=dict)
    chosen: dict[Hashable, Chosen] = field(default_factory=dict)
    vector: dict[Hashable, Cost] = field(default_factory=dict)


class Choice:
    """Chooses mappings on one machine, for the places that ``mapper`` knows."""

    def __init__(
        self,
        architecture: Machine,
        mapper: Mapper,
        costs: Costs,
        objective: Objective,
        memo: Memo | None = None,
    ) -> None:
        self._architecture = architecture
        self._mapper = mapper
        self.costs = costs
        self.objective = objective
        self._canonical = objective.name == "canonical" or architecture.pe_array.has_fixed_mapping
        self._memo = memo or Memo()

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
        key = self._homes(op)
        if key not in self._memo.tilers:
            self._memo.tilers[key] = Tiler(self._mapper, op)
        return self._memo.tilers[key]

    def _homes(self, op: Contraction) -> Hashable:
        """Everything that the mappings of an op depend on: homes, and room for its gradients."""
        splits = tuple(self._mapper.gradient_split(op, tensor) for tensor in op.outputs)
        return op.name, splits, tuple(self._mapper.home(tensor) for tensor in op.tensors)

    def is_made(self, op: Op) -> bool:
        """Whether there is a choice to make for an op."""
        return self.pin(op) is not None or self.objective.name != "canonical"

    def best(self, tiler: Tiler, placed: tuple[Hashable, ...], expected: Expected) -> Chosen:
        """The cheapest mapping. Later calls with the same op, homes and places return the same.

        ``placed``: place of each of the op's tensors. InputError for a pin that the machine cannot
        execute.
        """
        key = (tiler, placed, self.objective)
        if key not in self._memo.chosen:
            self._memo.chosen[key] = self._chosen(tiler, expected)
        return self._memo.chosen[key]

    def vector_cost(self, places: Hashable, plan: Callable[[], OpPlan]) -> Cost:
        """Cost of vector work; later calls with the same op and ``places`` return the same."""
        if places not in self._memo.vector:
            self._memo.vector[places] = self.costs.of(plan())
        return self._memo.vector[places]

    def _chosen(self, tiler: Tiler, expected: Expected) -> Chosen:
        needs = self._choices(tiler)
        tilings = list(needs)
        plans = [expected(tiler.mapping(*each), False) for each in needs.items()]
        costs = [self.costs.of(plan) for plan in plans]
        aims = [
            self.objective.of_op(cost) * (1 - MARGIN * (tiling is None))
            for cost, tiling in zip(costs, tilings, strict=True)
        ]
        order = sorted(range(len(aims)), key=aims.__getitem__)  # stable: ties to the first
        best, *others = order
        chosen = Chosen(tilings[best], costs[best])
        if others:
            chosen = replace(chosen, second=tilings[others[0]], second_cost=costs[others[0]])
        if self.objective.name == "canonical":
            return chosen
        parts = expected(tiler.mapping(tilings[best], needs[tilings[best]]), True)
        cost = self.costs.of(parts)
        if self.objective.of_op(cost) < (1 - MARGIN) * self.objective.of_op(chosen.cost):
            return replace(chosen, cost=cost, in_parts=True)
        return chosen

    def _choices(self, tiler: Tiler) -> Choices:
        pin = self.pin(tiler.op)
        if pin is not None:
            return choices(tiler, pin)
        if self._canonical:
            return {None: None}
        tilings = self._memo.tilings.get(tiler.geometry)
        if tilings is None:
            tilings = self._memo.tilings[tiler.geometry] = choices(tiler)
        return tilings
