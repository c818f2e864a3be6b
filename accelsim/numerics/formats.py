"""Storage formats: rounding of tensors that a chip keeps in fewer bits than its arithmetic has.

Values are rounded to nearest, ties to even. The fp16 and fp8 formats, whose exponent is short, use
one power-of-two scale per tensor, chosen so that its largest value just fits (per-tensor scaling,
Micikevicius et al. 2022, section 3). Without it errors, which are divided by the batch size, would
underflow to zero. The fp8 formats are those of that paper (e4m3 has no infinities).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from accelsim.errors import InputError
from accelsim.numerics.arrays import Array
from accelsim.numerics.names import StorageFormat

FORMATS: dict[str, Any] = {
    StorageFormat.FP32: np.float32,
    StorageFormat.FP16: np.float16,
    StorageFormat.BF16: ml_dtypes.bfloat16,
    StorageFormat.E4M3: ml_dtypes.float8_e4m3fn,
    StorageFormat.E5M2: ml_dtypes.float8_e5m2,
}
"""Storage type by format name."""

LARGEST: dict[str, float] = {
    StorageFormat.FP16: 65504.0,
    StorageFormat.E4M3: 448.0,
    StorageFormat.E5M2: 57344.0,
}
"""Largest value of each scaled format."""

_UNSCALED = (StorageFormat.FP32, StorageFormat.BF16)
"""Formats with the exponent range of fp32."""


@dataclass(frozen=True)
class StorageFormats:
    """Storage formats of weights, activations and errors, by name.

    Weights keep an fp32 master copy that the update writes; products read the rounded weights.
    InputError for unknown names.
    """

    weight: str = "fp32"
    activation: str = "fp32"
    error: str = "fp32"

    def __post_init__(self) -> None:
        faults = [
            f"format of {role}s must be one of {', '.join(FORMATS)}, got {name}"
            for role, name in vars(self).items()
            if name not in FORMATS
        ]
        if faults:
            raise InputError(*faults)

    @property
    def text(self) -> str:
        """Text form: ``weight=bf16,activation=fp32,error=e5m2``."""
        return ",".join(f"{role}={name}" for role, name in vars(self).items())


EXACT = StorageFormats()
"""No rounding: every tensor is stored as computed."""


def stored(values: Array, name: str) -> Array:
    """Round ``values`` to a storage format and back to their own dtype. fp32 returns the array
    itself.
    """
    if name == "fp32":
        return values
    if name in _UNSCALED:
        return values.astype(FORMATS[name]).astype(values.dtype)
    largest = float(np.abs(values).max(initial=0.0))
    if not 0 < largest < np.inf:
        return values
    # The largest power of two that keeps the tensor in range. frexp's exponent is one more than
    # that of the mantissa's binade.
    room = np.frexp(LARGEST[name] / largest)[1] - 1
    factor = values.dtype.type(2.0 ** min(int(room), np.finfo(values.dtype).maxexp - 1))
    return (values * factor).astype(FORMATS[name]).astype(values.dtype) / factor
