"""Declaration of triangular."""

from __future__ import annotations

from accelsim.rules.declaration import Rule
from accelsim.rules.direct.options import DirectOptions

TRIANGULAR = Rule(
    "triangular",
    family="triangular",
    description="Feedback from the output to the last cell, and from there through an upper "
    "triangular matrix over time (recurrent networks).",
    ops="accelsim.rules.sequence.ops:triangular",
    numbers="accelsim.rules.sequence.numbers:triangular",
    options=DirectOptions,
)
