"""What a run tells to whoever watches it: ops, transfers, DRAM traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from accelsim.sim.memory import TensorMemory
from accelsim.sim.pipeline import Times
from accelsim.sim.planning.op_plan import DramPart, OpPlan
from accelsim.sim.run import OpRecord, Run
from accelsim.step.ops import TrainingStep


@dataclass(frozen=True)
class DramBlock:
    """Bytes of one tensor that one block of an op moved over the DRAM bus, in one piece.

    ``rows``: bytes of the DRAM that the tensor occupies, of which these are ``nbytes`` from
    ``offset`` on. The block's stage, which may move several tensors, began at ``started`` and had
    moved all of them at ``done`` (cycles of the accelerator).
    """

    step: int
    op: str
    tensor: str
    rows: range
    offset: int
    nbytes: int
    write: bool
    started: int
    done: int


class Observer:
    """Watches a run; a subclass overrides what it wants to hear of.

    An observer changes nothing: runs with and without observers give the same bytes.
    """

    watches_dram = False
    """Whether it hears of DRAM blocks, which cost a run some time to list."""

    def begin(self, step: TrainingStep, steps: int, memory: TensorMemory) -> None:
        """A run of ``steps`` steps begins; ``memory`` knows where tensors are at any time."""

    def op_started(self, step: int, plan: OpPlan, cycle: int) -> None:
        """An op holds its component; its transfers are those that ``plan.moved`` lists."""

    def op_ended(self, record: OpRecord, freed: Sequence[str]) -> None:
        """An op has ended; tensors that nobody will read any more have lost their places."""

    def dram_moved(self, block: DramBlock) -> None:
        """Bytes have crossed the DRAM bus; told when their op has ended."""

    def end(self, run: Run) -> None:
        """The run has ended."""


class ProgressObserver(Observer):
    """Reports how many ops are done."""

    def __init__(self, report: Callable[[int, int], None]) -> None:
        """``report``: called with (ops done, ops in all)."""
        self._report = report
        self._done = self._all = 0

    def begin(self, step: TrainingStep, steps: int, memory: TensorMemory) -> None:
        self._done, self._all = 0, steps * len(step.ops)

    def op_ended(self, record: OpRecord, freed: Sequence[str]) -> None:
        self._done += 1
        self._report(self._done, self._all)


def dram_blocks(
    step: int, plan: OpPlan, times: Times, rows: Callable[[DramPart], range]
) -> Iterator[DramBlock]:
    """All that an op moved over the DRAM bus, stage by stage, block by block."""
    for stage, parts, write in (("load", plan.loads, False), ("store", plan.stores, True)):
        if stage not in times:
            continue
        started, done = times[stage].started, times[stage].done
        for block in range(plan.blocks):
            for part in parts:
                before, after = (part.nbytes * (block + i) // plan.blocks for i in (0, 1))
                if after > before:
                    yield DramBlock(
                        step,
                        plan.op.name,
                        part.tensor,
                        rows(part),
                        before,
                        after - before,
                        write,
                        int(started[block]),
                        int(done[block]),
                    )
