"""Modules of a network, and the links over which the modular rules send errors (Han et al. 2020,
sections 3.1 and 3.2).

A module is a run of consecutive weighted layers. The error at the output of its last layer goes
directly to the input map of each of its layers (eq. 6; j = -1 is the link to the output of the
previous module). The last module consists of the network's output layer and the fully connected
layers directly before it.
"""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.errors import InputError
from accelsim.workload.network import INPUT, Layer, Network, Pair


@dataclass(frozen=True)
class Link:
    """Path of an error from the output of ``source``, the last layer of a module, to the input map
    of ``layer``.

    ``field``: (rows, columns) of that input map on which one output of ``source`` depends through
    ``layer``. ``step``: shift of this field between neighbouring outputs. ``shortcut``: true if
    ``layer`` is the convolution on the shortcut of a residual block.
    """

    layer: Layer
    source: Layer
    field: Pair
    step: Pair
    shortcut: bool = False

    @property
    def dense(self) -> bool:
        """True if the link must be a matrix because one end is a vector."""
        return self.layer.flattens or self.source.flattens

    @property
    def kernel_at_source(self) -> Pair:
        """(rows, columns) of a kernel on the map of ``source`` that covers ``field``. Sizes are
        odd, and no larger than needed to cover the map.
        """
        sides = [
            _odd(-(-field // step), extent)
            for field, step, extent in zip(
                self.field, self.step, self.source.out_shape[:2], strict=True
            )
        ]
        return sides[0], sides[1]

    @property
    def kernel_at_target(self) -> Pair:
        """(rows, columns) of a kernel on the input map of ``layer`` that covers ``field``, with the
        same limits.
        """
        sides = [
            _odd(field, extent)
            for field, extent in zip(self.field, self.layer.in_shape[:2], strict=True)
        ]
        return sides[0], sides[1]


def dilation_of(kernel: Pair) -> Pair:
    """Dilation at which 3 taps cover the extent of ``kernel``."""
    return max(1, (kernel[0] - 1) // 2), max(1, (kernel[1] - 1) // 2)


def _odd(reach: int, extent: int) -> int:
    """``reach`` rounded up to odd, limited to the size that covers a map of ``extent`` from any
    position.
    """
    return min(reach + 1 - reach % 2, 2 * extent - 1)


def modules_of(network: Network, ends: tuple[str, ...] = ()) -> dict[str, Layer]:
    """By weighted layer: the last layer of its module. ``ends`` are the last layers of the modules,
    in order; by default those of the network or, if it has none, a guess.

    The guess: consecutive weighted layers with output maps of one size form a module; in a
    recurrent network, everything before the output layers is one module. Raises InputError if
    ``ends`` are not weighted layers in the network's order.
    """
    weighted = network.weighted
    names = [layer.name for layer in weighted]
    given = ends or network.modules
    places = [names.index(name) if name in names else -1 for name in given]
    if -1 in places or sorted(set(places)) != places:
        raise InputError(
            f"modules must be layers with weights of {network.name}, in their order, got "
            f"{', '.join(given)}"
        )
    last = set(places) if given else _guessed(network)
    last |= {len(names) - 1}
    result: dict[str, Layer] = {}
    for index, layer in enumerate(weighted):
        result[layer.name] = weighted[min(place for place in last if place >= index)]
    return result


def _guessed(network: Network) -> set[int]:
    """Indices of the last layers of the guessed modules."""
    weighted = network.weighted
    head = len(weighted) - 1
    while head > 0 and weighted[head - 1].flattens and weighted[head].flattens:
        head -= 1
    ends = {
        index - 1
        for index in range(1, head)
        if weighted[index].out_shape[:2] != weighted[index - 1].out_shape[:2]
        and not network.unrolled
    }
    return ends | ({head - 1} if head else set())


def links(network: Network, ends: tuple[str, ...] = ()) -> dict[str, Link]:
    """By weighted layer: the link into its input map. Layers that read the network's input have
    none. ``ends`` as in `modules_of`.

    Raises InputError if the end of a module does not depend on one of its layers.
    """
    result: dict[str, Link] = {}
    for name, source in modules_of(network, ends).items():
        layer = network.layer(name)
        if layer.inputs[0] == INPUT:
            continue
        reach = _reach(network, layer, source)
        if reach is None:
            raise InputError(
                f"modules of {network.name} must end in a layer that depends on all others, got "
                f"{source.name} for {name}"
            )
        result[name] = Link(layer, source, *reach, shortcut=is_shortcut(network, layer))
    return result


def _reach(network: Network, layer: Layer, source: Layer) -> tuple[Pair, Pair] | None:
    """(field, step) at the input map of ``layer`` for one output of ``source``, over the path with
    the largest field.

    If ``source`` itself does not depend on the layer but the residual sum after it does, the field
    is that of one element of the sum. None if neither depends on it.
    """
    at: dict[str, tuple[Pair, Pair]] = {}
    for each in network.layers[network.layers.index(layer) :]:
        arriving = (
            [((1, 1), (1, 1))]
            if each is layer
            else [at[name] for name in each.inputs if name in at]
        )
        if not arriving:
            continue
        field, step = max(arriving)
        reach, stride = each.reach
        wide = [f + (reach[axis] - 1) * step[axis] for axis, f in enumerate(field)]
        at[each.name] = ((wide[0], wide[1]), (step[0] * stride[0], step[1] * stride[1]))
    # The layer may be on the other branch of the residual block that ends the module. The error at
    # the end of either branch equals the error at their sum, apart from unweighted layers between.
    met = [
        name for name in (source.name, *sorted(_adds_before_weights(network, source))) if name in at
    ]
    return at[met[0]] if met else None


def is_shortcut(network: Network, layer: Layer) -> bool:
    """True if the layer reaches a residual add without passing further weights, while another
    reader of its input map passes weights on the way.
    """
    if layer.flattens or layer.recurrent:
        return False
    others = [
        each for each in network.consumers[layer.inputs[0]] if each.weighted and each is not layer
    ]
    reached = _adds_before_weights(network, layer)
    return bool(reached) and any(
        not reached & _adds_before_weights(network, other) for other in others
    )


def _adds_before_weights(network: Network, layer: Layer) -> set[str]:
    """Names of the residual adds that the layer reaches without passing further weights."""
    result: set[str] = set()
    waiting = [layer.name]
    while waiting:
        for each in network.consumers[waiting.pop()]:
            if each.sums:
                result.add(each.name)
            elif not each.weighted:
                waiting.append(each.name)
    return result
