"""The backward walk that all learning rules share: EP, WG and WU of each layer, last to first."""

from __future__ import annotations

from typing import Protocol

from accelsim.errors import InputError
from accelsim.rules.walk.forward import lower_forward
from accelsim.rules.walk.loss import lower_loss
from accelsim.rules.walk.update import weight_update
from accelsim.step.ops import Operand, Pass, Tensor, TrainingStep, Use
from accelsim.workload.lowering import Lowering, Value, operands
from accelsim.workload.network import Layer, Network


class ErrorPropagation(Protocol):
    """How a learning rule carries errors past weighted layers; the rest of the walk is shared.

    ``direct``: if true, a map that weighted layers read gets its error only from their feedback,
    not from its other readers. ``carried``: if true, weighted layers pass an error to their input
    map; if false, the walk ends at the first weighted layer it reaches.

    It may have ``taps``, a frozenset of maps whose errors come from the rule alone. It adds them to
    `Lowering.contributions` before the walk reaches the layers that made these maps.
    """

    @property
    def direct(self) -> bool: ...

    @property
    def carried(self) -> bool: ...

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        """Emit EP of a weighted layer, from the ``error`` at its output to the ``target`` at its
        input map (None if not needed).

        ``error`` and ``target`` are one tensor, or one per time step. Returns the error that the
        layer's WG reads: the result of `Recurrent.errors_through_time` if errors cross time steps,
        else of `Layer.local_errors` (for a recurrent layer the gates' errors, for most other kinds
        ``error`` itself).
        """
        ...


def lower_step(
    network: Network,
    rule: str,
    propagation: ErrorPropagation,
    batch: int,
    optimizer: str,
    passes: frozenset[Pass],
) -> TrainingStep:
    """Training step of a rule: the shared walk, with the rule's own ``propagation`` past weighted
    layers.
    """
    taps: frozenset[str] = getattr(propagation, "taps", frozenset())
    low = Lowering(network, batch, propagation.direct, taps)
    lower_forward(low)
    lower_loss(low)
    for layer in reversed(network.layers):
        error = low.error(layer)
        if error is None:
            continue
        if layer.weighted:
            target = low.target(layer) if propagation.carried else None
            error = propagation.propagate(low, layer, error, target)
            if not (isinstance(error, tuple) and all(isinstance(each, Tensor) for each in error)):
                raise InputError(
                    f"propagate of rule {rule} must return the error that the weight gradient of "
                    f"{layer.name} reads, a tuple of tensors, got {error!r:.60}"
                )
        layer.backward(low, error)
        if layer.learns:
            weight_update(low, layer, optimizer)
    return low.finish(rule, passes)


def feedback_bits(binary: bool) -> int | None:
    """Bits per word of fixed feedback: 1 if ``binary``, else None, which means the machine's
    precision.
    """
    return 1 if binary else None


def needed(low: Lowering, layer: Layer, step: int | None = None) -> tuple[Operand, ...]:
    """Mask of f' at the layer's input map (of one time step, if given), which says which outputs of
    EP are needed. Empty unless a ReLU made that map.
    """
    source = layer.inputs[0]
    if not low.network.rectified(source):
        return ()
    mask = low.mask(source)
    return operands(
        mask if step is None else mask[step : step + 1], Use.NEEDED, f"{layer.name}.mask", step
    )
