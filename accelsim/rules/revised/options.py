"""Declaration of revised, and its options for both kinds of network."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from accelsim.rules.declaration import Rule
from accelsim.rules.modular.options import ModularOptions
from accelsim.rules.options import PerStep

Binary = Annotated[bool, Field(description="Feedback weights of one bit.")]


class RevisedOptions(ModularOptions):
    """Options of ``revised``; those of the other kind of network are refused."""

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
            description="Groups of channels of D1 and D2, shuffled between the two (feed-forward "
            "networks).",
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
            description="Feedback drawn at random, or started as the transposes of the fresh "
            "weights; changes which entries are stored, not how many (recurrent networks)."
        ),
    ] = "random"
    per_step: PerStep = False
    exponent: Annotated[
        Literal["distance", "printed"],
        Field(
            description="Block i, j is the power j - i, or the printed T - j; changes no count "
            "(recurrent networks)."
        ),
    ] = "distance"
    order: Annotated[
        Literal["counted", "printed"],
        Field(
            description="D1 before D2 as table 2 counts, or D2 first as eq. 7 prints (feed-forward "
            "networks)."
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
