"""Ops of direct feedback alignment, ``dfa`` (Noekland 2016), and its variants: sparse ``sdfa`` and
``ssdfa`` (Crafton et al. 2019), and ``bdfa`` with feedback words of one bit (Han and Yoo 2019).

Every weighted layer l, except those that read the network's input, has fixed feedback weights B.
They carry the output error to the INPUT map of l, after pooling. If two or more layers read that
map, their errors are summed there.

From that map, errors pass through pooling, f', batch norm and residual adds back to the weighted
layers that produced it. They stop at any map that has feedback of its own, so no error crosses an
identity shortcut into an earlier map. With recurrent layers this holds at each time step; no error
crosses time steps.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from accelsim.errors import InputError
from accelsim.rules.declaration import RuleSpec
from accelsim.rules.direct.options import DirectOptions, SparseOptions
from accelsim.rules.walk.backward import feedback_bits, needed
from accelsim.step.contraction import feedback_nest
from accelsim.step.ops import Operand, Pass, Role, Tensor, Use
from accelsim.step.zero_sources import Draw, TraceZeros
from accelsim.workload.lowering import Lowering, Value, operands, step_name
from accelsim.workload.network import Layer, Network
from accelsim.zeros.patterns import SparseDraw, StepRows

LayerDraw = Callable[[Layer, int], Draw]
"""(layer, output errors) -> draw of the sparse B into the layer's input map."""


class DirectFeedback:
    """Direct feedback with ``nonzeros`` weights per target neuron at positions given by ``draw``,
    or dense feedback (0 and None). The weights have one bit each if ``binary``.
    """

    direct = True
    carried = True

    def __init__(
        self, nonzeros: int, per_step: bool, binary: bool = False, draw: LayerDraw | None = None
    ) -> None:
        self.nonzeros = nonzeros
        self.draw = draw
        self.per_step = per_step
        self.bits = feedback_bits(binary)

    def feedback(self, low: Lowering, layer: Layer, step: int) -> Operand:
        """Operand B of a layer, at a time step if ``per_step``. Its shape is (channels, rows,
        columns, output errors), where the first three are those of the layer's input map.
        """
        (h, w, c), errors = layer.in_shape, prod(low.network.output.out_shape)
        key = f"{layer.name}.feedback"
        stored = h * w * c * self.nonzeros if self.nonzeros else -1
        index_bits = (errors - 1).bit_length() if self.nonzeros else 0
        name = step_name(key, step) if self.per_step else key
        tensor = Tensor(
            name, Role.FEEDBACK, (c, h, w, errors), stored, self.bits, True, c, index_bits
        )
        zeros = (
            StepRows(self.draw(layer, errors), step if self.per_step else 0, key)
            if self.draw
            else TraceZeros(key)
        )
        return Operand(tensor, Use.STATIONARY, zeros)

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        """Emit ``<layer>.EP``, in a sequence network one per time step; see
        `ErrorPropagation.propagate`.
        """
        if target is not None:
            output = low.network.output
            moving = low.output_error()
            errors, key = prod(output.out_shape), f"{low.network.classifier.name}.error"
            nest = feedback_nest(low.batch, layer.in_shape, errors, self.nonzeros)
            for step, output_error in enumerate(target):
                at = None if len(target) == 1 else step
                read = operands([moving[step]], Use.MOVING, key, at)
                read += (self.feedback(low, layer, step),)
                name = f"{layer.name}.EP" if at is None else step_name(f"{layer.name}.EP", step)
                low.contraction(
                    name,
                    layer.name,
                    Pass.EP,
                    nest,
                    read + needed(low, layer, at),
                    [output_error],
                )
        return layer.local_errors(low, error)


def dense(_network: Network, rule: RuleSpec[DirectOptions]) -> DirectFeedback:
    """Ops of ``dfa``."""
    return DirectFeedback(0, rule.options.per_step)


def binary(_network: Network, rule: RuleSpec[DirectOptions]) -> DirectFeedback:
    """Ops of ``bdfa``."""
    return DirectFeedback(0, rule.options.per_step, binary=True)


def single(_network: Network, rule: RuleSpec[DirectOptions]) -> DirectFeedback:
    """Ops of ``ssdfa``."""
    return DirectFeedback(1, rule.options.per_step, draw=sparse_draw(1))


def sparse(network: Network, rule: RuleSpec[SparseOptions]) -> DirectFeedback:
    """Ops of ``sdfa``.

    Raises InputError if ``k`` exceeds the number of output errors, or if a given ``rank`` is too
    small to use all of them.
    """
    errors, options = prod(network.output.out_shape), rule.options
    if options.k > errors:
        raise InputError(
            f"{rule.name}.k must be <= {errors}, the outputs of {network.name}, got {options.k}"
        )
    least = -(-errors // options.k) if options.k else 0
    if 0 < options.rank < least:
        raise InputError(
            f"{rule.name}.rank must be >= {least}, so that k * rank reaches the {errors} outputs "
            f"of {network.name}, got {options.rank}"
        )
    draw = sparse_draw(options.k, options.rank) if options.k else None
    return DirectFeedback(options.k, options.per_step, draw=draw)


def sparse_draw(k: int, rank: int = 0) -> LayerDraw:
    """Draw of ``k`` weights per neuron."""
    return lambda layer, errors: SparseDraw(layer.name, prod(layer.in_shape), errors, k, rank)
