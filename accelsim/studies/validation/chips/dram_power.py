"""Energies of DRAM standards compared with measured and published ones: a stream of reads of whole
rows at the full rate, with rows, refreshes and standby.

Bursts of HBM2 were fitted to the same measurement, at another rate and without rows and refreshes,
so that they are little evidence; its rows (O'Connor) and those of LPDDR4 are independent.
"""

from __future__ import annotations

import numpy as np

from accelsim.config import catalog
from accelsim.config.loader import load_model
from accelsim.dram import run as dram_run
from accelsim.dram.requests import Requests
from accelsim.dram.standard import DramSpec
from accelsim.studies.validation.check import Check

LIMIT = 0.25
"""Relative deviation allowed of a measured power."""
STREAM_BYTES = 1 << 20
HBM2_RATE = 64 * 1.2
"""Gb/s of a measured pseudo channel of HBM2: 64 bits at 1.2 Gb/s."""
HBM2_VOLTS = 1.2
HBM2_STATIC_MA = 202.769
"""Supply current of a pseudo channel that reads static data (IDD4R)."""
HBM2_RANDOM_MA = (3515.0 - 2496.0) / 8
"""Further current on random data: that of a stack, of which eight pseudo channels read."""
HBM2_ACTIVATE_PJ = HBM2_VOLTS * 1.6667 * (28.544 * 29 - 12.394 * 20 - 11.756 * 9)
"""ACT and PRE: VDD (IDD0 tRC - IDD3N tRAS - IDD2N tRP)."""
LPDDR4_BOUNDS = (2.5, 8.5)
"""pJ/bit of an LPDDR4 read: typical parts, and currents that are of 16 bits."""

_HBM_POWER = (
    "CMU-SAFARI/HBM-Power, commit 318d3d1: currents of 36 HBM2 stacks at 1.2 Gb/s and 1.2 V "
    "(config/HBM2_1200MTs, docs/explanation)"
)
_FGDRAM = "O'Connor et al., Fine-Grained DRAM, MICRO-50 2017, table 3, as many programs quote it"
_ACCELERGY = "Accelergy's table of LPDDR4 (512 pJ for 64 bits), whose source is not stated"


def checks() -> list[Check]:
    """Every published energy beside the one of a built-in standard."""
    measured = HBM2_VOLTS * (HBM2_STATIC_MA + HBM2_RANDOM_MA) / HBM2_RATE
    hbm2, spec = read_pj_per_bit("hbm2"), _standard("hbm2")
    assert spec.energy is not None
    row = spec.energy.ACT.pj
    lpddr4 = read_pj_per_bit("lpddr4-3200")
    low, high = LPDDR4_BOUNDS
    return [
        _check(
            "hbm2",
            "read of random data, all in",
            measured,
            hbm2,
            _HBM_POWER,
            "pJ/bit",
        ),
        _check("hbm2", "a row of 1 KiB", HBM2_ACTIVATE_PJ, row, _HBM_POWER, "pJ"),
        Check(
            "hbm2",
            "read, all in, average of applications",
            3.92,
            hbm2,
            "pJ/bit",
            "none",
            None,
            _FGDRAM,
            "a model of data that toggle less; measured stacks draw more",
        ),
        Check(
            "lpddr4-3200",
            "read, all in",
            8.0,
            lpddr4,
            "pJ/bit",
            f"within {low} to {high} pJ/bit",
            low <= lpddr4 <= high,
            _ACCELERGY,
            "a flat number, of which row, standby and pins are said to be a part",
        ),
    ]


def read_pj_per_bit(name: str) -> float:
    """pJ per bit of a sequential read by a built-in standard, all in."""
    spec = _standard(name)
    addresses = np.arange(0, STREAM_BYTES, spec.organisation.burst, dtype=np.int64)
    reads = Requests(np.zeros_like(addresses), addresses, np.zeros(len(addresses), np.bool_))
    parts = dram_run.simulate(spec, reads).energy_by_part_pj
    assert parts is not None
    return sum(parts.values()) / (8 * STREAM_BYTES)


def _standard(name: str) -> DramSpec:
    return load_model(catalog.find("dram", name), DramSpec)


def _check(
    subject: str, quantity: str, expected: float, measured: float, source: str, unit: str
) -> Check:
    holds = abs(measured / expected - 1) <= LIMIT
    return Check(subject, quantity, expected, measured, unit, f"{LIMIT:.0%}", holds, source)
