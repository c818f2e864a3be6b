"""Ops of ``revised`` (Han et al. 2020).

In a feed-forward network, a link between modules (`accelsim.rules.modular.ops`) has four parts: e_L
upsampled to the layer's input map, D1 (3 x 3, dilated), channel shuffle, D2 (1 x 1). D1 and D2 are
grouped. This is the order behind table 2's counts; ``order=printed`` selects that of eq. 7 (D2
first). The link of a shortcut is one ungrouped 1 x 1 convolution.

In a recurrent network, it is triangular feedback whose blocks are masked powers of one partial
backward weight (eqs. 9 to 12 as amended). Memory holds every block explicitly, with its own mask
and signs, as table 4 counts them. That the blocks are powers affects only their values.
"""

from __future__ import annotations

from math import prod

from accelsim.errors import InputError
from accelsim.rules.declaration import RuleSpec
from accelsim.rules.direct.matrices import Matrices
from accelsim.rules.direct.ops import DirectFeedback
from accelsim.rules.modular.ops import (
    Carry,
    FixedKernel,
    ModuleFeedback,
    dense_link,
    elementwise,
    error_zeros,
    fixed_convolution,
    moving_error,
    resize,
    same_map,
)
from accelsim.rules.revised.networks import grouped_links, refuse_options_of_others
from accelsim.rules.revised.options import RevisedOptions
from accelsim.rules.sequence.ops import TriangularFeedback, sources_of
from accelsim.rules.walk.backward import ErrorPropagation, needed
from accelsim.step.ops import Role, Tensor
from accelsim.step.zero_sources import Dense, Draw
from accelsim.workload.lowering import Lowering, Value
from accelsim.workload.modules import Link, dilation_of
from accelsim.workload.network import Network
from accelsim.zeros.feedback import entries_a_row
from accelsim.zeros.patterns import MaskedDraw


def revised_link(groups: int, binary: bool, printed: bool) -> Carry:
    """Emit ``<layer>.EP.upsample``, ``.d1``, ``.shuffle`` and ``.d2``, in this order. If
    ``printed``, d1 and d2 are swapped.
    """

    def carry(low: Lowering, link: Link, error: Tensor, target: Value) -> None:
        if link.dense:
            dense_link(low, link, error, target, binary)
            return
        layer, sources = link.layer, link.source.out_shape[2]
        h, w, channels = layer.in_shape
        if not same_map(link):
            wide = low.tensors(f"{layer.name}.upsampled", Role.ERROR, (h, w, sources))
            resize(low, layer, (error,), wide)
            error = wide[0]
        moving = moving_error(error, error_zeros(link, None if same_map(link) else (h, w)))
        mask = needed(low, layer)
        if link.shortcut:
            kernel = FixedKernel((1, 1), binary=binary)
            fixed_convolution(low, layer, "", moving, target, kernel, mask)
            return
        between = channels if printed else sources
        intermediate = low.tensors(f"{layer.name}.carried", Role.ERROR, (h, w, between))
        far = "d1", FixedKernel((3, 3), dilation_of(link.kernel_at_target), groups, binary)
        near = "d2", FixedKernel((1, 1), groups=groups, binary=binary)
        (first, first_kernel), (last, last_kernel) = (near, far) if printed else (far, near)
        fixed_convolution(low, layer, first, moving, intermediate, first_kernel)
        if groups > 1:
            shuffled = low.tensors(f"{layer.name}.shuffled", Role.ERROR, (h, w, between))
            elementwise(low, layer, "shuffle", intermediate, shuffled)
            intermediate = shuffled
        carried = moving_error(intermediate[0], Dense())
        fixed_convolution(low, layer, last, carried, target, last_kernel, mask)

    return carry


def revised(network: Network, rule: RuleSpec[RevisedOptions]) -> ErrorPropagation:
    """Ops of ``revised`` for any network. Raises InputError like `over_time` and `over_modules`,
    and for options of the other kind of network.
    """
    refuse_options_of_others(network, rule)
    return over_time(network, rule) if network.unrolled else over_modules(network, rule)


def over_modules(network: Network, rule: RuleSpec[RevisedOptions]) -> ModuleFeedback:
    """Ops of ``revised`` for networks without recurrent layers. Raises InputError like
    `grouped_links`.
    """
    options = rule.options
    carry = revised_link(options.groups, options.binary, options.order == "printed")
    return ModuleFeedback(grouped_links(network, rule), carry)


def over_time(network: Network, rule: RuleSpec[RevisedOptions]) -> TriangularFeedback:
    """Ops of ``revised`` for recurrent networks.

    Raises InputError like `sources_of`, for a sparsity of 1, and if a layer's input does not have
    the length of the cell's state, because D must be square.
    """
    sparsity, binary = rule.options.sparsity, rule.options.binary
    if not sparsity < 1:
        raise InputError(f"{rule.name}.sparsity must be a number from 0, below 1, got {sparsity:g}")
    sources = sources_of(network, rule.name)
    for name, source in sources.items():
        hidden, size = source.out_shape[2], prod(network.layer(name).in_shape)
        if size != hidden:
            raise InputError(
                f"{rule.name} must have inputs of {name} as long as the state of {source.name} "
                f"({hidden}), got {size}"
            )
    density, from_weights = 1 - sparsity, rule.options.init == "bw"
    nonzeros = entries_a_row(prod(network.output.out_shape), density) if sparsity else 0

    def masked(layer: str, rows: int, columns: int) -> Draw:
        random_values = not (from_weights and layer == network.classifier.name)
        return MaskedDraw(layer, rows, columns, density, random_values)

    matrices = Matrices(nonzeros, masked if sparsity else None, binary)
    output = DirectFeedback(matrices, rule.options.per_step)
    # Power 0 of D is the identity. The printed exponents are T - j, at least 1.
    identity = rule.options.exponent == "distance"
    return TriangularFeedback(sources, output, density, binary, not from_weights, identity)
