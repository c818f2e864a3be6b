"""The modular rules of Han et al. 2020: ``modular`` (eq. 6), ``conv-dfa`` and ``dilated`` (section
3.2.1).

The error e_L at the output of a module's last layer goes over one fixed link to the input map of
each of the module's layers, and so into the module before (`accelsim.workload.modules`). Modules'
errors are a chain; inside a module every link waits for e_L alone. What lies between a map and the
weights that made it acts locally, as in direct feedback. Residual networks: each weighted layer of
a block has a link of its own, the shortcut's convolution too; errors that land on one map are
summed, and nothing crosses an identity shortcut.

Links of a map with a vector, or of two vectors, are a dense matrix under every rule. Else:

* ``modular``: a dense matrix over the elements of both maps.
* ``conv-dfa``: one convolution at e_L's own resolution, as far-reaching as the chain it replaces,
  then upsampled (nearest neighbour).
* ``dilated``: the same with 3 x 3 taps, dilated to the same reach.

f' masks the outputs of the link's last contraction. Where an upsampling follows it masks nothing:
each error that the convolution makes serves several elements of the map, and the ReLU's own
backward op masks those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

from accelsim.rules.declaration import RuleSpec
from accelsim.rules.modular.links import links_of
from accelsim.rules.modular.options import ModularOptions
from accelsim.rules.walk.backward import feedback_bits, needed
from accelsim.step.contraction import Window, convolution_nest, feedback_nest
from accelsim.step.ops import (
    Operand,
    Pass,
    Role,
    Tensor,
    TraceZeros,
    Use,
    ZeroSource,
)
from accelsim.workload.lowering import Lowering, Value, Work, operands
from accelsim.workload.modules import Link, dilation_of
from accelsim.workload.network import Layer, Network, Pair

Carry = Callable[[Lowering, Link, Tensor, Value], None]
"""Emits the ops of one link, from the error at the source's output to the target, the error at the
layer's input map.
"""


class ModuleFeedback:
    """Errors over one link a layer, from the end of the layer's module."""

    direct = True
    carried = True

    def __init__(self, found: Mapping[str, Link], carry: Carry) -> None:
        self._links = found
        self._carry = carry
        self._errors: dict[str, Value] = {}

    def propagate(self, low: Lowering, layer: Layer, error: Value, target: Value | None) -> Value:
        """Emit the layer's link; see `ErrorPropagation`."""
        self._errors[layer.name] = error
        if target is not None:
            link = self._links[layer.name]
            self._carry(low, link, self._errors[link.source.name][0], target)
        return error


def dense_link(
    low: Lowering, link: Link, error: Tensor, target: Value, binary: bool = False
) -> None:
    """``<layer>.EP``: a matrix from all elements of the source's map to all of the layer's input
    map.
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
        Operand(feedback, Use.STATIONARY),
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
    """``<layer>.EP`` at the source's resolution, and ``<layer>.EP.upsample`` where the layer's
    input map has another.
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
    """A convolution's fixed feedback: rows and columns of taps, dilation, groups, and whether its
    words have one bit.
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
    made: Value,
    kernel: FixedKernel,
    mask: tuple[Operand, ...] = (),
) -> None:
    """A fixed convolution that keeps the size of its map, from the channels of ``moving`` to those
    of ``made``; the name ends in its ``part``.
    """
    sources, taps, dilation, groups = (
        moving.tensor.shape[-1],
        kernel.taps,
        kernel.dilation,
        kernel.groups,
    )
    suffix = f".{part}" if part else ""
    _, h, w, channels = made[0].shape if len(made[0].shape) == 4 else (0, 1, 1, made[0].shape[-1])
    padding = dilation[0] * (taps[0] - 1) // 2, dilation[1] * (taps[1] - 1) // 2
    rows, columns = (
        Window(extent, extent, taps[axis], 1, dilation[axis], padding[axis])
        for axis, extent in enumerate((h, w))
    )
    # The convolution that would have made the source's channels from the target's.
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
        made,
    )


def resize(low: Lowering, layer: Layer, read: Value, made: Value) -> None:
    """``<layer>.EP.upsample``."""
    elementwise(low, layer, "upsample", read, made)


def elementwise(low: Lowering, layer: Layer, function: str, read: Value, made: Value) -> None:
    """``<layer>.EP.<function>``: one operation an element that it makes."""
    low.vector(
        f"{layer.name}.EP.{function}",
        layer.name,
        Pass.EP,
        Work(function, made[0].elements, 1),
        operands(read, Use.READ),
        made,
    )


def same_map(link: Link) -> bool:
    """Whether both ends of the link have the same rows and columns."""
    return link.source.out_shape[:2] == link.layer.in_shape[:2]


def moving_error(error: Tensor, zeros: ZeroSource) -> Operand:
    """The error that a link carries."""
    return Operand(error, Use.MOVING, zeros)


def error_zeros(link: Link, resized: Pair | None = None) -> TraceZeros:
    """Zeros of the error at the source's own output."""
    return TraceZeros(f"{link.source.name}.error", resized=resized)


def modular(network: Network, rule: RuleSpec[ModularOptions]) -> ModuleFeedback:
    """``modular``. InputError as `links_of`."""
    return ModuleFeedback(links_of(network, rule), dense_link)


def convolutional(network: Network, rule: RuleSpec[ModularOptions]) -> ModuleFeedback:
    """``conv-dfa``. InputError as `links_of`."""
    return ModuleFeedback(links_of(network, rule), convolution_link(dilated=False))


def dilated(network: Network, rule: RuleSpec[ModularOptions]) -> ModuleFeedback:
    """``dilated``. InputError as `links_of`."""
    return ModuleFeedback(links_of(network, rule), convolution_link(dilated=True))
