"""Ops of a training step: their tensors and dependencies, independent of the machine.

A learning rule lowers a network to a `TrainingStep`. The mapper then binds its ops to a machine.
Passes have the names used in the papers: FF feed-forward, EP error propagation, WG weight gradient,
WU weight update.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from math import prod

from accelsim.step.contraction import Nest
from accelsim.step.forms import Form, Rider
from accelsim.step.zero_sources import DENSE, ZeroSource


class Pass(StrEnum):
    """Feed-forward, error propagation, weight gradient, weight update."""

    FF = "FF"
    EP = "EP"
    WG = "WG"
    WU = "WU"


class Role(StrEnum):
    """Kind of a tensor. It selects the word size from the machine's `precision`, unless the tensor
    sets ``bits`` itself.
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
    """A tensor held in memory. ``shape`` is logical, includes the batch, and has channels last;
    sparse feedback keeps its dense shape.

    The name is the identity: dependencies and scratchpad homes are looked up by it, and the first
    tensor with a name represents all of them. Tensors with the same name in one step must therefore
    be equal, including their bits.

    ``stored``: elements actually stored (the non-zeros of sparse feedback); -1 means the product of
    the shape. ``bits``: word size if the precision of the role does not apply (1 for a mask, 2 for
    the index of a 2x2 pool). ``index_bits``: bits per stored word for its position (sparse
    feedback). ``persistent``: the tensor outlives the step (weights, feedback, optimizer state).
    ``home_channels``: number of channels over which a near-memory machine distributes the tensor
    over its PEs: the output channels of FF for weights, and of EP for feedback; 0 for a tensor
    without a home.
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
        """Number of stored elements."""
        return prod(self.shape) if self.stored < 0 else self.stored


class Use(StrEnum):
    """How an op uses an operand. A contraction has a moving and a stationary operand. NEEDED masks
    the outputs that must be computed. READ is any other input.
    """

    MOVING = "moving"
    STATIONARY = "stationary"
    NEEDED = "needed"
    READ = "read"


@dataclass(frozen=True)
class Operand:
    """A tensor that an op reads, its use, and the source of its zeros.

    ``words``: words that an op reads of the tensor, if it does not read each stored word once; -1
    means that it does. A gather of one row per sample reads fewer words than the tensor has, or
    reads some of them again; so does an op that reads a map at other addresses. The tensor's room
    in memory is that of all its stored words.
    ``prologue``: work of the vector unit on each word on its way to the op; ``zeros`` are those of
    its results. ``beside``: name of another operand's tensor; the vector unit reads a word of this
    tensor whenever it reads one of the other.
    """

    tensor: Tensor
    use: Use
    zeros: ZeroSource = DENSE
    words: int = -1
    prologue: tuple[Rider, ...] = ()
    beside: str = ""

    @property
    def words_read(self) -> int:
        """Words that the op reads of the tensor."""
        return self.tensor.elements if self.words < 0 else self.words


@dataclass(frozen=True)
class Op:
    """One unit of work of a training step: a `Contraction` or `VectorWork`.

    ``name`` is ``"<layer>.<PASS>"``, with a suffix if the layer has more than one such op.
    ``depends_on`` names ops of the same step that must finish first: producers of its operands, and
    readers of tensors it overwrites. These dependencies express locking: in BP the EP ops form a
    chain, whereas in DFA an EP op depends on the output error only.

    ``epilogue``: work of other ops on this op's results as they leave. ``passed``: result that only
    the epilogue reads, so that no memory keeps it, or None. ``outputs`` are then the other results
    and those of the epilogue.
    """

    name: str
    layer: str
    pass_: Pass
    operands: tuple[Operand, ...]
    outputs: tuple[Tensor, ...]
    depends_on: tuple[str, ...]
    epilogue: tuple[Rider, ...] = field(default=(), kw_only=True)
    passed: Tensor | None = field(default=None, kw_only=True)

    @property
    def kind(self) -> str:
        """Name of the kind of work in result documents."""
        raise NotImplementedError

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Tensors of the operands, followed by the outputs."""
        return (*(operand.tensor for operand in self.operands), *self.outputs)

    @property
    def dense_macs(self) -> int:
        """Positions of the op's loop nest, including zeros; 0 for vector work."""
        return 0

    @property
    def vector_ops(self) -> int:
        """Scalar operations of the vector unit; 0 for a contraction."""
        return 0

    def operand(self, use: Use) -> Operand | None:
        """First operand with this use, or None."""
        return next((operand for operand in self.operands if operand.use is use), None)


