"""Loop bounds of a contraction in the papers' letters, recovered from its nest."""

from __future__ import annotations

from typing import NamedTuple

from accelsim.step.contraction import Nest
from accelsim.step.ops import Contraction, Op, Pass


class Bounds(NamedTuple):
    """Loop bounds of the layer's forward convolution, for every pass.

    N batch, K output channels, C input channels, P x Q output map, H x W input map, R x S kernel. A
    fully connected layer has P=Q=R=S=H=W=1. For a whole sequence N is batch times steps.
    ``padding`` is (top, left); everything outside H x W is zero.

    For feedback, K are the channels of the target map, P x Q is that map, C is the number of errors
    that B reads (of the network's output, or of a module's last map), and ``nonzeros`` are the
    stored entries per row of B (0 if dense). A fixed convolution of errors (EP whose stationary
    operand has role FEEDBACK) computes C x H x W from K x P x Q like any other EP.
    """

    n: int
    k: int
    c: int
    p: int = 1
    q: int = 1
    h: int = 1
    w: int = 1
    r: int = 1
    s: int = 1
    groups: int = 1
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    nonzeros: int = 0


def bounds(op: Op, transposed: bool = False) -> Bounds:
    """Bounds of the op's layer, or of its feedback. ``transposed``: those of the convolution that
    the layer transposes.
    """
    assert isinstance(op, Contraction)
    nest = op.nest
    rows, columns = nest.rows, nest.columns
    if op.kind == "feedback":
        p, q = rows.positions, columns.positions
        return Bounds(nest.samples, nest.channels, nest.depth, p, q, nonzeros=nest.stored)
    assert nest.stored == 0
    if nest.sums_samples:
        assert op.pass_ is Pass.WG or op.stationary_arrives
        return gradient(nest)
    return forward(nest) if op.pass_ is (Pass.EP if transposed else Pass.FF) else propagation(nest)


def forward(nest: Nest) -> Bounds:
    """Bounds of FF: the nest's elements are the input map, its positions the output map, its taps
    the kernel.
    """
    rows, columns = nest.rows, nest.columns
    assert (rows.spacing, columns.spacing) == (1, 1)
    return Bounds(
        n=nest.samples,
        k=nest.channels,
        c=nest.depth,
        p=rows.positions,
        q=columns.positions,
        h=rows.size,
        w=columns.size,
        r=rows.taps,
        s=columns.taps,
        groups=nest.groups,
        stride=(rows.stride, columns.stride),
        padding=(rows.padding, columns.padding),
        dilation=(rows.dilation, columns.dilation),
    )


def propagation(nest: Nest) -> Bounds:
    """Bounds of EP: the nest's elements are the output map, its positions the input map, its taps
    the kernel.

    Row h of the input map and tap r read output row (h + padding - r * dilation) / stride.
    """
    rows, columns = nest.rows, nest.columns
    assert (rows.stride, columns.stride) == (1, 1)
    return Bounds(
        n=nest.samples,
        k=nest.depth,
        c=nest.channels,
        p=rows.size,
        q=columns.size,
        h=rows.positions,
        w=columns.positions,
        r=rows.taps,
        s=columns.taps,
        groups=nest.groups,
        stride=(rows.spacing, columns.spacing),
        padding=(-rows.padding, -columns.padding),
        dilation=(-rows.dilation, -columns.dilation),
    )


def gradient(nest: Nest) -> Bounds:
    """Bounds of WG: the nest's elements are the input map, its positions the kernel, its taps the
    output map.
    """
    rows, columns = nest.rows, nest.columns
    assert (rows.spacing, columns.spacing) == (1, 1)
    return Bounds(
        n=nest.samples,
        k=nest.channels,
        c=nest.depth,
        p=rows.taps,
        q=columns.taps,
        h=rows.size,
        w=columns.size,
        r=rows.positions,
        s=columns.positions,
        groups=nest.groups,
        stride=(rows.dilation, columns.dilation),
        padding=(rows.padding, columns.padding),
        dilation=(rows.stride, columns.stride),
    )
