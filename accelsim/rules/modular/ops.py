"""The modular rules of Han et al. 2020: ``modular`` (eq. 6), ``conv-dfa``, ``dilated`` (section
3.2.1) and ``revised`` (eq. 7).

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
* ``revised``: e_L upsampled to the layer's input map, D1 (3 x 3, dilated), channel shuffle, D2 (1 x
  1), both in groups; that is the order of table 2's counts, ``order=printed`` is eq. 7's (D2
  first). A shortcut's link is one 1 x 1 convolution without groups.

f' masks the outputs of the link's last contraction. Where an upsampling follows it masks nothing:
each error that the convolution makes serves several elements of the map, and the ReLU's own
backward op masks those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

from accelsim.errors import InputError
from accelsim.rules.direct.ops import SCALE
from accelsim.rules.info import RuleInfo
from accelsim.rules.spelling import Option, RuleSpec
from accelsim.rules.walk.backward import lower_step, needed
from accelsim.rules.walk.lowering import Lowering, Value, operands
from accelsim.step.ops import (
    Bounds,
    Dense,
    Operand,
    OpKind,
    Pass,
    Role,
    Tensor,
    TraceZeros,
    TrainingStep,
    Use,
    ZeroSource,
)
from accelsim.workload.modules import Link, Pair, dilation_of, links
from accelsim.workload.network import Layer, Network

Carry = Callable[[Lowering, Link, Tensor, Value], None]
"""Emits the ops of one link, from the error at the source's output to the target, the error at the
layer's input map.
"""


class ModuleFeedback:
    """Errors over one link a layer, from the end of the layer's module."""

    direct = True

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
        bits=_bits(binary),
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
        OpKind.FEEDBACK,
        Bounds(low.batch, c, errors, h, w),
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
        (h, w, sources), channels = source.out_shape, layer.in_shape[2]
        kernel = link.kernel_at_source
        taps, spread = ((3, 3), dilation_of(kernel)) if dilated else (kernel, (1, 1))
        moving = moving_error(error, error_zeros(link))
        if _same_map(link):
            fixed_convolution(
                low, layer, "", moving, sources, target, taps, spread, mask=needed(low, layer)
            )
            return
        narrow = low.tensors(f"{layer.name}.carried", Role.ERROR, (h, w, channels))
        fixed_convolution(low, layer, "", moving, sources, narrow, taps, spread)
        _resize(low, layer, narrow, target)

    return carry


def revised_link(groups: int, binary: bool, printed: bool) -> Carry:
    """``<layer>.EP.upsample``, ``.d1``, ``.shuffle`` and ``.d2``, in that order or, ``printed``,
    with the convolutions swapped.
    """

    def carry(low: Lowering, link: Link, error: Tensor, target: Value) -> None:
        if link.dense:
            dense_link(low, link, error, target, binary)
            return
        layer, sources = link.layer, link.source.out_shape[2]
        h, w, channels = layer.in_shape
        if not _same_map(link):
            wide = low.tensors(f"{layer.name}.upsampled", Role.ERROR, (h, w, sources))
            _resize(low, layer, (error,), wide)
            error = wide[0]
        moving, mask = (
            moving_error(error, error_zeros(link, None if _same_map(link) else (h, w))),
            needed(low, layer),
        )
        if link.shortcut:
            fixed_convolution(
                low, layer, "", moving, sources, target, (1, 1), (1, 1), binary=binary, mask=mask
            )
            return
        between = channels if printed else sources
        made = low.tensors(f"{layer.name}.carried", Role.ERROR, (h, w, between))
        far = ("d1", (3, 3), dilation_of(link.kernel_at_target))
        near = ("d2", (1, 1), (1, 1))
        first, last = (near, far) if printed else (far, near)
        fixed_convolution(low, layer, first[0], moving, sources, made, *first[1:], groups, binary)
        if groups > 1:
            shuffled = low.tensors(f"{layer.name}.shuffled", Role.ERROR, (h, w, between))
            _elementwise(low, layer, "shuffle", made, shuffled)
            made = shuffled
        fixed_convolution(
            low,
            layer,
            last[0],
            moving_error(made[0], Dense()),
            between,
            target,
            *last[1:],
            groups,
            binary,
            mask,
        )

    return carry


