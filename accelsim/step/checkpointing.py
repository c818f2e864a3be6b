"""Activation checkpointing: FF of a segment of layers runs again in the backward walk, so that its
maps do not wait in between (Chen et al. 2016, "Training deep nets with sublinear memory cost").
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from accelsim.step.copies import AGAIN
from accelsim.step.dependencies import beyond_tensors, carried, with_dependencies
from accelsim.step.forms import Form
from accelsim.step.ops import (
    Contraction,
    Op,
    Operand,
    Pass,
    Role,
    Tensor,
    TrainingStep,
    VectorWork,
)


def checkpointed(step: TrainingStep, weighted: Collection[str], every: int) -> TrainingStep:
    """The step with a checkpoint after every ``every`` of the layers ``weighted``.

    FF is cut before the weighted layers number ``every + 1``, ``2 * every + 1`` and so on.
    Checkpoints are the maps that FF of a later segment reads, with the masks and indices that the
    same ops make. All other results of FF are dropped after their last reader in FF, and made again
    just before the first op of a later pass that reads any of the segment: `AGAIN` ends the names
    of these ops and of their results. Ops whose results nobody reads again do not run again, and
    neither does the last segment, which the backward walk reaches at once.
    """
    segments = _segments(step, weighted, every)
    recomputing = _Recomputing(step, segments)
    if not recomputing.runs:
        return step
    ops: list[Op] = []
    others = beyond_tensors(step.ops)
    read_before = _read(step.ops)
    for op in step.ops:
        for segment, first in recomputing.starts.items():
            if first == op.name:
                again = recomputing.again(segment)
                ops += again
                others |= {each.name: recomputing.waits(op) for each in again}
        ops.append(op if op.pass_ is Pass.FF else recomputing.rerouted(op))
    unread = read_before - _read(ops)
    ops = [_without(op, unread) for op in ops]
    done = with_dependencies(ops, others)
    return replace(step, ops=done, carried=carried(done))


def _segments(step: TrainingStep, weighted: Collection[str], every: int) -> dict[str, int]:
    """Segment of each op of FF, from 0. A layer without weights belongs to the one before it."""
    segments: dict[str, int] = {}
    known: set[str] = set()
    for op in step.ops:
        if op.pass_ is Pass.FF:
            if op.layer in weighted:
                known.add(op.layer)
            segments[op.name] = max(0, len(known) - 1) // every
    return segments


def _read(ops: Iterable[Op]) -> set[str]:
    return {operand.tensor.name for op in ops for operand in op.operands}


@dataclass
class _Recomputing:
    """Which ops run again, and when.

    ``makers``: ops of FF by name of a tensor that they make. ``kept``: names of checkpoints.
    ``runs``: by segment, names of the ops that run again. ``made``: names of the tensors that are
    made again. ``starts``: by segment, the op before which it runs again. ``last``: the last
    segment.
    """

    step: TrainingStep
    segments: dict[str, int]
    makers: dict[str, list[Op]] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    runs: dict[int, set[str]] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    starts: dict[int, str] = field(default_factory=dict)
    last: int = 0

    def __post_init__(self) -> None:
        self.last = max(self.segments.values(), default=0)
        forward = [op for op in self.step.ops if op.pass_ is Pass.FF]
        for op in forward:
            for tensor in op.outputs:
                if not tensor.persistent:
                    self.makers.setdefault(tensor.name, []).append(op)
        for op in forward:
            for operand in op.operands:
                if self._segment(operand.tensor.name) < self.segments[op.name]:
                    self._keep(operand.tensor.name)
        later = [op for op in self.step.ops if op.pass_ is not Pass.FF]
        for op in later:
            for operand in op.operands:
                self._need(operand.tensor.name)
        for segment, names in self.runs.items():
            self.starts[segment] = self._start(segment, names, later)

    def _segment(self, name: str) -> int:
        """Segment that makes a tensor; the last one for a tensor that FF does not make."""
        makers = self.makers.get(name)
        return self.segments[makers[0].name] if makers else self.last

    def _keep(self, name: str) -> None:
        self.kept.add(name)
        self.kept.update(
            tensor.name
            for op in self.makers[name]
            for tensor in op.outputs
            if tensor.role in (Role.MASK, Role.INDEX)
        )

    def _need(self, name: str) -> None:
        """Make a tensor again, from what is kept."""
        wanted = [name]
        while wanted:
            name = wanted.pop()
            segment = self._segment(name)
            if segment == self.last or name in self.kept or name in self.made:
                continue
            self.made.add(name)
            for op in self.makers[name]:
                self.runs.setdefault(segment, set()).add(op.name)
                wanted += [operand.tensor.name for operand in op.operands]

    def _start(self, segment: int, names: set[str], later: list[Op]) -> str:
        """The first op that reads what the segment makes again, or that changes what it reads."""
        read = {
            operand.tensor.name
            for op in self.step.ops
            if op.name in names
            for operand in op.operands
            if operand.tensor.persistent
        }
        return next(
            op.name
            for op in later
            if any(
                operand.tensor.name in self.made and self._segment(operand.tensor.name) == segment
                for operand in op.operands
            )
            or any(tensor.name in read for tensor in op.outputs)
        )

    def again(self, segment: int) -> list[Op]:
        """The ops of a segment that run again, in the order of FF."""
        return [
            self._copy(op)
            for op in self.step.ops
            if self.segments.get(op.name) == segment and op.name in self.runs[segment]
        ]

    def _copy(self, op: Op) -> Op:
        """The op as it runs again. Vector work with statistics always has its map as first result:
        its other results are defined by it.
        """
        whole = isinstance(op, VectorWork) and op.form is Form.STATISTICS
        outputs = tuple(
            replace(tensor, name=tensor.name + AGAIN)
            for place, tensor in enumerate(op.outputs)
            if tensor.name in self.made or (whole and not place)
        )
        return _with_outputs(replace(self.rerouted(op), name=op.name + AGAIN), outputs)

    def rerouted(self, op: Op) -> Op:
        """The op with operands that are made again, where they are."""

        def found(operand: Operand) -> Operand:
            tensor = operand.tensor
            if tensor.name not in self.made:
                return operand
            return replace(operand, tensor=replace(tensor, name=tensor.name + AGAIN))

        return replace(op, operands=tuple(map(found, op.operands)))

    def waits(self, op: Op) -> tuple[str, ...]:
        """What a segment that runs again before ``op`` waits for: what the op itself waits for in
        later passes. Without it, an unlocked schedule would run the segment at once.
        """
        return tuple(name for name in op.depends_on if name not in self.segments)


def _without(op: Op, unread: set[str]) -> Op:
    """The op without results that nobody reads any longer, other than its map."""
    rest = tuple(t for place, t in enumerate(op.outputs) if not place or t.name not in unread)
    return op if rest == op.outputs else _with_outputs(op, rest)


def _with_outputs(op: Op, outputs: tuple[Tensor, ...]) -> Op:
    if isinstance(op, Contraction):
        return replace(op, outputs=outputs, made=())
    return replace(op, outputs=outputs)
