"""Areas compared with published ones: the parts of EIE's PE, published to the square micrometre,
and whole chips, which the built-in machines model roughly.

The memories (CACTI) and the multiplier (Aladdin) are independent of EIE. The areas of clock,
registers and combinational logic are taken from EIE, so they are no evidence.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from accelsim.config import catalog
from accelsim.cost.area import estimate, multiply_add, total
from accelsim.cost.technology import Technology, load_technology
from accelsim.machine.loading import load_machine
from accelsim.studies.validation.check import Check

TOLERANCE = 0.20
"""Relative deviation allowed for memories, and for parts that consist mostly of memory."""

_CHIPS = {
    "eie": "45nm",
    "eyeriss-like": "65nm",
    "dt-cnn-like": "65nm",
    "lnpu-like": "65nm",
    "transposable-like": "65nm",
}
"""Technology node of the chip, by machine."""
_SIZES = (
    "sizes of the memories from memory, unverified: 128 KiB of 64 bits, two of 16 KiB and 16 "
    "bits, 2 KiB of 64 bits"
)


def checks() -> list[Check]:
    """Every published area beside the one from the technology tables."""
    return [*_parts_of_eie(), *_chips()]


@cache
def published() -> dict[str, tuple[float, str]]:
    """(mm2, source) by key of areas.csv."""
    text = (
        files("accelsim.studies.validation").joinpath("data/areas.csv").read_text(encoding="utf-8")
    )
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {row["key"]: (float(row["mm2"]), row["source"]) for row in rows}


def _parts_of_eie() -> list[Check]:
    tech = load_technology("45nm")
    weights, pointers, activations = _memories_of_eie(tech)
    memory = weights + pointers + activations
    mac, _, _ = multiply_add(tech, 16, 16)
    pe = (memory + _lane(tech)) * _spread(tech)
    small = load_technology("28nm")
    small_pe = (sum(_memories_of_eie(small)) + _lane(small)) * _spread(small)
    logic = "lane from EIE itself, memories from CACTI; "
    return [
        _check(
            "EIE",
            "weight memory of a PE",
            "eie-spmat",
            weights,
            True,
            f"published with the logic around it; {_SIZES}",
        ),
        _check(
            "EIE",
            "pointer memories of a PE",
            "eie-ptr",
            pointers,
            True,
            f"published with the logic around them; {_SIZES}",
        ),
        _check(
            "EIE",
            "activation memory of a PE",
            "eie-act",
            activations,
            False,
            f"published with two register files, which are not SRAM; {_SIZES}",
        ),
        _check("EIE", "all memories of a PE", "eie-memory", memory, True, _SIZES),
        _check(
            "EIE",
            "16-bit multiply-add",
            "eie-arithm",
            mac,
            False,
            "published with its registers; ours is Aladdin's, not scaled from 40 nm",
        ),
        _check("EIE", "PE", "eie-pe", pe, True, logic + _SIZES),
        _check("EIE", "64 PEs", "eie", 64 * pe, True, logic + _SIZES),
        _check(
            "EIE",
            "256 PEs at 28 nm",
            "eie-28nm",
            256 * small_pe,
            False,
            "published as a projection; logic by the factor of 28nm.yaml, memories from CACTI",
        ),
    ]


def _memories_of_eie(tech: Technology) -> tuple[float, float, float]:
    """Areas of the memories of EIE's PE: weights, pointers, activations."""
    return (
        tech.sram("lstp", 128 * 1024, 64).area_mm2,
        2 * tech.sram("lstp", 16 * 1024, 16).area_mm2,
        tech.sram("lstp", 2 * 1024, 64).area_mm2,
    )


def _lane(tech: Technology) -> float:
    """Area of EIE's PE without memories and gaps."""
    return sum(
        tech.area("control", part).value
        for part in ("clock_area", "registers_area", "combinational_area")
    )


def _spread(tech: Technology) -> float:
    """Factor for gaps between cells."""
    return 1 + tech.area("layout", "gaps_area").value / tech.area("layout", "cells_area").value


def _chips() -> list[Check]:
    """Built-in machines beside the chips they model. There is no limit, because arrays and memories
    are partly assumed and estimates exclude pads.
    """
    results = []
    for name, node in _CHIPS.items():
        if name in catalog.names("arch"):
            mm2 = total(estimate(load_machine(name), load_technology(node)))
            note = f"at {node}, trend only: docs/machines.md says what is assumed"
            results.append(_check(name, "the machine, beside its chip", name, mm2, False, note))
    return results


def _check(
    subject: str, quantity: str, key: str, measured: float, limited: bool, note: str
) -> Check:
    expected, source = published()[key]
    holds = abs(measured / expected - 1) <= TOLERANCE if limited else None
    return Check(
        subject,
        quantity,
        expected,
        measured,
        "mm2",
        f"within {TOLERANCE:.0%}" if limited else "none",
        holds,
        source,
        note,
    )
