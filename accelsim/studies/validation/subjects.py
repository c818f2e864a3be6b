"""Parts of the validation report, in order. A new part needs a module with ``checks()`` and one
line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accelsim.studies.validation import anomalies, bounds, mapper
from accelsim.studies.validation.check import Check
from accelsim.studies.validation.chips import area, eie, eyeriss
from accelsim.studies.validation.simulators import dram, systolic


@dataclass(frozen=True)
class Subject:
    """A part of the report: name in files, heading, description, and the function that computes its
    checks.
    """

    name: str
    heading: str
    about: str
    checks: Callable[[], list[Check]]


SUBJECTS = (
    Subject(
        "dram",
        "DRAM",
        "Request streams against two trusted simulators, DRAMsim3 and Ramulator 2.1, under one "
        "policy for all streams of a configuration; "
        "latencies and bandwidths against the formulas of the standards; energies against "
        "DRAMsim3.",
        dram.checks,
    ),
    Subject(
        "eie",
        "EIE: kind `broadcast`",
        "The nine layers of the paper on 64 PEs. Zeros are random, of densities that are not "
        "verified; nothing is fitted.",
        eie.checks,
    ),
    Subject(
        "eyeriss",
        "Eyeriss: row-stationary arrays",
        "Latency of the measured chip, layer by layer, with the active PEs that the mapping "
        "derives. Zeros gate energy alone, as in the chip.",
        eyeriss.checks,
    ),
    Subject("systolic", "Systolic arrays", "SCALE-Sim's golden runs.", systolic.checks),
    Subject(
        "bounds",
        "Structural bounds",
        "What removing structural zeros gains, exactly, and what a window leaves of it.",
        bounds.checks,
    ),
    Subject(
        "area",
        "Area",
        "Published areas beside the estimates; what the estimate does not know has no limit.",
        area.checks,
    ),
    Subject(
        "mapper",
        "Mapper",
        "The mapper's choice beside the best of random legal mappings that a generator of its own "
        "draws.",
        mapper.checks,
    ),
    Subject(
        "anomalies",
        "Monotonicity",
        "How often a machine of which one part is better takes longer, on random machines and "
        "networks: counted where it is no law that it may not.",
        anomalies.checks,
    ),
)
