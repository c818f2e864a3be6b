"""Records of ops whose work other ops do (docs/fusion.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from accelsim.cost.counters import ActionCounts
from accelsim.mapping.fusion.rewriting import Fused
from accelsim.results.op import BYTE_KINDS, STALLS, WORD_KINDS
from accelsim.sim.planning.op_plan import OpPlan
from accelsim.sim.run import OpRecord
from accelsim.step.ops import VectorWork

NO_PES = range(0)


def with_fused(records: Sequence[OpRecord], fused: Fused) -> list[OpRecord]:
    """The records of a run, and one without cycles for each op that other ops do. It stands at the
    end of the first op that it is an epilogue of, else at the start of the first that does it.

    Operations that ride on the words of another op are counted with the op whose work they are.
    """
    ridden: Counter[tuple[int, str]] = Counter()
    for record in records:
        for name, operations in record.plan.ridden.items():
            ridden[record.step, name] += operations
    place: dict[tuple[int, str], int] = {}
    for record in records:
        for rider in record.op.epilogue:
            place.setdefault((record.step, rider.op), record.end)
    for record in records:
        for operand in record.op.operands:
            for rider in operand.prologue:
                place.setdefault((record.step, rider.op), record.start)
    steps = sorted({record.step for record in records})
    absorbed = [
        _done_elsewhere(op, step, place.get((step, op.name), 0))
        for step in steps
        for op in fused.absorbed
    ]
    return [_complete(record, ridden, fused) for record in (*records, *absorbed)]


def _complete(record: OpRecord, ridden: Counter[tuple[int, str]], fused: Fused) -> OpRecord:
    name = record.op.name
    if name not in fused.into:
        return record
    operations = ridden[record.step, name]
    counts = record.counts + ActionCounts({("vector", "op"): operations})
    return replace(
        record,
        counts=counts,
        ridden=operations,
        fused_into=fused.into[name],
        words_saved=fused.saved.get(name, 0),
    )


def _done_elsewhere(op: VectorWork, step: int, start: int) -> OpRecord:
    plan = OpPlan(
        op=op,
        on_array=False,
        pes=NO_PES,
        block_cycles=np.zeros(0, np.int64),
        timing=None,
        mapping=None,
        loads=(),
        stores=(),
        moved=(),
        words=dict.fromkeys(WORD_KINDS, 0),
        bits=dict.fromkeys(BYTE_KINDS, 0),
        counts=ActionCounts(),
        mesh_fill=None,
        mesh_drain=None,
    )
    return OpRecord(plan, step, None, start, start, dict.fromkeys(STALLS, 0), ActionCounts())
