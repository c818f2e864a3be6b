"""Tensors that wait for a later pass than FF."""

from __future__ import annotations

from collections import Counter

from accelsim.step.ops import Op, Pass, Tensor, TrainingStep
from accelsim.step.stash import reads_back, stash_tensors

Key = tuple[int, str]
"""(step of the run, tensor name)."""


class Stash:
    """Tensors that wait for a later pass than FF.

    ``produced``: names of those that FF produces. The others are inputs of the step that FF reads.
    ``held``: bytes of those that wait now.
    """

    def __init__(self, step: TrainingStep) -> None:
        forward = [op for op in step.ops if op.pass_ is Pass.FF]
        self._reads_back = {(op.name, tensor.name) for op, tensor in reads_back(step)}
        self.produced = {tensor.name for _, tensor in stash_tensors(step)}
        outside = {name for _, name in self._reads_back} - {
            tensor.name for op in step.ops for tensor in op.outputs
        }
        self._inputs = {
            operand.tensor.name: operand.tensor
            for op in forward
            for operand in op.operands
            if operand.tensor.name in outside and not operand.tensor.persistent
        }
        self._readers = Counter(
            name for op in step.ops for name in {operand.tensor.name for operand in op.operands}
        )
        self._left: dict[Key, int] = {}
        self.held: dict[Key, int] = {}
        self.peak_bytes = 0

    def crosses(self, op: Op, tensor: Tensor) -> bool:
        """Whether an op writes a tensor that FF produces for a later pass, or reads it there."""
        written = any(output.name == tensor.name for output in op.outputs)
        read = (op.name, tensor.name) in self._reads_back
        return tensor.name in self.produced and (written or read)

    def arriving(self, step: int, op: Op) -> list[Tensor]:
        """Inputs that an op is the first of its step to read."""
        names = {operand.tensor.name for operand in op.operands} & self._inputs.keys()
        first = [name for name in sorted(names) if (step, name) not in self._left]
        self._left |= {(step, name): self._readers[name] for name in first}
        return [self._inputs[name] for name in first]

    def read(self, key: Key) -> None:
        """Record that an op that read the tensor has ended. An input without further readers
        leaves.
        """
        if key in self._left:
            self._left[key] -= 1
            if not self._left[key]:
                self.remove(key)

    def add(self, key: Key, bits: int) -> None:
        """Record that a tensor starts to wait."""
        self.held[key] = -(-bits // 8)
        self.peak_bytes = max(self.peak_bytes, sum(self.held.values()))

    def remove(self, key: Key) -> None:
        """Record that a tensor waits no longer, if it did."""
        self.held.pop(key, None)
