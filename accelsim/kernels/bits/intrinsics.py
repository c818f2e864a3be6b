"""Bit operations in the width of their operand.

numba widens small integers to 64 bits, which would cost a SIMD loop its lanes. Each operation is
therefore written twice: in plain Python (used with NUMBA_DISABLE_JIT=1), and as the LLVM
instruction.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

Function = Callable[..., Any]
_CONFIG: Any = numba.config


def _native(plain: Function, emit: Function, result: Any = None) -> Function:
    """The operation for jitted callers.

    ``emit(builder, *values)`` writes LLVM IR. The result has type ``result``, by default that of
    the last argument. With the JIT disabled the plain function is returned.
    """
    if _CONFIG.DISABLE_JIT:
        return plain

    def typed(_context: Any, *kinds: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
            return emit(builder, *values)

        return (result or kinds[-1])(*kinds), generate

    # numba folds arguments by the signature that it sees, and takes a * literally.
    context = Parameter("_context", Parameter.POSITIONAL_OR_KEYWORD)
    shown = Signature([context, *signature(plain).parameters.values()])
    typed.__signature__ = shown  # type: ignore[attr-defined]
    typed.__name__, typed.__doc__ = plain.__name__.lstrip("_"), plain.__doc__
    native: Function = intrinsic(typed)
    return native


def _popcount(word: Any) -> Any:
    """Number of set bits of an unsigned integer, in its own type."""
    return type(word)(int(word).bit_count())


def _trailing_zeros(word: Any) -> int:
    """Index of the lowest set bit of a uint64, or 64 if it is 0; int64."""
    return (int(word) & -int(word)).bit_length() - 1 if word else 64


def _top_bit(word: Any) -> int:
    """Index of the highest set bit of a uint64, or -1 if it is 0; int64."""
    return int(word).bit_length() - 1


def _both(a: Any, b: Any) -> Any:
    """a & b of two unsigned integers of the same type."""
    return a & b


def _burned(pair: Any, last: Any) -> Any:
    """1 if a chunk costs a burned cycle (see `walk`), else 0.

    It does if ``pair`` is 0, or if its lowest set bit, as a number, exceeds ``last``, which is not
    0.
    """
    return type(pair)(int(pair) == 0 or (int(pair) & -int(pair)) > int(last))


def _latest(pair: Any, last: Any) -> Any:
    """The last non-zero chunk after ``pair``: ``pair`` itself, or ``last`` if it is 0."""
    return pair or last


def _low_bits(word: Any, shift: int, keep: Any) -> Any:
    """(word >> shift) & keep, in the unsigned type of ``keep``.

    ``word``: uint64. ``shift``: int64 in 0..63.
    """
    return type(keep)((int(word) >> shift) & int(keep))


def _emit_burned(builder: Any, pair: Any, last: Any) -> Any:
    below = builder.and_(
        builder.not_(pair), builder.sub(pair, pair.type(1))
    )  # lowest bit - 1, or all ones if pair is 0
    return builder.zext(builder.icmp_unsigned(">=", below, last), pair.type)


def _emit_low_bits(builder: Any, word: Any, shift: Any, keep: Any) -> Any:
    moved = builder.lshr(word, shift)
    return builder.and_(moved if keep.type.width == 64 else builder.trunc(moved, keep.type), keep)


_DEFINED_AT_ZERO = ir.Constant(ir.IntType(1), 0)
"""Asks LLVM for a defined result when counting the zeros of 0."""

popcount = _native(_popcount, lambda builder, word: builder.ctpop(word))
trailing_zeros = _native(
    _trailing_zeros, lambda builder, word: builder.cttz(word, _DEFINED_AT_ZERO), types.int64
)
top_bit = _native(
    _top_bit,
    lambda builder, word: builder.sub(word.type(63), builder.ctlz(word, _DEFINED_AT_ZERO)),
    types.int64,
)
both = _native(_both, lambda builder, a, b: builder.and_(a, b))
burned = _native(_burned, _emit_burned)
latest = _native(
    _latest,
    lambda builder, pair, last: builder.select(
        builder.icmp_unsigned("!=", pair, pair.type(0)), pair, last
    ),
)
low_bits = _native(_low_bits, _emit_low_bits)


def container(window: int) -> NDArray[Any]:
    """An empty array of the type that holds a chunk of ``window`` bits; it selects a kernel's
    specialisation.

    ValueError unless 1 <= window <= 64. There are only two types, uint16 and uint64: 8 and 32 bits
    would be up to twice as fast for some windows, but every type costs seconds of compilation.
    """
    if not 1 <= window <= 64:
        raise ValueError(f"window must be 1 to 64, got {window}")
    return np.zeros(0, dtype=np.uint16 if window <= 16 else np.uint64)
