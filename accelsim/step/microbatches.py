"""Microbatches: a batch is processed in equal parts, one after another, and the gradients of the
parts are added before the one weight update.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from accelsim.step.copies import of_microbatch
from accelsim.step.dependencies import beyond_tensors, carried, with_dependencies
from accelsim.step.forms import Form
from accelsim.step.ops import (
    Contraction,
    Op,
    Operand,
    Pass,
    Tensor,
    TrainingStep,
    Use,
    VectorWork,
)
from accelsim.step.zero_sources import SamplesFrom, TraceZeros


def in_microbatches(part: TrainingStep, whole: TrainingStep) -> TrainingStep:
    """The step of the batch of ``whole``, in microbatches of the batch of ``part``, which divides
    it. Both are steps of one network under one rule.

    FF, EP and WG run once per microbatch, with tensors of its own; `of_microbatch` gives the names.
    ``<weights>.WG.add.m<n>`` adds the gradients of microbatch n to those before it. WU runs once,
    as in ``whole``, each op as soon as the last microbatch has made its gradients.
    """
    count = whole.batch // part.batch
    return part if count == 1 else _Repeated(part, whole, count).step()


@dataclass
class _Repeated:
    """``sums``: by name of a gradient, the sum over the microbatches so far."""

    part: TrainingStep
    whole: TrainingStep
    count: int
    sums: dict[str, Tensor] = field(default_factory=dict)

    @cached_property
    def lasting(self) -> dict[str, Tensor]:
        """Persistent tensors, by name. An embedding's table has the rows of the whole batch."""
        return {t.name: t for op in self.whole.ops for t in op.tensors if t.persistent}

    @cached_property
    def gradients(self) -> dict[str, Tensor]:
        """What WU reads of other passes, by name, in the size of the whole batch."""
        made = {t.name for op in self.part.ops if op.pass_ is not Pass.WU for t in op.outputs}
        return {
            operand.tensor.name: operand.tensor
            for op in self.whole.ops
            if op.pass_ is Pass.WU
            for operand in op.operands
            if operand.tensor.name in made and not operand.tensor.persistent
        }

    def step(self) -> TrainingStep:
        """The whole step."""
        last_writer = {t.name: op.name for op in self.part.ops for t in op.outputs}
        updates = {op.name: op for op in self.whole.ops if op.pass_ is Pass.WU}
        beyond = beyond_tensors(self.part.ops)
        others: dict[str, list[str]] = {}
        ops: list[Op] = []
        for number in range(self.count):
            for op in self.part.ops:
                if op.name not in updates:
                    here = self._repeated(op, number)
                    ops.append(here)
                    ended = [t for t in op.outputs if last_writer[t.name] == op.name]
                    ops += self._added(here, ended, number)
                elif number == self.count - 1:
                    here = self._update(updates[op.name])
                    ops.append(here)
                else:
                    continue
                others[here.name] = [
                    name if name in updates else of_microbatch(name, number)
                    for name in beyond[op.name]
                ]
        done = with_dependencies(ops, others)
        return replace(self.whole, ops=done, carried=carried(done))

    def _repeated(self, op: Op, number: int) -> Op:
        """An op of one microbatch."""
        outputs = tuple(self._tensor(tensor, number) for tensor in op.outputs)
        done = replace(
            op,
            name=of_microbatch(op.name, number),
            operands=tuple(self._operand(operand, number) for operand in op.operands),
            outputs=outputs,
        )
        return replace(done, made=()) if isinstance(done, Contraction) else done

    def _tensor(self, tensor: Tensor, number: int) -> Tensor:
        if tensor.persistent:
            return self.lasting[tensor.name]
        return replace(tensor, name=of_microbatch(tensor.name, number))

    def _operand(self, operand: Operand, number: int) -> Operand:
        """An operand of one microbatch: its samples of the trace, and its rows of a table."""
        tensor, zeros, words = self._tensor(operand.tensor, number), operand.zeros, operand.words
        if tensor.elements != operand.tensor.elements:
            words = operand.words_read
        if number and isinstance(zeros, TraceZeros) and not tensor.persistent:
            first = number * self.part.batch
            zeros = SamplesFrom(zeros.key, zeros.step, zeros.resized, first)
        return replace(operand, tensor=tensor, zeros=zeros, words=words)

    def _added(self, op: Op, ended: list[Tensor], number: int) -> Iterator[Op]:
        """Work that adds the gradients which the op makes to those of earlier microbatches."""
        for tensor in ended:
            if tensor.name not in self.gradients:
                continue
            new = self._tensor(tensor, number)
            if not number:
                self.sums[tensor.name] = new
                continue
            whole, before = self.gradients[tensor.name], self.sums[tensor.name]
            total = replace(whole, name=of_microbatch(f"{tensor.name}.sum", number))
            if whole.elements > tensor.elements:
                stored = min(whole.elements, (number + 1) * tensor.elements)
                total = replace(total, stored=stored)
            self.sums[tensor.name] = total
            weights = tensor.name.removesuffix(".gradient")
            yield VectorWork(
                of_microbatch(f"{weights}.WG.add", number),
                op.layer,
                Pass.WG,
                (Operand(before, Use.READ), Operand(new, Use.READ)),
                (total,),
                (),
                "accumulate",
                new.elements,
                1,
                Form.ELEMENTWISE,
            )

    def _update(self, op: Op) -> Op:
        """An op of WU, which reads the sums."""
        return replace(
            op,
            operands=tuple(
                replace(each, tensor=self.sums.get(each.tensor.name, each.tensor))
                for each in op.operands
            ),
        )
