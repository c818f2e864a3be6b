"""Release of tensors whose last reader has ended."""

from __future__ import annotations

from accelsim.sim.memory.tensors import TensorMemory
from accelsim.step.ops import Op


def release(memory: TensorMemory, step: int, op: Op) -> list[str]:
    """Release the tensors whose last reader was this op. Returns their names."""
    read = tuple(dict.fromkeys(operand.tensor.name for operand in op.operands))
    freed = memory.consumed(step, read, op.layer)
    for tensor in op.outputs:
        freed += memory.finished(step, tensor, op.layer)
    return freed
