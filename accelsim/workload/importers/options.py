"""Options of an import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from accelsim.errors import InputError

LARGEST_EXTENT = 1 << 24

Extents = tuple[int, ...]


@dataclass(frozen=True)
class ImportOptions:
    """``shapes``: extents of graph inputs by name; the name "" stands for the only input.
    ``strict``: refuse operators that would become vector work. ``loss_output``: name of the one
    output that gets a loss; "" for all outputs that can have one.
    """

    shapes: Mapping[str, Extents] = field(default_factory=dict)
    strict: bool = False
    loss_output: str = ""


def parsed_shapes(texts: Sequence[str]) -> dict[str, Extents]:
    """Shapes from texts ``name=1x3x224x224``, or ``1x3x224x224`` for the only input. Raises
    InputError for any other text.
    """
    shapes: dict[str, Extents] = {}
    for text in texts:
        name, _, extents = text.rpartition("=")
        sizes = [
            int(each) if each.isascii() and each.isdigit() else 0 for each in extents.split("x")
        ]
        if not sizes or not all(1 <= size <= LARGEST_EXTENT for size in sizes):
            raise InputError(
                f"--shape must be NAME=1x3x224x224, with extents from 1 to {LARGEST_EXTENT}, "
                f"got {text}"
            )
        if name in shapes:
            raise InputError(f"--shape must give each input one shape, got two for {name or text}")
        shapes[name] = tuple(sizes)
    return shapes
