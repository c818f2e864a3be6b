"""What the `pe_array` sections of all kinds share. The section of a kind is in the kind's folder,
``accelsim/pe/<kind>/section.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field

from accelsim.config.models.section import Section, Side
from accelsim.machine.precision import Precision

Skip = Literal["moving", "stationary", "both", "none"]
Organization = Literal["near_memory", "von_neumann"]
StructuralZeros = Literal["removed", "window"]


class SkipByPass(Section):
    """Which operand's zeros a lane skips, pass by pass."""

    ff: Skip = Field(
        default="both",
        description="Feed-forward: moving operand is the activation, stationary the weight.",
    )
    ep: Skip = Field(
        default="both",
        description="Error propagation: moving is the error, stationary the (transposed or "
        "feedback) weight.",
    )
    wg: Skip = Field(
        default="both",
        description="Weight gradient: moving is the activation, stationary the error.",
    )


class PEArray(Section):
    """The array of processing elements (PEs).

    A kind extends `SkippingArray`, `DenseArray` or this class, with ``kind`` as a Literal of its
    name. The class variables state what the kind cannot do, the properties what the rest of the
    program asks of an array.
    """

    kind: str = Field(description="Timing model.")
    rows: Side = Field(description="Rows of PEs.")
    cols: Side = Field(description="Columns of PEs.")
    gating: bool = Field(
        default=True,
        description="An executed MAC with a zero operand keeps its cycle but is gated: it costs "
        "the gated energy and reads no operands.",
    )

    if TYPE_CHECKING:
        # Every kind answers these, with a key or with a constant.
        @property
        def lanes(self) -> int: ...
        @property
        def skip(self) -> SkipByPass: ...
        @property
        def skip_outputs(self) -> bool: ...
        @property
        def structural_zeros(self) -> StructuralZeros: ...

    verbs: ClassVar[str]
    """Place of the kind's verbs, ``package.module:attribute``, imported when a machine runs."""
    setting: ClassVar[str]
    """The kind in a fault, after the rule that it imposes: ``with a systolic array``."""
    skips: ClassVar[bool]
    """Whether zeros can be skipped at all."""
    organizations: ClassVar[tuple[Organization, ...]] = ("near_memory", "von_neumann")
    """Organizations that a machine with such an array may have."""
    reduces_over_pes: ClassVar[bool] = True
    """Whether PEs can add up partial sums of one output (`near_memory.transpose: psum_reduce`)."""
    has_fixed_mapping: ClassVar[bool] = False
    """Whether the array's loop nest is part of its hardware, so that `mapping` has no choice."""
    passes_operands: ClassVar[bool] = False
    """Whether operands go from PE to PE through registers, and no PE keeps a word between folds."""
    register_keys: ClassVar[tuple[str, ...]] = ()
    """Keys that give the words a PE keeps in its scratchpad, whatever is mapped onto it."""

    @property
    def outputs_per_pe(self) -> int:
        """Outputs that a PE reduces at a time, of one output channel where it has several."""
        return 1

    @property
    def staged_positions(self) -> int:
        """Positions of a lane's stream that are in the PE at a time."""
        return 1

    @property
    def relative_index_bits(self) -> int | None:
        """Bits of the index beside each stored word of a stationary operand whose zeros are
        skipped; None where a mask tells its zeros.
        """
        return None

    def register_bits(self, precision: Precision) -> int:
        """Bits of the words that `register_keys` give."""
        return 0

    @classmethod
    def of(cls, array: PEArray) -> Self:
        """The section as this kind's own. TypeError where it is another kind's."""
        if not isinstance(array, cls):
            raise TypeError(f"pe_array must be a {cls.__name__}, got a {type(array).__name__}")
        return array


class SkippingArray(PEArray):
    """An array whose lanes skip zeros."""

    skip: SkipByPass = Field(
        default_factory=SkipByPass, description="Zero skipping, selectable per pass."
    )
    skip_outputs: bool = Field(
        default=True,
        description="Do not schedule outputs whose activation derivative is zero, in EP.",
    )
    structural_zeros: StructuralZeros = Field(
        default="removed",
        description="`removed`: the address generator never visits stride, dilation and group "
        "zeros. `window`: they are in the stream and pass "
        "through the window like any zero: WG streams the stride zeros between errors, and EP's "
        "stride zeros, which are MACs, are executed and "
        "gated where `skip.ep` does not skip the error.",
    )

    skips: ClassVar[bool] = True


class DenseArray(PEArray):
    """An array that skips nothing. Its PEs have one multiply-accumulate unit, and its loop nest is
    wired.
    """

    skips: ClassVar[bool] = False
    organizations: ClassVar[tuple[Organization, ...]] = ("von_neumann",)
    has_fixed_mapping: ClassVar[bool] = True

    @property
    def lanes(self) -> int:
        """One."""
        return 1

    @property
    def skip(self) -> SkipByPass:
        """Nothing is skipped."""
        return SkipByPass(ff="none", ep="none", wg="none")

    @property
    def skip_outputs(self) -> bool:
        """Every output is computed."""
        return False

    @property
    def structural_zeros(self) -> StructuralZeros:
        """Dense streams hold none."""
        return "removed"


def kept_keys(before: type[PEArray], after: type[PEArray], keys: dict[str, Any]) -> dict[str, Any]:
    """``keys`` of a mapping of kind ``before`` without those that kind ``after`` lacks."""
    gone = before.model_fields.keys() - after.model_fields.keys()
    return {key: value for key, value in keys.items() if key not in gone}
