"""Work of other ops that the vector unit does on the words of an op (docs/fusion.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from accelsim.machine.architecture import Machine
from accelsim.machine.words import word_bits
from accelsim.pe.mapping import Route, Transfer
from accelsim.sim.planning.op_plan import PlanDraft
from accelsim.step.forms import Rider
from accelsim.step.ops import Contraction, Op, Operand, Use

FILLED = (Route.MULTICAST, Route.SCATTER, Route.BUFFER)
"""Routes on which words come out of the global buffer, past the vector unit."""


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
                words, dram_words = _filled(operand.beside, transfers)
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
        for operand, rider in _prologues(op):
            arrives = operand.use in (Use.MOVING, Use.STATIONARY) or operand.beside
            elements = (
                _filled(operand.beside or operand.tensor.name, transfers)[0]
                if arrives
                else operand.words_read
            )
            cycles = self._ride(plan, rider, elements)
            inwards += cycles if arrives else 0
            outwards += 0 if arrives else cycles
        for rider in op.epilogue:
            outwards += self._ride(plan, rider, rider.elements)
            self._line_buffer(plan, rider)
        return inwards, outwards

    def _ride(self, plan: PlanDraft, rider: Rider, elements: int) -> int:
        plan.ridden[rider.op] += elements * rider.ops_per_element
        return self.cycles(elements, rider.ops_per_element)

    def _line_buffer(self, plan: PlanDraft, rider: Rider) -> None:
        """Words that wait for their window are written to the global buffer and read again."""
        if rider.waiting:
            bits = rider.waiting * rider.waiting_bits
            for kind in ("write", "read"):
                plan.buffer_access(kind, rider.waiting, bits)
                plan.totals["drain_buffer_bits"] += bits


def _prologues(op: Op) -> Iterator[tuple[Operand, Rider]]:
    for operand in op.operands:
        for rider in operand.prologue:
            yield operand, rider


def _filled(name: str, transfers: Sequence[Transfer]) -> tuple[int, int]:
    """(words, words from DRAM) of a tensor that come out of the global buffer."""
    words = dram_words = 0
    for t in transfers:
        if t.tensor.name == name and t.inbound and t.route in FILLED and not t.partial:
            words, dram_words = words + t.words, dram_words + t.dram_words
    return words, dram_words
