"""Declarations of modular, conv-dfa and dilated, and their options."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accelsim.rules.declaration import Rule
from accelsim.rules.options import Options, Scale

Modules = Annotated[
    str,
    Field(
        description="Names of the last layer of each module, joined with +; default: the "
        "workload's modules."
    ),
]


class ModularOptions(Options):
    """Options shared by all rules over modules."""

    modules: Modules = ""
    scale: Scale = 1.0


MODULAR = Rule(
    "modular",
    family="modular",
    description="Modular DFA: dense feedback from the end of a layer's module (eq. 6).",
    ops="accelsim.rules.modular.ops:modular",
    numbers="accelsim.rules.modular.numbers:modular",
    options=ModularOptions,
)
CONV_DFA = Rule(
    "conv-dfa",
    family="conv-dfa",
    description="Modular feedback through one convolution with the receptive field of the layers "
    "it bypasses.",
    ops="accelsim.rules.modular.ops:convolutional",
    numbers="accelsim.rules.modular.numbers:convolutional",
    options=ModularOptions,
)
DILATED = Rule(
    "dilated",
    family="dilated",
    description="conv-dfa with 3 x 3 taps, dilated to the same reach.",
    ops="accelsim.rules.modular.ops:dilated",
    numbers="accelsim.rules.modular.numbers:dilated",
    options=ModularOptions,
)
