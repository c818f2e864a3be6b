"""Feedback through time: ``triangular`` (Han et al. 2020, section 3.1 and eqs. 10 and 12 as
amended), which ``revised`` shares.

Two modules. In the output's, feedback S_fc takes the output error of a time step to h of that step,
and the cell learns from it by its own derivatives there (eq. 10): e_rnn is the error at h, in a
plain RNN times f'. From the last cell of the module before, an upper triangular matrix of blocks
takes e_rnn of a step and all later ones to each layer's input map: e_emb_i = sum over j >= i of
B_ij e_rnn_j (eq. 12). No error crosses time step by step, so nothing is a chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from accelsim.errors import InputError
from accelsim.layers.recurrent import Recurrent
from accelsim.rules.declaration import RuleSpec
from accelsim.rules.direct.ops import DirectFeedback
from accelsim.rules.direct.options import DirectOptions
from accelsim.rules.walk.backward import feedback_bits, needed
from accelsim.step.contraction import feedback_nest
from accelsim.step.ops import (
    Dense,
    Operand,
    Pass,
    Role,
    Tensor,
    TraceZeros,
    Use,
    ZeroSource,
)
from accelsim.workload.lowering import Lowering, Value, step_name
from accelsim.workload.modules import modules_of
from accelsim.workload.network import INPUT, Layer, Network
from accelsim.zeros.feedback import entries_a_row
from accelsim.zeros.patterns import BlockRows, BlocksDraw


class TriangularFeedback:
    """``sources``: the cell whose e_rnn each layer before the output's module learns from;
    ``output``: feedback of the other layers.

    ``density``: stored entries of each row of each block (1: all, without indices). ``binary``:
    they are of one bit. ``random_values``: the numbers' partial backward weight comes from the
    random stream (`BlocksDraw`).
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
    ) -> None:
        self._sources = sources
        self._output = output
        self._density = density
        self._bits = feedback_bits(binary)
        self._random_values = random_values
        self._errors: dict[str, tuple[Value, Value]] = {}
        """By layer, the errors at its output and those that it learns from."""

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        """Emit ``<layer>.EP``, one a time step; see `ErrorPropagation`."""
        if target is not None and layer.name not in self._sources:
            return self._output.propagate(low, layer, error, target)
        learns_from = layer.local_errors(low, error)
        self._errors[layer.name] = error, learns_from
        for step in reversed(range(len(target or ()))):
            self._row(low, layer, step, target)
        return learns_from

    def _row(self, low: Lowering, layer: Layer, step: int, target: Value | None) -> None:
        """The row of blocks into the layer's input map at a time step, of that step's e_rnn and all
        later ones'.
        """
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
        # Errors at sums that are handed on have the zeros of those at h.
        zeros = [
            TraceZeros(f"{source.name}.error", None if at is None else later)
            for later in range(step, steps)
        ]
        read = [
            Operand(tensor, Use.MOVING, zero)
            for tensor, zero in zip(carried[step:], zeros, strict=True)
        ]
        nest = feedback_nest(low.batch, (1, 1, channels), errors, nonzeros)
        pattern: ZeroSource = Dense()
        if stored:
            draw = BlocksDraw(layer.name, channels, hidden, self._density, self._random_values)
            pattern = BlockRows(draw, hidden, step, steps)
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
    """The last cell of its module, by each layer before the output's module that wants an error in
    its input map.

    InputError without recurrent layers, or where a module before the output's ends in another
    layer.
    """
    if not any(layer.recurrent for layer in network.layers):
        raise InputError(f"{rule} must have a network with recurrent layers, got {network.name}")
    found: dict[str, Recurrent] = {}
    for name, end in modules_of(network).items():
        if end is network.output or network.layer(name).inputs[0] == INPUT:
            continue
        if not isinstance(end, Recurrent):
            raise InputError(
                f"modules of {network.name} must end in recurrent layers before the output's, got "
                f"{end.name}"
            )
        found[name] = end
    return found


def triangular(network: Network, rule: RuleSpec[DirectOptions]) -> TriangularFeedback:
    """``triangular``. InputError as `sources_of`."""
    output = DirectFeedback(0, rule.options.per_step)
    return TriangularFeedback(sources_of(network, rule.name), output)
