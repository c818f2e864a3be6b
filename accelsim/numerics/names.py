"""Names of number formats.

This module imports only enum, because the command line reads it before anything heavy.
"""

from __future__ import annotations

from enum import StrEnum


class StorageFormat(StrEnum):
    """Number formats in which training stores tensors."""

    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"
    E4M3 = "e4m3"
    E5M2 = "e5m2"
