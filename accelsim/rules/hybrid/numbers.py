"""Numbers of rules with two kinds of training step: ``hdfa`` (Han et al. 2020, algorithm 1), and
its control ``bp-only``, which skips the feedback steps.
"""

from __future__ import annotations

import numpy as np

from accelsim.errors import InputError
from accelsim.layers.model import Model
from accelsim.layers.numerics import WeightedNumerics
from accelsim.numerics.arrays import Array
from accelsim.rules.chained.numbers import Backprop
from accelsim.rules.chained.options import BackpropOnlyOptions
from accelsim.rules.declaration import RuleSpec
from accelsim.rules.hybrid.options import HybridOptions, feedback_rule
from accelsim.rules.walk.numbers import BP, LEFT_OUT, BackwardWalk, RuleNumerics
from accelsim.workload.network import Layer

_STREAM = 0xC01


class Hybrid(RuleNumerics):
    """A step uses backpropagation with probability ``p``, else the rule ``other``; if ``other`` is
    None, the step is skipped. Steps are chosen from a random stream of their own.

    ``momentum_mix`` is gamma of algorithm 1.
    """

    def __init__(
        self,
        other: RuleNumerics | None,
        backprop: Backprop,
        p: float,
        seed: int,
        momentum_mix: float | None = None,
    ) -> None:
        super().__init__(backprop.model)
        self.other = other
        self.backprop = backprop
        self.p = p
        self.seed = seed
        self.momentum_mix = momentum_mix
        self.current: RuleNumerics = backprop

    def begin(self, step: int) -> str:
        """Kind of training step ``step``. Each step has its own draw, so that a run can resume at
        any step.
        """
        by_backprop = np.random.default_rng([_STREAM, self.seed, step]).random() < self.p
        if not by_backprop and self.other is None:
            return LEFT_OUT
        self.current = self.other if self.other is not None and not by_backprop else self.backprop
        self.direct, self.taps = self.current.direct, self.current.taps
        return BP if by_backprop else self.current.begin(step)

    def cross(
        self,
        layer: Layer,
        numerics: WeightedNumerics,
        error: Array,
        walk: BackwardWalk,
        wanted: bool,
    ) -> tuple[Array, ...]:
        return self.current.cross(layer, numerics, error, walk, wanted)

    @property
    def feedback_numerics(self) -> RuleNumerics:
        return self.backprop if self.other is None else self.other

    def feedback_weights(self) -> dict[str, Array]:
        return self.other.feedback_weights() if self.other is not None else {}


def hybrid(model: Model, seed: int, rule: RuleSpec[HybridOptions]) -> Hybrid:
    """Numbers of ``hdfa``. Raises InputError like the rule of its feedback steps."""
    options, feedback = rule.options, feedback_rule(rule)
    other = feedback.rule.numerics(model, seed, feedback)
    return Hybrid(other, Backprop(model), options.p, seed, momentum_mix=options.gamma)


def backprop_only(model: Model, seed: int, rule: RuleSpec[BackpropOnlyOptions]) -> Hybrid:
    """Numbers of ``bp-only``. Raises InputError if ``p`` is 0, because no step would be taken."""
    p = rule.options.p
    if p <= 0:
        raise InputError(f"{rule.name}.p must be > 0 for training, got {p:g}")
    return Hybrid(None, Backprop(model), p, seed)
