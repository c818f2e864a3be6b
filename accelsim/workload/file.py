"""Fields of a workload YAML file, with their documentation.

The fields of a layer are in the file of its kind in ``accelsim/layers``. Shapes are resolved in
`accelsim.workload.resolve`.
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
    """Shape of one sample: an image (height, width, channels), a sequence of tokens for recurrent
    layers (sequence, vocabulary), or tokens that are read at once (tokens, vocabulary).
    """

    height: Extent | None = Field(
        None, description="Rows of the image. With only `channels` the input is a vector."
    )
    width: Extent | None = Field(None, description="Columns of the image.")
    channels: Extent | None = Field(
        None, description="Channels of the image, or length of the vector."
    )
    sequence: Annotated[int, Field(ge=1, le=4096)] | None = Field(
        None, description="Tokens per sequence, which is the number of unrolled time steps."
    )
    tokens: Annotated[int, Field(ge=1, le=1 << 20)] | None = Field(
        None,
        description="Tokens per sample, all read at once: the positions of a map of this height.",
    )
    vocabulary: Annotated[int, Field(ge=2, le=1 << 24)] | None = Field(
        None, description="Number of different tokens."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Input:
        image = {"height": self.height, "width": self.width, "channels": self.channels}
        once, unrolled = {"tokens": self.tokens}, {"sequence": self.sequence}
        words = {"vocabulary": self.vocabulary}
        reads_words = any(v is not None for v in (self.tokens, self.sequence, self.vocabulary))
        wanted, unwanted = image, {**once, **unrolled, **words}
        if reads_words:
            kind, other = (once, unrolled) if self.tokens is not None else (unrolled, once)
            wanted, unwanted = {**kind, **words}, {**image, **other}
        problems = [
            Problem((key,), "an integer >= 1", got=None)
            for key, value in wanted.items()
            if value is None
        ]
        if (
            not reads_words
            and self.height is None
            and self.width is None
            and self.channels is not None
        ):
            problems = []
        what = "tokens" if self.tokens is not None else "a sequence"
        problems += [
            Problem((key,), f"absent where the input is {what}")
            for key, value in unwanted.items()
            if value is not None
        ]
        raise_problems(problems)
        return self


class Workload(Section):
    """A network, and the batch size it is trained with. Softmax and cross-entropy are applied to
    the outputs of the last layer.
    """

    schema_: Literal["accelsim.workload/1"] = Field(
        "accelsim.workload/1", alias="schema", description="Format of this file."
    )
    name: str = Field(min_length=1, description="Name in results, plots and traces.")
    description: str = Field("", description="One line for `accelsim list`.")
    input: Input = Field(description="Shape of one sample.")
    batch: Annotated[int, Field(ge=1, le=LARGEST_BATCH)] = Field(
        1, description="Samples per training step, unless the command line sets it."
    )
    biases: Literal["counted", "left_out"] = Field(
        "counted",
        description="`left_out`: the network has no layers of kind `bias`; whoever reads one reads "
        "what it reads.",
    )
    modules: tuple[str, ...] = Field(
        (),
        description="Name of the last layer with weights of each module, in order, for learning "
        "rules that pass errors from module to module "
        "(`modular`, `conv-dfa`, `dilated`, `revised`). Default: consecutive layers whose output "
        "maps have the same size form a module.",
    )
    outputs: tuple[str, ...] = Field(
        (),
        description="Names of layers besides the last one whose outputs get a loss. Such a network "
        "can be simulated, not trained.",
    )
    layers: tuple[LayerSpec, ...] = Field(
        description="The layers; each may read any layer above it.",
        json_schema_extra={"minItems": 1},
    )

    @model_validator(mode="after")
    def _some_layers(self) -> Workload:
        # A minimum length on the field would count only the layers without faults.
        raise_problems([] if self.layers else [Problem(("layers",), "a list of at least 1 layer")])
        return self
