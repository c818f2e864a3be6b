"""Copies of runs of contiguous elements.

A loop over the elements would check at every run whether source and target overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Function = Callable[..., Any]
_CONFIG: Any = numba.config
_raw_memcpy: Any = cgutils.raw_memcpy

BLOCK = 16
"""Elements that `copy_block` copies: 64 bytes of float32, a few vector instructions."""
HALF = 8
"""Elements that `copy_half` copies."""


def _native(plain: Function, elements: int | None) -> Function:
    """The copy operation for jitted callers. A constant number of ``elements`` needs no function
    call.

    With the JIT disabled the plain function is returned.
    """
    if _CONFIG.DISABLE_JIT:
        return plain

    def typed(_context: Any, *kinds: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            def address(at: int) -> Any:
                return builder.gep(
                    context.make_array(signature.args[at])(context, builder, values[at]).data,
                    [values[at + 1]],
                )

            word = ir.IntType(64)
            size = ir.Constant(
                word, context.get_abi_sizeof(context.get_value_type(signature.args[0].dtype))
            )
            _raw_memcpy(
                builder,
                address(0),
                address(2),
                values[4] if elements is None else ir.Constant(word, elements),
                size,
            )
            return context.get_dummy_value()

        return types.void(*kinds), generate

    # numba folds arguments by the signature that it sees, and takes a * literally.
    context = Parameter("_context", Parameter.POSITIONAL_OR_KEYWORD)
    shown = Signature([context, *signature(plain).parameters.values()])
    typed.__signature__ = shown  # type: ignore[attr-defined]
    typed.__name__, typed.__doc__ = plain.__name__.lstrip("_"), plain.__doc__
    native: Function = intrinsic(typed)
    return native


def _copy_run(target: NDArray[Any], to: int, source: NDArray[Any], start: int, length: int) -> None:
    """target[to : to + length] = source[start : start + length].

    Both arrays are one-dimensional, contiguous and of one type. The ranges must be in bounds and
    must not overlap.
    """
    target[to : to + length] = source[start : start + length]


def _copy_block(target: NDArray[Any], to: int, source: NDArray[Any], start: int) -> None:
    """`copy_run` of `BLOCK` elements."""
    target[to : to + BLOCK] = source[start : start + BLOCK]


def _copy_half(target: NDArray[Any], to: int, source: NDArray[Any], start: int) -> None:
    """`copy_run` of `HALF` elements."""
    target[to : to + HALF] = source[start : start + HALF]


copy_run = _native(_copy_run, None)
copy_block = _native(_copy_block, BLOCK)
copy_half = _native(_copy_half, HALF)
