"""Observers of a run: callbacks for ops, transfers and DRAM traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.dram.trace import Bursts
from accelsim.kernels.dma import arrays as d
from accelsim.kernels.links.stages import cut
from accelsim.results.op import Cause
from accelsim.sim.memory.tensors import TensorMemory
from accelsim.sim.pipeline import Times
from accelsim.sim.planning.op_plan import DramPart, OpPlan
from accelsim.sim.run import OpRecord, Run
from accelsim.step.ops import TrainingStep

Ints = NDArray[np.int64]


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


@dataclass(frozen=True)
class DramOp:
    """An op whose bursts are in `DramBursts`. ``tensors``: of its parts, loads before stores."""

    step: int
    op: str
    tensors: tuple[str, ...]


@dataclass(frozen=True)
class DramBursts:
    """All bursts of a run, sorted by (``offered``, ``op``, ``part``, ``address``).

    All fields but ``ops`` are arrays of one entry per burst. Clocks are those of the DRAM (tCK).

    - ``offered``: clock at which the DMA offers the burst to the controller of its channel. A
      channel gets at most one per clock, so this order is also that of each channel.
    - ``accepted``, ``done``: clocks of the hand-over to the controller, and of the last data.
    - ``address``: first byte. ``write``: bool.
    - ``channel``: number of the channel.
    - ``op``: index into ``ops``, which are in the order of their start. ``part``: index into the
      op's ``tensors``.
    """

    offered: Ints
    accepted: Ints
    done: Ints
    address: Ints
    write: NDArray[np.bool_]
    channel: Ints
    op: Ints
    part: Ints
    ops: tuple[DramOp, ...]


class Observer:
    """Callbacks of a run. A subclass overrides those that it needs.

    An observer changes nothing: a run gives the same bytes with and without observers.
    """

    watches_dram = False
    """Whether the observer receives `dram_moved`. Listing DRAM blocks costs a run some time."""
    watches_bursts = False
    """Whether the observer receives `bursts_moved`. Logging takes some 100 bytes of memory per
    burst, and the DRAM is then simulated burst by burst.
    """

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

    def bursts_moved(self, bursts: DramBursts) -> None:
        """All bursts that crossed the DRAM bus. Called once, before `end`."""

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


def tell_of_bursts(
    observers: Sequence[Observer], log: Ints, burst_bytes: int, ops: Mapping[int, DramOp]
) -> None:
    """Give the DMA's log, int64 (bursts, 8), to observers. ``ops``: by number in order of start."""
    bursts = DramBursts(
        offered=log[:, d.LOG_OFFERED],
        accepted=log[:, d.LOG_ACCEPTED],
        done=log[:, d.LOG_DONE],
        address=log[:, d.LOG_BURST] * burst_bytes,
        write=log[:, d.LOG_WRITE] == 1,
        channel=log[:, d.LOG_CHANNEL],
        op=log[:, d.LOG_SERIAL],
        part=log[:, d.LOG_ORDER],
        ops=tuple(ops[serial] for serial in range(len(ops))),
    )
    for observer in observers:
        observer.bursts_moved(bursts)


class DramTracer(Observer):
    """Writes the bursts of a run with the names of their tensors, ops and causes."""

    watches_bursts = True

    def __init__(self, write: Callable[[Bursts], None]) -> None:
        """``write`` is called once, when the run has ended."""
        self._write = write
        self._causes: dict[tuple[int, str], tuple[Cause, ...]] = {}

    def op_started(self, step: int, plan: OpPlan, cycle: int) -> None:
        self._causes[step, plan.op.name] = tuple(part.cause for part in plan.loads + plan.stores)

    def bursts_moved(self, bursts: DramBursts) -> None:
        names: list[tuple[str, str, str]] = []
        first = np.zeros(len(bursts.ops), np.int64)
        for number, op in enumerate(bursts.ops):
            first[number] = len(names)
            causes = self._causes[op.step, op.op]
            names += [
                (tensor, op.op, cause) for tensor, cause in zip(op.tensors, causes, strict=True)
            ]
        self._write(
            Bursts(
                offered=bursts.offered,
                addresses=bursts.address,
                writes=bursts.write,
                channels=bursts.channel,
                sources=first[bursts.op] + bursts.part,
                done=bursts.done,
                names=names,
            )
        )


def dram_blocks(
    step: int, plan: OpPlan, times: Times, rows: Callable[[DramPart], range], burst_bytes: int
) -> Iterator[DramBlock]:
    """Yield all that an op moved over the DRAM bus: stage by stage, block by block, tensor by
    tensor.

    ``rows``: gives the DRAM address range of a part. Blocks are cut between bursts.
    """
    for stage, parts, write in (("load", plan.loads, False), ("store", plan.stores, True)):
        if stage not in times:
            continue
        started, done = times[stage].started, times[stage].done
        for block in range(plan.blocks):
            for part in parts:
                before, after = (
                    int(cut(part.nbytes, block + i, plan.blocks, burst_bytes)) for i in (0, 1)
                )
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
