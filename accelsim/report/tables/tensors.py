"""Table of tensors: where each is held, and its words over the DRAM bus by cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from accelsim.report.runs import Runs
from accelsim.report.table import Cell, Column, Table
from accelsim.report.tables.inputs import input_columns
from accelsim.report.tables.ops import steps_of
from accelsim.results.op import Cause, TensorTotals
from accelsim.results.result import Result


@dataclass(frozen=True)
class TensorLine:
    """A row's object: a tensor of a run. ``step_kind``: its kind of step, empty if there is only
    one.
    """

    run: str
    result: Result
    step_kind: str
    tensor: TensorTotals


def tensors_table(runs: Runs) -> Table:
    """A row per tensor: size, place, copies, and words over the DRAM bus by cause."""
    found = {cause for line in _lines(runs) for cause in line.tensor.words_by_cause}
    columns: tuple[Column[TensorLine], ...] = (
        Column("run", "run", "text"),
        *input_columns(lambda line: line.result),
        Column("step_kind", "step" if any(each.steps for each in runs.results) else "", "text"),
        *(
            Column(key, key, "text", partial(_of_tensor, key=key))
            for key in ("name", "role", "place")
        ),
        Column("bytes", "bytes", "bytes", partial(_of_tensor, key="bytes")),
        Column("copies", "copies", "count", partial(_of_tensor, key="copies")),
        Column(
            "spilled_words", "spilled\nwords", "count", partial(_of_tensor, key="spilled_words")
        ),
        Column("dram_words", "DRAM\nwords", "count", _words),
        *(
            Column(
                f"{cause}_words",
                f"{cause}\nwords" if cause in found else "",
                "count",
                partial(_words, cause=cause),
            )
            for cause in Cause
        ),
    )
    return Table.of("tensors", "By tensor", columns, _lines(runs))


def _lines(runs: Runs) -> Iterator[TensorLine]:
    for label, result in zip(runs.labels, runs.results, strict=True):
        for kind, _, step in steps_of(result):
            for tensor in step.tensors:
                yield TensorLine(label, result, kind, tensor)


def _of_tensor(line: TensorLine, key: str) -> Cell:
    cell: Cell = getattr(line.tensor, key)
    return cell


def _words(line: TensorLine, cause: Cause | None = None) -> Cell:
    """Words of a tensor over the DRAM bus, for one cause or for all."""
    words = line.tensor.words_by_cause
    return sum(words.values()) if cause is None else words.get(cause, 0)
