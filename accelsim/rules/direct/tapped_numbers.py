"""Numbers of direct feedback into blocks or sublayers of attention (Launay et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from accelsim.layers.model import Model
from accelsim.layers.numerics import WeightedNumerics
from accelsim.numerics.arrays import Array
from accelsim.rules.direct.carriers import carrier
from accelsim.rules.direct.taps import Taps
from accelsim.rules.walk.numbers import FEEDBACK, BackwardWalk, RuleNumerics
from accelsim.workload.network import Layer
from accelsim.zeros.feedback import Feedback


class TappedFeedback(RuleNumerics):
    """Backpropagation between taps, feedback at taps. ``feedback``: a matrix for each layer that
    holds one.
    """

    def __init__(self, model: Model, taps: Taps, feedback: Mapping[str, Feedback]) -> None:
        super().__init__(model)
        self.of_network = taps
        self.taps = frozenset(taps.shapes)
        self.feedback = feedback
        self._carriers = {name: carrier(b, model.dtype) for name, b in feedback.items()}

    def begin(self, step: int) -> str:
        return FEEDBACK

    def cross(
        self,
        layer: Layer,
        numerics: WeightedNumerics,
        error: Array,
        walk: BackwardWalk,
        wanted: bool,
    ) -> tuple[Array, ...]:
        taps = self.of_network
        if layer is not taps.source:
            return numerics.backward(error, wanted)
        leaving = numerics.backward(error, wanted or taps.hidden)
        sent = leaving[0] if taps.hidden else walk.errors[self.model.network.output.name]
        walk.arrived.update(self.project(self.model.stored_error(sent)))
        return leaving if wanted else ()

    def project(self, sent: Array) -> dict[str, Array]:
        """Errors at the taps, from the error that feedback carries."""
        taps = self.of_network
        found: dict[str, Array] = {}
        for layer, to in taps.matrices.items():
            shape = taps.shapes[taps.widest if taps.shared else layer]
            made = self._carriers[layer](sent.reshape(-1, to.length)).reshape(-1, *shape)
            for tap in taps.shapes if taps.shared else (layer,):
                found[tap] = np.ascontiguousarray(made[..., : taps.shapes[tap][2]])
        return found

    def feedback_weights(self) -> dict[str, Array]:
        return {name: b.values for name, b in self.feedback.items()}
