"""Records of ops whose work other ops do (docs/fusion.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from accelsim.cost.counters import ActionCounts
from accelsim.mapping.fusion import Fused
from accelsim.results.op import BYTE_KINDS, STALLS, WORD_KINDS
from accelsim.sim.planning.op_plan import OpPlan
from accelsim.sim.run import OpRecord
from accelsim.step.ops import VectorWork


def with_fused(records: Sequence[OpRecord], fused: Fused) -> list[OpRecord]:
    """The records of a run, and one without cycles for each op that other ops do. It starts when
    the first of these starts.

    Operations that ride on the words of another op are counted with the op whose work they are.
    """
    ridden: Counter[tuple[int, str]] = Counter()
    for record in records:
        for name, operations in record.plan.ridden.items():
            ridden[record.step, name] += operations
    start = {(record.step, record.op.name): record.start for record in records}
    steps = sorted({record.step for record in records})

    def begins(step: int, op: VectorWork) -> int:
        return min((start[step, host] for host in fused.into[op.name]), default=0)

    absorbed = [
        _done_elsewhere(op, step, begins(step, op)) for step in steps for op in fused.absorbed
    ]
    return [_complete(record, ridden, fused) for record in (*records, *absorbed)]


def _complete(record: OpRecord, ridden: Counter[tuple[int, str]], fused: Fused) -> OpRecord:
    name = record.op.name
    if name not in fused.into:
        return record
    operations = ridden[record.step, name]
    counts = record.counts + ActionCounts()
    counts.add("vector", "op", operations)
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
        pes=range(0),
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
