"""Prices of a machine's on-chip actions, derived from the cited numbers of a technology."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from accelsim.cost import area
from accelsim.cost.price import Price, PricePart
from accelsim.cost.technology import Technology
from accelsim.machine.architecture import Machine

COLUMN_BITS = 16
"""Bits of the column number beside a moving word in a FIFO."""


@dataclass(frozen=True)
class _Number:
    """A derived number in pJ, its source and its parts."""

    pj: float
    source: str
    parts: tuple[PricePart, ...]

    def price(self, component: str, action: str) -> Price:
        return Price.of(component, action, self.pj, self.source, self.parts)


class MachinePrices:
    """Derives the prices of on-chip actions."""

    def __init__(self, architecture: Machine, technology: Technology) -> None:
        self.arch = architecture
        self.tech = technology
        self.pes = architecture.pe_array.rows * architecture.pe_array.cols
        words = architecture.precision
        self.operand_bits = max(words.weight, words.activation, words.error, words.feedback)
        self.psum_bits = words.psum
        self.scratchpad = area.scratchpad_bank(architecture, technology)
        self.bank = area.global_buffer_bank(architecture, technology)

    def _multiply_add(self, operand_bits: int, sum_bits: int) -> _Number:
        """Multiplying two words of equal width and adding the product to a sum.

        Energies follow power laws in the width.
        """
        multiply = self.tech.at_bits("mac", "multiply", operand_bits)
        add = self.tech.at_bits("mac", "add", sum_bits)
        return _Number(
            multiply.value + add.value,
            f"{operand_bits}-bit multiply {multiply.value:.4g} pJ and {sum_bits}-bit add "
            f"{add.value:.4g} pJ, by power laws between the widths of {multiply.source}",
            (multiply.part(), add.part()),
        )

    def _gated(self, active: _Number, name: str) -> _Number:
        """What remains of an arithmetic action when its operand is gated."""
        gated, reference = (
            self.tech.one("mac", "gated_reference"),
            self.tech.one("mac", "active_reference"),
        )
        return _Number(
            active.pj * gated.value / reference.value,
            f"{gated.value / reference.value:.2%} of {name}: {gated.source}",
            tuple(
                part.times(gated.value / reference.value).unsourced(not gated.verified)
                for part in active.parts
            ),
        )

    def logic(self) -> tuple[Price, ...]:
        """Prices of MACs, control, vector unit and generator."""
        tech = self.tech
        mac = self._multiply_add(self.operand_bits, self.psum_bits)
        sums = tech.at_bits("mac", "add", self.psum_bits)
        add = _Number(
            sums.value,
            f"{self.psum_bits}-bit add of a word whose sign the one-bit operand gives, by a "
            f"power law between the widths of {sums.source}",
            (sums.part(),),
        )
        return (
            mac.price("mac", "multiply_add"),
            self._gated(mac, "mac.multiply_add").price("mac", "gated"),
            add.price("mac", "add"),
            self._gated(add, "mac.add").price("mac", "gated_add"),
            *(
                _Number(entry.value, entry.source, (entry.part(),)).price("control", action)
                for action in ("clock", "idle_clock", "registers")
                for entry in (tech.at_bits("control", action),)
            ),
            self._window().price("control", "window_select"),
            self._generator().price("prng", "words"),
            *(self._fifo().price("control", action) for action in ("fifo_write", "fifo_read")),
            self._vector().price("vector", "op"),
        )

    def _window(self) -> _Number:
        """Selecting work for a lane.

        The measured combinational power is that of the whole PE. Its 16-bit multiplier and adder
        count as MACs here, so they are subtracted.
        """
        entry = self.tech.one("control", "combinational")
        bits = entry.bits or 16
        logic, arithmetic = (
            self.tech.at_bits("control", "combinational", bits),
            self._multiply_add(bits, bits),
        )
        window = max(0.0, entry.value - arithmetic.pj)
        parts = (logic.part(), *(part.times(-1) for part in arithmetic.parts))
        return _Number(
            window,
            f"{entry.source}, minus a 16-bit multiply-add of {arithmetic.pj:.4g} pJ per cycle",
            parts if window else (),
        )

    def _generator(self) -> _Number:
        """A word of generated feedback.

        A xorshift generator writes the word's register once. Each of its three shift-and-xor stages
        costs at most an add.
        """
        feedback = self.arch.precision.feedback
        step, flip = (
            self.tech.at_bits("mac", "add", feedback),
            self.tech.at_bits("prng", "register_bit"),
        )
        return _Number(
            feedback * flip.value + 3 * step.value,
            f"xorshift of {feedback} bits: {flip.source}, and three adds as an upper "
            f"bound of its xors",
            (flip.part(feedback), step.part(3)),
        )

    def _fifo(self) -> _Number:
        """A word into a FIFO, or out of it. That it is made of registers is an assumption."""
        flip, token = self.tech.at_bits("prng", "register_bit"), self.operand_bits + COLUMN_BITS
        return _Number(
            token * flip.value,
            f"assumed: registers of a word of {self.operand_bits} bits and a column "
            f"number of {COLUMN_BITS} bits, {flip.source}",
            (flip.part(token).unsourced(),),
        )

    def _vector(self) -> _Number:
        """An operation of the vector unit. The work of a mean operation is an assumption, which
        moves all of it: its bounds are its own, whatever those of a MAC.
        """
        work = self._multiply_add(self.operand_bits, self.operand_bits)
        multiple = self.tech.multiple("vector", "op")
        return _Number(
            work.pj,
            f"one multiply-add per operation, the most expensive case: {work.source}",
            (
                PricePart(
                    multiple.primitive,
                    work.pj,
                    multiple.factors,
                    multiple.verified and all(part.verified for part in work.parts),
                ),
            ),
        )

    def memories(self) -> tuple[Price, ...]:
        """Prices per bit of scratchpads, global buffer and the wires between them."""
        pad, bank, banks = self.scratchpad, self.bank, self.arch.scratchpad.banks
        wire = self.tech.at_bits("noc", "bit_mm")
        # With several banks, a bank is on average half the side of their square away from the
        # lanes. A single bank is beside them.
        wire_mm = math.sqrt(banks * pad.area_mm2) / 2 if banks > 1 else 0.0
        wire_source = f", and {wire_mm:.3g} mm of {wire.source}" if banks > 1 else ""
        pad_source = area.sram_source(self.tech, pad, "scratchpad bank") + wire_source
        # The table's SRAMs have one port. The extra cost of a second port is unknown.
        pad_ports, bank_ports = self.arch.scratchpad.ports, self.arch.global_buffer.ports
        pad_source += ", as with a single port" if pad_ports > 1 else ""
        pad_known, bank_known = pad.inside and pad_ports == 1, bank.inside and bank_ports == 1
        way = wire.part(wire_mm)
        read, write = (
            _Number(
                pj / pad.width_bits + wire.value * wire_mm,
                pad_source,
                (self.tech.sram_part(pj / pad.width_bits, pad_known), way),
            )
            for pj in (pad.read_pj, pad.write_pj)
        )
        lane_area = self.tech.one("control", "lane_area")
        hop_mm = math.sqrt(banks * pad.area_mm2 + self.arch.pe_array.lanes * lane_area.value)
        # The mean distance from the centre of a square of side s to its points is s/2 along the
        # axes.
        reach_mm = math.sqrt(self.arch.global_buffer.banks * bank.area_mm2) / 2
        bank_source = (
            f"{area.sram_source(self.tech, bank, 'bank')}, and {reach_mm:.3g} mm of {wire.source}"
        )
        bank_source += ", as with a single port" if bank_ports > 1 else ""
        known_side = self.tech.sram_verified and pad_known and lane_area.verified
        return (
            read.price("scratchpad", "read_bits"),
            write.price("scratchpad", "write_bits"),
            Price.of(
                "scratchpad",
                "transposed_read_bits",
                read.pj,
                f"a bit of an access for one word of a column, {pad_source}",
                (part.unsourced() for part in read.parts),
            ),
            *(
                Price.of(
                    "control", action, read.pj, f"{what}read from the {pad_source}", read.parts
                )
                for action, what in (
                    ("mask_read", "a bit of the mask "),
                    ("index_read", "a bit of an index, or of a stored word without a MAC, "),
                    ("pointer_read", "a bit of a pointer to a column, "),
                )
            ),
            Price.of(
                "noc",
                "bit_hops",
                wire.value * hop_mm,
                f"{hop_mm:.3g} mm, the side of a PE (SRAM and {lane_area.source}), of "
                f"{wire.source}",
                (wire.part(hop_mm).unsourced(not known_side),),
            ),
            *(
                Price.of(
                    "global_buffer",
                    action,
                    pj / bank.width_bits + wire.value * reach_mm,
                    bank_source,
                    (
                        self.tech.sram_part(pj / bank.width_bits, bank_known),
                        wire.part(reach_mm),
                    ),
                )
                for action, pj in (("read_bits", bank.read_pj), ("write_bits", bank.write_pj))
            ),
        )

    def leakage_mw(self) -> Mapping[str, float]:
        """Leakage of the whole machine in mW, by part."""
        pad, bank = self.scratchpad, self.bank
        # A multiplier's leakage scales with its area, the square of its width; an adder's with its
        # width.
        multiplier, adder = (
            self.tech.one("leakage", "multiplier"),
            self.tech.one("leakage", "adder"),
        )
        multiplier_mw = (
            multiplier.value * (self.operand_bits / (multiplier.bits or self.operand_bits)) ** 2
        )
        adder_mw = adder.value * self.psum_bits / (adder.bits or self.psum_bits)
        # The logic figures are for high-performance transistors. Those of another class leak less
        # by the ratio of their SRAMs.
        fast = self.tech.sram("hp", pad.size_bytes, pad.width_bits)
        lanes = self.pes * self.arch.pe_array.lanes
        return {
            "scratchpad": self.pes * self.arch.scratchpad.banks * pad.leakage_mw,
            "global_buffer": self.arch.global_buffer.banks * bank.leakage_mw,
            "logic": lanes * (multiplier_mw + adder_mw) * pad.leakage_mw / fast.leakage_mw,
        }

    def leakage(self) -> tuple[Price, ...]:
        """Leakage of the whole machine per cycle. The class of transistors is a choice of the
        machine, not drawn; the leakage within a class is.
        """
        parts = self.leakage_mw()
        # mW = 1e9 pJ/s
        pj = math.fsum(parts.values()) * 1e9 / self.arch.clock_hz
        listed = ", ".join(f"{name} {power:.4g} mW" for name, power in parts.items())
        multiplier = self.tech.at_bits("leakage", "multiplier")
        source = (
            f"{self.arch.leakage} transistors at {self.arch.clock_hz / 1e6:g} MHz: {listed}; "
            f"{self.tech.sram_source}; logic: {multiplier.source}"
        )
        known = self.tech.sram_verified and self.scratchpad.inside and self.bank.inside
        part = PricePart(multiplier.primitive, pj, multiplier.factors, multiplier.verified)
        return (Price.of("leakage", "cycles", pj, source, (part.unsourced(not known),)),)
