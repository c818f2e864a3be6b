"""Ops of feedback over time: ``triangular`` (Han et al. 2020, section 3.1 and eqs. 10 and 12 as
amended), which ``revised`` also uses.

There are two modules. In the output's module, feedback S_fc carries the output error of a time step
to h of that step, and the cell learns from it with its own derivatives (eq. 10). e_rnn is the error
at h, in a plain RNN multiplied by f'. For each layer before that module, an upper triangular matrix
of blocks carries e_rnn of the last cell to the layer's input map, from the same and all later
steps: e_emb_i = sum over j >= i of B_ij e_rnn_j (eq. 12). No error passes from one time step to the
next, so there is no chain over time.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from accelsim.errors import InputError
from accelsim.layers.recurrent import Recurrent
from accelsim.rules.declaration import RuleSpec
from accelsim.rules.direct.matrices import Matrices
from accelsim.rules.direct.ops import DirectFeedback
from accelsim.rules.direct.options import DirectOptions
from accelsim.rules.walk.backward import feedback_bits, needed
from accelsim.step.contraction import feedback_nest
from accelsim.step.ops import Operand, Pass, Role, Tensor, Use
from accelsim.step.zero_sources import Dense, IdentityFirst, TraceZeros, ZeroSource
from accelsim.workload.lowering import Lowering, Value, step_name
from accelsim.workload.modules import modules_of
from accelsim.workload.network import INPUT, Layer, Network
from accelsim.zeros.feedback import entries_a_row
from accelsim.zeros.patterns import BlockRows, BlocksDraw


class TriangularFeedback:
    """Feedback over time.

    ``sources``: by layer before the output's module, the cell whose e_rnn it receives. ``output``:
    direct feedback for the other layers. ``density``: fraction of entries stored per row of each
    block (1: all, without indices). ``binary``: entries of one bit. ``random_values``: the partial
    backward weight is drawn from the random stream (`BlocksDraw`), not copied from the weights.
    ``identity``: the block for the error of the same time step is the identity.
    """

    direct = True
    carried = True

    def __init__(
        self,
        sources: Mapping[str, Recurrent],
        output: DirectFeedback,
        density: float = 1.0,
        binary: bool = False,
        random_values: bool = True,
        identity: bool = False,
    ) -> None:
        self._sources = sources
        self._output = output
        self._density = density
        self._bits = feedback_bits(binary)
        self._random_values = random_values
        self._identity = identity
        self._errors: dict[str, tuple[Value, Value]] = {}
        """By layer: the errors at its output, and the errors that its WG reads."""

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        """Emit ``<layer>.EP``, one per time step; see `ErrorPropagation.propagate`."""
        if target is not None and layer.name not in self._sources:
            return self._output.propagate(low, layer, error, target)
        learns_from = layer.local_errors(low, error)
        self._errors[layer.name] = error, learns_from
        for step in reversed(range(len(target or ()))):
            self._row(low, layer, step, target)
        return learns_from

    def _row(self, low: Lowering, layer: Layer, step: int, target: Value | None) -> None:
        """Emit EP of one time step: a row of blocks times e_rnn of this and all later steps."""
        assert target is not None
        source, steps = self._sources[layer.name], len(target)
        channels, hidden = prod(layer.in_shape), source.out_shape[2]
        stored = entries_a_row(hidden, self._density) if self._density < 1 else 0
        nonzeros, errors = stored * (steps - step), hidden * (steps - step)
        at = None if steps == 1 else step
        suffix = "" if at is None else step_name("", step)
        feedback = Tensor(
            f"{layer.name}.feedback{suffix}",
            Role.FEEDBACK,
            (channels, 1, 1, errors),
            channels * nonzeros if stored else -1,
            self._bits,
            persistent=True,
            home_channels=channels,
            index_bits=(hidden - 1).bit_length() if stored else 0,
        )
        at_output, at_sums = self._errors[source.name]
        carried = at_sums if source.hands_on_sum_errors else at_output
        # Errors at the gates' sums have the same zeros as errors at h.
        zeros = [
            TraceZeros(f"{source.name}.error", None if at is None else later)
            for later in range(step, steps)
        ]
        read = [
            Operand(tensor, Use.MOVING, zero)
            for tensor, zero in zip(carried[step:], zeros, strict=True)
        ]
        nest = feedback_nest(low.batch, (1, 1, channels), errors, nonzeros)
        pattern: ZeroSource = IdentityFirst(hidden) if self._identity else Dense()
        if stored:
            draw = BlocksDraw(layer.name, channels, hidden, self._density, self._random_values)
            pattern = BlockRows(draw, hidden, step, steps, self._identity)
        operands = (*read, Operand(feedback, Use.STATIONARY, pattern), *needed(low, layer, at))
        low.contraction(
            f"{layer.name}.EP{suffix}",
            layer.name,
            Pass.EP,
            nest,
            operands,
            [target[step]],
        )


def sources_of(network: Network, rule: str) -> dict[str, Recurrent]:
    """By layer before the output's module whose input map needs an error: the last cell of its
    module.

    Raises InputError if the network has no recurrent layers, or if a module before the output's
    ends in a layer of another kind.
    """
    if not any(layer.recurrent for layer in network.layers):
        raise InputError(f"{rule} must have a network with recurrent layers, got {network.name}")
    sources: dict[str, Recurrent] = {}
    for name, end in modules_of(network).items():
        if end is network.classifier or network.layer(name).inputs[0] == INPUT:
            continue
        if not isinstance(end, Recurrent):
            raise InputError(
                f"modules of {network.name} must end in recurrent layers before the output's, got "
                f"{end.name}"
            )
        sources[name] = end
    return sources


def triangular(network: Network, rule: RuleSpec[DirectOptions]) -> TriangularFeedback:
    """Ops of ``triangular``. Raises InputError like `sources_of`."""
    output = DirectFeedback(Matrices(), rule.options.per_step)
    return TriangularFeedback(sources_of(network, rule.name), output)
