"""Three measures of an op, each at its best near 1 or at the price of a MAC.

- Words received per word used. A PE uses a word once if one of its outputs reads it; a word that
  comes again, or in vain, raises the measure.
- Lane cycles per executed MAC: the cycles of the op times the lanes of its part of the array.
- Energy per effectual MAC, in pJ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accelsim.machine.architecture import Machine
from accelsim.pe.kind import PEKind
from accelsim.pe.mapping import Mapping
from accelsim.pe.registry import pe_kind
from accelsim.pe.skipping.array import SkippingArray, rows_per_channel, stationary_takers
from accelsim.pe.skipping.receivers import Sending, channel_takers, moving_taken
from accelsim.results.op import OpResult
from accelsim.results.result import Result
from accelsim.sim.observers import Observer
from accelsim.sim.planning.op_plan import OpPlan
from accelsim.sim.run import OpRecord
from accelsim.step.ops import Use


@dataclass(frozen=True)
class Measures:
    """An op of a run and its measures, each 0 if the op has nothing of the kind.

    ``share``: part of the step's cycles. ``plan``: how it ran. ``dense``: whether the array has no
    lanes that skip zeros.
    """

    network: str
    rule: str
    machine: str
    op: OpResult
    plan: OpPlan
    dense: bool
    share: float
    received_per_used: float
    cycles_per_mac: float
    pj_per_mac: float

    @property
    def name(self) -> str:
        """Name of the op in its run."""
        return f"{self.network} {self.rule} on {self.machine}: {self.op.name}"


class Plans(Observer):
    """The plans of a run's ops, by name."""

    def __init__(self) -> None:
        self.plans: dict[str, OpPlan] = {}

    def op_ended(self, record: OpRecord, freed: Sequence[str]) -> None:
        self.plans[record.op.name] = record.plan


def measured(
    network: str, rule: str, machine: Machine, result: Result, plans: dict[str, OpPlan]
) -> list[Measures]:
    """Measures of every contraction of a run."""
    rows, kind = [], pe_kind(machine)
    for op in result.ops:
        plan = plans.get(op.name)
        if plan is None or plan.mapping is None or op.lane_cycles is None:
            continue
        used = words_used(plan, kind)
        rows.append(
            Measures(
                network,
                rule,
                result.arch,
                op,
                plan,
                not isinstance(kind, SkippingArray),
                op.cycles / result.cycles,
                op.words_received / used if used else 0.0,
                op.lane_cycles.total / op.macs.executed if op.macs.executed else 0.0,
                op.energy_pj / op.macs.effectual if op.macs.effectual else 0.0,
            )
        )
    return rows


def words_used(plan: OpPlan, kind: PEKind) -> int:
    """Words that the PEs must get for an op if none comes twice: for each operand that moves, the
    distinct words that each PE's outputs read, summed over the PEs; and each partial sum that PEs
    exchange.
    """
    mapping = plan.mapping
    assert mapping is not None
    op, used = mapping.op, 0
    uses = {each.tensor.name: each.use for each in op.operands}
    for moved in plan.moved:
        t = moved.transfer
        if not t.enters_pes:
            continue
        use = None if t.partial else uses.get(t.tensor.name)
        words = {Use.MOVING: op.nest.moving_words[Sending.ONCE], Use.STATIONARY: t.tensor.elements}
        if use not in words or not t.words:
            used += moved.delivered_words
        elif isinstance(kind, SkippingArray):
            used += min(moved.delivered_words, _read(mapping, use, t.words, kind))
        else:
            # A dense array sends each word to the same PEs, and again for each fold.
            once = min(t.words, words[use])
            used += moved.delivered_words * once // t.words
    return used


def _read(mapping: Mapping, use: Use, sent: int, kind: SkippingArray) -> int:
    """Distinct words of an operand that PEs with lanes read, each counted once per PE."""
    op, nest, share = mapping.op, mapping.op.nest, kind.share(mapping)
    if use is Use.STATIONARY:
        words = sum(each.tensor.elements for each in op.operands_of(use))
        takers = stationary_takers(mapping, share)
        return min(words, sent) * takers // rows_per_channel(op)
    if nest.stored and nest.channels * nest.positions * nest.stored < nest.samples * nest.depth:
        return sent
    taken = moving_taken(nest, share, Sending.ONCE)
    if mapping.reduction_pes > 1:
        return taken
    groups = kind.moving_groups(op)
    kept = channel_takers(nest.channels, groups, mapping.channels_per_tile, nest.channels)
    return taken // groups * kept.takers
