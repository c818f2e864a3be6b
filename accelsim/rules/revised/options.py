"""Declaration of revised, and its options for both kinds of network."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from accelsim.rules.declaration import Rule
from accelsim.rules.modular.options import ModularOptions
from accelsim.rules.options import PerStep

Binary = Annotated[bool, Field(description="Feedback weights of one bit.")]


class RevisedOptions(ModularOptions):
    """Options of ``revised``. Options of the other kind of network are refused."""

    listed_order: ClassVar[tuple[str, ...]] = (
        "groups",
        "sparsity",
        "binary",
        "init",
        "per_step",
        "exponent",
        "order",
        "modules",
        "scale",
    )

    groups: Annotated[
        int,
        Field(
            ge=1,
            description="Channel groups of D1 and D2, with a channel shuffle between them "
            "(feed-forward networks).",
        ),
    ] = 1
    sparsity: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="Fraction of feedback weights that are zero and not stored, below 1 "
            "(recurrent networks).",
        ),
    ] = 0.0
    binary: Binary = False
    init: Annotated[
        Literal["random", "bw"],
        Field(
            description="Feedback drawn at random (random) or copied from the transposed initial "
            "weights (bw); changes which entries are stored, not how many (recurrent networks)."
        ),
    ] = "random"
    per_step: PerStep = False
    exponent: Annotated[
        Literal["distance", "printed"],
        Field(
            description="Block (i, j) is power j - i of D (distance), or power T - j as the paper "
            "prints it (printed); changes which stored words are zero (recurrent networks)."
        ),
    ] = "distance"
    order: Annotated[
        Literal["counted", "printed"],
        Field(
            description="D1 before D2, as table 2 counts (counted), or D2 before D1, as eq. 7 "
            "prints (printed) (feed-forward networks)."
        ),
    ] = "counted"


REVISED = Rule(
    "revised",
    family="revised",
    description="Revised DFA: grouped dilated feedback from the end of a module (eq. 7); in "
    "recurrent networks sparse triangular feedback.",
    ops="accelsim.rules.revised.ops:revised",
    numbers="accelsim.rules.revised.numbers:revised",
    options=RevisedOptions,
)
