"""Why words arrive more than once: the loops of an op's mapping that send them again, each with the
memory that is too small to keep them.

The loops are those of the mapping; how often each sends a word is counted by a plain walk through
them (`walk.py`), not taken from the transfers. `Explanation.ratio` is therefore a prediction, which
the report compares with the words that the simulator delivered.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np

from accelsim.pe.kind import PEKind
from accelsim.pe.mapping import Mapping
from accelsim.pe.skipping.array import SkippingArray
from accelsim.sim.planning.op_plan import OpPlan
from accelsim.step.ops import Operand, Role, Use
from accelsim.studies.validation.worst_ops.streams import Stream, streams
from accelsim.studies.validation.worst_ops.walk import Walk, walk

NAMES = {
    Role.ACTIVATION: "activations",
    Role.ERROR: "errors",
    Role.WEIGHT: "weights",
    Role.FEEDBACK: "feedback weights",
}


@dataclass(frozen=True)
class Factor:
    """A loop that sends words again: how many times each word arrives, the loop, and the memory
    that does not keep the words meanwhile.
    """

    times: float
    loop: str
    cause: str


@dataclass(frozen=True)
class Explanation:
    """The streams of an op, each with the factors that multiply the arrivals of its words."""

    parts: tuple[tuple[str, Stream, tuple[Factor, ...]], ...]

    @property
    def ratio(self) -> float:
        """Words received per word used that the factors give."""
        used = sum(stream.used for _, stream, _ in self.parts)
        return sum(stream.used * _product(each) for _, stream, each in self.parts) / max(1, used)

    @property
    def text(self) -> str:
        """One sentence per operand whose words arrive more than once."""
        return ". ".join(
            f"{name} ({stream.used} used) arrive {_product(factors):.5g} times = "
            + " x ".join(
                f"{factor.times:.5g} ({factor.loop}, because {factor.cause})" for factor in factors
            )
            for name, stream, factors in self.parts
            if factors
        )


def explanation(plan: OpPlan, kind: PEKind) -> Explanation | None:
    """Factors of every stream of an op; None for an array without lanes that skip zeros, and for a
    chosen tiling.
    """
    mapping = plan.mapping
    assert mapping is not None
    if not isinstance(kind, SkippingArray) or mapping.tiling is not None:
        return None
    parts = []
    for stream in streams(plan, kind):
        if stream.use is Use.MOVING:
            parts.append((_name(mapping.op.moving), stream, _moving(mapping, kind)))
        elif stream.use is Use.STATIONARY:
            parts.append((_name(mapping.op.stationary), stream, _stationary(mapping, kind)))
        else:
            parts.append(("sums and masks", stream, ()))
    return Explanation(tuple(parts))


def _product(factors: tuple[Factor, ...]) -> float:
    return prod(factor.times for factor in factors)


def _name(operand: Operand) -> str:
    return NAMES.get(operand.tensor.role, operand.tensor.role.value)


def _moving(mapping: Mapping, kind: SkippingArray) -> tuple[Factor, ...]:
    """Channel tiles in turn, and kernel rows or taps in turn."""
    op, nest, bits = mapping.op, mapping.op.nest, kind.bits(mapping.op.moving.tensor)
    visited = _channel_visits(mapping, kind)
    per_element = 1 if nest.sums_samples else nest.depth // nest.groups
    room = kind.moving_room(mapping)
    own = _walk(mapping, kind).most * per_element * visited.held
    if mapping.reduction_pes > 1 or nest.stored or own * bits <= room:
        return ()
    factors, free = [], _free(mapping, kind, room)
    if mapping.positions_outermost:
        return _tile_by_tile(mapping, kind, room, free)
    if visited.visits > visited.pairs:
        factors.append(
            Factor(
                visited.visits / visited.pairs,
                f"{nest.channels} output channels on {mapping.channels_per_tile} PEs make "
                f"{mapping.channel_tiles} tiles, and all positions pass in each",
                f"a PE's outputs read {own} {_name(op.moving)}, {_size(own * bits)}, and {free}",
            )
        )
    window = _window(mapping, kind, room, free)
    return (*factors, window) if window.times > 1 else tuple(factors)


def _tile_by_tile(
    mapping: Mapping, kind: SkippingArray, room: int, free: str
) -> tuple[Factor, ...]:
    """Rows that come again with each position tile, while all channel tiles pass for one."""
    nest, walked = mapping.op.nest, _walk(mapping, kind)
    bits = kind.bits(mapping.op.moving.tensor)
    need = nest.rows.held * walked.columns * nest.depth * bits
    if need <= room or walked.per_tile == walked.once:
        return ()
    words = f"{nest.rows.held} rows of {walked.columns} columns of {nest.depth} channels"
    turns = f"each of {mapping.position_tiles} position tiles"
    return (_again(walked.per_tile / walked.once, turns, words, need, free),)


def _window(mapping: Mapping, kind: SkippingArray, room: int, free: str) -> Factor:
    """The factor of rows or columns under a kernel that a PE does not keep."""
    nest, walked = mapping.op.nest, _walk(mapping, kind)
    bits, depth = kind.bits(mapping.op.moving.tensor), nest.depth // nest.groups
    if nest.sums_samples:
        run = kind.share(mapping).run
        channels = min(depth, run if depth % run == 0 else 2 * run)
        need = nest.samples * nest.rows.size * nest.columns.size * channels * bits
        words = f"whole maps of the {channels} channels of a PE's lanes"
        if need > room:
            taps = f"each of {nest.rows.positions} x {nest.columns.positions} taps"
            return _again(walked.per_tap / walked.once, taps, words, need, free)
        return _again(1.0, "", words, need, free)
    rows, columns = nest.rows.held, walked.columns
    need = rows * columns * depth * bits
    words = f"{rows} rows of {columns} columns of {depth} channels"
    if need <= room:
        return _again(1.0, "", words, need, free)
    if nest.columns.held * depth * bits <= room:
        kernel = f"each of {nest.rows.taps} kernel rows"
        return _again(walked.per_row / walked.once, kernel, words, need, free)
    words, need = f"{nest.columns.held} columns of {depth} channels", nest.columns.held * depth
    kernel = f"each of {nest.rows.taps} x {nest.columns.taps} taps"
    return _again(walked.per_tap / walked.once, kernel, words, need * bits, free)


def _again(times: float, turns: str, words: str, need: int, free: str) -> Factor:
    return Factor(
        times, f"{turns} in turn reads the map", f"{words} take {_size(need)}, and {free}"
    )


def _walk(mapping: Mapping, kind: SkippingArray) -> Walk:
    nest = mapping.op.nest
    return walk(nest, kind.share(mapping), -(-nest.positions // mapping.positions))


class _Visits(NamedTuple):
    """(PE, channel group) pairs, the same once per channel tile, and the most groups of a PE."""

    pairs: int
    visits: int
    held: int


def _channel_visits(mapping: Mapping, kind: SkippingArray) -> _Visits:
    channels, groups = mapping.op.nest.channels, kind.moving_groups(mapping.op)
    pe_and_group: dict[tuple[int, int], set[int]] = {}
    for channel in range(channels):
        tile, pe = divmod(channel, mapping.channels_per_tile)
        pe_and_group.setdefault((pe, channel * groups // channels), set()).add(tile)
    held = Counter(pe for pe, _ in pe_and_group)
    return _Visits(
        len(pe_and_group), sum(map(len, pe_and_group.values())), max(held.values(), default=0)
    )


def _stationary(mapping: Mapping, kind: SkippingArray) -> tuple[Factor, ...]:
    """Groups of position tiles, or parts of an outer product, in turn."""
    op, bits = mapping.op, kind.bits(mapping.op.stationary.tensor)
    passes, together, _ = kind.staging(mapping)
    times = _sendings(mapping, kind, together)
    if times == 1:
        return ()
    name, held, working = _name(op.stationary), op.nest.reduction * bits, kind.working_bits
    if kind.deals(op):
        sums = mapping.kept_sums * kind.architecture.precision.psum
        loop = f"{passes} parts of the moving vector in turn, and all samples pass in each"
        need = f"the sums of a part take {_size(sums)} and the {name} of all samples"
    else:
        loop = f"{passes} groups of {together} position tiles in turn"
        need = f"the {name} of one output channel take"
    cause = f"{need} {_size(held)}, and the working space is {_size(working)}"
    return (Factor(times, loop, cause),)


def _sendings(mapping: Mapping, kind: SkippingArray, together: int) -> float:
    """Times that a stationary word arrives at a PE that takes it, once per ``together`` tiles."""
    nest, share = mapping.op.nest, kind.share(mapping)
    segment = -(-nest.positions // mapping.positions)
    position = np.arange(nest.positions, dtype=np.int64)
    row = position % nest.map_positions if nest.unshared else 0 * position
    turn = (position // nest.map_positions if nest.unshared else position) // segment
    pe = position // segment % share.tile // share.run
    taker = row * share.tile + pe
    sending = taker * nest.positions + turn // (share.tile * together)
    return len(np.unique(sending)) / len(np.unique(taker))


def _free(mapping: Mapping, kind: SkippingArray, room: int) -> str:
    """The working space that is free for the moving operand, and what takes the rest."""
    op, working = mapping.op, kind.working_bits
    held = op.nest.reduction * kind.bits(op.stationary.tensor)
    space = f"the working space of {_size(working)}"
    if room == working:
        return f"the working space is {_size(working)}"
    if kind.deals(op):
        return f"{space} has {_size(room)} beside its partial sums"
    staged = f"the {_name(op.stationary)} of one output channel"
    if room == working - held:
        return f"{space} has {_size(room)} beside {staged}, {_size(held)}"
    if room:
        return f"{space} keeps {_size(room)}, as {staged}, {_size(held)}, come in chunks"
    return f"{space} keeps none of them beside {staged}, {_size(held)}, which come in chunks"


def _size(bits: int) -> str:
    size = -(-bits // 8)
    return f"{size / 1024:.4g} KiB" if size >= 1024 else f"{size} B"
