"""A mapping as the loop nest that the machine executes, for people to read."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.machine.architecture import Architecture
from accelsim.mapping.dense_loop_nest import dense_loops
from accelsim.mapping.mapper import extents
from accelsim.pe.mapping import Mapping, Tiling
from accelsim.step.geometry import bounds_of
from accelsim.step.ops import Op, OpKind, Pass

INDENT = "  "


@dataclass(frozen=True)
class LoopNames:
    """Letters of an op's output channels, its positions and its reduction."""

    channels: str
    positions: str
    reduction: str


def loop_names(op: Op) -> LoopNames:
    """By pass, in the letters of the layer's convolution (DESIGN 4)."""
    if op.kind is OpKind.FEEDBACK:
        return LoopNames("k", "(n, p, q)", "e")
    if op.pass_ is Pass.EP:
        return LoopNames("c", "(n, h, w)", "(r, s, k)")
    if op.pass_ is Pass.WG:
        return LoopNames("k", "(r, s, c)", "(n, p, q)")
    return LoopNames("k", "(n, p, q)", "(r, s, c)")


def loop_nest(mapping: Mapping, architecture: Architecture) -> str:
    """The nest, a line a loop, outermost first; loops of one turn are left out. ``parallel`` loops
    are in space.
    """
    names, reduction = loop_names(mapping.op), extents(mapping.op).reduction
    if not architecture.pe_array.skips:
        return _lines(mapping, dense_loops(mapping, architecture))
    if architecture.pe_array.broadcasts:
        return _lines(mapping, _broadcast(mapping, architecture, names, reduction))
    tiling = mapping.tiling or _canonical(mapping, reduction)
    return _lines(
        mapping,
        [
            *_temporal(mapping, tiling, names, reduction),
            *_spatial(mapping, architecture, names, min(tiling.chunk, reduction)),
        ],
    )


def _canonical(mapping: Mapping, reduction: int) -> Tiling:
    """The canonical order as a tiling: all positions pass while PEs keep their channels."""
    return Tiling(
        mapping.channels_per_tile,
        "channels",
        1,
        reduction,
        "channels",
        mapping.channel_tiles,
        mapping.position_tiles,
    )


def _temporal(
    mapping: Mapping, t: Tiling, names: LoopNames, reduction: int
) -> list[tuple[str, str]]:
    outer = [
        (
            "global buffer",
            _loop(names.channels, mapping.channel_tiles, t.buffer_channels, "channel tiles"),
        ),
        (
            "global buffer",
            _loop(names.positions, mapping.position_tiles, t.buffer_positions, "position tiles"),
        ),
    ]
    if t.buffer_order == "positions":
        outer.reverse()
    tiles, columns = (
        min(t.buffer_channels, mapping.channel_tiles),
        min(t.buffer_positions, mapping.position_tiles),
    )
    channels = ("scratchpad", _loop(names.channels, tiles, 1, "channel tiles"))
    groups = ("scratchpad", _loop(names.positions, columns, t.together, "position tiles"))
    chunks = ("scratchpad", _loop(names.reduction, reduction, t.chunk, "words"))
    within = ("scratchpad", _loop(names.positions, min(t.together, columns), 1, "position tiles"))
    inner = (
        [groups, channels, chunks, within]
        if t.order == "positions"
        else [channels, groups, chunks, within]
    )
    return [(level, line) for level, line in (*outer, *inner) if line]


def _broadcast(
    mapping: Mapping, architecture: Architecture, names: LoopNames, reduction: int
) -> list[tuple[str, str]]:
    """A word of the reduction goes to all PEs, which then run through the output channels that they
    hold sums of.
    """
    held = min(mapping.channel_tiles, architecture.accumulators)
    others = max(1, mapping.pes // mapping.channels_per_tile)
    word = names.reduction
    if mapping.op.kind is OpKind.OUTER:
        # Every word of the moving vector, cut into a segment for each group of PEs, sample after
        # sample.
        word, reduction = (
            "(n, c)",
            reduction * -(-bounds_of(mapping.op).c // mapping.positions_per_tile),
        )
    loops = [
        ("scratchpad", _loop(names.channels, mapping.channel_tiles, held, "channel tiles")),
        ("scratchpad", _loop(names.positions, mapping.position_tiles, 1, "position tiles")),
        (
            "PE array",
            f"parallel {names.positions} over {others} groups of PEs" if others > 1 else "",
        ),
        ("PE array", f"for {word} in {reduction}: broadcast"),
        ("PE array", f"parallel {names.channels} over {mapping.channels_per_tile} PEs"),
        (
            "lanes",
            (
                f"for {names.channels} in {held}, {architecture.pe_array.lanes} at a time: "
                f"multiply, "
                f"accumulate"
            ),
        ),
    ]
    return [(level, line) for level, line in loops if line]


def _spatial(
    mapping: Mapping, architecture: Architecture, names: LoopNames, reduction: int
) -> list[tuple[str, str]]:
    array = architecture.pe_array
    others = max(1, mapping.pes // mapping.channels_per_tile)
    found = []
    if mapping.reduction_pes > 1:
        found.append(
            (
                "PE array",
                (
                    f"parallel {names.reduction} over {mapping.reduction_pes} PEs, partial sums "
                    f"meet "
                    f"over the NoC"
                ),
            )
        )
        found.append(("lanes", f"parallel {names.channels} over {mapping.channels_per_tile} lanes"))
    else:
        found.append(
            ("PE array", f"parallel {names.channels} over {mapping.channels_per_tile} PEs")
        )
        if others > 1:
            found.append(("PE array", f"parallel {names.positions} over {others} groups of PEs"))
        each = max(1, mapping.positions_per_tile // others)
        if each > 1:
            found.append(("lanes", f"parallel {names.positions} over {each} lanes"))
    segment = -(-extents(mapping.op).positions // mapping.positions)
    if segment > 1:
        # An outer product deals each lane a segment of the moving vector: a position a word.
        found.append(("lanes", f"for {names.positions} in {segment}"))
    if array.couples_lanes:
        found.append(
            ("lanes", f"parallel {names.reduction} over {array.lanes} lanes of a staging buffer")
        )
    return [*found, ("lanes", _reduce(names, reduction))]


def _reduce(names: LoopNames, reduction: int) -> str:
    return f"for {names.reduction} in {reduction}: multiply, accumulate"


def _loop(name: str, extent: int, step: int, unit: str) -> str:
    """A loop over an extent in steps; empty when it has one turn."""
    turns = -(-extent // step)
    if turns == 1:
        return ""
    return f"for {name} in {turns} x {step} {unit[:-1] if step == 1 else unit}"


def _lines(mapping: Mapping, loops: list[tuple[str, str]]) -> str:
    op = mapping.op
    chosen = "canonical" if mapping.tiling is None else "chosen"
    outputs = extents(op)
    head = (
        f"{op.name}: {outputs.channels} channels x {outputs.positions} positions, reduction of "
        f"{outputs.reduction} ({chosen})"
    )
    width = max(len(INDENT * depth + line) for depth, (_, line) in enumerate(loops, start=1)) + 2
    return "\n".join(
        [
            head,
            *(
                f"{INDENT * depth + line:<{width}}# {level}"
                for depth, (level, line) in enumerate(loops, start=1)
            ),
        ]
    )
