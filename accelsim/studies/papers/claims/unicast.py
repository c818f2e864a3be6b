"""Additional costs if each output error were sent separately to each PE that needs it. Machines
multicast errors, so these costs are derived by counting.

Crafton et al. 2019 count one word per neuron and error in its row of B. A PE receives an error once
for all neurons that it processes. Unicast therefore costs at most as much as they count, and less
if PEs keep received errors.
"""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.machine.architecture import Machine
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import allocate
from accelsim.pe.mapping import Route
from accelsim.results.result import Result
from accelsim.rules.registry import lower, step_kinds
from accelsim.step.ops import Contraction, TrainingStep, Use
from accelsim.workload.network import Network


@dataclass(frozen=True)
class Unicast:
    """Additional words over the NoC's root link, and a lower bound of the additional cycles it
    needs.
    """

    words: float
    cycles: float


def unicast(network: Network, machine: Machine, rule: str, batch: int, ran: Result) -> Unicast:
    """Costs of unicast in a step, or the mean over a hybrid rule's kinds of step. ``ran``: the
    result with multicast.
    """
    results = [each.result for each in ran.steps] or [ran]
    words = cycles = 0.0
    for kind, result in zip(step_kinds(rule), results, strict=True):
        more = _of_step(kind.finish(lower(network, kind.rule, batch)), machine, result)
        words += kind.weight * more.words
        cycles += kind.weight * more.cycles
    return Unicast(words, cycles)


def _of_step(step: TrainingStep, machine: Machine, ran: Result) -> Unicast:
    ops = [op for op in step.ops if isinstance(op, Contraction) and op.nest.unshared]
    if not ops:
        return Unicast(0, 0)
    mapper = Mapper(machine, allocate(step, machine, 1))
    took = {op.name: op.cycles for op in ran.ops}
    words = cycles = 0.0
    for op in ops:
        sent, by_unicast, bits = deliveries(op, mapper)
        words += by_unicast - sent
        cycles += (
            max(0, -(-by_unicast * bits // machine.noc.width_bits) - took[op.name])
            if by_unicast > sent
            else 0
        )
    return Unicast(words, cycles)


def deliveries(op: Contraction, mapper: Mapper) -> tuple[int, int, int]:
    """For a feedback op: words of errors sent as it is mapped, words that unicast would send (no
    fewer), and bits per word.
    """
    moving = {operand.tensor.name for operand in op.operands if operand.use is Use.MOVING}
    transfers = [
        each for each in mapper.map(op).transfers if each.inbound and each.tensor.name in moving
    ]
    sent = sum(each.words for each in transfers)
    by_unicast = sum(
        each.deliveries if each.route is Route.MULTICAST else each.words for each in transfers
    )
    return sent, max(sent, min(by_unicast, op.dense_macs)), transfers[0].bits
