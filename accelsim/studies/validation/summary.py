"""The summary of the validation: a line per kind of comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accelsim.studies.validation.check import Check


@dataclass(frozen=True)
class Kind:
    """Checks of one kind in a part of the report: those whose quantity contains ``quantity``, and
    of them those with a limit, if ``limited`` says so, or those without. ``deviates``: whether
    measured over expected says how far they are off.
    """

    part: str
    what: str
    against: str
    limit: str
    quantity: str = ""
    limited: bool | None = None
    deviates: bool = True

    def has(self, part: str, check: Check) -> bool:
        """Whether a check of a part is of this kind."""
        limited = check.holds is not None
        return (
            part == self.part
            and self.quantity in check.quantity
            and self.limited in {None, limited}
        )


_SIMULATORS = "DRAMsim3, Ramulator 2.1"
_PAPER = "EIE (ISCA 2016)"
_EIE = "EIE, power times time"
_EYERISS = "Eyeriss, power times time"
KINDS = (
    Kind("dram", "idle latency", "formulas of the standards", "equal", "read latency, "),
    Kind("dram", "rate of row hits", "formulas of the standards", "equal", "rate of row hits"),
    Kind("dram", "clock of every request", _SIMULATORS, "equal", "completed at another"),
    Kind(
        "dram",
        "last data of a stream",
        f"the nearer of {_SIMULATORS}",
        "1, 5 or 10 % by stream",
        "last data",
    ),
    Kind("dram", "energy of their counts", "DRAMsim3", "3 %", "energy of DRAMsim3's own counts"),
    Kind("dram", "energy of our counts", "DRAMsim3", "3 %", "energy"),
    Kind("dram-power", "energy of DRAM", "measured and published", "25 %, or their interval"),
    Kind("eie", "layers within 10 %", _PAPER, ">= 7", "layers whose padded work"),
    Kind("eie", "time of layers", _PAPER, "none", limited=False),
    Kind("eie", "load balance by FIFO depth", _PAPER, "never falls", limited=True, deviates=False),
    Kind(
        "eyeriss",
        "roofline of the latency",
        "Eyeriss (JSSC 2017)",
        "at most the latency",
        "roofline",
        deviates=False,
    ),
    Kind("eyeriss", "latency", "Eyeriss (JSSC 2017)", "20 %", "processing latency", limited=True),
    Kind(
        "eyeriss", "latency, other layers", "Eyeriss (JSSC 2017)", "none", "latency", limited=False
    ),
    Kind("eyeriss", "active PEs", "Eyeriss (JSSC 2017)", "equal", "active PEs", limited=True),
    Kind(
        "eyeriss", "active PEs, other layers", "Eyeriss (JSSC 2017)", "none", "PEs", limited=False
    ),
    Kind("power", "Eyeriss's layers", _EYERISS, "none: calibrated", "simulated"),
    Kind("power", "Eyeriss's layers, its own counters", _EYERISS, "none: calibrated", "counters"),
    Kind("power", "EIE's layers", _EIE, "none", "energy on chip", limited=False),
    Kind("power", "EIE's nine layers together", _EIE, "15 %", "energy on chip", limited=True),
    Kind("power", "EIE's layers within 20 %", _EIE, ">= 7", "within", deviates=False),
    Kind("sparsity", "what zeros save", "LNPU, PNPU, Trainer, TSUNAMI", "20 %, 40x, factor 3"),
    Kind("systolic", "last compute cycle", "SCALE-Sim v3, golden runs", "equal"),
    Kind("bounds", "speedup over dense", "structural bounds", "equal, or 1 to 3", "over dense"),
    Kind("bounds", "speedup and work", "formulas of zeros", "equal"),
    Kind("area", "parts of EIE", "published areas", "20 %", limited=True),
    Kind("area", "machines and other parts", "published areas", "none", limited=False),
    Kind("mapper", "cycles", "random legal mappings", "10 % above the best", "cycles"),
    Kind("mapper", "energy", "random legal mappings", "10 % above the best", "energy"),
    Kind("mapper", "energy-delay product", "random legal mappings", "10 % above the best", "edp"),
    Kind("anomalies", "slower after an improvement", "random machines", "counted", deviates=False),
    Kind(
        "worst",
        "words received, explained",
        "loops and memories",
        "2 % per op",
        "all ops",
        deviates=False,
    ),
    Kind("worst", "words of the worst ops", "one reason", "50 %", "words", deviates=False),
    Kind("worst", "lane cycles of the worst ops", "one reason", "50 %", "lane", deviates=False),
    Kind("worst", "energy of the worst ops", "one reason", "50 %", "energy", deviates=False),
    Kind("worst", "runs that are refused", "rules and machines", "counted", deviates=False),
)
"""All kinds, in the order of the report. A check is of the first kind that has it."""
HEAD = "what | against what | how many | worst deviation | limit | kept"
RULE = "--- | --- | --: | --: | --- | --:"


def kind_of(part: str, check: Check) -> Kind:
    """The kind of a check."""
    return next(kind for kind in KINDS if kind.has(part, check))


def summary(results: Sequence[tuple[str, str, Sequence[Check]]]) -> list[str]:
    """Lines of the table. ``results``: (part, link to its section, its checks)."""
    lines = [HEAD, RULE]
    for part, link, checks in results:
        by_kind: dict[Kind, list[Check]] = {}
        for check in checks:
            by_kind.setdefault(kind_of(part, check), []).append(check)
        for kind, of in by_kind.items():
            lines.append(
                f"{link}: {kind.what} | {kind.against} | {len(of)} | {_worst(kind, of)} | "
                f"{kind.limit} | {_kept(of)}"
            )
    return lines


def _worst(kind: Kind, checks: Sequence[Check]) -> str:
    """The largest deviation, with its sign."""
    known = [check.deviation for check in checks if check.deviation is not None]
    if not known or not kind.deviates:
        return "-"
    return f"{max(known, key=abs):+.1%}"


def _kept(checks: Sequence[Check]) -> str:
    limited = [check for check in checks if check.holds is not None]
    if not limited:
        return "-"
    kept = sum(check.holds is True for check in limited)
    return "all" if kept == len(limited) else f"**{kept} of {len(limited)}**"
