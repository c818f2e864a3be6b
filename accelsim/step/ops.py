"""What a training step executes: ops over tensors, with their dependencies, and no machine in
sight.

A learning rule lowers a network to a `TrainingStep`; the mapper binds its ops to an architecture.
Words are those of the papers as DESIGN fixes them: FF feed-forward, EP error propagation, WG weight
gradient, WU weight update.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import prod


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


class OpKind(StrEnum):
    """Kinds of work; all but `vector` are contractions."""

    CONV = "conv"
    GROUPED_CONV = "grouped_conv"
    MATMUL = "matmul"
    OUTER = "outer"
    FEEDBACK = "feedback"
    VECTOR = "vector"


CONTRACTIONS = frozenset(
    {OpKind.CONV, OpKind.GROUPED_CONV, OpKind.MATMUL, OpKind.OUTER, OpKind.FEEDBACK}
)


@dataclass(frozen=True)
class Tensor:
    """Something that memory holds. ``shape`` includes the batch, channels last, logical (a sparse
    feedback keeps its dense shape).

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


ZeroSource = TraceZeros | Dense


@dataclass(frozen=True)
class Operand:
    """A tensor that an op reads, what for, and where its zeros come from."""

    tensor: Tensor
    use: Use
    zeros: ZeroSource = Dense()


@dataclass(frozen=True)
class Bounds:
    """Loop bounds of the layer's convolution, in the layer's own letters whatever the pass.

    N batch, K output channels, C input channels, P x Q output map, H x W input map, R x S kernel. A
    fully connected layer is P=Q=R=S=H=W=1; over a whole sequence N is batch times steps.
    ``padding`` is (top, left): what lies outside H x W is zero. For ``feedback`` ops K is the
    target map's channels, P x Q its map, C the number of errors that B reads (of the network's
    output, or of a module's last map) and ``nonzeros`` the stored entries of B's row of each target
    neuron (C when dense). A fixed convolution of errors (EP with a stationary operand of role
    FEEDBACK) makes C x H x W from K x P x Q as any EP does.
    """

    n: int
    k: int
    c: int
    p: int = 1
    q: int = 1
    h: int = 1
    w: int = 1
    r: int = 1
    s: int = 1
    groups: int = 1
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    nonzeros: int = 0


@dataclass(frozen=True)
class VectorWork:
    """Elementwise or reducing work without MACs: ``elements`` handled, ``ops_per_element`` scalar
    operations each.

    ``function`` names the kind of work for the vector unit's throughput table and the reports:
    activation, activation_derivative, pool, pool_backward, batch_norm, batch_norm_backward, add,
    softmax_loss, gate, gate_backward, embedding, embedding_backward, optimizer, upsample, shuffle.
    """

    function: str
    elements: int
    ops_per_element: int

    @property
    def ops(self) -> int:
        return self.elements * self.ops_per_element


@dataclass(frozen=True)
class Op:
    """One unit of work of a training step. ``name`` is ``"<layer>.<PASS>"``, suffixed where a layer
    has several.

    ``depends_on`` names ops of the same step that must have finished: producers of what it reads,
    and readers of what it overwrites. It carries the locking: BP's EP is a chain, a DFA EP op
    depends on the output error alone.
    """

    name: str
    layer: str
    pass_: Pass
    kind: OpKind
    operands: tuple[Operand, ...]
    outputs: tuple[Tensor, ...]
    depends_on: tuple[str, ...]
    bounds: Bounds | None = None
    vector: VectorWork | None = None

    @property
    def fixed_feedback(self) -> bool:
        """Whether it multiplies with fixed feedback instead of weights, be it a matrix or a
        convolution.
        """
        return any(
            operand.use is Use.STATIONARY and operand.tensor.role is Role.FEEDBACK
            for operand in self.operands
        )

    def operand(self, use: Use) -> Operand | None:
        """The first operand of that use, or None."""
        return next((operand for operand in self.operands if operand.use is use), None)

    @property
    def is_contraction(self) -> bool:
        return self.kind in CONTRACTIONS

    @property
    def dense_macs(self) -> int:
        """All positions of the op's loop nest (DESIGN 2): EP counts at the layer's input
        resolution, WG's equal FF's.
        """
        b = self.bounds
        if b is None:
            return 0
        if self.kind is OpKind.FEEDBACK:
            return b.n * b.k * b.p * b.q * (b.nonzeros or b.c)
        if self.pass_ is Pass.EP:
            return b.n * b.c * b.h * b.w * (b.k // b.groups) * b.r * b.s
        return b.n * b.k * b.p * b.q * (b.c // b.groups) * b.r * b.s

    @property
    def vector_ops(self) -> int:
        return self.vector.ops if self.vector else 0


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
