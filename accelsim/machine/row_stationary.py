"""What a row-stationary array has beside its PEs: the registers of a PE by operand, and the buses
that feed them.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accelsim.config.section import Section

Words = Annotated[int, Field(ge=1, le=1 << 16)]
Bus = Annotated[int, Field(ge=1, le=1024)]


class RowStationary(Section):
    """Words that a PE keeps of each operand, and words a cycle of the bus that brings them. The
    defaults are Eyeriss's (JSSC 2017).
    """

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
