"""Embeddings: a row of the table a word."""

from __future__ import annotations

import numpy as np

from accelsim.errors import InputError
from accelsim.kernels.tensors.recurrent import add_rows
from accelsim.layers.numerics import WeightedNumerics
from accelsim.numerics.arrays import Array


class Embedding(WeightedNumerics):
    """Word numbers (T*N, 1, 1, 1) to their rows of ``weight`` (vocabulary, C). Nothing is
    multiplied, so no product counts it.
    """

    RANGE = 0.1
    """Fresh entries are uniform in +-0.1, as PyTorch's word_language_model example draws them."""

    def fresh_parameters(self, random: np.random.Generator, makes_logits: bool) -> dict[str, Array]:
        return {
            "weight": random.uniform(-self.RANGE, self.RANGE, self.layer.weight_shape).astype(
                self.dtype
            )
        }

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        """InputError for a word that the table has no row of. Whole numbers may come in a floating
        type.
        """
        self.words = inputs[0].reshape(-1).astype(np.int64)
        last = self.layer.vocabulary - 1
        if len(self.words) and not 0 <= self.words.min() <= self.words.max() <= last:
            wrong = self.words[(self.words < 0) | (self.words > last)][0]
            raise InputError(
                f"{self.layer.name}: word numbers must be between 0 and {last}, got {wrong}"
            )
        return self.parameters["weight"][self.words].reshape(-1, 1, 1, self.layer.out_shape[2])

    def learn(self, error: Array) -> None:
        """The gradient of a word's row is the sum of the errors at its occurrences, in their order;
        other rows' are zero.
        """
        gradient = np.zeros(self.layer.weight_shape, self.dtype)
        add_rows(np.ascontiguousarray(error).reshape(len(self.words), -1), self.words, gradient)
        self.gradients = {"weight": gradient}

    def backward(
        self, error: Array, propagate: bool, transport: Array | None = None
    ) -> tuple[Array, ...]:
        """`learn`; () whatever is asked for, as there is no error at a word's number."""
        self.learn(error)
        return ()
