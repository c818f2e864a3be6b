"""Ops of the modular rules of Han et al. 2020: ``modular`` (eq. 6), ``conv-dfa`` and ``dilated``
(section 3.2.1).

Fixed links carry the error e_L at the output of a module's last layer to the input map of each of
the module's layers, and so into the module before (`accelsim.workload.modules`). The modules'
errors form a chain. Within a module every link depends on e_L only. From a map back to the weights
that produced it, errors pass as in direct feedback. In a residual network each weighted layer of a
block has its own link, including the shortcut's convolution. Errors that reach the same map are
summed, and none crosses an identity shortcut.

A link between a map and a vector, or between two vectors, is a dense matrix under every rule.
Otherwise:

* ``modular``: a dense matrix over the elements of both maps.
* ``conv-dfa``: one convolution at e_L's resolution, with the receptive field of the layers it
  bypasses, then nearest-neighbour upsampling.
* ``dilated``: the same with 3 x 3 taps, dilated to the same reach.

The mask of f' applies to the outputs of the link's last contraction. It does not apply if
upsampling follows, because each error of the convolution then serves more than one element of the
map. The backward op of the ReLU masks those elements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

from accelsim.rules.declaration import RuleSpec
from accelsim.rules.modular.links import links_of
from accelsim.rules.modular.options import ModularOptions
from accelsim.rules.walk.backward import feedback_bits, needed
from accelsim.step.contraction import convolution_nest, feedback_nest
from accelsim.step.forms import Form
from accelsim.step.ops import Operand, Pass, Role, Tensor, Use
from accelsim.step.window import Window
from accelsim.step.zero_sources import TraceZeros, ZeroSource
from accelsim.workload.lowering import Lowering, Value, Work, operands
from accelsim.workload.modules import Link, dilation_of
from accelsim.workload.network import Layer, Network, Pair

Carry = Callable[[Lowering, Link, Tensor, Value], None]
"""Emits the ops of one link, from the error at the source's output to the target, which is the
error at the layer's input map.
"""


class ModuleFeedback:
    """One link per layer carries the error from the end of the layer's module to the layer's input
    map.
    """

    direct = True
    carried = True

    def __init__(self, links: Mapping[str, Link], carry: Carry) -> None:
        self._links = links
        self._carry = carry
        self._errors: dict[str, Value] = {}

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        """Emit the ops of the layer's link; see `ErrorPropagation.propagate`."""
        self._errors[layer.name] = error
        if target is not None:
            link = self._links[layer.name]
            self._carry(low, link, self._errors[link.source.name][0], target)
        return error


def dense_link(
    low: Lowering, link: Link, error: Tensor, target: Value, binary: bool = False
) -> None:
    """Emit ``<layer>.EP``: a matrix from all elements of the source's map to all elements of the
    layer's input map.
    """
    layer, source = link.layer, link.source
    (h, w, c), errors = layer.in_shape, prod(source.out_shape)
    feedback = Tensor(
        f"{layer.name}.feedback",
        Role.FEEDBACK,
        (c, h, w, errors),
        bits=feedback_bits(binary),
        persistent=True,
        home_channels=c,
    )
    read = (
        moving_error(error, error_zeros(link)),
        Operand(feedback, Use.STATIONARY, TraceZeros(f"{layer.name}.feedback")),
        *needed(low, layer),
    )
    low.contraction(
        f"{layer.name}.EP",
        layer.name,
        Pass.EP,
        feedback_nest(low.batch, layer.in_shape, errors),
        read,
        target,
    )


def convolution_link(dilated: bool) -> Carry:
    """Emit ``<layer>.EP`` at the source's resolution, and ``<layer>.EP.upsample`` if the layer's
    input map has another resolution.
    """

    def carry(low: Lowering, link: Link, error: Tensor, target: Value) -> None:
        if link.dense:
            dense_link(low, link, error, target)
            return
        layer, source = link.layer, link.source
        (h, w, _), channels = source.out_shape, layer.in_shape[2]
        reach = link.kernel_at_source
        kernel = FixedKernel((3, 3), dilation_of(reach)) if dilated else FixedKernel(reach)
        moving = moving_error(error, error_zeros(link))
        if same_map(link):
            fixed_convolution(low, layer, "", moving, target, kernel, needed(low, layer))
            return
        narrow = low.tensors(f"{layer.name}.carried", Role.ERROR, (h, w, channels))
        fixed_convolution(low, layer, "", moving, narrow, kernel)
        resize(low, layer, narrow, target)

    return carry


