"""Observers of a run: callbacks for ops, transfers and DRAM traffic."""

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
    """Bytes of one tensor that one block of an op moved over the DRAM bus in one piece.

    ``rows``: DRAM address range of the tensor. The block moved ``nbytes`` from ``offset`` on within
    it. ``started``, ``done``: cycles of the accelerator at which the block's stage began and at
    which it had moved all of its tensors.
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
    """Callbacks of a run. A subclass overrides those that it needs.

    An observer changes nothing: a run gives the same bytes with and without observers.
    """

    watches_dram = False
    """Whether the observer receives `dram_moved`. Listing DRAM blocks costs a run some time."""

    def begin(self, step: TrainingStep, steps: int, memory: TensorMemory) -> None:
        """A run of ``steps`` steps begins. ``memory`` gives the place of each tensor at any
        time.
        """

    def op_started(self, step: int, plan: OpPlan, cycle: int) -> None:
        """An op has taken its component. ``plan.moved`` lists its transfers."""

    def op_ended(self, record: OpRecord, freed: Sequence[str]) -> None:
        """An op has ended. The tensors named in ``freed`` have no further readers and lost their
        places.
        """

    def dram_moved(self, block: DramBlock) -> None:
        """One block has crossed the DRAM bus. Called after the end of its op."""

    def end(self, run: Run) -> None:
        """The run has ended."""


class ProgressObserver(Observer):
    """Reports the number of finished ops."""

    def __init__(self, report: Callable[[int, int], None]) -> None:
        """``report(ops done, ops in total)`` is called after every op."""
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
    """Yield all that an op moved over the DRAM bus: stage by stage, block by block, tensor by
    tensor.

    ``rows``: gives the DRAM address range of a part.
    """
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
