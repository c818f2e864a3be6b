"""A workload: every field of a workload YAML, documented once, here. Shapes are resolved in
`accelsim.workload.loading`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from accelsim.config.models.limits import LARGEST_BATCH
from accelsim.config.models.problems import Problem, raise_problems
from accelsim.config.models.section import Section

Extent = Annotated[int, Field(ge=1, le=1 << 24)]
Pad = Annotated[int, Field(ge=0, le=1 << 16)]

RESERVED = ("input", "labels", "loss")
"""Names that ops and tensors of every training step use."""


def _layer_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise ValueError("must be a name of letters, digits, _ and -")
    if name in RESERVED:
        raise ValueError(f"must be a name other than {', '.join(RESERVED)}")
    return name


Name = Annotated[str, AfterValidator(_layer_name)]
Window = Extent | tuple[Extent, Extent]
Padding = Literal["same", "valid"] | Pad | tuple[Pad, Pad]

_PADDING = (
    "Zeros around the map: a number, [rows, columns], `valid` (none) or `same` (output = "
    "ceil(input / stride); "
    "of an odd number the larger half goes below and right)."
)


class _Layer(Section):
    name: Name = Field(
        description="The layer's name: letters, digits, _ and -; unique. Ops and traces use it."
    )
    inputs: tuple[str, ...] = Field(
        (),
        description="Names of the layers (or `input`) whose maps it reads; the layer above (for "
        "the first, `input`) when not given.",
    )


class Conv(_Layer):
    """A convolution, without bias."""

    kind: Literal["conv"] = Field(description="Convolution.")
    out_channels: Extent = Field(description="Channels of the output map (K).")
    kernel: Window = Field(description="Kernel size: a number, or [rows, columns] (R, S).")
    stride: Window = Field(1, description="Stride: a number, or [rows, columns].")
    padding: Padding = Field(0, description=_PADDING)
    dilation: Window = Field(
        1, description="Distance between kernel taps: a number, or [rows, columns]."
    )
    groups: Extent = Field(
        1,
        description="Groups of channels that don't see each other; divides the channels of input "
        "and output.",
    )


class FullyConnected(_Layer):
    """A fully connected layer, without bias."""

    kind: Literal["fc"] = Field(
        description="Fully connected; flattens its input map in (row, column, channel) order."
    )
    out_features: Extent = Field(description="Outputs.")


class Pointwise(_Layer):
    """A layer that keeps the shape of its input."""

    kind: Literal["batch_norm", "relu", "tanh", "sigmoid"] = Field(
        description="Batch normalization (with scale and shift), or an activation function."
    )


class Pool(_Layer):
    """Pooling over windows."""

    kind: Literal["max_pool", "avg_pool"] = Field(
        description="Maximum or mean over each window; the mean counts padding zeros."
    )
    kernel: Window = Field(description="Window size: a number, or [rows, columns].")
    stride: Window | None = Field(
        None, description="Stride: a number, or [rows, columns]; the window's size when not given."
    )
    padding: Padding = Field(0, description=f"{_PADDING} Smaller than the window.")


class GlobalPool(_Layer):
    """Mean over the whole map."""

    kind: Literal["global_avg_pool"] = Field(
        description="Mean over the whole map, channel by channel."
    )


class Add(_Layer):
    """Residual add."""

    kind: Literal["add"] = Field(
        description="Sum of two or more maps of one shape: `inputs` must be given."
    )


class Embedding(_Layer):
    """Token to vector."""

    kind: Literal["embedding"] = Field(
        description="A row of the embedding table for each token of the input."
    )
    dim: Extent = Field(description="Length of a row.")


class Recurrent(_Layer):
    """A recurrent cell, unrolled over the sequence, without bias."""

    kind: Literal["rnn", "lstm", "gru"] = Field(
        description="Plain tanh cell, LSTM, or GRU (reset gate applied after the product)."
    )
    hidden: Extent = Field(description="Length of the hidden state.")


LayerSpec = Annotated[
    Conv | FullyConnected | Pointwise | Pool | GlobalPool | Add | Embedding | Recurrent,
    Field(discriminator="kind"),
]


class Input(Section):
    """One sample: an image (height, width, channels), or a sequence of tokens (sequence,
    vocabulary).
    """

    height: Extent | None = Field(
        None, description="Rows of the image; with `channels` alone the input is a vector."
    )
    width: Extent | None = Field(None, description="Columns of the image.")
    channels: Extent | None = Field(
        None, description="Channels of the image, or length of the vector."
    )
    sequence: Annotated[int, Field(ge=1, le=4096)] | None = Field(
        None, description="Tokens of the sequence: the time steps that are unrolled."
    )
    vocabulary: Annotated[int, Field(ge=2, le=1 << 24)] | None = Field(
        None, description="Number of different tokens."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Input:
        image = {"height": self.height, "width": self.width, "channels": self.channels}
        tokens = {"sequence": self.sequence, "vocabulary": self.vocabulary}
        is_sequence = any(value is not None for value in tokens.values())
        wanted, unwanted = (tokens, image) if is_sequence else (image, tokens)
        problems = [
            Problem((key,), "an integer >= 1", got=None)
            for key, value in wanted.items()
            if value is None
        ]
        if (
            not is_sequence
            and self.height is None
            and self.width is None
            and self.channels is not None
        ):
            problems = []
        problems += [
            Problem((key,), "absent where the input is a sequence")
            for key, value in unwanted.items()
            if value is not None
        ]
        raise_problems(problems)
        return self


class Workload(Section):
    """A network and the batch it is trained with. The last layer's outputs meet softmax and
    cross-entropy.
    """

    schema_: Literal["accelsim.workload/1"] = Field(
        "accelsim.workload/1", alias="schema", description="Format of this file."
    )
    name: str = Field(min_length=1, description="Name in results, plots and traces.")
    description: str = Field("", description="One line for `accelsim list`.")
    input: Input = Field(description="Shape of one sample.")
    batch: Annotated[int, Field(ge=1, le=LARGEST_BATCH)] = Field(
        1, description="Samples of a training step, when the command line gives none."
    )
    modules: tuple[str, ...] = Field(
        (),
        description="Names of the last layer with weights of each module, in order, for learning "
        "rules that pass errors from module to module "
        "(`modular`, `conv-dfa`, `dilated`, `revised`); when not given, layers that make maps of "
        "one size are a module.",
    )
    layers: tuple[LayerSpec, ...] = Field(
        description="The layers; each may read any layer above it.",
        json_schema_extra={"minItems": 1},
    )

    @model_validator(mode="after")
    def _some_layers(self) -> Workload:
        # A minimum length would count the layers without faults alone.
        raise_problems([] if self.layers else [Problem(("layers",), "a list of at least 1 layer")])
        return self
