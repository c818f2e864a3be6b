"""Variants of a training step's ops, for audits. Counted work is unchanged; dependencies or storage
differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeGuard

from accelsim.step.ops import Contraction, Op, Operand, Pass, Tensor, TrainingStep, Use, VectorWork
from accelsim.step.zero_sources import TraceZeros


def by_time_step(step: TrainingStep) -> TrainingStep:
    """The step with each EP matmul over a whole sequence split into one op per time step, last step
    first. MACs and tensors are the same; every part reads the weights.

    An op that depended on such an op then waits only for the time steps that it reads.
    """
    replacements: dict[str, tuple[Op, ...]] = {
        op.name: _parts(op) if _over_sequence(op) else (op,) for op in step.ops
    }
    return _rebuilt(
        step,
        replacements,
        {name: tuple(part.name for part in parts) for name, parts in replacements.items()},
    )


def without_output_layer(step: TrainingStep) -> TrainingStep:
    """The step without the EP contractions of the layer before the loss. Ops that waited for them
    wait for their dependencies instead.
    """
    loss = next(
        op for op in step.ops if isinstance(op, VectorWork) and op.function == "softmax_loss"
    )
    layer = loss.outputs[0].name.partition(".error")[0]
    replacements: dict[str, tuple[Op, ...]] = {}
    stand_in: dict[str, tuple[str, ...]] = {}
    for op in step.ops:
        dropped = op.layer == layer and op.pass_ is Pass.EP and isinstance(op, Contraction)
        replacements[op.name] = () if dropped else (op,)
        stand_in[op.name] = (
            tuple(name for each in op.depends_on for name in stand_in[each])
            if dropped
            else (op.name,)
        )
    return _rebuilt(step, replacements, stand_in)


def values_alone(step: TrainingStep) -> TrainingStep:
    """The step with sparse feedback stored without the bits of its positions, as the papers count
    it. No machine could use feedback stored in this way.
    """
    ops = tuple(
        replace(
            op,
            operands=tuple(replace(each, tensor=_unplaced(each.tensor)) for each in op.operands),
            outputs=tuple(map(_unplaced, op.outputs)),
        )
        for op in step.ops
    )
    return replace(step, ops=ops)


CHANGES: dict[str, Callable[[TrainingStep], TrainingStep]] = {
    each.__name__: each for each in (by_time_step, without_output_layer, values_alone)
}
"""Variants by name, so that tasks sent to workers can refer to them."""


def _unplaced(tensor: Tensor) -> Tensor:
    return replace(tensor, index_bits=0) if tensor.index_bits else tensor


def _over_sequence(op: Op) -> TypeGuard[Contraction]:
    """True for an EP matmul over a whole sequence."""
    return (
        isinstance(op, Contraction)
        and op.pass_ is Pass.EP
        and not (op.nest.unshared or op.nest.has_taps)
        and len(op.operands_of(Use.MOVING)) == len(op.outputs) > 1
    )


def _parts(op: Contraction) -> tuple[Op, ...]:
    """The op split into one op per time step, last step first."""
    steps = len(op.outputs)
    shared = [operand for operand in op.operands if operand.use is Use.STATIONARY]
    by_use = {
        use: [operand for operand in op.operands if operand.use is use]
        for use in (Use.MOVING, Use.NEEDED)
    }
    parts = []
    for at in reversed(range(steps)):
        read = [_at(operands[at], at) for operands in by_use.values() if operands]
        nest = replace(op.nest, samples=op.nest.samples // steps)
        parts.append(
            replace(
                op,
                name=f"{op.name}.t{at:02d}",
                operands=(*read, *shared),
                outputs=(op.outputs[at],),
                nest=nest,
            )
        )
    return tuple(parts)


def _at(operand: Operand, step: int) -> Operand:
    return (
        replace(operand, zeros=replace(operand.zeros, step=step))
        if isinstance(operand.zeros, TraceZeros)
        else operand
    )


def _rebuilt(
    step: TrainingStep,
    replacements: Mapping[str, tuple[Op, ...]],
    stand_in: Mapping[str, tuple[str, ...]],
) -> TrainingStep:
    """The step with each op replaced by its ``replacements``. ``stand_in``: names that replace an
    op as a dependency. If there are two or more, an op waits only for those that write what it
    reads.
    """
    written = {
        op.name: {tensor.name for tensor in op.outputs}
        for ops in replacements.values()
        for op in ops
    }

    def waits(op: Op) -> tuple[str, ...]:
        read = {operand.tensor.name for operand in op.operands}
        awaited: dict[str, None] = {}
        for before in op.depends_on:
            names = stand_in[before]
            awaited.update(
                dict.fromkeys(
                    [name for name in names if len(names) > 1 and written[name] & read] or names
                )
            )
        return tuple(awaited)

    ops = tuple(
        replace(op, depends_on=waits(op)) for parts in replacements.values() for op in parts
    )
    names_left = {op.name for op in ops}
    carried = {
        name: tuple(
            dict.fromkeys(
                each for before in waited for each in stand_in[before] if each in names_left
            )
        )
        for old, waited in step.carried.items()
        for name in stand_in[old]
        if name in names_left and (len(replacements[old]) > 0)
    }
    return replace(step, ops=ops, carried=carried)
