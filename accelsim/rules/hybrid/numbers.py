"""Steps of two kinds: ``hdfa`` (Han et al. 2020, algorithm 1) and its control ``bp-only``, which
leaves the feedback steps out.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from accelsim.errors import InputError
from accelsim.layers.numerics import WeightedNumerics
from accelsim.numerics.arrays import Array
from accelsim.rules.chained.numbers import Backprop
from accelsim.rules.walk.numbers import BP, LEFT_OUT, RuleNumerics
from accelsim.workload.network import Layer

_STREAM = 0xC01


class Hybrid(RuleNumerics):
    """A step is backpropagation's with probability ``p``, else that of ``other`` (None: left out),
    from a random stream of its own.

    InputError when no step would ever be made.
    """

    def __init__(self, other: RuleNumerics | None, backprop: Backprop, p: float, seed: int) -> None:
        super().__init__(backprop.model)
        if other is None and p <= 0:
            raise InputError(f"bp-only.p must be > 0 for training, got {p:g}")
        self.other = other
        self.backprop = backprop
        self.p = p
        self.seed = seed
        self.current: RuleNumerics = backprop

    def begin(self, step: int) -> str:
        """Drawn for each step by itself, so that a run can be taken up at any step."""
        by_backprop = np.random.default_rng([_STREAM, self.seed, step]).random() < self.p
        if not by_backprop and self.other is None:
            return LEFT_OUT
        self.current = self.other if self.other is not None and not by_backprop else self.backprop
        self.direct = self.current.direct
        return BP if by_backprop else self.current.begin(step)

    def cross(
        self,
        layer: Layer,
        numerics: WeightedNumerics,
        error: Array,
        errors: Mapping[str, Array],
        wanted: bool,
    ) -> tuple[Array, ...]:
        return self.current.cross(layer, numerics, error, errors, wanted)

    def feedback_weights(self) -> dict[str, Array]:
        return self.other.feedback_weights() if self.other is not None else {}