@dataclass(frozen=True)
class Contraction(Op):
    """An op that multiplies and accumulates over the loop ``nest``."""

    nest: Nest
    made: tuple[Tensor, ...] = ()
    """Results of the array; those of the epilogue are not among them."""

    def __post_init__(self) -> None:
        if not self.made:
            object.__setattr__(self, "made", self.outputs)

    @property
    def kind(self) -> str:
        return self.nest.kind

    @cached_property
    def moving(self) -> Operand:
        """The moving operand; the first one if there are several."""
        return self.operands_of(Use.MOVING)[0]

    @cached_property
    def stationary(self) -> Operand:
        """The stationary operand; the first one if there are several."""
        return self.operands_of(Use.STATIONARY)[0]

    @cached_property
    def needed(self) -> Operand | None:
        """Mask of the needed outputs, or None if all are needed."""
        return self.operand(Use.NEEDED)

    def operands_of(self, use: Use) -> tuple[Operand, ...]:
        """All operands with this use. An operand over a sequence is one tensor per time step."""
        return tuple(operand for operand in self.operands if operand.use is use)

    @property
    def stationary_arrives(self) -> bool:
        """True if the stationary operand is made in the step (errors, or activations of attention),
        false if it is weights or feedback, which have homes in PEs.
        """
        return not self.stationary.tensor.persistent

    @property
    def fixed_feedback(self) -> bool:
        """True if the stationary operand is fixed feedback (a matrix or a convolution), false if it
        is weights.
        """
        return self.stationary.tensor.role is Role.FEEDBACK

    @property
    def dense_macs(self) -> int:
        return self.nest.macs


@dataclass(frozen=True)
class VectorWork(Op):
    """Elementwise or reducing work without MACs: ``elements`` elements, ``ops_per_element`` scalar
    operations each.

    ``function`` is a word for the kind of work, such as activation, pool_backward or optimizer. Any
    word is allowed: machines use only the counts and the form. Studies select ops by the word.

    ``sums``: of STATISTICS, operations per element for the sums. ``remake``: of STATISTICS,
    operations per element to make the stash again from the first operand and the sums.
    Of WINDOWS: ``row_bound``, most words that wait for the last row of a window; ``kept``, words
    that wait at some time; ``taken``, how often they are read then.
    """

    function: str
    elements: int
    ops_per_element: int
    form: Form = Form.OTHER
    sums: int = 0
    remake: int = 0
    row_bound: int = 0
    kept: int = 0
    taken: int = 0

    @property
    def kind(self) -> str:
        return "vector"

    @property
    def vector_ops(self) -> int:
        return self.elements * self.ops_per_element

    @property
    def updates_weights(self) -> bool:
        """True if it writes persistent tensors that have homes in the PEs."""
        return any(tensor.persistent and tensor.home_channels for tensor in self.outputs)

    @property
    def adds_gradients(self) -> bool:
        """True if it adds gradients where weights have their homes."""
        return all(each.role is Role.GRADIENT and each.home_channels for each in self.tensors)


@dataclass(frozen=True)
class TrainingStep:
    """Ops of one training step, in an order that satisfies every dependency (the serial order of
    BP).

    ``carried`` maps an op's name to ops of the *previous* step that must finish first: the writers
    of persistent tensors that it reads. For example, the FF of a layer waits for the update of its
    weights. It allows an unlocked schedule to overlap steps.
    """

    network: str
    rule: str
    batch: int
    ops: tuple[Op, ...]
    carried: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def op(self, name: str) -> Op:
        """The op with this name. KeyError if there is none."""
        for op in self.ops:
            if op.name == name:
                return op
        raise KeyError(name)
