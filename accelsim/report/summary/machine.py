"""A machine document as YAML. Origins of inherited values and all other facts are comments, so the
text can be saved as a machine file.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import yaml

from accelsim.report.style import COMPONENT_NAMES, plain, si
from accelsim.results.machine import MachineDocument

COMMENT = 28
"""Column of comments after values, if there is room."""
WIDTH = 80
INDENT = "  "


def text(document: MachineDocument) -> str:
    """The merged file, then rates, sizes, areas and warnings."""
    lines = [*_yaml_lines(document.machine, document.origins), "", *_facts(document)]
    return "".join(f"{line}\n" for line in lines)


def _yaml_lines(
    data: dict[str, Any], origins: dict[str, str], above: str = "", indent: str = ""
) -> Iterator[str]:
    for key, value in data.items():
        if isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from _yaml_lines(value, origins, f"{above}{key}.", indent + INDENT)
            continue
        spelt = yaml.safe_dump(value, default_flow_style=True, width=1 << 20).strip()
        line = f"{indent}{key}: {_short_clock(spelt.removesuffix('...').strip())}"
        origin = origins.get(above + key)
        if origin is not None:
            said = origin if origin == "default" else f"from base {origin}"
            line = f"{line:<{COMMENT}}  # {said}"
        yield line


def _short_clock(text: str) -> str:
    """A frequency in the larger unit if that is shorter: ``1200MHz`` -> ``1.2GHz``."""
    match = re.fullmatch(r"(\d+)(Hz|kHz|MHz)", text)
    if match is None:
        return text
    larger = {"Hz": "kHz", "kHz": "MHz", "MHz": "GHz"}[match[2]]
    return min(text, f"{Decimal(match[1]) / 1000}{larger}", key=len)


def _facts(document: MachineDocument) -> Iterator[str]:
    peaks = document.peaks
    words = f"words of {peaks.word_bits} bits per cycle"
    on_chip = peaks.scratchpad_bytes + peaks.global_buffer_bytes
    macs, ops = si(peaks.macs_per_second, "MAC/s"), si(peaks.ops_per_second, "OP/s")
    pads, buffer = _mib(peaks.scratchpad_bytes), _mib(peaks.global_buffer_bytes)
    dram = f"{peaks.dram_bytes_per_second / 1e9:.4g} GB/s"
    facts = [
        ("peak", f"{macs}, {ops} dense (2 OP per MAC), {peaks.lanes} lanes"),
        ("on chip", f"{_mib(on_chip)}: scratchpads {pads}, global buffer {buffer}"),
        ("DRAM", f"{dram}, {peaks.dram_words_per_cycle:,.4g} {words}"),
        ("NoC", f"{peaks.noc_words_per_cycle:,.4g} {words} from the global buffer"),
        ("global buffer", f"{peaks.global_buffer_words_per_cycle:,.4g} {words}"),
        ("vector unit", f"{peaks.vector_ops_per_cycle:,.4g} ops per cycle"),
        ("area", _areas(document)),
    ]
    facts += [("warning", warning) for warning in document.warnings]
    for name, said in facts:
        first, *rest = textwrap.wrap(said, WIDTH - 17, break_on_hyphens=False)
        yield f"# {name:<13}  {first}"
        yield from (f"# {'':<13}  {line}" for line in rest)


def _areas(document: MachineDocument) -> str:
    if document.area_mm2 is None or document.area_by_component_mm2 is None:
        return "not known: the technology has no areas for this machine"
    parts = [
        f"{COMPONENT_NAMES.get(name, name)} {plain(mm2)}"
        for name, mm2 in document.area_by_component_mm2.items()
        if mm2
    ]
    return f"{plain(document.area_mm2)} mm2: {', '.join(parts)}"


def _mib(size: int) -> str:
    return f"{size / 2**20:.4g} MiB"
