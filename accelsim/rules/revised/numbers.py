"""Numbers of ``revised`` (Han et al. 2020): links of two grouped convolutions between modules (eq.
7), or triangular feedback over time whose blocks are powers of one matrix (eqs. 9 to 12 as
amended).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from accelsim.layers.model import Model
from accelsim.numerics.arrays import Array
from accelsim.rules.declaration import RuleSpec
from accelsim.rules.modular.numbers import (
    Build,
    FixedConvolution,
    LinkNumerics,
    dense_link,
    module_feedback,
)
from accelsim.rules.revised.networks import grouped_links
from accelsim.rules.revised.options import RevisedOptions
from accelsim.rules.sequence.numbers import SequenceFeedback, SequenceOptions
from accelsim.rules.walk.numbers import RuleNumerics, spread_over
from accelsim.workload.modules import Link, dilation_of


def revised(model: Model, seed: int, rule: RuleSpec[RevisedOptions]) -> RuleNumerics:
    """Numbers of ``revised`` for any network. Raises InputError like `grouped_links` and
    `SequenceFeedback`.
    """
    options = rule.options
    if model.network.unrolled:
        return SequenceFeedback(
            model,
            seed,
            SequenceOptions(
                powers=True,
                density=1 - options.sparsity,
                binary=options.binary,
                from_weights=options.init == "bw",
                by_distance=options.exponent == "distance",
                per_step=options.per_step,
                scale=options.scale,
            ),
        )
    build = revised_link(options.scale, options.groups, options.binary, options.order == "printed")
    return module_feedback(model, seed, grouped_links(model.network, rule), build)


def revised_link(scale: float, groups: int, binary: bool, printed_order: bool) -> Build:
    """Link of ``revised`` at the layer's input map: dilated grouped 3 x 3 convolution D1, channel
    shuffle, grouped 1 x 1 convolution D2. With ``printed_order`` D2 comes first, as eq. 7 prints
    it.

    The link of a shortcut is one ungrouped 1 x 1 convolution, the only reading that gives table 2's
    ResNet-18.
    """
    dense = dense_link(scale, binary)

    def build(link: Link, model: Model, random: np.random.Generator) -> LinkNumerics:
        if link.dense:
            return dense(link, model, random)
        (h, w, channels), sources = link.layer.in_shape, link.source.out_shape[2]
        wide, narrow = (h, w, sources), (h, w, channels)

        def upsample(error: Array) -> Array:
            return spread_over(error, wide) if error.shape[1:3] != (h, w) else error

        if link.shortcut:
            parts = [FixedConvolution(wide, channels, (1, 1), (1, 1), 1, model)]
        else:
            dilation = dilation_of(link.kernel_at_target)
            first = FixedConvolution(wide, sources, (3, 3), dilation, groups, model)
            second = FixedConvolution(wide, channels, (1, 1), (1, 1), groups, model)
            if printed_order:
                first, second = (
                    second,
                    FixedConvolution(narrow, channels, (3, 3), dilation, groups, model),
                )
            parts = [first, second]
        for index, part in enumerate(parts):
            part.fill(scale if index == 0 else 1.0, binary, random)
        chain: list[Callable[[Array], Array]] = [upsample, parts[0]]
        for part in parts[1:]:
            chain += [lambda error: shuffle(error, groups), part]
        return LinkNumerics(chain, [part.weight for part in parts])

    return build


def shuffle(error: Array, groups: int) -> Array:
    """Move channel g * n + i of a map (N, H, W, C) to i * groups + g, where n = C / groups (Zhang
    et al. 2018).
    """
    if groups == 1:
        return error
    *rest, channels = error.shape
    swapped = error.reshape(*rest, groups, channels // groups).swapaxes(-1, -2)
    return np.ascontiguousarray(swapped).reshape(error.shape)
