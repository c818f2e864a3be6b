"""The walk back through the network that all learning rules share: EP, WG and WU of each layer,
from the last to the first.
"""

from __future__ import annotations

from typing import Protocol

from accelsim.rules.walk.forward import lower_forward
from accelsim.rules.walk.loss import lower_loss
from accelsim.rules.walk.update import weight_update
from accelsim.step.ops import Operand, Pass, TrainingStep, Use
from accelsim.workload.lowering import Lowering, Value, operands
from accelsim.workload.network import Layer, Network


class ErrorPropagation(Protocol):
    """What a learning rule is to the walk: how errors get past the weighted layers.

    ``direct``: a map that weighted layers read gets its error from their feedback alone, not from
    its other readers. ``carried``: weighted layers hand errors on to the map that they read; where
    they do not, the walk ends at the first weights that it meets.
    """

    @property
    def direct(self) -> bool: ...

    @property
    def carried(self) -> bool: ...

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        """Emit EP of a weighted layer, from the ``error`` at its output to the ``target`` at its
        input map (None: not wanted).

        ``error`` and ``target`` are one tensor, or one per time step. Returns the error that the
        layer's WG reads: what `Layer.local_errors` returns where errors do not cross time (of most
        kinds ``error`` itself, of a recurrent layer the gates' errors), and what
        `Recurrent.errors_through_time` returns where they do.
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
    """The training step of a rule that is the shared walk with its own way past the weighted
    layers.
    """
    low = Lowering(network, batch, propagation.direct)
    lower_forward(low)
    lower_loss(low)
    for layer in reversed(network.layers):
        error = low.error(layer)
        if error is None:
            continue
        if layer.weighted:
            target = low.target(layer) if propagation.carried else None
            error = propagation.propagate(low, layer, error, target)
        layer.backward(low, error)
        if layer.learns:
            weight_update(low, layer, optimizer)
    return low.finish(rule, passes)


def feedback_bits(binary: bool) -> int | None:
    """Bits of a word of fixed feedback: one if ``binary``, else None, the machine's precision."""
    return 1 if binary else None


def needed(low: Lowering, layer: Layer, step: int | None = None) -> tuple[Operand, ...]:
    """The mask of f' at the layer's input map (of one time step), by which EP's outputs are needed;
    none unless a ReLU made that map.
    """
    source = layer.inputs[0]
    if not low.network.rectified(source):
        return ()
    mask = low.mask(source)
    return operands(
        mask if step is None else mask[step : step + 1], Use.NEEDED, f"{layer.name}.mask", step
    )
