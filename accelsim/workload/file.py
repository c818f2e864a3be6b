"""A workload: the fields of a workload YAML, documented once. Those of a layer are in the file of
its kind in ``accelsim/layers``; shapes are resolved in `accelsim.workload.resolve`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from accelsim.config.kinds import Kinds
from accelsim.config.models.limits import LARGEST_BATCH
from accelsim.config.models.problems import Problem, raise_problems
from accelsim.config.models.section import Section
from accelsim.config.registries import LAYERS
from accelsim.workload.section import Extent, LayerSection

LayerSpec = Annotated[LayerSection, Kinds(LAYERS)]


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