def fixed_convolution(
    low: Lowering,
    layer: Layer,
    part: str,
    moving: Operand,
    sources: int,
    made: Value,
    taps: Pair,
    dilation: Pair,
    groups: int = 1,
    binary: bool = False,
    mask: tuple[Operand, ...] = (),
) -> None:
    """A fixed convolution that keeps the size of its map, ``sources`` channels to those of
    ``made``; the name ends in its ``part``.
    """
    suffix = f".{part}" if part else ""
    _, h, w, channels = made[0].shape if len(made[0].shape) == 4 else (0, 1, 1, made[0].shape[-1])
    padding = dilation[0] * (taps[0] - 1) // 2, dilation[1] * (taps[1] - 1) // 2
    bounds = Bounds(
        low.batch, sources, channels, h, w, h, w, *taps, groups, (1, 1), padding, dilation
    )
    shape = (channels, *taps, sources // groups)
    feedback = Tensor(
        f"{layer.name}.feedback{suffix}",
        Role.FEEDBACK,
        shape,
        bits=_bits(binary),
        persistent=True,
        home_channels=channels,
    )
    kind = OpKind.GROUPED_CONV if groups > 1 else OpKind.CONV
    low.contraction(
        f"{layer.name}.EP{suffix}",
        layer.name,
        Pass.EP,
        kind,
        bounds,
        (moving, Operand(feedback, Use.STATIONARY), *mask),
        made,
    )


def _resize(low: Lowering, layer: Layer, read: Value, made: Value) -> None:
    _elementwise(low, layer, "upsample", read, made)


def _elementwise(low: Lowering, layer: Layer, function: str, read: Value, made: Value) -> None:
    """``<layer>.EP.<function>``: one operation an element that it makes."""
    low.vector(
        f"{layer.name}.EP.{function}",
        layer.name,
        Pass.EP,
        function,
        made[0].elements,
        1,
        operands(read, Use.READ),
        made,
    )


def _same_map(link: Link) -> bool:
    return link.source.out_shape[:2] == link.layer.in_shape[:2]


def moving_error(error: Tensor, zeros: ZeroSource) -> Operand:
    """The error that a link carries."""
    return Operand(error, Use.MOVING, zeros)


def error_zeros(link: Link, resized: Pair | None = None) -> TraceZeros:
    """Zeros of the error at the source's own output."""
    return TraceZeros(f"{link.source.name}.error", resized=resized)


def _bits(binary: bool) -> int | None:
    return 1 if binary else None


def _lower(
    network: Network,
    rule: RuleSpec,
    batch: int,
    optimizer: str,
    passes: frozenset[Pass],
    carry: Carry,
) -> TrainingStep:
    return lower_step(
        network, str(rule), ModuleFeedback(_links(network, rule), carry), batch, optimizer, passes
    )


def _links(network: Network, rule: RuleSpec) -> dict[str, Link]:
    if network.vocabulary:
        raise InputError(
            f"{rule.name} must have a network without recurrent layers, got {network.name}"
        )
    return links(network, tuple(filter(None, str(rule.get("modules") or "").split("+"))))


def lower_modular(
    network: Network, rule: RuleSpec, batch: int, optimizer: str, passes: frozenset[Pass]
) -> TrainingStep:
    """Training step of ``modular``. InputError on sequence networks and on modules that are
    none.
    """
    return _lower(network, rule, batch, optimizer, passes, dense_link)


def lower_convolutional(
    network: Network, rule: RuleSpec, batch: int, optimizer: str, passes: frozenset[Pass]
) -> TrainingStep:
    """Training step of ``conv-dfa`` and ``dilated``. InputError as `lower_modular`."""
    return _lower(
        network, rule, batch, optimizer, passes, convolution_link(dilated=rule.name == "dilated")
    )


def lower_revised_cnn(
    network: Network, rule: RuleSpec, batch: int, optimizer: str, passes: frozenset[Pass]
) -> TrainingStep:
    """Training step of ``revised`` on networks without recurrent layers.

    InputError as `lower_modular`, and where the groups divide the channels at either end of a link
    unevenly.
    """
    groups = int(rule.get("groups") or 1)
    for name, link in _links(network, rule).items():
        ends = link.source.out_shape[2], link.layer.in_shape[2]
        if not (link.dense or link.shortcut) and any(channels % groups for channels in ends):
            raise InputError(
                f"{rule.name}.groups must divide the {ends[0]} and {ends[1]} channels at {name}, "
                f"got {groups}"
            )
    carry = revised_link(groups, bool(rule.get("binary")), rule.get("order") == "printed")
    return _lower(network, rule, batch, optimizer, passes, carry)


MODULES = Option(
    "modules",
    str,
    description="Last layer of each module, names joined with +; the workload's own modules "
    "without it.",
)

REVISED_CNN_OPTIONS = (
    Option(
        "groups",
        int,
        1,
        minimum=1,
        description="Groups of channels of D1 and D2, shuffled between the two (feed-forward "
        "networks).",
    ),
    Option("binary", bool, False, description="Feedback weights of one bit."),
    Option(
        "order",
        str,
        "counted",
        choices=("counted", "printed"),
        description="D1 before D2 as table 2 counts, or D2 first as eq. 7 prints (feed-forward "
        "networks).",
    ),
    MODULES,
    SCALE,
)

RULES = (
    RuleInfo(
        "modular",
        "modular",
        "Modular DFA: dense feedback from the end of a layer's module (eq. 6).",
        (MODULES, SCALE),
        lower_modular,
    ),
    RuleInfo(
        "conv-dfa",
        "conv-dfa",
        "Modular feedback through one convolution as far-reaching as the chain that it replaces.",
        (MODULES, SCALE),
        lower_convolutional,
    ),
    RuleInfo(
        "dilated",
        "dilated",
        "conv-dfa with 3 x 3 taps dilated to the same reach.",
        (MODULES, SCALE),
        lower_convolutional,
    ),
)
