"""Tensors of a step that wait for a later pass."""

from __future__ import annotations

from collections.abc import Iterator

from accelsim.step.copies import runs_again
from accelsim.step.ops import Op, Pass, Tensor, TrainingStep


def reads_back(step: TrainingStep) -> Iterator[tuple[Op, Tensor]]:
    """(op, tensor) of each read in a later pass than FF. An op of FF that runs again reads what
    waits, too; but not what another such op has just made.
    """
    again = {tensor.name for op in step.ops if runs_again(op) for tensor in op.outputs}
    for op in step.ops:
        if op.pass_ is not Pass.FF or runs_again(op):
            for operand in op.operands:
                if op.pass_ is not Pass.FF or operand.tensor.name not in again:
                    yield op, operand.tensor


def stash_tensors(step: TrainingStep) -> list[tuple[str, Tensor]]:
    """(layer, tensor) of what FF produces and a later pass reads, in the order of the producers."""
    later = {tensor.name for _, tensor in reads_back(step)}
    found = {
        tensor.name: (op.layer, tensor)
        for op in step.ops
        if op.pass_ is Pass.FF
        for tensor in op.outputs
        if tensor.name in later
    }
    return list(found.values())
