"""Forms of vector work, and vector work that rides on the words of another op (docs/fusion.md)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Form(StrEnum):
    """What an element of vector work needs, which decides how the work can be fused.

    - ELEMENTWISE: the words of its operands at its own place.
    - EXPANSION: the words at the place in a smaller map from which it comes.
    - WINDOWS: the words of a window.
    - STATISTICS: sums over the whole first operand, then the words at its own place.
    - ADDRESSING: a word that is only read from another place.
    - OTHER: anything else.
    """

    ELEMENTWISE = "elementwise"
    EXPANSION = "expansion"
    WINDOWS = "windows"
    STATISTICS = "statistics"
    ADDRESSING = "addressing"
    OTHER = "other"


@dataclass(frozen=True)
class Rider:
    """Vector work that is done on words while another op moves them.

    ``op``: name of the op whose work it is. ``elements``: elements that it processes; -1 for every
    word of the operand that it rides on, as often as that word is read. ``kept``: words that wait
    in a line buffer until the other words of their window have come, of ``kept_bits`` bits each.
    ``taken``: reads of the line buffer.
    """

    op: str
    ops_per_element: int
    elements: int = -1
    kept: int = 0
    taken: int = 0
    kept_bits: int = 0
