"""Loop nests that several kinds print: the tiles of an array that skips zeros."""

from __future__ import annotations

from accelsim.pe.kind import Loops, written
from accelsim.pe.mapping import Mapping, Tiling


def tile_loops(mapping: Mapping) -> Loops:
    """Temporal loops of a mapping over the tiles in global buffer and scratchpads."""
    names, reduction = mapping.op.nest.names, mapping.op.nest.reduction
    t = mapping.tiling or canonical_tiling(mapping)
    tiles, columns = mapping.channel_tiles, mapping.position_tiles
    outer = [
        ("global buffer", tiled(names.channels, tiles, t.buffer_channels, "channel tiles")),
        ("global buffer", tiled(names.positions, columns, t.buffer_positions, "position tiles")),
    ]
    if t.buffer_order == "positions":
        outer.reverse()
    tiles, columns = min(t.buffer_channels, tiles), min(t.buffer_positions, columns)
    channels = ("scratchpad", tiled(names.channels, tiles, 1, "channel tiles"))
    groups = ("scratchpad", tiled(names.positions, columns, t.together, "position tiles"))
    chunks = ("scratchpad", tiled(names.reduction, reduction, t.chunk, "words"))
    within = ("scratchpad", tiled(names.positions, min(t.together, columns), 1, "position tiles"))
    inner = (
        [groups, channels, chunks, within]
        if t.order == "positions"
        else [channels, groups, chunks, within]
    )
    return written([*outer, *inner])


def spatial_loops(mapping: Mapping) -> Loops:
    """Parallel loops over PEs and lanes."""
    names, copies = mapping.op.nest.names, mapping.copies
    groups = f"parallel {names.positions} over {copies} groups of PEs"
    loops: Loops = []
    if mapping.reduction_pes > 1:
        shared = f"parallel {names.reduction} over {mapping.reduction_pes} PEs"
        loops.append(("PE array", f"{shared}, partial sums meet over the NoC"))
        if copies > 1:
            loops.append(("PE array", groups))
        loops.append(("lanes", f"parallel {names.channels} over {mapping.channels_per_tile} lanes"))
    else:
        loops.append(
            ("PE array", f"parallel {names.channels} over {mapping.channels_per_tile} PEs")
        )
        if copies > 1:
            loops.append(("PE array", groups))
        each = mapping.positions_per_tile // copies
        if each > 1:
            loops.append(("lanes", f"parallel {names.positions} over {each} lanes"))
    return loops


def reduction_loop(mapping: Mapping) -> Loops:
    """Innermost loops of a lane.

    An outer product gives each lane a segment of the moving vector, one position per word, sample
    after sample.
    """
    nest = mapping.op.nest
    chunk = nest.reduction if mapping.tiling is None else min(mapping.tiling.chunk, nest.reduction)
    loop, action = f"for {nest.names.reduction} in {chunk}", f"multiply, {accumulation(mapping)}"
    segment = -(-nest.positions // mapping.positions)
    if segment == 1:
        return [("lanes", f"{loop}: {action}")]
    samples = [("lanes", loop)] if chunk > 1 else []
    return [*samples, ("lanes", f"for {nest.names.positions} in {segment}: {action}")]


def accumulation(mapping: Mapping) -> str:
    """Text of a MAC's addition: into an accumulator, or into partial sums in the scratchpad."""
    sums = mapping.kept_sums
    return f"accumulate in {sums} sums of the scratchpad" if sums else "accumulate"


def canonical_tiling(mapping: Mapping) -> Tiling:
    """The canonical loop order as a tiling: PEs keep their channels while all positions pass, or
    the words of a position tile while all their channels pass.
    """
    return Tiling(
        mapping.channels_per_tile,
        "positions" if mapping.positions_outermost else "channels",
        1,
        mapping.op.nest.reduction,
        "channels",
        mapping.channel_tiles,
        mapping.position_tiles,
    )


def tiled(name: str, extent: int, step: int, unit: str) -> str:
    """Text of a loop over tiles; empty if it has one iteration."""
    turns = -(-extent // step)
    if turns == 1:
        return ""
    return f"for {name} in {turns} x {step} {unit[:-1] if step == 1 else unit}"
