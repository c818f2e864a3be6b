"""Declarations of bp, bp-only, fa and frozen, and their options."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accelsim.rules.declaration import Rule
from accelsim.rules.options import Options, Scaled


class BackpropOnlyOptions(Options):
    """Options of ``bp-only``."""

    p: Annotated[
        float,
        Field(ge=0, le=1, description="Fraction of the training steps that are taken."),
    ] = 0.1


BP = Rule(
    "bp",
    family="bp",
    description="Backpropagation: EP multiplies by the transposed weights, layer after layer.",
    ops="accelsim.rules.chained.ops:backprop",
    numbers="accelsim.rules.chained.numbers:backprop",
)
BP_ONLY = Rule(
    "bp-only",
    family="bp",
    description="Backpropagation in a fraction of the steps, no update in the others; a step "
    "costs the same as under bp.",
    ops="accelsim.rules.chained.ops:backprop",
    numbers="accelsim.rules.hybrid.numbers:backprop_only",
    options=BackpropOnlyOptions,
)
FA = Rule(
    "fa",
    family="fa",
    description="Feedback alignment: errors pass from layer to layer through fixed random weights.",
    ops="accelsim.rules.chained.ops:feedback_alignment",
    numbers="accelsim.rules.chained.numbers:feedback_alignment",
    options=Scaled,
)
FROZEN = Rule(
    "frozen",
    family="frozen",
    description="Only the output layer learns; hidden layers keep their random weights.",
    ops="accelsim.rules.chained.ops:frozen",
    numbers="accelsim.rules.chained.numbers:frozen",
)
