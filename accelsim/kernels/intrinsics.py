"""Bit operations in the width of their operand. numba widens small integers to 64 bits, which would cost a SIMD loop its lanes."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.core import types
from numba.extending import intrinsic


def _unsigned(*kinds: Any) -> bool:
    return all(isinstance(kind, types.Integer) and not kind.signed and kind == kinds[0] for kind in kinds)


if numba.config.DISABLE_JIT:  # plain Python, so that a debugger or a coverage tool can see into the kernels

    def popcount(word: Any) -> Any:
        return type(word)(int(word).bit_count())

    def trailing_zeros(word: Any) -> int:
        return (int(word) & -int(word)).bit_length() - 1 if word else word.dtype.itemsize * 8

    def top_bit(word: Any) -> int:
        return int(word).bit_length() - 1

    def both(a: Any, b: Any) -> Any:
        return a & b

    def burned(pair: Any, last: Any) -> Any:
        return type(pair)(int(pair) == 0 or (int(pair) & -int(pair)) > int(last))

    def latest(pair: Any, last: Any) -> Any:
        return pair if pair else last

    def low_bits(word: Any, shift: int, keep: Any) -> Any:
        return type(keep)((int(word) >> shift) & int(keep))

else:

    @intrinsic
    def popcount(typingctx: Any, word: Any) -> Any:
        """Set bits of an unsigned integer, in its own type."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.ctpop(args[0])

        return (word(word), generate) if _unsigned(word) else None

    @intrinsic
    def trailing_zeros(typingctx: Any, word: Any) -> Any:
        """Index of the lowest set bit of an unsigned integer, its width when it is 0; int64."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            count = builder.cttz(args[0], context.get_constant(types.boolean, False))
            return context.cast(builder, count, word, types.int64)

        return (types.int64(word), generate) if _unsigned(word) else None

    @intrinsic
    def top_bit(typingctx: Any, word: Any) -> Any:
        """Index of the highest set bit of an unsigned integer, -1 when it is 0; int64."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            count = builder.ctlz(args[0], context.get_constant(types.boolean, False))
            wide = context.cast(builder, count, word, types.int64)
            return builder.sub(context.get_constant(types.int64, word.bitwidth - 1), wide)

        return (types.int64(word), generate) if _unsigned(word) else None

    @intrinsic
    def both(typingctx: Any, a: Any, b: Any) -> Any:
        """a & b in their own type."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.and_(args[0], args[1])

        return (a(a, b), generate) if _unsigned(a, b) else None

    @intrinsic
    def burned(typingctx: Any, pair: Any, last: Any) -> Any:
        """1 when a chunk costs a burned cycle (see `walk`), else 0: pair is 0, or its lowest bit lies above last's value."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            y, x = args
            below = builder.and_(builder.not_(y), builder.sub(y, y.type(1)))
            return builder.zext(builder.icmp_unsigned(">=", below, x), y.type)

        return (pair(pair, last), generate) if _unsigned(pair, last) else None

    @intrinsic
    def latest(typingctx: Any, pair: Any, last: Any) -> Any:
        """The last non-zero chunk once `pair` has passed."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            y, x = args
            return builder.select(builder.icmp_unsigned("!=", y, y.type(0)), y, x)

        return (pair(pair, last), generate) if _unsigned(pair, last) else None

    @intrinsic
    def low_bits(typingctx: Any, word: Any, shift: Any, keep: Any) -> Any:
        """(word >> shift) & keep in keep's type; word is uint64, shift int64 in 0..63."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            moved = builder.lshr(args[0], args[1])
            narrow = moved if keep.bitwidth == 64 else builder.trunc(moved, args[2].type)
            return builder.and_(narrow, args[2])

        return (keep(word, shift, keep), generate) if _unsigned(keep) and word == types.uint64 else None


def container(window: int) -> np.ndarray[Any, Any]:
    """An empty array of the type that holds a chunk of ``window`` bits: it picks a kernel's specialisation.

    Two types only: 8 and 32 bits would be up to twice as fast for some windows, but every type costs seconds of compilation.
    """
    if not 1 <= window <= 64:
        raise ValueError(f"window must be 1 to 64, got {window}")
    return np.zeros(0, dtype=np.uint16 if window <= 16 else np.uint64)
