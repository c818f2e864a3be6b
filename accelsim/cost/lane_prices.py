"""Prices of a PE's logic: arithmetic, registers, clocks and the sequencer.

A PE is one sequencer and a number of lanes. The only measured PE is EIE's, of one lane: what its
clock and registers spend beyond the flip-flops of that lane is the sequencer's, and lanes of one PE
share it. The flip-flops of a lane hold an operand pair and, unless the kind keeps sums elsewhere, a
partial sum. PEs that pass operands on (systolic arrays) have no sequencer.
"""

from __future__ import annotations

from accelsim.cost.price import Number, Price, PricePart
from accelsim.cost.technology import Primitive, Technology
from accelsim.machine.architecture import Machine

EIE_LANE_BITS = 48
"""Flip-flops of EIE's one lane: two operands and a sum of 16 bits (ISCA 2016, section 4)."""
COLUMN_BITS = 16
"""Bits of the column number beside a moving word in a FIFO."""
VECTOR_WORDS = 3
"""Registers of a slot of the vector unit: two operands and a result."""
ADDRESS_BITS = 32
"""Registers of a bank of the global buffer beside its data: assumed, an address."""
FORMATS = {"integer": "", "float": "float_", "bfloat": "bfloat_"}
"""Prefix of the arithmetic entries of a technology, by `precision.number_format`."""


