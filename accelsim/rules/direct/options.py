"""Declarations of dfa, bdfa, sdfa and ssdfa, and their options."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from accelsim.rules.declaration import Rule
from accelsim.rules.options import Options, PerStep, Scale

Granularity = Annotated[
    Literal["layer", "sublayer", "block"],
    Field(
        description="Where feedback enters: the input map of each layer with weights, or in "
        "networks of attention the output of each block, or of each residual sublayer and the "
        "hidden map of its MLP."
    ),
]
Tap = Annotated[
    Literal["auto", "hidden", "logits"],
    Field(
        description="The error that feedback carries: at the network's output (logits), or at the "
        "input of the last layer with weights (hidden). auto: logits for layer, else hidden."
    ),
]
Shared = Annotated[
    Literal["auto", "own", "shared"],
    Field(
        description="A matrix for each place of feedback (own), or one whose first rows serve each "
        "(shared). auto: own for layer, else shared."
    ),
]


class DirectOptions(Options):
    """Options of ``dfa``, ``bdfa`` and ``ssdfa``."""

    per_step: PerStep = False
    scale: Scale = 1.0
    granularity: Granularity = "layer"
    tap: Tap = "auto"
    feedback: Shared = "auto"


class SparseOptions(DirectOptions):
    """Options of ``sdfa``."""

    listed_order: ClassVar[tuple[str, ...]] = (
        "k",
        "rank",
        "per_step",
        "scale",
        "granularity",
        "tap",
        "feedback",
    )

    k: Annotated[int, Field(ge=0, description="Feedback weights per neuron; 0 is dense.")] = 1
    rank: Annotated[
        int,
        Field(
            ge=0,
            description="Rank of B's values, 0 unlimited. B is stored expanded: the rank changes "
            "which entries it stores, not how many.",
        ),
    ] = 0


DFA = Rule(
    "dfa",
    family="dfa",
    description="Direct feedback alignment: a dense fixed B carries the output error into every "
    "layer's input map.",
    ops="accelsim.rules.direct.ops:dense",
    numbers="accelsim.rules.direct.numbers:dense",
    options=DirectOptions,
)
BDFA = Rule(
    "bdfa",
    family="dfa",
    description="Binary DFA: dfa with feedback weights of one bit.",
    ops="accelsim.rules.direct.ops:binary",
    numbers="accelsim.rules.direct.numbers:binary",
    options=DirectOptions,
)
SDFA = Rule(
    "sdfa",
    family="sdfa",
    description="Sparse DFA: k feedback weights per neuron, optionally of limited rank.",
    ops="accelsim.rules.direct.ops:sparse",
    numbers="accelsim.rules.direct.numbers:sparse",
    options=SparseOptions,
)
SSDFA = Rule(
    "ssdfa",
    family="sdfa",
    description="Single sparse DFA: one feedback weight per neuron.",
    ops="accelsim.rules.direct.ops:single",
    numbers="accelsim.rules.direct.numbers:single",
    options=DirectOptions,
)
