"""Area of a machine in mm2 by component, from the technology that also gives its energies.

The estimate covers the chip: memories from CACTI, logic as cited. It leaves out pads, the DRAM
interface, the sequencer, and the off-chip DRAM.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from accelsim.config.names import Component
from accelsim.cost.srams import SramPoint
from accelsim.cost.technology import Technology
from accelsim.machine.architecture import Machine

OFF_CHIP = str(Component.DRAM)
COMPONENTS = (
    *(str(each) for each in Component if each not in (Component.DRAM, Component.LEAKAGE)),
    OFF_CHIP,
)
"""Components of an area. Generators of feedback weights belong to ``control``. ``dram`` is off the
chip and has no area.
"""


@dataclass(frozen=True)
class Area:
    """Area of one part of a component in mm2, gaps between cells included, and the source of the
    number.

    Unverified areas are labelled wherever they are shown.
    """

    component: str
    part: str
    mm2: float
    source: str
    verified: bool


def scratchpad_bank(architecture: Machine, technology: Technology) -> SramPoint:
    """One bank of a PE's scratchpad. InputError if the technology has no SRAMs of the machine's
    leakage class.
    """
    pad = architecture.scratchpad
    return technology.sram(
        architecture.leakage, max(1, pad.capacity_bytes // pad.banks), pad.width_bits
    )


def global_buffer_bank(architecture: Machine, technology: Technology) -> SramPoint:
    """One bank of the global buffer. InputError if the technology has no SRAMs of the machine's
    leakage class.
    """
    buffer = architecture.global_buffer
    return technology.sram(
        architecture.leakage, max(1, buffer.capacity_bytes // buffer.banks), buffer.width_bits
    )


POINTER_BITS = 16
"""Width of a bank of pointers."""


def pointer_bank(architecture: Machine, technology: Technology) -> SramPoint | None:
    """One of the two banks of a PE's pointers to columns; None if they are in its scratchpad."""
    size = architecture.pe_array.pointer_memory_bytes
    return technology.sram(architecture.leakage, size // 2, POINTER_BITS) if size > 1 else None


def sram_source(technology: Technology, point: SramPoint, label: str) -> str:
    """Source text of an SRAM's number. ``label`` names the SRAM."""
    beyond = "" if point.inside else ", extrapolated beyond the table"
    return (
        f"{label} of {point.size_bytes} B and {point.width_bits} bits{beyond}: "
        f"{technology.sram_source}"
    )


def estimate(architecture: Machine, technology: Technology) -> tuple[Area, ...]:
    """Areas of a machine's parts, in order of component. InputError if the technology lacks an
    entry.
    """
    parts = _Parts(architecture, technology)
    listed = (*parts.lanes(), *parts.memories(), *parts.links(), *parts.vector_unit())
    return tuple(sorted(listed, key=lambda area: (COMPONENTS.index(area.component), area.part)))


def by_component(areas: Iterable[Area]) -> dict[str, float | None]:
    """mm2 by component, for all of `COMPONENTS`; None for off-chip components."""
    listed = tuple(areas)
    return {
        name: None
        if name == OFF_CHIP
        else math.fsum(area.mm2 for area in listed if area.component == name)
        for name in COMPONENTS
    }


def total(areas: Iterable[Area]) -> float:
    """mm2 of the chip."""
    return math.fsum(area.mm2 for area in areas)


def multiply_add(
    technology: Technology, operand_bits: int, sum_bits: int
) -> tuple[float, str, bool]:
    """(mm2 without gaps, source, verified) of a multiplier and its adder.

    The multiplier scales with the square of its width, the adder with its width, as their leakage
    does. The result is verified only at the widths of the source.
    """
    multiplier, adder = (
        technology.area("mac", "multiplier_area"),
        technology.area("mac", "adder_area"),
    )
    source_bits, source_sum_bits = multiplier.bits or operand_bits, adder.bits or sum_bits
    exact = (operand_bits, sum_bits) == (source_bits, source_sum_bits)
    how = (
        ""
        if exact
        else f", multiplier scaled to {operand_bits} bits by the square of the width, adder to "
        f"{sum_bits} bits by the width"
    )
    mm2 = (
        multiplier.value * (operand_bits / source_bits) ** 2
        + adder.value * sum_bits / source_sum_bits
    )
    return mm2, f"{multiplier.source}{how}", exact and multiplier.verified and adder.verified


def _links(architecture: Machine) -> tuple[int, str]:
    """Number of links of the network, and their shape in words."""
    array, noc = architecture.pe_array, architecture.noc
    if noc.topology == "mesh":
        neighbours = array.rows * (array.cols - 1) + array.cols * (array.rows - 1)
        return 2 * (neighbours + noc.buffer_ports), (
            f"a mesh of {array.rows} x {array.cols} and {noc.buffer_ports} to the global "
            f"buffer, both ways"
        )
    # Words enter a systolic array at its edges. In other arrays they reach every PE.
    passing = array.passes_operands
    leaves = array.rows + array.cols if passing else array.rows * array.cols
    peers = 0 if passing else noc.peer_links
    shape = f"a tree over {leaves}" + (f", {peers} between PEs" if peers else "")
    return max(1, 2 * leaves - 2) + peers, shape


class _Parts:
    """Derives the areas of one machine."""

    def __init__(self, architecture: Machine, technology: Technology) -> None:
        self.arch = architecture
        self.tech = technology
        array, words = architecture.pe_array, architecture.precision
        self.pes = array.rows * array.cols
        self.all_lanes = self.pes * array.lanes
        # A PE that keeps rows reads its own memories, as a lane does.
        self.passing = array.passes_operands
        self.operand_bits = max(words.weight, words.activation, words.error, words.feedback)
        gaps, cells = (
            technology.area("layout", "gaps_area"),
            technology.area("layout", "cells_area"),
        )
        self.spread = 1 + gaps.value / cells.value
        self.gaps = f"; plus {gaps.value / cells.value:.1%} gaps: {gaps.source}"
        self.gaps_ok = gaps.verified and cells.verified

    def _part(self, component: str, part: str, mm2: float, source: str, verified: bool) -> Area:
        return Area(
            component, part, mm2 * self.spread, source + self.gaps, verified and self.gaps_ok
        )

    def lanes(self) -> tuple[Area, ...]:
        """MACs and their control."""
        mac, source, ok = multiply_add(self.tech, self.operand_bits, self.arch.precision.psum)
        clock = self.tech.area("control", "clock_area")
        parts = [
            self._part(
                "mac",
                "multiply_add",
                self.all_lanes * mac,
                f"{self.all_lanes} of {mac * 1e6:.4g} um2: {source}",
                ok,
            ),
            self._part(
                "control",
                "clock",
                self.all_lanes * clock.value,
                f"one per lane: {clock.source}",
                clock.verified,
            ),
        ]
        if self.passing:
            # A PE keeps one word of each operand, and one sum.
            bits = 2 * self.operand_bits + self.arch.precision.psum
            parts.append(
                self._registers(
                    "control",
                    "registers",
                    self.all_lanes * bits,
                    f"two operands and a sum, {bits} bits per PE",
                    True,
                )
            )
        else:
            registers, logic = (
                self.tech.area("control", "registers_area"),
                self.tech.area("control", "combinational_area"),
            )
            # The cited combinational area is that of a whole lane. Its multiplier and adder count
            # as MACs here, so they are subtracted.
            arithmetic, _, _ = multiply_add(self.tech, logic.bits or 16, logic.bits or 16)
            select = max(0.0, logic.value - arithmetic)
            parts += [
                self._part(
                    "control",
                    "registers",
                    self.all_lanes * registers.value,
                    f"one per lane: {registers.source}",
                    registers.verified,
                ),
                self._part(
                    "control",
                    "window_select",
                    self.all_lanes * select,
                    f"one per lane, for any window: {logic.source}, minus a 16-bit multiply-add "
                    f"of {arithmetic * 1e6:.4g} um2",
                    False,
                ),
            ]
        return (*parts, *self._generators())

    def _generators(self) -> tuple[Area, ...]:
        """Generators of feedback weights, one per lane, if weights are regenerated.

        A generator has a register for the word, and three xors of at most one adder each.
        """
        if self.arch.organization != "near_memory" or self.arch.near_memory.feedback != "prng":
            return ()
        bits, register, adder = (
            self.arch.precision.feedback,
            self.tech.area("control", "register_bit_area"),
            self.tech.area("mac", "adder_area"),
        )
        mm2 = bits * register.value + 3 * adder.value * bits / (adder.bits or bits)
        source = (
            f"xorshift of {bits} bits per lane: {register.source}, and three adders as an "
            f"upper bound of its xors"
        )
        return (self._part("control", "prng", self.all_lanes * mm2, source, False),)

    def memories(self) -> tuple[Area, ...]:
        """Scratchpads and global buffer."""
        pad, buffer = self.arch.scratchpad, self.arch.global_buffer
        parts = []
        for component, count, ports, point in (
            ("scratchpad", self.pes * pad.banks, pad.ports, scratchpad_bank(self.arch, self.tech)),
            ("global_buffer", buffer.banks, buffer.ports, global_buffer_bank(self.arch, self.tech)),
        ):
            source = sram_source(self.tech, point, f"{count} bank{'s' * (count > 1)}, each")
            if ports > 1:
                # The table has memories with one port. A second memory bounds the area of a second
                # port.
                source += f"; assumed: {ports} ports take the area of {ports} memories"
            verified = self.tech.sram_verified and point.inside and ports == 1
            parts.append(
                self._part(component, "sram", count * ports * point.area_mm2, source, verified)
            )
        pointers = pointer_bank(self.arch, self.tech)
        if pointers is not None:
            count = 2 * self.pes
            source = sram_source(self.tech, pointers, f"{count} banks of pointers, each")
            known = self.tech.sram_verified and pointers.inside
            mm2 = count * pointers.area_mm2
            parts.append(self._part("scratchpad", "pointers", mm2, source, known))
        words = self.arch.pe_array.operand_buffer_words
        if words:
            bits = self.pes * words * self.operand_bits
            label = f"{words} words of {self.operand_bits} bits per PE"
            parts.append(self._registers("scratchpad", "operand_buffer", bits, label, True))
        return tuple(parts)

    def links(self) -> tuple[Area, ...]:
        """The network: a register of link width at the end of every link. Wires run over the
        cells.
        """
        count, shape = _links(self.arch)
        noc = self.arch.noc
        label = f"{count} links of {noc.width_bits} bits ({shape})"
        return (
            self._registers(
                "noc",
                "link_registers",
                count * noc.width_bits,
                f"assumed: a register at the end of each of {label}, no arbiters",
                False,
            ),
        )

    def vector_unit(self) -> tuple[Area, ...]:
        """The vector unit: per operation slot one multiply-add, and registers of two operands and
        a result.
        """
        unit, bits = self.arch.vector_unit, self.operand_bits
        slots = unit.width * unit.ops_per_cycle
        mac, source, _ = multiply_add(self.tech, bits, bits)
        return (
            self._part(
                "vector",
                "multiply_add",
                slots * mac,
                f"one multiply-add of {mac * 1e6:.4g} um2 per operation: {source}",
                False,
            ),
            self._registers(
                "vector",
                "registers",
                slots * 3 * bits,
                f"assumed: two operands and a result, {3 * bits} bits per operation",
                False,
            ),
        )

    def _registers(self, component: str, part: str, bits: int, label: str, verified: bool) -> Area:
        register = self.tech.area("control", "register_bit_area")
        return self._part(
            component,
            part,
            bits * register.value,
            f"{label}: {register.source}",
            verified and register.verified,
        )
