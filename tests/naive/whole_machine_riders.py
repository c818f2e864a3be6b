"""Vector work that rides on the words of another op, in the whole-machine twin. Written from
docs/fusion.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from accelsim.machine.architecture import Machine
from accelsim.machine.words import word_bits
from accelsim.pe.mapping import Route, Transfer
from accelsim.step.ops import Op, Operand, Use

FOR_THE_ARRAY = {Route.MULTICAST, Route.SCATTER}


@dataclass
class Ridden:
    """Beats of the vector unit on words on their way in and on results, bits written to the line
    buffer and read from it, and the transfers of operands that stand beside others.
    """

    inwards: int
    outwards: int
    line_written: int
    line_read: int
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

    def sent(name: str) -> tuple[int, int]:
        """Words of a tensor that leave the buffer for the array, and those from DRAM."""
        words = dram = 0
        for t in transfers:
            if t.tensor.name == name and t.inbound and not t.partial:
                words += t.words * (t.route in FOR_THE_ARRAY)
                dram += t.dram_words * (t.route in FOR_THE_ARRAY)
        return words, dram

    def seen(operand: Operand) -> tuple[int, int, bool]:
        """Words of an operand that pass the vector unit, those from DRAM, and whether they go on to
        the array.
        """
        name = operand.beside or operand.tensor.name
        companions = [each for each in op.operands if each.tensor.name == name]
        if not operand.beside:
            companions = [operand]
        elif any(each.prologue for each in companions):
            companions = [each for each in companions if each.prologue]
        if any(each.use in {Use.MOVING, Use.STATIONARY} for each in companions):
            return (*sent(name), True)
        read = companions[0]
        words = read.tensor.elements if read.words < 0 else read.words
        return words, words, False

    beside = []
    for operand in op.operands:
        if operand.beside:
            words, dram, _ = seen(operand)
            bits = word_bits(operand.tensor, architecture)
            if words:
                beside.append(
                    Transfer(operand.tensor, Route.BUFFER, True, words, bits, dram_words=dram)
                )

    inwards = outwards = written = read = 0
    for operand in op.operands:
        for rider in operand.prologue:
            words, _, goes_on = seen(operand)
            taken = beats(words, rider.ops_per_element, architecture)
            inwards += taken * goes_on
            outwards += taken * (not goes_on)
    for rider in op.epilogue:
        outwards += beats(rider.elements, rider.ops_per_element, architecture)
        written += rider.kept * rider.kept_bits
        read += rider.taken * rider.kept_bits
    return Ridden(inwards, outwards, written, read, beside)
