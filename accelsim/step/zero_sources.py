"""Sources of the zeros of operands: a trace, the rule's own draw, or the shape of the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
"""Stored columns of each row of a sparse matrix: int64 (rows, stored), rows in map order."""


@dataclass(frozen=True)
class TraceZeros:
    """Zeros are those of the trace tensor ``key`` (``"<layer>.<role>"``). If the trace has no such
    tensor, the operand is dense.

    ``step``: time step of a sequence tensor (T, N, C), or None for (N, ...) tensors and for whole
    sequences. ``resized``: (h, w) of the operand if it is the traced map (H, W) at another
    resolution; its element (y, x) reads traced element (y * H // h, x * W // w).
    """

    key: str
    step: int | None = None
    resized: tuple[int, int] | None = None


@dataclass(frozen=True)
class SamplesFrom(TraceZeros):
    """As `TraceZeros`, of the samples from number ``first`` on. After the last sample of the trace
    follows its first.
    """

    first: int = 0


@dataclass(frozen=True)
class Dense:
    """The operand has no zeros."""


DENSE = Dense()


@dataclass(frozen=True)
class IdentityFirst:
    """The operand is a matrix of square blocks side by side, each of ``width`` columns. The first
    block is the identity; the others have no zeros.
    """

    width: int


@dataclass(frozen=True)
class Causal:
    """The operand is ``matrices`` matrices side by side, each of ``queries`` rows and ``keys``
    columns. Row i has no zeros up to the column of its own token, and only zeros after it. The last
    row belongs to the last column. Rows may repeat for ``heads`` heads that share keys.
    """

    queries: int
    keys: int
    matrices: int
    heads: int = 1


class Draw(Protocol):
    """Random draw of a layer's sparse matrices, one per time step. Equal draws with equal seeds
    give equal matrices.
    """

    def rows(self, seed: int) -> Iterator[Rows]:
        """Rows of the matrix of each time step, as an endless iterator."""

    def __hash__(self) -> int: ...


class Pattern(Protocol):
    """Zeros follow from the learning rule's own random ``draw``, or from the trace tensor ``key``
    if the trace has it ("": traces have none).
    """

    @property
    def draw(self) -> Draw: ...

    @property
    def key(self) -> str: ...

    def rows(self, rows_at: Callable[[int], Rows]) -> Rows:
        """Rows of the operand. ``rows_at(t)`` gives the drawn rows of time step t."""

    def nonzero(self, rows: Rows) -> NDArray[np.bool_] | None:
        """Which entries of the operand's ``rows`` are not zero, of the same shape; None if all."""


ZeroSource = TraceZeros | Dense | IdentityFirst | Causal | Pattern
