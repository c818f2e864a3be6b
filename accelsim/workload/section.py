"""What the sections of all layer kinds of a workload file share. The section of a kind is in the
kind's file of ``accelsim/layers``.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field

from accelsim.config.models.section import Section
from accelsim.workload.network import Layer, Shape

Extent = Annotated[int, Field(ge=1, le=1 << 24)]

RESERVED = ("input", "labels", "loss")
"""Names that ops and tensors of every training step use."""


def _layer_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise ValueError("must be a name of letters, digits, _ and -")
    if name in RESERVED:
        raise ValueError(f"must be a name other than {', '.join(RESERVED)}")
    return name


Name = Annotated[str, AfterValidator(_layer_name)]


@dataclass(frozen=True)
class Sources:
    """The maps that a layer reads: names of their producers and shapes, in order.

    ``vocabulary``: different tokens of the network's input, 0 where it is an image. ``fault``
    notes that a key must be as a rule says and what it is instead: ``fault("groups", "a divisor of
    the 6 input channels", 4)``.
    """

    names: tuple[str, ...]
    shapes: tuple[Shape, ...]
    vocabulary: int
    fault: Callable[[str, str, object], None]


class LayerSection(Section):
    """One layer of a workload file.

    A kind adds ``kind``, a Literal of its name, and its own keys. The class variables state what
    the layer may read.
    """

    name: Name = Field(
        description="The layer's name: letters, digits, _ and -; unique. Ops and traces use it."
    )
    inputs: tuple[str, ...] = Field(
        (),
        description="Names of the layers (or `input`) whose maps it reads; the layer above (for "
        "the first, `input`) when not given.",
    )

    if TYPE_CHECKING:
        kind: str

    several_inputs: ClassVar[bool] = False
    """Whether it reads two or more maps, and not one."""
    reads_tokens: ClassVar[bool] = False
    """Whether it reads the tokens of a sequence, and not a map."""
    needs_sequence: ClassVar[bool] = False
    """Whether it has a meaning on sequences alone."""

    @abstractmethod
    def layer(self, sources: Sources) -> Layer:
        """The layer with its shapes. After a fault, any layer will do: the network is refused."""
