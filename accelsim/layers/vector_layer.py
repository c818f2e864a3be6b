"""Base class of layers that run on the vector unit."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from accelsim.step.ops import Operand, Pass, Role, Use
from accelsim.workload.lowering import Work, gradient_of, operands
from accelsim.workload.network import Layer

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value


class VectorLayer(Layer):
    """A layer with one forward op and one backward op. The backward op makes the errors at the
    inputs and the gradients of the layer's parameters. `Work` describes how operations are counted.
    """

    @abstractmethod
    def work(self) -> Work:
        """Forward work per sample."""

    def work_back(self) -> Work:
        """Backward work per sample; by default equal to the forward work."""
        return self.work()

    def reads(self, low: Lowering) -> Value:
        """Tensors that FF reads."""
        return tuple(tensor for name in self.inputs for tensor in low.outputs[name])

    def stash(self, low: Lowering) -> Value:
        """Tensors that FF keeps for the backward op, besides the output map and its mask.

        They must come from `Lowering.tensors` with ``stash=True``, so that they are dropped if
        nothing reads them. The method is called once per pass; every call must return the same
        names.
        """
        return ()

    def operands(self, low: Lowering) -> tuple[Operand, ...]:
        """Operands of FF: the tensors of `reads`, each whole unless a kind says otherwise."""
        return operands(self.reads(low), Use.READ)

    def reads_back(self, low: Lowering, error: Value) -> Value:
        """Tensors that the backward op reads."""
        return (*error, *self.stash(low))

    def forward(self, low: Lowering) -> None:
        """Emit ``<layer>.FF``."""
        out = low.tensors(f"{self.name}.out", Role.ACTIVATION, self.out_shape)
        low.outputs[self.name] = out
        mask = low.mask(self.name) if low.network.rectified(self.name) else ()
        low.vector(
            f"{self.name}.FF",
            self.name,
            Pass.FF,
            self.work().times(low.samples),
            self.operands(low),
            (*out, *self.stash(low), *mask),
        )

    def backward(self, low: Lowering, error: Value) -> None:
        """Emit ``<layer>.EP`` if an input needs an error or the layer has parameters to learn."""
        gradients = [gradient_of(weight) for weight in self.weights(low.samples) if self.learns]
        targets = [low.target(self, place) or () for place in range(len(self.inputs))]
        outputs = (*(tensor for target in targets for tensor in target), *gradients)
        if outputs:
            low.vector(
                f"{self.name}.EP",
                self.name,
                Pass.EP,
                self.work_back().times(low.samples),
                operands(self.reads_back(low, error), Use.READ),
                outputs,
            )
