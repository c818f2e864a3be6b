"""Prices of a machine's on-chip actions, derived from the cited numbers of a technology."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from accelsim.cost import area
from accelsim.cost.lane_prices import LanePrices
from accelsim.cost.price import Number, Price, PricePart
from accelsim.cost.technology import Technology
from accelsim.machine.architecture import Machine


class MachinePrices:
    """Derives the prices of on-chip actions."""

    def __init__(self, architecture: Machine, technology: Technology) -> None:
        self.arch = architecture
        self.tech = technology
        self.pes = architecture.pe_array.rows * architecture.pe_array.cols
        self.lanes = LanePrices(architecture, technology)
        self.scratchpad = area.scratchpad_bank(architecture, technology)
        self.bank = area.global_buffer_bank(architecture, technology)
        self.pointers = area.pointer_bank(architecture, technology)

    def all(self) -> tuple[Price, ...]:
        """Every price, at the machine's voltage: energies go with its square, leakage with it."""
        nominal = self.tech.voltage
        at = self.arch.voltage or nominal
        logic = (*self.lanes.prices(), *self.lanes.clocks())
        scaled = [
            price.times((at / nominal) ** 2, f"; at {at:g} V instead of {nominal:g}")
            for price in (*logic, *self.memories())
        ]
        return (*scaled, self.leakage().times(at / nominal, f"; at {at:g} V"))

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
            Number(
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
                )
            ),
            self._pointer(read, pad_source),
            Number.sum_of(
                f"{hop_mm:.3g} mm, the side of a PE (SRAM and {lane_area.source}), of "
                f"{wire.source}; and a multiplexer and a register: "
                f"{self.tech.one('noc', 'mux_bit').source}",
                wire.part(hop_mm).unsourced(not known_side).at("wires"),
                *self.lanes.hop(),
            ).price("noc", "bit_hops"),
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

    def _pointer(self, read: Number, pad_source: str) -> Price:
        """A bit of a pointer to a column: from a memory of its own, else from the scratchpad."""
        what = "a bit of a pointer to a column, read from the "
        if not self.pointers:
            return replace(read, source=what + pad_source).price("control", "pointer_read")
        pj = self.pointers.read_pj / self.pointers.width_bits
        source = area.sram_source(self.tech, self.pointers, "bank of pointers")
        part = self.tech.sram_part(pj, self.pointers.inside)
        return Number.sum_of(what + source, part).price("control", "pointer_read")

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
            multiplier.value
            * (self.lanes.operand_bits / (multiplier.bits or self.lanes.operand_bits)) ** 2
        )
        adder_mw = adder.value * self.lanes.psum_bits / (adder.bits or self.lanes.psum_bits)
        # The logic figures are for high-performance transistors. Those of another class leak less
        # by the ratio of their SRAMs.
        fast = self.tech.sram("hp", pad.size_bytes, pad.width_bits)
        lanes = self.pes * self.arch.pe_array.lanes
        return {
            "scratchpad": self.pes * self.arch.scratchpad.banks * pad.leakage_mw,
            "global_buffer": self.arch.global_buffer.banks * bank.leakage_mw,
            **({"pointers": 2 * self.pes * self.pointers.leakage_mw} if self.pointers else {}),
            "logic": lanes * (multiplier_mw + adder_mw) * pad.leakage_mw / fast.leakage_mw,
        }

    def leakage(self) -> Price:
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
        return Price.of("leakage", "cycles", pj, source, (part.unsourced(not known),))
