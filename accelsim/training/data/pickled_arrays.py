"""Reader of pickled dicts of integer arrays that never runs code named by the file.

A pickle can call any function by name. Here, the few names that an array needs are mapped to small
classes of this module instead of numpy's own, whose constructors would accept forged pointers and
types. Every other name is refused.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_KINDS = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8")
_ORDERS = ("<", ">", "=", "|")

_SHOWN = 100


class _Type:
    """Replacement of numpy.dtype."""

    def __init__(self, kind: Any, *_: Any) -> None:
        self.kind = kind.decode("ascii") if isinstance(kind, bytes) else str(kind)
        self.order = "|"
        if self.kind not in _KINDS:
            raise pickle.UnpicklingError(f"an array of {self.kind}")

    def __setstate__(self, state: Any) -> None:
        order = state[1]
        self.order = order.decode("ascii") if isinstance(order, bytes) else str(order)
        if self.order not in _ORDERS:
            raise pickle.UnpicklingError(f"an array of bytes in the order {self.order}")

    def numpy(self) -> np.dtype[Any]:
        """The corresponding numpy type."""
        return np.dtype(self.order + self.kind)


class _Array:
    """Replacement of numpy.ndarray."""

    def __init__(self, *_: Any) -> None:
        self.values: NDArray[Any] = np.empty(0, np.uint8)

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, by_columns, data = state
        self.fill(data, kind, shape, "F" if by_columns else "C")

    def fill(self, data: Any, kind: Any, shape: Any, order: str) -> _Array:
        """Set the array from its bytes. ``order`` is "C" or "F"."""
        if not isinstance(kind, _Type):
            raise pickle.UnpicklingError("an array without a type")
        self.values = np.frombuffer(data, kind.numpy()).reshape(
            shape, order="F" if order == "F" else "C"
        )
        return self


def _encode(text: str, coding: str) -> bytes:
    """Bytes from text, as Python 3 pickles them for Python 2."""
    if coding != "latin1":
        raise pickle.UnpicklingError(f"text encoded as {coding}")
    return text.encode("latin1")


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        # New functions for each file, because a pickle can set attributes of the objects it gets.
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("numpy", "dtype"): _Type,
            ("numpy", "ndarray"): _Array,
            ("_codecs", "encode"): lambda text, coding: _encode(text, coding),  # noqa: PLW0108  # as above
        }
        for core in ("numpy.core", "numpy._core"):
            known[f"{core}.multiarray", "_reconstruct"] = lambda *_: _Array()
            known[f"{core}.numeric", "_frombuffer"] = lambda data, kind, shape, order: (
                _Array().fill(data, kind, shape, order)
            )
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name}")
        return known[module, name]


def load_arrays(data: bytes) -> dict[str, Any]:
    """The pickled dict, by name: arrays, and other values made of plain Python types.

    Raises ValueError with one line about the content for any other pickle, and for a broken one.
    """
    try:
        content = _ArraysOnly(io.BytesIO(data), encoding="bytes").load()
    except pickle.UnpicklingError as error:
        raise ValueError(_line(str(error))) from None
    except Exception as error:  # noqa: BLE001  # a broken pickle raises anything
        raise ValueError(_line(f"{type(error).__name__}: {error}")) from None
    if not isinstance(content, dict):
        raise ValueError(f"a {type(content).__name__}")  # noqa: TRY004  # the file's value is wrong, not the caller's type
    named = {
        key.decode("latin1") if isinstance(key, bytes) else str(key): value
        for key, value in content.items()
    }
    return {
        key: value.values if isinstance(value, _Array) else value for key, value in named.items()
    }


def _line(text: str) -> str:
    """Text that came from a file, escaped and shortened for a message."""
    return ascii(text)[1:-1][:_SHOWN]
