"""What the vector unit reads, writes and does: for vector work, and for the work of other ops on
the words of an op (docs/fusion.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from accelsim.machine.architecture import Machine
from accelsim.machine.words import word_bits
from accelsim.pe.mapping import Route, Transfer
from accelsim.sim.memory.tensors import TensorMemory
from accelsim.sim.planning.op_plan import PlanDraft
from accelsim.step.forms import Rider
from accelsim.step.ops import Contraction, Op, Operand, Tensor, Use


class Riders:
    """Counts the work that rides on the ops of one machine."""

    def __init__(self, architecture: Machine) -> None:
        self._architecture = architecture

    def cycles(self, elements: int, ops_per_element: int) -> int:
        """Cycles of the vector unit for a number of elements."""
        unit = self._architecture.vector_unit
        return -(-elements // unit.width) * -(-ops_per_element // unit.ops_per_cycle)

    def passed_on(self, op: Contraction, transfers: Sequence[Transfer]) -> list[Transfer]:
        """The transfers of an op's mapping. Results that only the epilogue reads do not enter the
        global buffer.
        """
        return [
            replace(t, route=Route.PASS, dram_words=0)
            if t.tensor is op.passed and t.route is Route.COLLECT and not t.partial
            else t
            for t in transfers
        ]

    def beside(self, op: Op, transfers: Sequence[Transfer]) -> list[Transfer]:
        """Transfers of the operands of which a word is read with every word of another."""
        found = []
        for operand in op.operands:
            if operand.beside:
                words, dram_words, _ = _ridden(op, operand, transfers)
                bits = word_bits(operand.tensor, self._architecture)
                found.append(
                    Transfer(operand.tensor, Route.BUFFER, True, words, bits, dram_words=dram_words)
                )
        return [t for t in found if t.words]

    def count(self, plan: PlanDraft, op: Op, transfers: Sequence[Transfer]) -> tuple[int, int]:
        """Count all work that rides on an op. Returns the cycles of the vector unit: (on words on
        their way to the array, on results).

        ``transfers``: all transfers of the op.
        """
        inwards = outwards = 0
        for operand in op.operands:
            for rider in operand.prologue:
                words, _, arrives = _ridden(op, operand, transfers)
                cycles = self._ride(plan, rider, words)
                if arrives:
                    inwards += cycles
                else:
                    outwards += cycles
        for rider in op.epilogue:
            outwards += self._ride(plan, rider, rider.elements)
            self._line_buffer(plan, rider)
        return inwards, outwards

    def _ride(self, plan: PlanDraft, rider: Rider, elements: int) -> int:
        plan.ridden[rider.op] += elements * rider.ops_per_element
        return self.cycles(elements, rider.ops_per_element)

    def _line_buffer(self, plan: PlanDraft, rider: Rider) -> None:
        """Words that wait for their window are written to the global buffer and read again: through
        its port, or through the ports of writes and of reads.
        """
        reads = "drain" if self._architecture.global_buffer.ports == 1 else "fill"
        for kind, side, words in (("write", "drain", rider.kept), ("read", reads, rider.taken)):
            plan.buffer_access(kind, words, words * rider.kept_bits)
            plan.totals[f"{side}_buffer_bits"] += words * rider.kept_bits


def _ridden(op: Op, operand: Operand, transfers: Sequence[Transfer]) -> tuple[int, int, bool]:
    """(words, words from DRAM, whether they go to the array) of an operand as the vector unit sees
    it: every word on its way to the array, as often as it is sent, else every word once. A word
    beside another is read with it.
    """
    made = (each for each in op.operands if each.prologue and each.tensor.name == operand.beside)
    with_it = next(made, operand)
    if with_it.use not in (Use.MOVING, Use.STATIONARY):
        return with_it.words_read, with_it.words_read, False
    own = [
        t
        for t in transfers
        if t.tensor.name == with_it.tensor.name
        and t.inbound
        and t.route in (Route.MULTICAST, Route.SCATTER)
        and not t.partial
    ]
    return sum(t.words for t in own), sum(t.dram_words for t in own), True


def vector_transfers(
    memory: TensorMemory, step: int, tensor: Tensor, words: int, inbound: bool, in_pe: bool
) -> list[Transfer]:
    """Transfers of the vector unit. ``words``: those of the tensor that the op reads or writes;
    words with a home and words that spilled share them by their numbers.
    """
    bits = word_bits(tensor, memory.architecture)
    split = memory.local_split(step, tensor)
    if split is None:
        # Gradients that were not made where their weights are go to the PEs that update them.
        route = Route.SCATTER if in_pe and inbound else Route.BUFFER
        return [Transfer(tensor, route, inbound, words, bits, words, words)]
    resident = split[0] * words // max(1, tensor.elements)
    spilled = words - resident
    away = Route.SCATTER if inbound else Route.COLLECT
    transfers = []
    if resident and in_pe:
        transfers.append(Transfer(tensor, Route.HOME, inbound, resident, bits))
    elif resident:
        # Resident words travel to the vector unit, and back to their homes and copies.
        home = memory.residency.home(tensor)
        copies = home.copies if home and not inbound else 1
        transfers.append(Transfer(tensor, Route.PEER, inbound, resident, bits, resident * copies))
    if spilled:
        transfers.append(
            Transfer(
                tensor,
                away if in_pe else Route.BUFFER,
                inbound,
                spilled,
                bits,
                spilled,
                spilled,
                spilled=tensor.persistent,
            )
        )
    return transfers


def beyond_the_array(op: Contraction) -> list[tuple[Tensor, int, bool]]:
    """(tensor, words, inbound) of what only the vector unit reads and writes."""
    read = [
        (operand.tensor, operand.words_read, True)
        for operand in op.operands_of(Use.READ)
        if not operand.beside
    ]
    made = {tensor.name for tensor in op.made}
    return read + [
        (tensor, tensor.elements, False) for tensor in op.outputs if tensor.name not in made
    ]
