"""Text of a mapping's loop nest."""

from __future__ import annotations

from accelsim.machine.architecture import Machine
from accelsim.machine.words import word_bits
from accelsim.pe.mapping import Mapping
from accelsim.pe.registry import pe_kind
from accelsim.step.contraction import MAP, TAPS, Axis, Nest
from accelsim.step.window import Window
from accelsim.step.zero_sources import Causal, ZeroSource

INDENT = "  "


def loop_nest(mapping: Mapping, architecture: Machine) -> str:
    """The loop nest that the machine executes: the product and its extents, then one line per loop,
    outermost first.

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
        [
            head,
            *(f"{INDENT}{line}" for line in product(mapping, architecture)),
            *(f"{line:<{width}}# {level}" for line, level in zip(lines, levels, strict=True)),
        ]
    )


def product(mapping: Mapping, architecture: Machine) -> tuple[str, str]:
    """The product of one iteration, with the indices of its operands, the extents of its axes and
    the bits of the operands' words.

    Positions and reductions are enumerated in the order of their letters, the last one fastest.
    """
    op, nest = mapping.op, mapping.op.nest
    letter = letters(nest)
    indices = [
        ", ".join(
            _place(nest, axis, letter) if moving else letter[axis]
            for axis in axes
            if not (moving and axis in TAPS)
            if axis in letter or (moving and axis in MAP)
        )
        for axes, moving in ((nest.output, False), (nest.moving, True), (nest.stationary, False))
    ]
    roles = (op.moving.tensor.role.value, op.stationary.tensor.role.value)
    text = f"out[{indices[0]}] += {roles[0]}[{indices[1]}] * {roles[1]}[{indices[2]}]"
    if op.needed is not None and architecture.pe_array.skip_outputs:
        text += f" if {_needed(op.needed.zeros, letter, Axis.CHANNEL)}"
    axes = dict.fromkeys((*nest.position_axes, Axis.CHANNEL, *nest.moving, *nest.stationary))
    extents = ", ".join(f"{letter[x]} in {nest.extent(x)}" for x in axes if x in letter)
    if nest.groups > 1:
        extents = f"{nest.groups} groups, in each: {extents}"
    if nest.has_taps and not nest.names.product:
        extents += f"; map of {nest.rows.size} x {nest.columns.size}"
    if nest.stored:
        extents += f"; {nest.stored} of {letter[Axis.DEPTH]} stored"
    if isinstance(op.moving.zeros, Causal):
        shape = _needed(op.moving.zeros, letter, Axis.DEPTH)
        extents += f"; {roles[0]}[{indices[1]}] is 0 unless {shape}"
    bits = [word_bits(each.tensor, architecture) for each in (op.moving, op.stationary)]
    extents += f"; words of {bits[0]} and {bits[1]} bits"
    return text, extents


def _needed(zeros: ZeroSource, letter: dict[Axis, str], key: Axis) -> str:
    """Condition under which an element is needed: a mask's, or a shape known beforehand. ``key``:
    axis of the keys.
    """
    if not isinstance(zeros, Causal):
        return "needed"
    query = letter.get(Axis.COLUMN) or letter[Axis.TAP_COLUMN]
    later = f" + {zeros.keys - zeros.queries}" if zeros.keys > zeros.queries else ""
    return f"{letter[key]} <= {query}{later}"


def letters(nest: Nest) -> dict[Axis, str]:
    """Letter of each axis that the papers name. An axis without a letter has one iteration."""
    names = nest.names
    positions, reduction = (
        text.strip("()").split(", ") for text in (names.positions, names.reduction)
    )
    found = {Axis.CHANNEL: names.channels}
    if names.product:
        rows, depth = (reduction, positions) if nest.sums_samples else (positions, reduction)
        places = TAPS if nest.sums_samples else MAP
        return {**found, Axis.DEPTH: depth[0], **dict(zip(places, rows, strict=True))}
    if nest.sums_samples:
        inner, outer = positions, reduction
        found |= dict(zip((Axis.ROW, Axis.COLUMN, Axis.DEPTH), inner, strict=True))
        found |= dict(zip((Axis.SAMPLE, Axis.TAP_ROW, Axis.TAP_COLUMN), outer, strict=True))
        return found
    found |= dict(zip((Axis.SAMPLE, Axis.ROW, Axis.COLUMN), positions, strict=True))
    if len(reduction) == 1:
        return {**found, Axis.DEPTH: reduction[0]}
    return found | dict(zip((Axis.TAP_ROW, Axis.TAP_COLUMN, Axis.DEPTH), reduction, strict=True))


def _place(nest: Nest, axis: Axis, letter: dict[Axis, str]) -> str:
    """Index of the moving map along an axis: a row or column is that of the window's tap. In a
    product of maps only one of position and tap has a letter, which is the index itself.
    """
    if nest.names.product and axis in MAP:
        return letter.get(axis) or letter[TAPS[MAP.index(axis)]]
    if axis is Axis.ROW:
        return _tap(nest.rows, letter[axis], letter[Axis.TAP_ROW])
    if axis is Axis.COLUMN:
        return _tap(nest.columns, letter[axis], letter[Axis.TAP_COLUMN])
    return letter[axis]


def _tap(window: Window, position: str, tap: str) -> str:
    text = f"{_times(window.stride, position)} + {_times(window.dilation, tap)}"
    text += f" + {-window.padding}" if window.padding else ""
    text = text.replace("+ -", "- ")
    return text if window.spacing == 1 else f"({text}) / {window.spacing}"


def _times(factor: int, letter: str) -> str:
    return {1: letter, -1: f"-{letter}"}.get(factor, f"{factor}*{letter}")
