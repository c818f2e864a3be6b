"""Double-entry bookkeeping of scratchpads, global buffer and DRAM, checked against `TensorMemory`.

The ledger counts, from transfers alone, the words (elements) of each tensor in each memory. It is
active when the environment variable ACCELSIM_LEDGER is set, as the tests do; other runs pay nothing
for it. After every op, per memory and tensor:

    filled + produced = dropped + written back + resident

- filled: words copied from another memory, also by the loads of a first step and into the stash in
  scratchpads. Of a run that begins warm, also the words that are resident at its beginning.
- produced: words written by lanes or by the vector unit.
- written back: words copied to DRAM.
- dropped: words freed after their last use, or overwritten.
- resident: words that `TensorMemory` reports as held.

Reads are checked too. A stationary or moving operand must be in its home scratchpads or be brought
by the op. A read from the global buffer or DRAM needs words that a finished op put there, or that
come from outside the step. Words that pass through a memory (staging, working space of the PEs,
partial sums) are filled or produced, and dropped, within their op.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from accelsim.errors import LawViolation
from accelsim.pe.mapping import Route, Transfer
from accelsim.sim.memory.tensors import TensorMemory
from accelsim.sim.observers import Observer
from accelsim.sim.planning.op_plan import Moved, OpPlan
from accelsim.sim.run import OpRecord, Run
from accelsim.step.ops import Contraction, Op, Tensor, TrainingStep, Use

VARIABLE = "ACCELSIM_LEDGER"
BUFFER, PADS, DRAM = "global buffer", "scratchpads", "DRAM"
Place = tuple[str, int, str]
"""(memory, step, tensor name). The step is -1 for tensors that outlive a step."""


@dataclass
class Account:
    """Words of one tensor in one memory."""

    filled: int = 0
    produced: int = 0
    dropped: int = 0
    written_back: int = 0

    @property
    def resident(self) -> int:
        """Words that the memory holds now."""
        return self.filled + self.produced - self.dropped - self.written_back


class Ledger(Observer):
    """The accounts of one run. Raises LawViolation at the first inconsistent entry."""

    def __init__(self) -> None:
        self._tensors: dict[str, Tensor] = {}
        self.accounts: dict[Place, Account] = {}

    def begin(self, step: TrainingStep, steps: int, memory: TensorMemory) -> None:
        self._memory = memory
        for op in step.ops:
            for tensor in (*(operand.tensor for operand in op.operands), *op.outputs):
                self._tensors[tensor.name] = tensor
        self._produced = {
            tensor.name for op in step.ops for tensor in op.outputs if not tensor.persistent
        }
        passed = {op.passed.name: op.passed for op in step.ops if op.passed is not None}
        self._tensors |= passed  # their partial sums may be in memories
        self._produced |= passed.keys()
        for tensor in self._tensors.values():
            home = memory.residency.home(tensor)
            if home is not None:
                self._account(PADS, 0, tensor).filled += home.resident * memory.warm
            elif memory.pinned(tensor):
                self._account(BUFFER, 0, tensor).filled += tensor.elements * memory.warm
            if tensor.name not in self._produced:
                self._account(DRAM, 0, tensor).filled += tensor.elements

    @staticmethod
    def wanted() -> bool:
        """Whether the environment variable turns the ledger on."""
        return bool(os.environ.get(VARIABLE))

    def _account(self, memory: str, step: int, tensor: Tensor) -> Account:
        outlives = tensor.name not in self._produced
        return self.accounts.setdefault((memory, -1 if outlives else step, tensor.name), Account())

    def op_started(self, step: int, plan: OpPlan, cycle: int) -> None:
        """Check that every word the op reads is present, or that the op brings it."""
        op = plan.op
        brought = dict.fromkeys(self._tensors, 0)
        for moved in plan.moved:
            t = moved.transfer
            if t.partial:
                continue
            if t.route is Route.LOAD:
                self._read(DRAM, step, op, t.tensor, t.words)
            elif t.inbound and t.route in {Route.MULTICAST, Route.SCATTER, Route.BUFFER}:
                self._read_buffer(step, op, moved)
                brought[t.tensor.name] += t.words
            elif t.inbound:
                self._read(PADS, step, op, t.tensor, min(t.words, self._at_home(step, t.tensor)))
                brought[t.tensor.name] += t.words
        # No word need come if windows see only padding or an operand is all zero.
        if plan.mapping is not None and plan.timing is not None and plan.timing.effectual:
            self._check_operands(step, plan.mapping.op, brought)

    def _at_home(self, step: int, tensor: Tensor) -> int:
        """Words resident in scratchpads according to TensorMemory, or 1 if it tracks none, so that
        a read then fails the check.
        """
        split = self._memory.local_split(step, tensor)
        return split[0] if split else 1

    def _read_buffer(self, step: int, op: Op, moved: Moved) -> None:
        t, source = moved.transfer, PADS if moved.stash_pes else DRAM
        crossing = t.dram_words if moved.crosses or moved.stash_pes else 0
        if crossing:
            self._read(source, step, op, t.tensor, min(crossing, t.tensor.elements))
            account = self._account(BUFFER, step, t.tensor)
            account.filled += crossing
            account.dropped += crossing
            if crossing < min(t.words, _needed(op, t.tensor)):
                raise LawViolation(
                    f"{op.name} reads {t.words} words of {t.tensor.name} from the global buffer, "
                    f"but only {crossing} came from {source}"
                )
        else:
            self._read(BUFFER, step, op, t.tensor, min(t.words, t.tensor.elements))

    def _read(self, memory: str, step: int, op: Op, tensor: Tensor, words: int) -> None:
        resident = self._account(memory, step, tensor).resident
        if resident < words:
            raise LawViolation(
                f"{op.name} reads {words} words of {tensor.name} from {memory}, but only "
                f"{resident} are there"
            )

    def _check_operands(self, step: int, op: Contraction, brought: dict[str, int]) -> None:
        """Check that the operands of the MACs are in the scratchpads or generated in place."""
        generated = op.fixed_feedback and self._memory.architecture.generates_feedback
        for operand in op.operands:
            if operand.use not in {Use.MOVING, Use.STATIONARY} or (
                generated and operand.use is Use.STATIONARY
            ):
                continue
            home = self._memory.residency.home(operand.tensor)
            if home:
                self._read(PADS, step, op, operand.tensor, home.resident)
            missing = home.spilled if home else min(1, operand.tensor.elements)
            if brought[operand.tensor.name] < missing:
                raise LawViolation(
                    f"{op.name} multiplies with {missing} words of {operand.tensor.name} that "
                    f"nothing brought to the scratchpads"
                )

    def op_ended(self, record: OpRecord, freed: Sequence[str]) -> None:
        """Enter the op's transfers and drop the tensors in ``freed``, then check the accounts."""
        step, op = record.step, record.op
        for moved in record.plan.moved:
            self._put(step, moved)
        for name in freed:
            for memory in (BUFFER, PADS, DRAM):
                account = self.accounts.get((memory, step, name))
                if account is not None:
                    account.dropped += account.resident
        self._check(step, op, freed)

    def _put(self, step: int, moved: Moved) -> None:
        """Enter one transfer: words that stay in a memory, and words that passed through it."""
        t = moved.transfer
        if t.route is Route.PASS:
            return
        pads, buffer = self._account(PADS, step, t.tensor), self._account(BUFFER, step, t.tensor)
        if t.partial:
            through = pads if t.route in {Route.HOME, Route.REDUCE} else buffer
            if not t.inbound or t.route is Route.REDUCE:
                through.produced += t.deliveries
                through.dropped += t.deliveries
        elif t.route is Route.LOAD:
            (pads if t.deliveries else buffer).filled += t.words
        elif t.route in {Route.MULTICAST, Route.SCATTER} or (t.route is Route.PEER and t.inbound):
            pads.filled += t.deliveries
            pads.dropped += t.deliveries
        elif t.route is Route.PEER or (t.route is Route.HOME and not t.inbound):
            self._store(pads, t)
        elif not t.inbound:
            buffer.produced += t.words
            if moved.stash_pes:
                buffer.dropped += t.dram_words
                pads.filled += t.dram_words
                pads.dropped += max(0, pads.resident - t.tensor.elements)
            elif moved.crosses:
                buffer.written_back += t.dram_words
                dram = self._account(DRAM, step, t.tensor)
                dram.dropped += max(0, dram.resident + t.dram_words - t.tensor.elements)
                dram.filled += t.dram_words
            else:
                # A rewritten tensor replaces its earlier words.
                buffer.dropped += max(0, buffer.resident - self._room(step, t.tensor))

    def _store(self, pads: Account, t: Transfer) -> None:
        """Enter words that stay in their home scratchpads: outputs of lanes, or updates of
        copies.
        """
        before = pads.resident
        pads.produced += t.deliveries
        if t.tensor.persistent and before:
            pads.dropped += pads.resident - before

    def _room(self, step: int, tensor: Tensor) -> int:
        split = self._memory.local_split(step, tensor)
        return split[1] if split else tensor.elements

    def _check(self, step: int, op: Op, freed: Iterable[str]) -> None:
        """Check the op's outputs against TensorMemory, and every account against negative
        balances.
        """
        for tensor in op.outputs:
            if tensor.name in freed or tensor.persistent or tensor.name not in self._produced:
                continue
            split = self._memory.local_split(step, tensor)
            stashed = self._memory.stash_pes(step, tensor) is not None
            expected = {
                PADS: split[0] if split else tensor.elements * stashed,
                BUFFER: self._memory.in_buffer(step, tensor),
            }
            for memory, words in expected.items():
                account = self._account(memory, step, tensor)
                if account.resident != words:
                    raise LawViolation(
                        f"after {op.name}, {memory} must hold {words} words of {tensor.name}, but "
                        f"the ledger has {account}"
                    )
        for (memory, _, name), account in self.accounts.items():
            if account.resident < 0:
                raise LawViolation(
                    f"after {op.name}, {memory} gave away more of {name} than they held: {account}"
                )

    def end(self, run: Run) -> None:
        """Check the final balances: nothing left of tensors that a step produced, everything of
        tensors that outlive it.
        """
        for (memory, step, name), account in self.accounts.items():
            tensor, home = self._tensors[name], self._memory.residency.home(self._tensors[name])
            expected = 0
            if step < 0 and memory == DRAM:
                expected = tensor.elements
            elif step < 0:
                expected = (
                    (home.resident if home else 0)
                    if memory == PADS
                    else tensor.elements * self._memory.pinned(tensor)
                )
            if account.resident != expected:
                raise LawViolation(
                    f"at the end {memory} must hold {expected} words of {name}, but the ledger has "
                    f"{account}"
                )


def _needed(op: Op, tensor: Tensor) -> int:
    """Words of a tensor that an op reads at least once. A convolution with a stride larger than its
    kernel leaves some out.
    """
    if isinstance(op, Contraction):
        read = {operand.tensor: operand.words_read for operand in op.operands_of(Use.MOVING)}
        if tensor in read:
            share = op.nest.moving_words[0] * read[tensor] // sum(read.values())
            return min(tensor.elements, read[tensor], share)
    return tensor.elements
