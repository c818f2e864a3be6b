"""Base classes of the `pe_array` sections. The section of a kind is in its folder,
``accelsim/pe/<kind>/section.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field

from accelsim.config.models.section import Section, Side
from accelsim.config.plugins.source import Used
from accelsim.config.registries import PE_KINDS
from accelsim.machine.precision import Precision

Skip = Literal["moving", "stationary", "both", "none"]
Organization = Literal["near_memory", "von_neumann"]
StructuralZeros = Literal["removed", "window"]


class SkipByPass(Section):
    """Operand whose zeros a lane skips, per pass."""

    ff: Skip = Field(
        default="both",
        description="Feed-forward: the activation moves, the weight is stationary.",
    )
    ep: Skip = Field(
        default="both",
        description="Error propagation: the error moves, the (transposed or feedback) weight is "
        "stationary.",
    )
    wg: Skip = Field(
        default="both",
        description="Weight gradient: the activation moves, the error is stationary.",
    )


class PEArray(Section):
    """The array of processing elements (PEs).

    A kind extends `SkippingArray`, `DenseArray` or this class, with ``kind`` as a Literal of its
    name. Class variables state what the kind cannot do. Properties give the values that the rest of
    the program reads from an array.
    """

    kind: str = Field(description="Timing model.")
    rows: Side = Field(description="Rows of PEs.")
    cols: Side = Field(description="Columns of PEs.")
    gating: bool = Field(
        default=True,
        description="Gate executed MACs with a zero operand: they keep their cycle, cost the "
        "gated energy and read no operands.",
    )

    def cycles_per_mac(self, precision: Precision) -> int:
        """Cycles of a lane per MAC on words of those widths, for peak rates."""
        return 1

    if TYPE_CHECKING:
        # Every kind provides these, as a key or as a constant.
        @property
        def lanes(self) -> int: ...
        @property
        def skip(self) -> SkipByPass: ...
        @property
        def skip_outputs(self) -> bool: ...
        @property
        def structural_zeros(self) -> StructuralZeros: ...

    verbs: ClassVar[str | type[Any]]
    """Class of the kind (a `PEKind`), or its place ``package.module:attribute``, which is imported
    when a machine runs.
    """
    setting: ClassVar[str]
    """Words for the kind in a fault message, after the rule that the kind imposes: ``with a
    systolic array``.
    """
    skips: ClassVar[bool]
    """Whether the array can skip zeros."""
    organizations: ClassVar[tuple[Organization, ...]] = ("near_memory", "von_neumann")
    """Organizations that a machine with such an array may have."""
    reduces_over_pes: ClassVar[bool] = True
    """Whether PEs can add up partial sums of one output (`near_memory.transpose: psum_reduce`)."""
    has_fixed_mapping: ClassVar[bool] = False
    """Whether the loop nest is part of the hardware, so that `mapping` offers no choice."""
    passes_operands: ClassVar[bool] = False
    """Whether operands pass from PE to PE through registers, and no PE keeps a word between
    folds.
    """
    takes_words_from_fifos: ClassVar[bool] = False
    """Whether moving words arrive in FIFOs and are used from there, not from the scratchpad."""
    keeps_sums: ClassVar[bool] = True
    """Whether a lane keeps the partial sum of its output in flip-flops, not in a scratchpad."""
    register_keys: ClassVar[tuple[str, ...]] = ()
    """Keys that size the registers of a PE, which take part of its scratchpad under any mapping."""

    @property
    def outputs_per_pe(self) -> int:
        """Outputs that a PE reduces at a time; all of one output channel."""
        return 1

    @property
    def staged_positions(self) -> int:
        """Positions of a lane's stream that are in the PE at a time."""
        return 1

    @property
    def relative_index_bits(self) -> int | None:
        """Bits of the index beside each stored word of a stationary operand whose zeros are
        skipped.

        None if a mask marks the zeros instead.
        """
        return None

    def register_bits(self, precision: Precision) -> int:
        """Bits of the words that `register_keys` size."""
        return 0

    @property
    def operand_buffer_words(self) -> int:
        """Words of a PE's operand buffer; 0 without one."""
        return 0

    @property
    def pointer_memory_bytes(self) -> int:
        """Size of a PE's memory of column pointers; 0 if they are in its scratchpad."""
        return 0

    @property
    def plugins(self) -> tuple[Used, ...]:
        """Plug-in that declares the kind; () for a built-in kind."""
        return PE_KINDS.used(self.kind)

    @classmethod
    def of(cls, array: PEArray) -> Self:
        """The section, typed as this kind's. TypeError if it is another kind's."""
        if not isinstance(array, cls):
            raise TypeError(f"pe_array must be a {cls.__name__}, got a {type(array).__name__}")
        return array


class SkippingArray(PEArray):
    """Base section of an array whose lanes skip zeros."""

    skip: SkipByPass = Field(default_factory=SkipByPass, description="Zero skipping per pass.")
    skip_outputs: bool = Field(
        default=True,
        description="In EP, do not schedule outputs whose activation derivative is zero.",
    )
    structural_zeros: StructuralZeros = Field(
        default="removed",
        description="`removed`: the address generator never visits stride, dilation and group "
        "zeros. `window`: they stay in the stream and pass through the window like "
        "other zeros. WG then streams the stride zeros between errors, and EP's "
        "stride zeros, which are MACs, are executed and gated unless `skip.ep` "
        "skips the error.",
    )

    skips: ClassVar[bool] = True


class DenseArray(PEArray):
    """Base section of an array that skips nothing. A PE has one multiply-accumulate unit, and the
    loop nest is fixed in hardware.
    """

    skips: ClassVar[bool] = False
    organizations: ClassVar[tuple[Organization, ...]] = ("von_neumann",)
    has_fixed_mapping: ClassVar[bool] = True

    @property
    def lanes(self) -> int:
        """One lane per PE."""
        return 1

    @property
    def skip(self) -> SkipByPass:
        """No pass skips zeros."""
        return SkipByPass(ff="none", ep="none", wg="none")

    @property
    def skip_outputs(self) -> bool:
        """Every output is computed."""
        return False

    @property
    def structural_zeros(self) -> StructuralZeros:
        """Dense streams hold no structural zeros."""
        return "removed"


def kept_keys(before: type[PEArray], after: type[PEArray], keys: dict[str, Any]) -> dict[str, Any]:
    """``keys`` of a mapping of kind ``before`` that kind ``after`` also has."""
    dropped = before.model_fields.keys() - after.model_fields.keys()
    return {key: value for key, value in keys.items() if key not in dropped}