class LanePrices:
    """Derives the prices of logic, at the technology's voltage."""

    def __init__(self, architecture: Machine, technology: Technology) -> None:
        self.arch = architecture
        self.tech = technology
        words = architecture.precision
        self.operand_bits = max(words.weight, words.activation, words.error, words.feedback)
        self.psum_bits = words.psum
        self.bit = technology.at_bits("register", "bit")
        clock, registers = (
            technology.at_bits("control", name).value for name in ("clock", "registers")
        )
        self.clock_share = clock / registers
        """Energy of a flip-flop's clock, relative to that of its data: as in EIE's PE."""
        self.idle = technology.multiple("gating", architecture.clock_gating)

    def prices(self) -> tuple[Price, ...]:
        """Prices of MACs, control, vector unit and generator."""
        mac, add = self._multiply_add(self.operand_bits, self.psum_bits), self._signed_add()
        clock, registers = self._lane("clock"), self._lane("registers")
        return (
            mac.price("mac", "multiply_add"),
            self._gated(mac, "mac.multiply_add").price("mac", "gated"),
            add.price("mac", "add"),
            self._gated(add, "mac.add").price("mac", "gated_add"),
            clock.price("control", "clock"),
            registers.price("control", "registers"),
            self._idle(clock, registers).price("control", "idle_clock"),
            self._select().price("control", "window_select"),
            *self._operand_buffer(),
            self._generator().price("prng", "words"),
            *(self._fifo().price("control", action) for action in ("fifo_write", "fifo_read")),
            self._vector().price("vector", "op"),
        )

    def clocks(self) -> tuple[Price, ...]:
        """Clocks per cycle of the vector unit, of the ports between global buffer and network, and
        of the buffer's banks. Between uses they are gated as idle lanes are. Other links end in
        flip-flops that `hop` prices when bits pass.
        """
        unit, buffer = self.arch.vector_unit, self.arch.global_buffer
        slots = unit.width * unit.ops_per_cycle
        banks = buffer.banks * (buffer.width_bits + ADDRESS_BITS)
        ports = 2 * self.arch.noc.buffer_ports * self.arch.noc.width_bits
        return tuple(
            self._idle_clock(bits, what).price(component, "clock")
            for component, bits, what in (
                ("vector", slots * VECTOR_WORDS * self.operand_bits, "two operands and a result"),
                ("noc", ports, "a register each way at every port of the buffer"),
                ("global_buffer", banks, "assumed: data and address of every bank"),
            )
        )

    def hop(self) -> tuple[PricePart, ...]:
        """What a bit spends in the router or multiplexer at the end of a link."""
        return (
            self.tech.at_bits("noc", "mux_bit").part().at("router"),
            self.bit.part(1 + self.clock_share).at("router"),
        )

    def _arithmetic(self, action: str, bits: int) -> Primitive:
        prefix = FORMATS[self.arch.precision.number_format]
        return self.tech.at_bits("mac", prefix + action, bits)

    def _multiply_add(self, operand_bits: int, sum_bits: int) -> Number:
        """Multiplying two words of equal width and adding the product to a sum.

        Energies follow power laws in the width.
        """
        multiply = self._arithmetic("multiply", operand_bits)
        add = self._arithmetic("add", sum_bits)
        return Number.sum_of(
            f"{operand_bits}-bit multiply {multiply.value:.4g} pJ and {sum_bits}-bit add "
            f"{add.value:.4g} pJ, by power laws between the widths of {multiply.source}",
            multiply.part(),
            add.part(),
        )

    def _signed_add(self) -> Number:
        sums = self._arithmetic("add", self.psum_bits)
        return Number.sum_of(
            f"{self.psum_bits}-bit add of a word whose sign the one-bit operand gives, by a "
            f"power law between the widths of {sums.source}",
            sums.part(),
        )

    def _gated(self, active: Number, name: str) -> Number:
        """An arithmetic action whose operand is zero: what a gated unit leaves, and reading and
        testing the operand.
        """
        gated, reference = (
            self.tech.one("mac", "gated_reference"),
            self.tech.one("mac", "active_reference"),
        )
        left = gated.value / reference.value
        test = self.tech.at_bits("mac", "zero_test")
        return Number.sum_of(
            f"{left:.2%} of {name}: {gated.source}; the operand read from {self.operand_bits} "
            f"flip-flops and tested: {test.source}",
            *(part.times(left).unsourced(not gated.verified) for part in active.parts),
            self.bit.part(self.operand_bits),
            test.part(),
        )

    def _lane(self, action: str) -> Number:
        """``clock`` of a lane per cycle, or its ``registers`` per MAC, with the lane's share of the
        sequencer.
        """
        array, clocked = self.arch.pe_array, action == "clock"
        share = self.clock_share if clocked else 1.0
        bits, sums = 2 * self.operand_bits, self.psum_bits if array.keeps_sums else 0
        held = (
            (("lane_clock", bits + sums),)
            if clocked
            else (("operand_registers", bits), ("accumulators", sums))
        )
        parts = [self.bit.part(share * count).at(level) for level, count in held if count]
        source = f"{bits + sums} flip-flops of a lane, {self.bit.source}"
        if clocked:
            source += f", times {share:.3g}, clock over data in EIE's PE"
        if not array.passes_operands:
            whole = self.tech.at_bits("control", action)
            parts += [
                whole.part(1 / array.lanes).at("sequencer"),
                self.bit.part(-share * EIE_LANE_BITS / array.lanes).at("sequencer"),
            ]
            source += (
                f"; and 1/{array.lanes} of the sequencer: {whole.source}, less "
                f"{EIE_LANE_BITS} flip-flops of its lane"
            )
        return Number.sum_of(source, *parts)

    def _idle(self, *running: Number) -> Number:
        """What an idle lane spends per cycle: a part of its clock and registers."""
        parts = [part for number in running for part in number.parts]
        pj = self.idle.value * sum(part.pj for part in parts)
        return Number(
            pj,
            f"{self.idle.value:g} of control.clock and control.registers: {self.idle.source}",
            (self._drawn_as_idle(pj, parts),),
        )

    def _idle_clock(self, bits: int, what: str) -> Number:
        clock = self.bit.part(self.clock_share * bits)
        pj = self.idle.value * clock.pj
        return Number(
            pj,
            f"{self.idle.value:g} of the clock of {bits} flip-flops ({what}): {self.idle.source}",
            (self._drawn_as_idle(pj, [clock]),),
        )

    def _drawn_as_idle(self, pj: float, parts: list[PricePart]) -> PricePart:
        """The share that stays on is the least known of an idle clock's factors."""
        known = self.idle.verified and all(part.verified for part in parts)
        idle = PricePart(self.idle.primitive, pj, self.idle.factors, True, "idle_clock")
        return idle.unsourced(not known)

    def _select(self) -> Number:
        """Selecting work for a lane whose zeros are skipped."""
        entry = self.tech.at_bits("control", "select")
        return Number.sum_of(entry.source, entry.part().at("select"))

    def _operand_buffer(self) -> tuple[Price, ...]:
        """A bit into the operand buffer of a PE, or out of it. Its words are clocked when written
        only.
        """
        return tuple(
            Number.sum_of(
                f"a flip-flop{clocked}: {self.bit.source}",
                self.bit.part(times).at("operand_buffer"),
            ).price("scratchpad", action)
            for action, times, clocked in (
                ("buffer_read_bits", 1.0, ""),
                ("buffer_write_bits", 1 + self.clock_share, " and its clock"),
            )
        )

    def _generator(self) -> Number:
        """A word of generated feedback.

        A xorshift generator writes the word's register once. Each of its three shift-and-xor stages
        costs at most an add.
        """
        feedback = self.arch.precision.feedback
        step = self.tech.at_bits("mac", "add", feedback)
        return Number.sum_of(
            f"xorshift of {feedback} bits: {self.bit.source}, and three adds as an upper "
            f"bound of its xors",
            self.bit.part(feedback),
            step.part(3),
        )

    def _fifo(self) -> Number:
        """A word into a FIFO, or out of it. That it is made of registers is an assumption."""
        token = self.operand_bits + COLUMN_BITS
        return Number.sum_of(
            f"assumed: registers of a word of {self.operand_bits} bits and a column "
            f"number of {COLUMN_BITS} bits, {self.bit.source}",
            self.bit.part(token).unsourced().at("fifo"),
        )

    def _vector(self) -> Number:
        """An operation of the vector unit. The work of a mean operation is an assumption, which
        moves all of it: its bounds are its own, whatever those of a MAC.
        """
        work = self._multiply_add(self.operand_bits, self.operand_bits)
        multiple = self.tech.multiple("vector", "op")
        known = multiple.verified and all(part.verified for part in work.parts)
        bits = VECTOR_WORDS * self.operand_bits
        return Number.sum_of(
            f"{multiple.value:g} multiply-add per operation, the most expensive case: "
            f"{work.source}; and {bits} flip-flops with their clock: {self.bit.source}",
            PricePart(multiple.primitive, multiple.value * work.pj, multiple.factors, known),
            self.bit.part(bits * (1 + self.clock_share)).unsourced(),
        )
