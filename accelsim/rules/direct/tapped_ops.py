"""Ops of direct feedback into blocks or sublayers of attention (Launay et al. 2020)."""

from __future__ import annotations

from accelsim.rules.chained.ops import Backprop
from accelsim.rules.direct.matrices import Matrices
from accelsim.rules.direct.taps import Taps
from accelsim.step.forms import Form
from accelsim.step.ops import Pass, Role, Use
from accelsim.workload.lowering import Lowering, Value, Work, operands
from accelsim.workload.network import Layer, Shape


class TappedFeedback(Backprop):
    """Backpropagation between taps, feedback at taps."""

    def __init__(self, taps: Taps, matrices: Matrices) -> None:
        self.of_network = taps
        self.taps = frozenset(taps.shapes)
        self.matrices = matrices

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        """EP as in backpropagation. The last layer with weights makes the errors that the taps get,
        and they get them at once; see `ErrorPropagation.propagate`.
        """
        last = layer is self.of_network.source
        if last and self.of_network.hidden and target is None:
            # Its input map has a tap, so the error there goes to the feedback alone.
            target = low.tensors(f"{layer.inputs[0]}.error.sent", Role.ERROR, layer.in_shape)
        result = super().propagate(low, layer, error, target)
        if last:
            if self.of_network.hidden:
                assert target is not None
                self._feed(low, target, None)
            else:
                self._feed(low, low.output_error(), f"{low.network.classifier.name}.error")
        return result

    def _feed(self, low: Lowering, errors: Value, key: str | None) -> None:
        """Emit the products with feedback, and give the taps their errors."""
        taps = self.of_network
        for layer, to in taps.matrices.items():
            shape = taps.shapes[taps.widest if taps.shared else layer]
            made = low.tensors(f"{layer}.fed", Role.ERROR, shape)
            low.contraction(
                f"{layer}.EP.feedback",
                layer,
                Pass.EP,
                self.matrices.nest(low.batch, to),
                (*operands(errors, Use.MOVING, key), self.matrices.operand(layer, to)),
                made,
            )
            if not taps.shared:
                low.contributions[layer].append(made)
        if taps.shared:
            parts = {taps.shapes[taps.widest]: made}
            for tap, shape in taps.shapes.items():
                if shape not in parts:
                    parts[shape] = self._columns(low, made, shape)
                low.contributions[tap].append(parts[shape])

    def _columns(self, low: Lowering, made: Value, shape: Shape) -> Value:
        """The first channels of the error that the shared matrix makes, read where they are."""
        source = self.of_network.source.name
        part = low.tensors(f"{source}.fed.{shape[2]}", Role.ERROR, shape)
        words = sum(tensor.elements for tensor in part)
        low.vector(
            f"{source}.EP.feedback.{shape[2]}",
            source,
            Pass.EP,
            Work("columns", words, 0, Form.ADDRESSING),
            operands(made, Use.READ),
            part,
        )
        return part
