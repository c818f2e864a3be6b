"""Base class of activation functions whose derivative does not follow from their value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accelsim.layers.activations import Activation

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value


class InputActivation(Activation):
    """An elementwise function whose derivative is computed from its input. The backward op reads
    the input map, which stays in memory until then.
    """

    def reads_back(self, low: Lowering, error: Value) -> Value:
        return (*error, *low.input_of(self))
