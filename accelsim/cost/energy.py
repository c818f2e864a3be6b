"""Energy: counts times a price table.

Only this file multiplies the two (`results/laws.py` repeats the product as a check). It also
derives a machine's prices from the cited numbers of a technology.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from accelsim.config.names import Component
from accelsim.cost import area
from accelsim.cost.counters import Action, ActionCounts
from accelsim.cost.technology import Technology
from accelsim.errors import InputError
from accelsim.machine.architecture import Machine

COMPONENTS = tuple(map(str, Component))
"""Components of a result. The generator of feedback weights (``prng``) belongs to ``control``."""

_RESULT_COMPONENT = {"prng": "control"}

COLUMN_BITS = 16
"""Bits of the column number beside a moving word in a FIFO."""


@dataclass(frozen=True)
class Price:
    """pJ per occurrence of an action, and the source of the number.

    Unverified prices are labelled wherever they are shown.
    """

    component: str
    action: str
    pj: float
    source: str
    verified: bool


class EnergyTable:
    """The price of every action of one machine."""

    def __init__(self, prices: Iterable[Price], name: str = "") -> None:
        self.name = name
        self._prices: dict[Action, Price] = {
            (price.component, price.action): price for price in prices
        }

    @classmethod
    def build(
        cls, architecture: Machine, technology: Technology, dram: Iterable[Price]
    ) -> EnergyTable:
        """Prices of a machine: its widths, capacities and clock in a technology, and the prices of
        its DRAM.

        ``dram``: () for a standard without energies; the table then has no DRAM prices. InputError
        if the technology lacks an entry.
        """
        derived = _Prices(architecture, technology)
        return cls(
            (*derived.logic(), *derived.memories(), *derived.leakage(), *dram), technology.name
        )

    def __getitem__(self, action: Action) -> Price:
        """The price of an action. InputError if the table has none."""
        try:
            return self._prices[action]
        except KeyError:
            raise InputError(
                f"the energy table{f' {self.name}' if self.name else ''} must have an entry for "
                f"{action[0]}.{action[1]}, got none"
            ) from None

    def energy(self, counts: ActionCounts) -> dict[str, float]:
        """pJ by component of a result, for all of `COMPONENTS`. InputError for a counted action
        without a price.
        """
        result = dict.fromkeys(COMPONENTS, 0.0)
        for action, times in counts:
            component = _RESULT_COMPONENT.get(action[0], action[0])
            result[component] = result.get(component, 0.0) + times * self[action].pj
        return result

    def total(self, counts: ActionCounts) -> float:
        """pJ of all counts."""
        return math.fsum(self.energy(counts).values())

    def provenance(self) -> tuple[Price, ...]:
        """Every price with its source, in order of component and action."""
        return tuple(self._prices[action] for action in sorted(self._prices))


class _Prices:
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

    def _multiply_add(self, operand_bits: int, sum_bits: int) -> tuple[float, str, bool]:
        """(pJ, source, verified) of multiplying two words of equal width and adding the product to
        a sum.

        Energies follow power laws in the width.
        """
        multiply, source, multiply_ok = self.tech.at_bits("mac", "multiply", operand_bits)
        add, _, add_ok = self.tech.at_bits("mac", "add", sum_bits)
        return (
            multiply + add,
            (
                f"{operand_bits}-bit multiply {multiply:.4g} pJ and {sum_bits}-bit add {add:.4g} "
                f"pJ, by power laws between the widths of {source.source}"
            ),
            multiply_ok and add_ok,
        )

    def logic(self) -> tuple[Price, ...]:
        """Prices of MACs, control, vector unit and generator."""
        tech = self.tech
        mac, mac_source, mac_ok = self._multiply_add(self.operand_bits, self.psum_bits)
        gated, active = tech.one("mac", "gated_reference"), tech.one("mac", "active_reference")
        add, add_source, add_ok = tech.at_bits("mac", "add", self.psum_bits)
        clock, registers, logic = (
            tech.one("control", "clock"),
            tech.one("control", "registers"),
            tech.one("control", "combinational"),
        )
        idle = tech.one("control", "idle_clock")
        # The measured combinational power is that of the whole PE. Its 16-bit multiplier and adder
        # count as MACs here, so they are subtracted.
        arithmetic, _, _ = self._multiply_add(logic.bits or 16, logic.bits or 16)
        window = max(0.0, logic.value - arithmetic)
        vector, vector_source, _ = self._multiply_add(self.operand_bits, self.operand_bits)
        feedback = self.arch.precision.feedback
        step, _, _ = tech.at_bits("mac", "add", feedback)
        flip = tech.one("prng", "register_bit")
        token = self.operand_bits + COLUMN_BITS
        return (
            Price("mac", "multiply_add", mac, mac_source, mac_ok),
            Price(
                "mac",
                "gated",
                mac * gated.value / active.value,
                f"{gated.value / active.value:.2%} of mac.multiply_add: {gated.source}",
                mac_ok and gated.verified,
            ),
            Price(
                "mac",
                "add",
                add,
                f"{self.psum_bits}-bit add of a word whose sign the one-bit operand gives, by a "
                f"power law between the widths of {add_source.source}",
                add_ok,
            ),
            Price(
                "mac",
                "gated_add",
                add * gated.value / active.value,
                f"{gated.value / active.value:.2%} of mac.add: {gated.source}",
                add_ok and gated.verified,
            ),
            Price("control", "clock", clock.value, clock.source, clock.verified),
            Price("control", "idle_clock", idle.value, idle.source, idle.verified),
            Price("control", "registers", registers.value, registers.source, registers.verified),
            Price(
                "control",
                "window_select",
                window,
                f"{logic.source}, minus a 16-bit multiply-add of {arithmetic:.4g} pJ per cycle",
                False,
            ),
            # A xorshift generator writes the word's register once. Each of its three shift-and-xor
            # stages costs at most an add.
            Price(
                "prng",
                "words",
                feedback * flip.value + 3 * step,
                f"xorshift of {feedback} bits: {flip.source}, and three adds as an upper "
                f"bound of its xors",
                False,
            ),
            *(
                Price(
                    "control",
                    action,
                    token * flip.value,
                    f"assumed: registers of a word of {self.operand_bits} bits and a column "
                    f"number of {COLUMN_BITS} bits, {flip.source}",
                    False,
                )
                for action in ("fifo_write", "fifo_read")
            ),
            Price(
                "vector",
                "op",
                vector,
                f"one multiply-add per operation, the most expensive case: {vector_source}",
                False,
            ),
        )

    def memories(self) -> tuple[Price, ...]:
        """Prices per bit of scratchpads, global buffer and the wires between them."""
        pad, bank, banks = self.scratchpad, self.bank, self.arch.scratchpad.banks
        wire = self.tech.one("noc", "bit_mm")
        # With several banks, a bank is on average half the side of their square away from the
        # lanes. A single bank is beside them.
        wire_mm = math.sqrt(banks * pad.area_mm2) / 2 if banks > 1 else 0.0
        wire_source = f", and {wire_mm:.3g} mm of {wire.source}" if banks > 1 else ""
        pad_source = area.sram_source(self.tech, pad, "scratchpad bank") + wire_source
        # The table's SRAMs have one port. The extra cost of a second port is unknown.
        pad_ports, bank_ports = self.arch.scratchpad.ports, self.arch.global_buffer.ports
        pad_source += ", as with a single port" if pad_ports > 1 else ""
        pad_ok = (
            self.tech.sram_verified
            and pad.inside
            and (banks == 1 or wire.verified)
            and pad_ports == 1
        )
        read = pad.read_pj / pad.width_bits + wire.value * wire_mm
        lane_area = self.tech.one("control", "lane_area")
        hop_mm = math.sqrt(banks * pad.area_mm2 + self.arch.pe_array.lanes * lane_area.value)
        # The mean distance from the centre of a square of side s to its points is s/2 along the
        # axes.
        reach_mm = math.sqrt(self.arch.global_buffer.banks * bank.area_mm2) / 2
        bank_source = (
            f"{area.sram_source(self.tech, bank, 'bank')}, and {reach_mm:.3g} mm of {wire.source}"
        )
        bank_source += ", as with a single port" if bank_ports > 1 else ""
        bank_ok = self.tech.sram_verified and bank.inside and wire.verified and bank_ports == 1
        return (
            Price("scratchpad", "read_bits", read, pad_source, pad_ok),
            Price(
                "scratchpad",
                "write_bits",
                pad.write_pj / pad.width_bits + wire.value * wire_mm,
                pad_source,
                pad_ok,
            ),
            Price(
                "scratchpad",
                "transposed_read_bits",
                read,
                f"a bit of an access for one word of a column, {pad_source}",
                False,
            ),
            Price(
                "control",
                "mask_read",
                read,
                f"a bit of the mask read from the {pad_source}",
                pad_ok,
            ),
            Price(
                "control",
                "index_read",
                read,
                f"a bit of an index, or of a stored word without a MAC, read from the {pad_source}",
                pad_ok,
            ),
            Price(
                "control",
                "pointer_read",
                read,
                f"a bit of a pointer to a column, read from the {pad_source}",
                pad_ok,
            ),
            Price(
                "noc",
                "bit_hops",
                wire.value * hop_mm,
                f"{hop_mm:.3g} mm, the side of a PE (SRAM and {lane_area.source}), of "
                f"{wire.source}",
                wire.verified and lane_area.verified and pad_ok,
            ),
            Price(
                "global_buffer",
                "read_bits",
                bank.read_pj / bank.width_bits + wire.value * reach_mm,
                bank_source,
                bank_ok,
            ),
            Price(
                "global_buffer",
                "write_bits",
                bank.write_pj / bank.width_bits + wire.value * reach_mm,
                bank_source,
                bank_ok,
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
        """Leakage of the whole machine per cycle."""
        parts = self.leakage_mw()
        # mW = 1e9 pJ/s
        pj = math.fsum(parts.values()) * 1e9 / self.arch.clock_hz
        listed = ", ".join(f"{name} {power:.4g} mW" for name, power in parts.items())
        logic = self.tech.one("leakage", "multiplier").source
        source = (
            f"{self.arch.leakage} transistors at {self.arch.clock_hz / 1e6:g} MHz: {listed}; "
            f"{self.tech.sram_source}; logic: {logic}"
        )
        return (Price("leakage", "cycles", pj, source, False),)
