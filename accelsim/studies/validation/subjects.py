"""Parts of the validation report, in order. A new part needs a module with ``checks()`` and one
line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accelsim.studies.validation import anomalies, bounds, mapper
from accelsim.studies.validation.check import Check
from accelsim.studies.validation.chips import area, dram_power, eie, eyeriss, power, sparsity
from accelsim.studies.validation.simulators import dram, systolic
from accelsim.studies.validation.worst_ops import checks as worst_ops


@dataclass(frozen=True)
class Subject:
    """A part of the report: name in files, heading, description, the function that computes its
    checks, and one for its further files, by name.
    """

    name: str
    heading: str
    about: str
    checks: Callable[[], list[Check]]
    files: Callable[[], dict[str, str]] = dict


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
        "dram-power",
        "DRAM energy",
        "A stream of reads with its rows, refreshes, standby and data pins, against measured and "
        "published energies.",
        dram_power.checks,
    ),
    Subject(
        "eie",
        "EIE: kind `broadcast`",
        "The nine layers of the paper on 64 PEs. Zeros are random, with unverified densities; "
        "nothing is fitted.",
        eie.checks,
    ),
    Subject(
        "eyeriss",
        "Eyeriss: row-stationary arrays",
        "Latency of the measured chip, layer by layer, with the active PEs that follow from the "
        "mapping. Zeros save only energy (by gating), as on the chip.",
        eyeriss.checks,
    ),
    Subject(
        "power",
        "Energy of chips",
        "EIE's layers and Eyeriss's, on-chip energy beside measured power times measured time.",
        power.checks,
    ),
    Subject(
        "sparsity",
        "What zeros save",
        "Energy of a stated layer with and without zeros, beside published efficiencies.",
        sparsity.checks,
    ),
    Subject("systolic", "Systolic arrays", "SCALE-Sim's golden runs.", systolic.checks),
    Subject(
        "bounds",
        "Structural bounds",
        "The exact gain from removing structural zeros, and the part of it that a window achieves.",
        bounds.checks,
    ),
    Subject(
        "area",
        "Area",
        "Published areas beside the estimates. Areas with parts that the estimate leaves out have "
        "no limit.",
        area.checks,
    ),
    Subject(
        "mapper",
        "Mapper",
        "The mapper's choice beside the best of random legal mappings, which a separate "
        "generator draws.",
        mapper.checks,
    ),
    Subject(
        "anomalies",
        "Monotonicity",
        "Number of cases in which a machine takes longer after one of its parts is improved, on "
        "random machines and networks. They are counted where no law excludes them.",
        anomalies.checks,
    ),
    Subject(
        "worst",
        "Worst ops",
        "Of all ops in six networks under six rules on five machines, those with the most words "
        "received per word used, the most lane cycles per executed MAC and the most energy per "
        "effectual MAC, each with the part of it that one reason accounts for. Then all words that "
        "runs of five networks under three rules received per word used; "
        "[words_received.csv](words_received.csv) has every op above 1.5, with the loops that send "
        "its words again, how often, and the memory that is too small to keep them.",
        worst_ops.checks,
        worst_ops.files,
    ),
)
