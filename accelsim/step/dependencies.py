"""Dependencies between ops, from the tensors that they read and write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from accelsim.step.ops import Op, Operand, Tensor


class Dependencies:
    """Writers and readers of tensors among the ops so far."""

    def __init__(self) -> None:
        self._writer: dict[str, str] = {}
        self._readers: dict[str, list[str]] = {}

    def waits(
        self, name: str, operands: Sequence[Operand], outputs: Sequence[Tensor]
    ) -> tuple[str, ...]:
        """Names of the earlier ops on which the op ``name`` depends: writers of its operands, and
        writers and readers of what it overwrites. The op itself is then one of the earlier ops.
        """
        waits: dict[str, None] = {}
        for operand in operands:
            if operand.tensor.name in self._writer:
                waits[self._writer[operand.tensor.name]] = None
        for tensor in outputs:
            if tensor.name in self._writer:
                waits[self._writer[tensor.name]] = None
            waits.update(dict.fromkeys(self._readers.get(tensor.name, ())))
        for operand in operands:
            self._readers.setdefault(operand.tensor.name, []).append(name)
        for tensor in outputs:
            self._writer[tensor.name] = name
            self._readers[tensor.name] = []
        return tuple(waits)


def with_dependencies(ops: Iterable[Op], others: Mapping[str, Iterable[str]]) -> tuple[Op, ...]:
    """The ops with the dependencies that follow from their tensors, and ``others``, by op."""
    dependencies = Dependencies()
    return tuple(
        replace(
            op,
            depends_on=tuple(
                dict.fromkeys(
                    (
                        *dependencies.waits(op.name, op.operands, op.outputs),
                        *others.get(op.name, ()),
                    )
                )
            ),
        )
        for op in ops
    )


def beyond_tensors(ops: Iterable[Op]) -> dict[str, tuple[str, ...]]:
    """By op: dependencies that do not follow from tensors."""
    dependencies, others = Dependencies(), {}
    for op in ops:
        known = dependencies.waits(op.name, op.operands, op.outputs)
        others[op.name] = tuple(name for name in op.depends_on if name not in known)
    return others


def carried(ops: Sequence[Op]) -> dict[str, tuple[str, ...]]:
    """By op: the ops of the previous step that write persistent tensors which it reads or
    writes.
    """
    writer = {tensor.name: op.name for op in ops for tensor in op.outputs if tensor.persistent}
    waits = {
        op.name: tuple(dict.fromkeys(writer[t.name] for t in op.tensors if t.name in writer))
        for op in ops
    }
    return {name: writers for name, writers in waits.items() if writers}
