"""What zeros save on a chip: energy on chip of a dense layer over that of one with 90 % zeros,
beside the published efficiencies of training chips; and the energy of a dense MAC.

The layer is stated, because the ratio depends on it: 3 x 3, 256 to 256 channels, 56 x 56, batch 4,
random zeros. Nothing is fitted.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from accelsim.layers.convolution import Convolution
from accelsim.machine.architecture import Machine
from accelsim.machine.loading import load_machine
from accelsim.studies.validation.check import Check
from accelsim.studies.validation.chips.power import forward_uj
from accelsim.workload.network import INPUT

SIDE, CHANNELS, BATCH = 56, 256, 4
ZEROS = 0.9
LNPU = 25.3 / 3.48
"""TFLOPS/W of LNPU (ISSCC 2019) with 90 % zeros over dense; the dense one from memory."""
ONE_SIDED, TWO_SIDED = 0.20, 40.0
"""Limits: deviation from LNPU; least ratio where zeros of both operands are skipped."""
TWO_SIDED_CHIPS = "PNPU 88.7, Trainer 80.9, TSUNAMI 118.7"
DENSE_PJ, FACTOR, VOLTS = 0.6, 3.0, 0.78
"""pJ per dense FP8 MAC of PNPU and TSUNAMI (0.64 and 0.58) at this voltage, and the limit."""

_LAYER = f"3x3, {CHANNELS} to {CHANNELS}, {SIDE}x{SIDE}, batch {BATCH}"


def checks() -> list[Check]:
    """Ratios, and the energy of a dense MAC."""
    one = load_machine("lnpu-like")
    both = load_machine("lnpu-like", {"pe_array.skip": dict.fromkeys(("ff", "ep", "wg"), "both")})
    low = load_machine("lnpu-like", {"voltage": VOLTS, "precision.weight": 8})
    ratio = _energy(one, 0.0, 0.0) / _energy(one, ZEROS, 0.0)
    two = _energy(both, 0.0, 0.0) / _energy(both, ZEROS, ZEROS)
    macs = BATCH * SIDE**2 * 9 * CHANNELS**2
    dense = 1e6 * _energy(low, 0.0, 0.0) / macs
    return [
        Check(
            f"lnpu-like, {_LAYER}",
            "energy of FF, dense over 90 % zeros of the input",
            LNPU,
            ratio,
            "x",
            f"within {ONE_SIDED:.0%}",
            abs(ratio / LNPU - 1) <= ONE_SIDED,
            "LNPU, ISSCC 2019: 25.3 over 3.48 TFLOPS/W, the latter from memory",
        ),
        Check(
            f"lnpu-like that skips both, {_LAYER}",
            "energy of FF, dense over 90 % zeros of both operands",
            None,
            two,
            "x",
            f"at least {TWO_SIDED:g}",
            two >= TWO_SIDED,
            TWO_SIDED_CHIPS,
            "not explained; those chips skip outputs too",
        ),
        Check(
            f"lnpu-like at {VOLTS} V, 8-bit floating point, {_LAYER}",
            "energy of a dense MAC of FF",
            DENSE_PJ,
            dense,
            "pJ",
            f"within a factor of {FACTOR:g}",
            dense / FACTOR <= DENSE_PJ <= dense * FACTOR,
            "PNPU and TSUNAMI, derived from their efficiencies",
            "not explained: MAC, control and memories all contribute",
        ),
    ]


def _energy(machine: Machine, zeros: float, of_weights: float) -> float:
    return forward_uj(_layer(), machine, _masks(zeros, of_weights))


def _layer() -> Convolution:
    shape = (SIDE, SIDE, CHANNELS)
    return Convolution(
        "conv", (INPUT,), (shape,), shape, kernel=(3, 3), stride=(1, 1), padding=(1,) * 4
    )


@cache
def _masks(zeros: float, of_weights: float) -> dict[str, NDArray[np.bool_]]:
    random = np.random.default_rng(0)
    found = {"input": random.random((BATCH, SIDE, SIDE, CHANNELS)) >= zeros}
    if of_weights:
        found["weight"] = random.random((CHANNELS, 3, 3, CHANNELS)) >= of_weights
    return found
