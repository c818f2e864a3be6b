"""Where the positions of an op's streams come from: taps by pass, for the timing models and the
effectual counts alike.
"""

from __future__ import annotations

from accelsim.kernels.bits.taps import Taps, forward_taps, transposed_taps
from accelsim.step.ops import Bounds, Op, OpKind, Pass


def bounds_of(op: Op) -> Bounds:
    """The op's loop bounds; ValueError for a vector op, which has none."""
    if op.bounds is None:
        raise ValueError(f"{op.name}: only contractions have loop bounds")
    return op.bounds


def stream_taps(op: Op, keep_zeros: bool) -> tuple[Taps, Taps]:
    """(row taps, column taps) of FF (also WG's windows on the input map) and EP; ``keep_zeros``
    leaves structural zeros in the stream.
    """
    b = bounds_of(op)
    if op.pass_ is Pass.EP and op.kind is not OpKind.FEEDBACK:
        return (
            transposed_taps(b.h, b.p, b.r, b.stride[0], b.padding[0], b.dilation[0], keep_zeros),
            transposed_taps(b.w, b.q, b.s, b.stride[1], b.padding[1], b.dilation[1], keep_zeros),
        )
    return (
        forward_taps(b.p, b.h, b.r, b.stride[0], b.padding[0], b.dilation[0], keep_zeros),
        forward_taps(b.q, b.w, b.s, b.stride[1], b.padding[1], b.dilation[1], keep_zeros),
    )


def moving_extents(op: Op) -> tuple[int, int, int]:
    """(rows, columns, channels) of one sample of the moving operand."""
    b = bounds_of(op)
    if op.kind is OpKind.FEEDBACK:
        return 1, 1, b.c
    if op.pass_ is Pass.EP:
        return b.p, b.q, b.k
    return b.h, b.w, b.c
