"""Statements of the papers that contain a number."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.results.reproduction import Unit

TARGET = "claims"
BATCHES = (1, 4, 16, 64, 256)


@dataclass(frozen=True)
class Claim:
    """A statement with a number. ``says``: the claim in our words. ``places``: decimals of the
    number (-2: hundreds).
    """

    name: str
    says: str
    source: str
    unit: Unit
    printed: str
    places: int


CLAIMS = {
    claim.name: claim
    for claim in (
        Claim(
            "memory-99.0%",
            "ResNet-50's EP reads 99.0 % less weight data with G = 8 than with BP",
            "Han 2020, section 4.1",
            "%",
            "99.0",
            1,
        ),
        Claim(
            "operations-60.1%",
            "ResNet-50's EP takes 60.1 % fewer operations with G = 8 than with BP",
            "Han 2020, section 4.1",
            "%",
            "60.1",
            1,
        ),
        Claim(
            "triangle-44.6%",
            "The triangle takes 44.6 % of memory and work off DFA in RNNs",
            "Han 2020, section 4.2",
            "%",
            "44.6",
            1,
        ),
        Claim(
            "sparse-87.9%",
            "Hybrid DFA at 98 % sparsity takes 87.9 % less memory and work than BPTT",
            "Han 2020, section 4.2",
            "%",
            "87.9",
            1,
        ),
        Claim(
            "binary-96.9%",
            "Binary feedback takes 96.9 % less storage",
            "Han 2020, section 3.3.2",
            "%",
            "96.9",
            1,
        ),
        Claim(
            "parallel-35x",
            "EP of 35 time steps can be 35 times faster than BPTT's",
            "Han 2020, section 4.3",
            "x",
            "35",
            0,
        ),
        Claim(
            "movement-6400x",
            "SSDFA moves 6,400 times less data than BP on ImageNet",
            "Crafton 2019, section 4",
            "x",
            "6400",
            -2,
        ),
        Claim(
            "movement-1000x",
            "SSDFA moves 1,000 times less data than DFA on ImageNet",
            "Crafton 2019, section 4",
            "x",
            "1000",
            0,
        ),
        Claim(
            "macs-2x",
            "SSDFA needs nearly half of BP's MACs",
            "Crafton 2019, section 4",
            "x",
            "2",
            0,
        ),
    )
}
"""All statements except the one without a number, that zero-skipping hardware absorbs dilation
(`claims.dilation`).
"""
