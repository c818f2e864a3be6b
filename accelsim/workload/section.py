"""Parts that the sections of all layer kinds share in a workload file. The section of a kind is in
the kind's file of ``accelsim/layers``.
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
"""Names that ops and tensors of every training step use, and that layers must not have."""


def _layer_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise ValueError("must be a name of letters, digits, _ and -")
    if name in RESERVED:
        raise ValueError(f"must be a name other than {', '.join(RESERVED)}")
    return name


Name = Annotated[str, AfterValidator(_layer_name)]


@dataclass(frozen=True)
class Sources:
    """Maps that a layer reads: the names of their producers and their shapes, in order.

    ``vocabulary``: number of different input tokens of the network, 0 for images. ``fault`` records
    that a key breaks a rule: ``fault("groups", "a divisor of the 6 input channels", 4)`` is (key,
    rule, actual value).
    """

    names: tuple[str, ...]
    shapes: tuple[Shape, ...]
    vocabulary: int
    fault: Callable[[str, str, object], None]


class LayerSection(Section):
    """One layer of a workload file.

    A kind adds ``kind``, a Literal with its name, and its own keys. The class variables declare the
    inputs that it accepts.
    """

    name: Name = Field(
        description="The layer's name: letters, digits, _ and -; unique. Ops and traces use it."
    )
    inputs: tuple[str, ...] = Field(
        (),
        description="Names of the layers (or `input`) whose maps it reads. Default: the layer "
        "above, or `input` for the first layer.",
    )

    if TYPE_CHECKING:
        kind: str

    several_inputs: ClassVar[bool] = False
    """True if it may read several maps instead of one."""
    least_inputs: ClassVar[int] = 2
    """Fewest maps that a kind with several inputs reads."""
    reads_tokens: ClassVar[bool] = False
    """True if it reads the tokens of a sequence instead of a map."""
    needs_sequence: ClassVar[bool] = False
    """True if it requires a sequence network."""
    is_bias: ClassVar[bool] = False
    """True if ``biases: left_out`` of a workload drops it."""

    @abstractmethod
    def layer(self, sources: Sources) -> Layer:
        """The layer with its shapes. After a fault any layer may be returned, because the network
        is refused.
        """
