"""Ops of direct feedback alignment, ``dfa`` (Noekland 2016), and its variants: sparse ``sdfa`` and
``ssdfa`` (Crafton et al. 2019), and ``bdfa`` with feedback words of one bit (Han and Yoo 2019).

Every weighted layer l, except those that read the network's input, has fixed feedback weights B.
They carry the output error to the INPUT map of l, after pooling. If two or more layers read that
map, their errors are summed there.

From that map, errors pass through pooling, f', batch norm and residual adds back to the weighted
layers that produced it. They stop at any map that has feedback of its own, so no error crosses an
identity shortcut into an earlier map. With recurrent layers this holds at each time step; no error
crosses time steps. In networks of attention, `tapped_ops` has feedback per block or sublayer.
"""

from __future__ import annotations

from accelsim.errors import InputError
from accelsim.rules.declaration import RuleSpec
from accelsim.rules.direct.matrices import Matrices, sparse_draw
from accelsim.rules.direct.options import DirectOptions, SparseOptions
from accelsim.rules.direct.reach import reach
from accelsim.rules.direct.tapped_ops import TappedFeedback
from accelsim.rules.direct.taps import refuse_options_of_taps, taps_of
from accelsim.rules.walk.backward import ErrorPropagation, needed
from accelsim.step.ops import Pass, Use
from accelsim.workload.lowering import Lowering, Value, operands, step_name
from accelsim.workload.network import Layer, Network


class DirectFeedback:
    """Direct feedback into the input map of each layer with weights; if ``per_step``, through one
    matrix per time step.
    """

    direct = True
    carried = True

    def __init__(self, matrices: Matrices, per_step: bool = False) -> None:
        self.matrices = matrices
        self.per_step = per_step

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        """Emit ``<layer>.EP``, in a sequence network one per time step; see
        `ErrorPropagation.propagate`.
        """
        if target is not None:
            output = low.network.output
            moving = low.output_error()
            to = reach(layer.in_shape, output.out_shape)
            nest = self.matrices.nest(low.batch, to)
            for step, output_error in enumerate(target):
                at = None if len(target) == 1 else step
                read = operands(
                    [moving[step]], Use.MOVING, f"{low.network.classifier.name}.error", at
                )
                own = step if self.per_step else None
                name = f"{layer.name}.EP" if at is None else step_name(f"{layer.name}.EP", step)
                low.contraction(
                    name,
                    layer.name,
                    Pass.EP,
                    nest,
                    (*read, self.matrices.operand(layer.name, to, own), *needed(low, layer, at)),
                    [output_error],
                )
        return layer.local_errors(low, error)


def dense(network: Network, rule: RuleSpec[DirectOptions]) -> ErrorPropagation:
    """Ops of ``dfa``."""
    return _feedback(network, rule, Matrices())


def binary(network: Network, rule: RuleSpec[DirectOptions]) -> ErrorPropagation:
    """Ops of ``bdfa``."""
    return _feedback(network, rule, Matrices(binary=True))


def single(network: Network, rule: RuleSpec[DirectOptions]) -> ErrorPropagation:
    """Ops of ``ssdfa``."""
    return _feedback(network, rule, Matrices(1, sparse_draw(1)))


def sparse(network: Network, rule: RuleSpec[SparseOptions]) -> ErrorPropagation:
    """Ops of ``sdfa``.

    Raises InputError if ``k`` exceeds the number of errors that a matrix reads, or if a given
    ``rank`` is too small to use all of them.
    """
    options = rule.options
    if options.granularity == "layer":
        output = network.output.out_shape
        every = [reach(layer.in_shape, output).length for layer in network.weighted]
        errors = min(every)
    else:
        errors = min(to.length for to in taps_of(network, rule).matrices.values())
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
    return _feedback(network, rule, Matrices(options.k, draw))


def _feedback(
    network: Network, rule: RuleSpec[DirectOptions], matrices: Matrices
) -> ErrorPropagation:
    refuse_options_of_taps(rule)
    if rule.options.granularity == "layer":
        return DirectFeedback(matrices, rule.options.per_step)
    return TappedFeedback(taps_of(network, rule), matrices)
