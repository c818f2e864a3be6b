"""Numbers of the modular rules of Han et al. 2020: ``modular`` (eq. 6), ``conv-dfa`` and
``dilated`` (section 3.2.1).

Fixed random links carry the error at the output of a module's last layer to the input map of each
of the module's layers, and so into the module before. From a map back to the weights that produced
it, errors pass as in direct feedback. In a residual network every weighted layer of a block has its
own link, including the shortcut's convolution. Errors that reach the same map are summed, and none
crosses an identity shortcut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod, sqrt

import numpy as np

from accelsim.layers.convolution import Convolution
from accelsim.layers.model import Model
from accelsim.layers.numerics import WeightedNumerics
from accelsim.numerics import products
from accelsim.numerics.arrays import Array
from accelsim.rules.declaration import RuleSpec
from accelsim.rules.modular.links import links_of
from accelsim.rules.modular.options import ModularOptions
from accelsim.rules.walk.numbers import BackwardWalk, RuleNumerics, spread_over
from accelsim.workload.modules import Link, dilation_of
from accelsim.workload.network import Layer
from accelsim.zeros.feedback import dense_feedback, feedback_random, random_entries


class LinkNumerics:
    """A link as a chain of fixed parts: matrices, convolutions, resizing and channel shuffles.

    ``weights`` are the arrays by which it multiplies, in order.
    """

    def __init__(self, parts: list[Callable[[Array], Array]], weights: list[Array]) -> None:
        self.parts = parts
        self.weights = weights

    def carry(self, error: Array) -> Array:
        """Error at the layer's input map, (N, H, W, C), from the error at the source's output."""
        for part in self.parts:
            error = part(error)
        return error


class ModuleFeedback(RuleNumerics):
    """One link per layer carries the error from the end of the layer's module to the layer's input
    map.
    """

    direct = True

    def __init__(self, model: Model, numerics: Mapping[str, tuple[Link, LinkNumerics]]) -> None:
        super().__init__(model)
        self.links = numerics

    def cross(
        self,
        layer: Layer,
        numerics: WeightedNumerics,
        error: Array,
        walk: BackwardWalk,
        wanted: bool,
    ) -> tuple[Array, ...]:
        numerics.learn(error)
        if not wanted:
            return ()
        link, over = self.links[layer.name]
        return (over.carry(walk.errors[link.source.name]),)

    def feedback_weights(self) -> dict[str, Array]:
        return {
            f"{name}.{index}": array
            for name, (_, over) in self.links.items()
            for index, array in enumerate(over.weights)
        }


Build = Callable[[Link, Model, np.random.Generator], LinkNumerics]
"""(link, model, random) -> numbers of the link."""


def module_feedback(
    model: Model, seed: int, links: Mapping[str, Link], build: Build
) -> ModuleFeedback:
    """Numbers of a rule over ``links``, each made by ``build``."""
    return ModuleFeedback(
        model,
        {
            name: (link, build(link, model, feedback_random(seed, name)))
            for name, link in links.items()
        },
    )


def dense_link(scale: float, binary: bool = False) -> Build:
    """Link of ``modular``: a dense matrix over the elements of both maps.

    From the network's output it equals the matrix B of direct feedback. From another module's end
    its standard deviation is 1 / sqrt(elements of that module's output map).
    """

    def build(link: Link, model: Model, random: np.random.Generator) -> LinkNumerics:
        (h, w, c), sources = link.layer.in_shape, prod(link.source.out_shape)
        if link.source is model.network.classifier:
            values = dense_feedback(h * w * c, sources, h * w, random, binary).values
        else:
            values = random_entries((h * w * c, sources), 1 / sqrt(sources), binary, random)
        matrix = np.ascontiguousarray((scale * values).T, model.dtype)

        def carry(error: Array) -> Array:
            return products.product(
                np.ascontiguousarray(error).reshape(len(error), -1), matrix
            ).reshape(len(error), h, w, c)

        return LinkNumerics([carry], [matrix])

    return build


def convolution_link(scale: float, dilated: bool) -> Build:
    """Link of ``conv-dfa`` and ``dilated``: one convolution on the source's map with the receptive
    field of the layers it bypasses, then upsampling.

    ``dilated`` uses 3 x 3 taps, spaced to reach as far.
    """
    dense = dense_link(scale)

    def build(link: Link, model: Model, random: np.random.Generator) -> LinkNumerics:
        if link.dense:
            return dense(link, model, random)
        kernel = link.kernel_at_source
        taps, spread = ((3, 3), dilation_of(kernel)) if dilated else (kernel, (1, 1))
        convolve = FixedConvolution(
            link.source.out_shape, link.layer.in_shape[2], taps, spread, 1, model
        )
        convolve.fill(scale, False, random)
        return LinkNumerics(
            [convolve, lambda error: spread_over(error, link.layer.in_shape)], [convolve.weight]
        )

    return build


class FixedConvolution:
    """A convolution that keeps the size of its map, with weights (K, R, S, C/groups) that never
    change. Their standard deviation is 1 / sqrt(fan-in).
    """

    def __init__(
        self,
        in_shape: tuple[int, int, int],
        out_channels: int,
        taps: tuple[int, int],
        dilation: tuple[int, int],
        groups: int,
        model: Model,
    ) -> None:
        pads = [reach * (extent - 1) // 2 for extent, reach in zip(taps, dilation, strict=True)]
        out_shape = (in_shape[0], in_shape[1], out_channels)
        padding = (pads[0], pads[0], pads[1], pads[1])
        layer = Convolution(
            "feedback", (), (in_shape,), out_shape, taps, (1, 1), padding, dilation, groups
        )
        self.convolution = layer.numerics(model.dtype, 1)
        self.weight: Array = np.empty(0, model.dtype)

    def fill(self, scale: float, binary: bool, random: np.random.Generator) -> None:
        """Draw the weights, times ``scale``."""
        shape = self.convolution.layer.weight_shape
        entries = random_entries(shape, scale / sqrt(prod(shape[1:])), binary, random)
        self.weight = entries.astype(self.convolution.dtype)
        self.convolution.parameters = {"weight": self.weight}

    def __call__(self, error: Array) -> Array:
        return self.convolution.forward((error,), training=False)


def modular(model: Model, seed: int, rule: RuleSpec[ModularOptions]) -> ModuleFeedback:
    """Numbers of ``modular``. Raises InputError like `links_of`."""
    return module_feedback(
        model, seed, links_of(model.network, rule), dense_link(rule.options.scale)
    )


def convolutional(model: Model, seed: int, rule: RuleSpec[ModularOptions]) -> ModuleFeedback:
    """Numbers of ``conv-dfa``. Raises InputError like `links_of`."""
    build = convolution_link(rule.options.scale, dilated=False)
    return module_feedback(model, seed, links_of(model.network, rule), build)


def dilated(model: Model, seed: int, rule: RuleSpec[ModularOptions]) -> ModuleFeedback:
    """Numbers of ``dilated``. Raises InputError like `links_of`."""
    build = convolution_link(rule.options.scale, dilated=True)
    return module_feedback(model, seed, links_of(model.network, rule), build)
