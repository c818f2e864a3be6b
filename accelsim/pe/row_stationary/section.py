"""Section `pe_array` of kind row_stationary."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from accelsim.machine.pe_base import DenseArray
from accelsim.machine.precision import Precision

Words = Annotated[int, Field(ge=1, le=1 << 16)]
Bus = Annotated[int, Field(ge=1, le=1024)]


class RowStationaryArray(DenseArray):
    """A dense array whose PEs keep kernel rows, fed by a bus per operand. The defaults of registers
    and buses are Eyeriss's (JSSC 2017).
    """

    kind: Literal["row_stationary"] = Field(description="Dense, PEs keep kernel rows.")
    filter_words: Words = Field(
        default=224,
        description="Words of the stationary operand in a PE: p filters x q channels x a kernel "
        "row.",
    )
    input_words: Words = Field(
        default=12, description="Words of the moving operand in a PE: windows of q channels."
    )
    psum_words: Words = Field(
        default=24, description="Partial sums in a PE: one of each of p filters."
    )
    filter_bus: Bus = Field(
        default=4,
        description="Words of the stationary operand that reach the PEs in a cycle, each for a row "
        "of a set.",
    )
    input_bus: Bus = Field(
        default=1,
        description="Words of the moving operand that reach the PEs in a cycle, each for a "
        "diagonal of sets.",
    )
    psum_bus: Bus = Field(
        default=4,
        description="Partial sums that reach the PEs in a cycle; as many leave over a bus of their "
        "own.",
    )

    verbs: ClassVar[str] = "accelsim.pe.row_stationary.kind:RowStationary"
    setting: ClassVar[str] = "with a row-stationary array"
    register_keys: ClassVar[tuple[str, ...]] = ("filter_words", "input_words", "psum_words")

    def register_bits(self, precision: Precision) -> int:
        """Bits of a PE's filter, input and psum registers, each at its widest operand."""
        stationary = max(precision.weight, precision.error, precision.feedback)
        moving = max(precision.activation, precision.error)
        return (
            self.filter_words * stationary
            + self.input_words * moving
            + self.psum_words * precision.psum
        )
