"""Embedding layer: each token selects one row of a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.errors import InputError
from accelsim.kernels.tensors.recurrent import add_rows
from accelsim.layers.numerics import WeightedNumerics
from accelsim.layers.vector_layer import VectorLayer
from accelsim.numerics.arrays import Array
from accelsim.step.ops import Pass, Role, Tensor, Use
from accelsim.workload.lowering import Work, gradient_of, operands
from accelsim.workload.network import Shape
from accelsim.workload.section import Extent, LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value


class EmbeddingSection(LayerSection):
    """Keys of an embedding."""

    kind: Literal["embedding"] = Field(
        description="A row of the embedding table for each token of the input."
    )
    dim: Extent = Field(description="Length of a row.")

    reads_tokens: ClassVar[bool] = True

    def layer(self, sources: Sources) -> Embedding:
        shape = (*sources.shapes[0][:2], self.dim)
        return Embedding(self.name, sources.names, sources.shapes, shape, sources.vocabulary)


@dataclass(frozen=True)
class Embedding(VectorLayer):
    """An embedding with a table of shape (vocabulary, C)."""

    vocabulary: int = 0

    kind: ClassVar[str] = "embedding"
    weighted: ClassVar[bool] = True
    traced: ClassVar[bool] = False

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.vocabulary, self.out_shape[2])

    def weights(self, samples: int) -> tuple[Tensor, ...]:
        """The table. ``stored`` counts only as many rows as the step can use, min(words of
        the step, vocabulary), because no other row moves.
        """
        rows, length = self.weight_shape
        words = samples * prod(self.in_shape)
        name, stored = f"{self.name}.weight", min(words, rows) * length
        return (Tensor(name, Role.WEIGHT, (rows, length), stored=stored, persistent=True),)

    def resized(self, in_shapes: tuple[Shape, ...], channels: int, vocabulary: int) -> Embedding:
        return replace(
            self,
            in_shapes=in_shapes,
            out_shape=(*self.out_shape[:2], channels),
            vocabulary=vocabulary,
        )

    def work(self) -> Work:
        return Work("embedding", prod(self.out_shape), 1)

    def work_back(self) -> Work:
        """Scatter-add: the error at each position is added to the gradient row of its token."""
        return Work("embedding_backward", prod(self.out_shape), 1)

    def reads(self, low: Lowering) -> Value:
        return (*super().reads(low), low.weight(self))

    def backward(self, low: Lowering, error: Value) -> None:
        """Emit ``<layer>.WG``."""
        low.vector(
            f"{self.name}.WG",
            self.name,
            Pass.WG,
            self.work_back().times(low.samples),
            operands([*low.input_of(self), *error], Use.READ),
            [gradient_of(low.weight(self))],
        )

    def numerics(self, dtype: np.dtype[Any], steps: int) -> EmbeddingNumerics:
        return EmbeddingNumerics(self, dtype)


class EmbeddingNumerics(WeightedNumerics):
    """Maps token numbers (T*N, 1, 1, 1), or (N, T, 1, 1) if they are positions of a map, to rows of
    ``weight`` (vocabulary, C). It multiplies nothing, so no MACs are counted.
    """

    layer: Embedding

    RANGE = 0.1
    """Initial weights are uniform in +-0.1, as in PyTorch's word_language_model example."""

    def fresh_parameters(self, random: np.random.Generator, makes_logits: bool) -> dict[str, Array]:
        return {
            "weight": random.uniform(-self.RANGE, self.RANGE, self.layer.weight_shape).astype(
                self.dtype
            )
        }

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        """Look up the rows, (T*N, 1, 1, C) or (N, T, 1, C). Tokens may be whole numbers in a
        floating type.

        Raises InputError for a token outside the vocabulary.
        """
        self.words = inputs[0].reshape(-1).astype(np.int64)
        last = self.layer.vocabulary - 1
        if len(self.words) and not 0 <= self.words.min() <= self.words.max() <= last:
            wrong = self.words[(self.words < 0) | (self.words > last)][0]
            raise InputError(
                f"{self.layer.name}: word numbers must be between 0 and {last}, got {wrong}"
            )
        return self.parameters["weight"][self.words].reshape(-1, *self.layer.out_shape)

    def learn(self, error: Array) -> None:
        """Set the gradient: each token's row is the sum of the errors at its occurrences, added in
        order. Other rows are zero.
        """
        gradient = np.zeros(self.layer.weight_shape, self.dtype)
        add_rows(np.ascontiguousarray(error).reshape(len(self.words), -1), self.words, gradient)
        self.gradients = {"weight": gradient}

    def backward(
        self, error: Array, propagate: bool, transport: Array | None = None
    ) -> tuple[Array, ...]:
        """Call `learn` and return (). ``propagate`` has no effect, because a token number has no
        error.
        """
        self.learn(error)
        return ()
