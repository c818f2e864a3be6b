"""Feedback masks of a trace: how they fit the ops of a step, and the words that a sparse matrix
stores of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import Fault, InputError
from accelsim.step.ops import Contraction, TrainingStep
from accelsim.step.zero_sources import Causal, Dense, IdentityFirst, Rows, TraceZeros
from accelsim.zeros.trace import Trace, TraceTensor

ROWS_AT_ONCE = 1 << 16
FEEDBACK = ".feedback"


def stored_entries(mask: TraceTensor, stored: int) -> tuple[Rows, NDArray[np.bool_]]:
    """Columns that each row of a matrix stores, int64 (rows, stored) in ascending order, and which
    of these entries are not zero, of the same shape.

    A row stores its non-zeros. If it has fewer than ``stored``, it also stores zeros, at its first
    other columns. Raises ValueError if a row has more.
    """
    if (most := most_nonzeros(mask)[0]) > stored:
        raise ValueError(f"rows store {stored} entries, got one with {most} non-zeros")
    parts = []
    for rows in _row_blocks(mask):
        # A stable order puts the non-zeros first, then the zeros, each ascending.
        entries = np.argsort(~rows, axis=1, kind="stable")[:, :stored]
        entries.sort(axis=1)
        parts.append((entries, np.take_along_axis(rows, entries, axis=1)))
    columns, nonzero = zip(*parts, strict=True)
    return np.concatenate(columns), np.concatenate(nonzero)


def most_nonzeros(mask: TraceTensor) -> tuple[int, int]:
    """(largest number of non-zeros in a row, first row that has them)."""
    counts = np.bitwise_count(mask.packed).sum(axis=1, dtype=np.int64)
    return int(counts.max()), int(counts.argmax())


def _row_blocks(mask: TraceTensor) -> Iterator[NDArray[np.bool_]]:
    for first in range(0, len(mask.packed), ROWS_AT_ONCE):
        packed = mask.packed[first : first + ROWS_AT_ONCE]
        bits = np.unpackbits(packed, axis=-1, count=mask.shape[-1], bitorder="little")
        yield bits.astype(np.bool_)


def check_feedback(trace: Trace, step: TrainingStep) -> None:
    """Raise InputError unless the feedback masks of the trace fit the matrices of the step: as many
    columns as the matrix reads errors, and per row no more non-zeros than it stores.
    """
    faults: dict[str, None] = {}
    for op, key in _matrices(step):
        mask = trace.get(key)
        if mask is None:
            continue
        nest = op.nest
        expected = nest.channels * nest.map_positions, nest.depth
        if mask.shape != expected:
            faults[
                f"tensor {key} must be of shape {expected} under {step.rule}, got {mask.shape}"
            ] = None
        elif nest.stored and (most := most_nonzeros(mask))[0] > nest.stored:
            faults[
                f"tensor {key} must have at most {nest.stored} non-zeros per row, which "
                f"{step.rule} stores, got {most[0]} in row {most[1]}"
            ] = None
    if faults:
        raise InputError(*(Fault(trace.source or "trace", 0, 0, text) for text in faults))


def unused_feedback(trace: Trace, step: TrainingStep) -> list[str]:
    """A note on the feedback masks of a trace that no op of the step reads; [] if there are none.
    A mask describes a matrix, not a convolution or blocks over time.
    """
    read = {key for _, key in _matrices(step)}
    unused = [key for key in trace.tensors if key.endswith(FEEDBACK) and key not in read]
    if not unused:
        return []
    return [f"no op of {step.rule} reads the trace's {', '.join(unused)}"]


def _matrices(step: TrainingStep) -> Iterator[tuple[Contraction, str]]:
    """Ops that read a feedback matrix, and the key of its mask in a trace."""
    for op in step.ops:
        if not isinstance(op, Contraction) or not op.nest.unshared:
            continue
        zeros = op.stationary.zeros
        if isinstance(zeros, Dense | IdentityFirst | Causal):
            continue
        if zeros.key.endswith(FEEDBACK) and (isinstance(zeros, TraceZeros) or op.nest.stored):
            yield op, zeros.key
