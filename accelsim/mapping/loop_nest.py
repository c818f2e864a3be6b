"""Text of a mapping's loop nest."""

from __future__ import annotations

from accelsim.machine.architecture import Machine
from accelsim.pe.mapping import Mapping
from accelsim.pe.registry import pe_kind

INDENT = "  "


def loop_nest(mapping: Mapping, architecture: Machine) -> str:
    """The loop nest that the machine executes: one line per loop, outermost first.

    Loops of one iteration are left out. ``parallel`` loops are spatial.
    """
    loops, nest = pe_kind(architecture).loops(mapping), mapping.op.nest
    chosen = "canonical" if mapping.tiling is None else "chosen"
    head = (
        f"{mapping.op.name}: {nest.channels} channels x {nest.positions} positions, reduction of "
        f"{nest.reduction} ({chosen})"
    )
    lines = [f"{INDENT * depth}{line}" for depth, (_, line) in enumerate(loops, start=1)]
    width = max(map(len, lines)) + 2
    levels = (level for level, _ in loops)
    return "\n".join(
        [head, *(f"{line:<{width}}# {level}" for line, level in zip(lines, levels, strict=True))]
    )
