"""What a training step executes: ops over tensors, with their dependencies, and no machine in
sight.

A learning rule lowers a network to a `TrainingStep`; the mapper binds its ops to an architecture.
Passes have the names of the papers: FF feed-forward, EP error propagation, WG weight gradient, WU
weight update.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from accelsim.step.contraction import Nest

Rows = NDArray[np.int64]
"""Columns that each row of a sparse matrix stores: int64 (rows, stored), rows in map order."""


class Pass(StrEnum):
    """Feed-forward, error propagation, weight gradient, weight update."""

    FF = "FF"
    EP = "EP"
    WG = "WG"
    WU = "WU"


class Role(StrEnum):
    """What a tensor is; its word size is the machine's `precision` of that role unless the tensor
    fixes its own bits.
    """

    ACTIVATION = "activation"
    WEIGHT = "weight"
    ERROR = "error"
    GRADIENT = "gradient"
    FEEDBACK = "feedback"
    OPTIMIZER_STATE = "optimizer_state"
    MASK = "mask"
    INDEX = "index"


@dataclass(frozen=True)
class Tensor:
    """Something that memory holds. ``shape`` includes the batch, channels last, logical (a sparse
    feedback keeps its dense shape).

    Its name is its identity: dependencies and homes in scratchpads go by it, and the first tensor
    met of a name stands for all. So tensors of one name in a step must be equal, their bits too.

    ``stored``: elements really kept (non-zeros of a sparse feedback); defaults to the product of
    the shape. ``bits``: word size where the role's precision does not apply (1 for a mask, 2 for a
    2x2 pool index). ``index_bits``: what each stored word needs beside it to say where it stands
    (sparse feedback). ``persistent``: outlives the step (weights, feedback, optimizer state).
    ``home_channels``: channels over which a near-memory machine spreads it over its PEs, output
    channels of FF for weights and of EP for feedback; 0 for tensors without a home.
    """

    name: str
    role: Role
    shape: tuple[int, ...]
    stored: int = -1
    bits: int | None = None
    persistent: bool = False
    home_channels: int = 0
    index_bits: int = 0

    @property
    def elements(self) -> int:
        return prod(self.shape) if self.stored < 0 else self.stored


class Use(StrEnum):
    """What an op does with an operand: contractions have one moving and one stationary; NEEDED
    masks the outputs.
    """

    MOVING = "moving"
    STATIONARY = "stationary"
    NEEDED = "needed"
    READ = "read"


@dataclass(frozen=True)
class TraceZeros:
    """Zeros come from the trace tensor ``key`` (``"<layer>.<role>"``); dense when the trace lacks
    it.

    ``step``: time step of a sequence tensor (T, N, C), or None for (N, ...) tensors and for whole
    sequences. ``resized``: rows and columns of the operand where it is the traced map at another
    resolution: element (y, x) reads (y * h // H, x * w // W).
    """

    key: str
    step: int | None = None
    resized: tuple[int, int] | None = None


@dataclass(frozen=True)
class Dense:
    """No zeros."""


class Draw(Protocol):
    """Random draw of the sparse matrices of a layer, one per time step. Equal draws with one seed
    give the same matrices.
    """

    def rows(self, seed: int) -> Iterator[Rows]:
        """Rows of the matrix of each time step, without end."""

    def __hash__(self) -> int: ...


class Pattern(Protocol):
    """Zeros that follow from a rule's own ``draw``."""

    @property
    def draw(self) -> Draw: ...

    def rows(self, rows_at: Callable[[int], Rows]) -> Rows:
        """Rows of the operand, from those of the drawn matrices by time step."""


ZeroSource = TraceZeros | Dense | Pattern


@dataclass(frozen=True)
class Operand:
    """A tensor that an op reads, what for, and where its zeros come from."""

    tensor: Tensor
    use: Use
    zeros: ZeroSource = Dense()


@dataclass(frozen=True)
class Op:
    """One unit of work of a training step: a `Contraction` or `VectorWork`.

    ``name`` is ``"<layer>.<PASS>"``, suffixed where a layer has several. ``depends_on`` names ops
    of the same step that must have finished: producers of what it reads, and readers of what it
    overwrites. It carries the locking: BP's EP is a chain, a DFA EP op depends on the output error
    alone.
    """

    name: str
    layer: str
    pass_: Pass
    operands: tuple[Operand, ...]
    outputs: tuple[Tensor, ...]
    depends_on: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Word for the op's work in documents."""
        raise NotImplementedError

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Tensors of the operands, then of the outputs."""
        return (*(operand.tensor for operand in self.operands), *self.outputs)

    @property
    def dense_macs(self) -> int:
        """All positions of the op's loop nest, zeros included."""
        return 0

    @property
    def vector_ops(self) -> int:
        """Scalar operations of the vector unit."""
        return 0

    def operand(self, use: Use) -> Operand | None:
        """The first operand of that use, or None."""
        return next((operand for operand in self.operands if operand.use is use), None)


@dataclass(frozen=True)
class Contraction(Op):
    """Work that multiplies and accumulates, by its loop ``nest``."""

    nest: Nest

    @property
    def kind(self) -> str:
        return self.nest.kind

    @cached_property
    def moving(self) -> Operand:
        """The moving operand; where there are several side by side, the first."""
        return self.operands_of(Use.MOVING)[0]

    @cached_property
    def stationary(self) -> Operand:
        """The stationary operand; where there are several side by side, the first."""
        return self.operands_of(Use.STATIONARY)[0]

    @cached_property
    def needed(self) -> Operand | None:
        """The mask of the outputs that are needed, or None where all are."""
        return self.operand(Use.NEEDED)

    def operands_of(self, use: Use) -> tuple[Operand, ...]:
        """All operands of a use: an operand over a whole sequence is one tensor per time step."""
        return tuple(operand for operand in self.operands if operand.use is use)

    @property
    def fixed_feedback(self) -> bool:
        """Whether it multiplies with fixed feedback instead of weights, be it a matrix or a
        convolution.
        """
        return self.stationary.tensor.role is Role.FEEDBACK

    @property
    def dense_macs(self) -> int:
        return self.nest.macs


@dataclass(frozen=True)
class VectorWork(Op):
    """Elementwise or reducing work without MACs: ``elements`` handled, ``ops_per_element`` scalar
    operations each.

    ``function`` is a word for the kind of work: activation, pool_backward, optimizer and so on. The
    list is open: machines read the two counts alone, and studies that look for one kind of work
    read the word.
    """

    function: str
    elements: int
    ops_per_element: int

    @property
    def kind(self) -> str:
        return "vector"

    @property
    def vector_ops(self) -> int:
        return self.elements * self.ops_per_element

    @property
    def updates_weights(self) -> bool:
        """Whether it writes tensors that outlive the step and have homes in the PEs."""
        return any(tensor.persistent and tensor.home_channels for tensor in self.outputs)


@dataclass(frozen=True)
class TrainingStep:
    """The ops of one training step in an order that satisfies every dependency (BP's serial order).

    ``carried``: op name to ops of the *previous* step that must have finished first: the writers of
    what outlives a step (the FF of a layer waits for its weights' update). It is what lets an
    unlocked schedule overlap steps.
    """

    network: str
    rule: str
    batch: int
    ops: tuple[Op, ...]
    carried: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def op(self, name: str) -> Op:
        """The op of that name; KeyError when there is none."""
        return next(op for op in self.ops if op.name == name)
