"""The formats in which a machine keeps and moves its tensors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from accelsim.config.models.section import Bits, Section

Format = Literal["dense", "bitmap", "rle", "csc"]
IndexBits = Annotated[int, Field(ge=1, le=16)]


class Formats(Section):
    """How tensors of each role are stored in scratchpads that are their home, in the global buffer
    and in DRAM, and how they travel.

    `dense`: every element. `bitmap`: the non-zeros, and a bit an element. `rle`: the non-zeros in
    their order, each with the number of zeros before it, over a whole sample. `csc`: the same
    within each column, and a pointer a column. A tensor whose zeros are not known is dense.
    """

    weight: Format = Field(
        default="dense",
        description="Weights. A column holds what one input has to do with: the first index of (K, "
        "R, S, C).",
    )
    activation: Format = Field(
        default="dense", description="Activations. A column is one position with its channels."
    )
    error: Format = Field(
        default="dense", description="Errors. A column is one position with its channels."
    )
    feedback: Format = Field(
        default="dense",
        description="Feedback weights. `dense` leaves them as the learning rule stores them, a "
        "sparse matrix with its own indices. A column is "
        "one error.",
    )
    gradient: Format = Field(
        default="dense",
        description="Weight gradients. Their zeros are not in a trace, so that they stay dense.",
    )
    run_bits: IndexBits = Field(
        default=4,
        description="`rle`: bits of the number of zeros before an entry; longer runs take entries "
        "of value zero.",
    )
    index_bits: IndexBits = Field(
        default=4,
        description="`csc`: bits of the number of rows skipped before an entry; further ones take "
        "entries of zero.",
    )
    pointer_bits: Bits = Field(
        default=32, description="`csc`: bits of the pointer to a column's first entry."
    )
