"""Vector work that rides on the words of another op, in the whole-machine twin. Written from
docs/fusion.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from accelsim.machine.architecture import Machine
from accelsim.machine.words import word_bits
from accelsim.pe.mapping import Route, Transfer
from accelsim.step.ops import Op, Operand, Use

FROM_BUFFER = {Route.MULTICAST, Route.SCATTER, Route.BUFFER}


@dataclass
class Ridden:
    """Beats of the vector unit on words on their way in and on results, bits that wait in the line
    buffer, written and read, and the transfers of operands that stand beside others.
    """

    inwards: int
    outwards: int
    line_bits: int
    beside: list[Transfer]


def beats(elements: int, operations: int, architecture: Machine) -> int:
    """Rounds over the slots of the vector unit, times rounds of operations."""
    unit, rounds, left = architecture.vector_unit, 0, elements
    while left > 0:
        rounds, left = rounds + 1, left - unit.width
    turns = 0
    while operations > 0:
        turns, operations = turns + 1, operations - unit.ops_per_cycle
    return rounds * turns


def not_stored(op: Op, transfers: list[Transfer]) -> list[Transfer]:
    """Results that only the epilogue reads leave the array, but enter no memory."""
    gone = op.passed.name if op.passed else ""
    found = []
    for t in transfers:
        leaves = t.tensor.name == gone and t.route is Route.COLLECT and not t.partial
        found.append(replace(t, route=Route.PASS, dram_words=0) if leaves else t)
    return found


def ridden(op: Op, transfers: list[Transfer], architecture: Machine) -> Ridden:
    """What rides on an op with these transfers."""

    def arriving(name: str) -> tuple[int, int]:
        own = [
            t
            for t in transfers
            if t.tensor.name == name and t.inbound and t.route in FROM_BUFFER and not t.partial
        ]
        return sum(t.words for t in own), sum(t.dram_words for t in own)

    beside = []
    for operand in op.operands:
        if operand.beside:
            words, dram = arriving(operand.beside)
            bits = word_bits(operand.tensor, architecture)
            if words:
                beside.append(
                    Transfer(operand.tensor, Route.BUFFER, True, words, bits, dram_words=dram)
                )

    def words_of(operand: Operand) -> int:
        if operand.beside:
            return arriving(operand.beside)[0]
        if operand.use is Use.READ:
            return operand.tensor.elements if operand.words < 0 else operand.words
        return arriving(operand.tensor.name)[0]

    inwards = outwards = lines = 0
    for operand in op.operands:
        for rider in operand.prologue:
            taken = beats(words_of(operand), rider.ops_per_element, architecture)
            if operand.use is Use.READ and not operand.beside:
                outwards += taken
            else:
                inwards += taken
    for rider in op.epilogue:
        outwards += beats(rider.elements, rider.ops_per_element, architecture)
        lines += 2 * rider.waiting * rider.waiting_bits
    return Ridden(inwards, outwards, lines, beside)
