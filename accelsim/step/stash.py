"""Tensors of a step that wait for a later pass."""

from __future__ import annotations

from accelsim.step.ops import Pass, Tensor, TrainingStep


def stash_tensors(step: TrainingStep) -> list[tuple[str, Tensor]]:
    """(layer, tensor) of what FF produces and a later pass reads, in the order of the producers."""
    later = {
        operand.tensor.name for op in step.ops if op.pass_ is not Pass.FF for operand in op.operands
    }
    found = {
        tensor.name: (op.layer, tensor)
        for op in step.ops
        if op.pass_ is Pass.FF
        for tensor in op.outputs
        if tensor.name in later
    }
    return list(found.values())
