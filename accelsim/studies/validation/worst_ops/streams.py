"""Words that an op's PEs receive, and those that they use, operand by operand."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.pe.kind import PEKind
from accelsim.pe.mapping import Mapping
from accelsim.pe.skipping.array import SkippingArray, rows_per_channel, stationary_takers
from accelsim.pe.skipping.receivers import Sending, channel_takers, moving_taken
from accelsim.sim.planning.op_plan import Moved, OpPlan
from accelsim.step.ops import Use


@dataclass(frozen=True)
class Stream:
    """Words of one operand that enter the PEs; ``use`` None is anything else that does.

    ``used``: distinct words that each PE's outputs read, summed over the PEs. ``received``: words
    delivered, each counted once per PE and arrival.
    """

    use: Use | None
    used: int
    received: int


def streams(plan: OpPlan, kind: PEKind) -> list[Stream]:
    """The streams of an op, the moving operand first. Tensors of one operand are one stream: an
    operand over a sequence has a tensor per time step, and weights may come from two places.
    """
    mapping = plan.mapping
    assert mapping is not None
    uses = {each.tensor.name: each.use for each in mapping.op.operands}
    parts: dict[Use | None, list[Moved]] = {Use.MOVING: [], Use.STATIONARY: [], None: []}
    for moved in plan.moved:
        t = moved.transfer
        if t.enters_pes and moved.delivered_words:
            use = None if t.partial else uses.get(t.tensor.name)
            parts[use if use in parts and t.words else None].append(moved)
    return [
        Stream(use, _used(mapping, use, moves, kind), sum(each.delivered_words for each in moves))
        for use, moves in parts.items()
        if moves
    ]


def _used(mapping: Mapping, use: Use | None, moves: list[Moved], kind: PEKind) -> int:
    delivered = sum(moved.delivered_words for moved in moves)
    sent = sum(moved.transfer.words for moved in moves)
    if use is None:
        return delivered
    if isinstance(kind, SkippingArray):
        return min(delivered, _read(mapping, use, sent, kind))
    # A dense array sends each word to the same PEs, and again for each fold.
    op = mapping.op
    once = {
        Use.MOVING: op.nest.moving_words[Sending.ONCE],
        Use.STATIONARY: sum(each.tensor.elements for each in op.operands_of(use)),
    }
    return delivered * min(sent, once[use]) // sent


def _read(mapping: Mapping, use: Use, sent: int, kind: SkippingArray) -> int:
    """Distinct words of an operand that PEs with lanes read, each counted once per PE."""
    op, nest, share = mapping.op, mapping.op.nest, kind.share(mapping)
    if use is Use.STATIONARY:
        words = sum(each.tensor.elements for each in op.operands_of(use))
        takers = stationary_takers(mapping, share)
        return min(words, sent) * takers // rows_per_channel(op)
    if nest.stored and nest.channels * nest.positions * nest.stored < nest.samples * nest.depth:
        return sent
    taken = moving_taken(nest, share, Sending.ONCE)
    if mapping.reduction_pes > 1:
        return taken
    groups = kind.moving_groups(op)
    kept = channel_takers(nest.channels, groups, mapping.channels_per_tile, nest.channels)
    return taken // groups * kept.takers
