"""Storage formats of tensors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from accelsim.config.models.section import Bits, Section

Format = Literal["dense", "bitmap", "rle", "csc"]
IndexBits = Annotated[int, Field(ge=1, le=16)]


class Formats(Section):
    """Storage format of tensors by role, in their home scratchpads, in the global buffer, in DRAM
    and in transfers.

    `dense`: every element. `bitmap`: the non-zeros, and one bit per element. `rle`: the non-zeros
    in order, each with the number of zeros before it, over a whole sample. `csc`: as `rle` within
    each column, and one pointer per column. A tensor whose zeros are unknown is stored dense.
    """

    weight: Format = Field(
        default="dense",
        description="Weights. A column holds the words of one input: the first index of (K, R, "
        "S, C).",
    )
    activation: Format = Field(
        default="dense", description="Activations. A column is one position with its channels."
    )
    error: Format = Field(
        default="dense", description="Errors. A column is one position with its channels."
    )
    feedback: Format = Field(
        default="dense",
        description="Feedback weights. `dense` keeps them as the learning rule stores them: a "
        "sparse matrix has its own indices. A column is one error.",
    )
    gradient: Format = Field(
        default="dense",
        description="Weight gradients. A trace does not have their zeros, so they stay dense.",
    )
    run_bits: IndexBits = Field(
        default=4,
        description="`rle`: bits of the number of zeros before an entry. Longer runs take extra "
        "entries of value zero.",
    )
    index_bits: IndexBits = Field(
        default=4,
        description="`csc`: bits of the number of rows skipped before an entry. Longer skips "
        "take extra entries of value zero.",
    )
    pointer_bits: Bits = Field(
        default=32, description="`csc`: bits of the pointer to a column's first entry."
    )