@dataclass(frozen=True)
class FixedKernel:
    """Fixed feedback of a convolution: (rows, columns) of taps and of dilation, number of groups,
    and one-bit words if ``binary``.
    """

    taps: Pair
    dilation: Pair = (1, 1)
    groups: int = 1
    binary: bool = False


def fixed_convolution(
    low: Lowering,
    layer: Layer,
    part: str,
    moving: Operand,
    outputs: Value,
    kernel: FixedKernel,
    mask: tuple[Operand, ...] = (),
) -> None:
    """Emit a fixed convolution that keeps the size of its map, from the channels of ``moving`` to
    those of ``outputs``. A non-empty ``part`` is appended to the op's name.
    """
    sources, taps, dilation, groups = (
        moving.tensor.shape[-1],
        kernel.taps,
        kernel.dilation,
        kernel.groups,
    )
    suffix = f".{part}" if part else ""
    _, h, w, channels = (
        outputs[0].shape if len(outputs[0].shape) == 4 else (0, 1, 1, outputs[0].shape[-1])
    )
    padding = dilation[0] * (taps[0] - 1) // 2, dilation[1] * (taps[1] - 1) // 2
    rows, columns = (
        Window(extent, extent, taps[axis], 1, dilation[axis], padding[axis])
        for axis, extent in enumerate((h, w))
    )
    # The forward convolution, from the target's channels to the source's, whose EP this is.
    forward = convolution_nest(low.batch, sources, channels, rows, columns, groups)
    shape = (channels, *taps, sources // groups)
    feedback = Tensor(
        f"{layer.name}.feedback{suffix}",
        Role.FEEDBACK,
        shape,
        bits=feedback_bits(kernel.binary),
        persistent=True,
        home_channels=channels,
    )
    low.contraction(
        f"{layer.name}.EP{suffix}",
        layer.name,
        Pass.EP,
        forward.backward_by_channel,
        (moving, Operand(feedback, Use.STATIONARY), *mask),
        outputs,
    )


def resize(low: Lowering, layer: Layer, read: Value, outputs: Value) -> None:
    """Emit ``<layer>.EP.upsample``."""
    elementwise(low, layer, "upsample", read, outputs)


def elementwise(low: Lowering, layer: Layer, function: str, read: Value, outputs: Value) -> None:
    """Emit ``<layer>.EP.<function>``, with one operation per element of its output."""
    low.vector(
        f"{layer.name}.EP.{function}",
        layer.name,
        Pass.EP,
        Work(function, outputs[0].elements, 1, Form.ADDRESSING),
        operands(read, Use.READ),
        outputs,
    )


def same_map(link: Link) -> bool:
    """True if both ends of the link have the same rows and columns."""
    return link.source.out_shape[:2] == link.layer.in_shape[:2]


def moving_error(error: Tensor, zeros: ZeroSource) -> Operand:
    """The error that a link carries, as its moving operand."""
    return Operand(error, Use.MOVING, zeros)


def error_zeros(link: Link, resized: Pair | None = None) -> TraceZeros:
    """Zeros of the error at the source's own output."""
    return TraceZeros(f"{link.source.name}.error", resized=resized)


def modular(network: Network, rule: RuleSpec[ModularOptions]) -> ModuleFeedback:
    """Ops of ``modular``. Raises InputError like `links_of`."""
    return ModuleFeedback(links_of(network, rule), dense_link)


def convolutional(network: Network, rule: RuleSpec[ModularOptions]) -> ModuleFeedback:
    """Ops of ``conv-dfa``. Raises InputError like `links_of`."""
    return ModuleFeedback(links_of(network, rule), convolution_link(dilated=False))


def dilated(network: Network, rule: RuleSpec[ModularOptions]) -> ModuleFeedback:
    """Ops of ``dilated``. Raises InputError like `links_of`."""
    return ModuleFeedback(links_of(network, rule), convolution_link(dilated=True))
