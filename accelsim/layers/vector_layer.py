"""Layers that the vector unit computes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from accelsim.step.ops import Pass, Role, Use
from accelsim.workload.lowering import Work, gradient_of, operands
from accelsim.workload.network import Layer

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value


class VectorLayer(Layer):
    """One op forward, and one backward that makes the errors at the inputs and the gradients of
    the layer's own words. `Work` says what the kinds count.
    """

    @abstractmethod
    def work(self) -> Work:
        """Work forward per sample."""

    def work_back(self) -> Work:
        """Work backward per sample."""
        return self.work()

    def reads(self, low: Lowering) -> Value:
        """What FF reads."""
        return tuple(tensor for name in self.inputs for tensor in low.outputs[name])

    def stash(self, low: Lowering) -> Value:
        """What FF keeps for the backward work, beside the map and its mask: values of
        `Lowering.tensors` with ``stash=True``, so that they are dropped where nothing reads them.
        Called for each pass; every call must give the same names.
        """
        return ()

    def reads_back(self, low: Lowering, error: Value) -> Value:
        """What the backward work reads."""
        return (*error, *self.stash(low))

    def forward(self, low: Lowering) -> None:
        out = low.tensors(f"{self.name}.out", Role.ACTIVATION, self.out_shape)
        low.outputs[self.name] = out
        mask = low.mask(self.name) if low.network.rectified(self.name) else ()
        low.vector(
            f"{self.name}.FF",
            self.name,
            Pass.FF,
            self.work().times(low.samples),
            operands(self.reads(low), Use.READ),
            (*out, *self.stash(low), *mask),
        )

    def backward(self, low: Lowering, error: Value) -> None:
        """``<layer>.EP``, where anything is wanted from it."""
        gradients = [gradient_of(weight) for weight in self.weights(low.samples) if self.learns]
        targets = [low.target(self, place) or () for place in range(len(self.inputs))]
        made = (*(tensor for target in targets for tensor in target), *gradients)
        if made:
            low.vector(
                f"{self.name}.EP",
                self.name,
                Pass.EP,
                self.work_back().times(low.samples),
                operands(self.reads_back(low, error), Use.READ),
                made,
            )
