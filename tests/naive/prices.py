"""Prices of a machine from its file and the technology's, in plain Python, without the program's
tables: what docs/energy.md and docs/technology.md say.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[2] / "arch_configs"
UNITS = {"pJ": 1.0, "nJ": 1e3, "fJ": 1e-3, "mW": 1.0, "uW": 1e-3}
SIZES = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 10**3, "MB": 10**6, "B": 1}


def number(text: object) -> float:
    """A number with or without a unit of energy or power."""
    for unit, scale in UNITS.items():
        if isinstance(text, str) and text.endswith(unit):
            return float(text[: -len(unit)]) * scale
    return float(str(text))


def size(text: object) -> int:
    """Bytes."""
    for unit, scale in SIZES.items():
        if isinstance(text, str) and text.endswith(unit):
            return round(float(text[: -len(unit)]) * scale)
    return int(str(text))


def hertz(text: str) -> float:
    """A clock."""
    scale = {"G": 1e9, "M": 1e6, "k": 1e3}
    letters = text.removesuffix("Hz")
    return float(letters[:-1]) * scale[letters[-1]] if letters[-1] in scale else float(letters)


def between(x: float, points: list[tuple[float, float]]) -> float:
    """y at x on straight lines between points in logarithmic scales; the end lines go on."""
    points = sorted(points)
    if len(points) == 1:
        return points[0][1]
    last = len(points) - 2
    at = next((i for i in range(last) if x <= points[i + 1][0]), last)
    (x0, y0), (x1, y1) = points[at], points[at + 1]
    return y0 * (y1 / y0) ** (math.log(x / x0) / math.log(x1 / x0))


class Tables:
    """A technology's files."""

    def __init__(self, name: str) -> None:
        file = yaml.safe_load((FOLDER / "technology" / f"{name}.yaml").read_text("utf-8"))
        self.voltage = file.get("voltage", 1.0)
        self.numbers: dict[tuple[str, str], dict[float, float]] = {}
        table, scaling = file.get("sram", {}).get("table"), file.get("scaled_from")
        if scaling:
            base = Tables(scaling["technology"])
            assert table, "built-in technologies have memories of their own"
            for key, widths in base.numbers.items():
                kind = base.kinds[key]
                factor = {"energy": scaling["energy"], "area_mm2": scaling["area"]}.get(kind, 1.0)
                self.numbers[key] = {bits: factor * value for bits, value in widths.items()}
        self.kinds = dict(base.kinds) if scaling else {}
        given: set[tuple[str, str]] = set()
        for entry in file["entries"]:
            key = entry["component"], entry["action"]
            (kind,) = (
                each for each in ("energy", "power", "area_mm2", "multiple") if each in entry
            )
            if key not in given:
                given.add(key)
                self.numbers.setdefault(key, {})
            self.numbers[key][float(entry.get("bits", 1))] = number(entry[kind])
            self.kinds[key] = kind
        lines = (FOLDER / "technology" / table).read_text("utf-8").splitlines()
        self.srams = list(csv.DictReader(line for line in lines if not line.startswith("#")))

    def one(self, component: str, action: str) -> float:
        """The number of an action without widths."""
        return next(iter(self.numbers[component, action].values()))

    def at(self, component: str, action: str, bits: float) -> float:
        """The number of an action at a width."""
        return between(bits, list(self.numbers[component, action].items()))

    def sram(self, leakage: str, nbytes: int, bits: int, column: str) -> float:
        """A quantity of a memory: along the widths of its neighbours in size, then along sizes."""
        sizes = sorted({int(row["size_bytes"]) for row in self.srams if row["class"] == leakage})
        above = next((each for each in sizes if each >= nbytes), sizes[-1])
        place = max(1, sizes.index(above))
        near = [nbytes] if nbytes in sizes else sizes[place - 1 : place + 1]
        found = []
        for each in near:
            widths = [
                (float(row["width_bits"]), float(row[column]))
                for row in self.srams
                if row["class"] == leakage and int(row["size_bytes"]) == each
            ]
            found.append((float(each), between(bits, widths)))
        return between(nbytes, found)


def prices(machine: dict[str, Any]) -> dict[str, float]:
    """pJ by ``component.action`` on the chip. ``machine``: all keys of its file."""
    t, array, words = Tables(machine["technology"]), machine["pe_array"], machine["precision"]
    bits = max(words[each] for each in ("weight", "activation", "error", "feedback"))
    psum, kind, leak = words["psum"], array["kind"], machine["leakage"]
    lanes = 16 if kind == "coupled" else array.get("lanes", 1)  # as TensorDash has
    pes = array["rows"] * array["cols"]
    flip = t.one("register", "bit")
    clocked = t.one("control", "clock") / t.one("control", "registers")
    prefix = {"integer": "", "float": "float_", "bfloat": "bfloat_"}[words["number_format"]]

    def add(width: int) -> float:
        return t.at("mac", f"{prefix}add", width)

    multiply = t.at("mac", f"{prefix}multiply", bits)
    gate = t.one("mac", "gated_reference") / t.one("mac", "active_reference")
    test = bits * flip + t.one("mac", "zero_test")
    held = 2 * bits + (0 if kind == "row_stationary" else psum)
    alone = kind == "systolic"
    clock = clocked * held * flip
    registers = held * flip
    if not alone:
        clock += (t.one("control", "clock") - clocked * 48 * flip) / lanes
        registers += (t.one("control", "registers") - 48 * flip) / lanes
    left = t.one("gating", machine["clock_gating"])
    pad, buffer, noc, unit = (
        machine[each] for each in ("scratchpad", "global_buffer", "noc", "vector_unit")
    )
    bank, far = size(pad["capacity"]) // pad["banks"], size(buffer["capacity"]) // buffer["banks"]
    wire = t.one("noc", "bit_mm")
    side = pad["banks"] * t.sram(leak, bank, pad["width"], "area_mm2")
    way = math.sqrt(side) / 2 if pad["banks"] > 1 else 0.0
    reach = math.sqrt(buffer["banks"] * t.sram(leak, far, buffer["width"], "area_mm2")) / 2
    found: dict[str, float] = {}
    for how in ("read", "write"):
        near = t.sram(leak, bank, pad["width"], f"{how}_pj") / pad["width"]
        beyond = t.sram(leak, far, buffer["width"], f"{how}_pj") / buffer["width"]
        found[f"scratchpad.{how}_bits"] = near + wire * way
        found[f"global_buffer.{how}_bits"] = beyond + wire * reach
    read = found["scratchpad.read_bits"]
    pointers = size(array.get("pointer_memory") or 0)
    own = t.sram(leak, pointers // 2, 16, "read_pj") / 16 if pointers else read
    hop = math.sqrt(side + lanes * t.one("control", "lane_area"))
    slots = unit["width"] * unit["ops_per_cycle"]
    found |= {
        "mac.multiply_add": multiply + add(psum),
        "mac.gated": gate * (multiply + add(psum)) + test,
        "mac.add": add(psum),
        "mac.gated_add": gate * add(psum) + test,
        "control.clock": clock,
        "control.registers": registers,
        "control.idle_clock": left * (clock + registers),
        "control.window_select": t.one("control", "select"),
        "control.mask_read": read,
        "control.index_read": read,
        "control.pointer_read": own,
        "control.fifo_write": (bits + 16) * flip,
        "control.fifo_read": (bits + 16) * flip,
        "prng.words": words["feedback"] * flip + 3 * t.at("mac", "add", words["feedback"]),
        "scratchpad.transposed_read_bits": read,
        "scratchpad.buffer_read_bits": flip,
        "scratchpad.buffer_write_bits": flip * (1 + clocked),
        "noc.bit_hops": wire * hop + t.one("noc", "mux_bit") + flip * (1 + clocked),
        "noc.clock": left * clocked * flip * 2 * noc["buffer_ports"] * noc["width"],
        "global_buffer.clock": left * clocked * flip * buffer["banks"] * (buffer["width"] + 32),
        "vector.op": t.one("vector", "op") * (multiply + add(bits))
        + 3 * bits * flip * (1 + clocked),
        "vector.clock": left * clocked * flip * 3 * bits * slots,
    }
    volts = machine.get("voltage") or t.voltage
    found = {name: value * (volts / t.voltage) ** 2 for name, value in found.items()}
    power = pes * pad["banks"] * t.sram(leak, bank, pad["width"], "leakage_mw")
    power += buffer["banks"] * t.sram(leak, far, buffer["width"], "leakage_mw")
    power += 2 * pes * t.sram(leak, pointers // 2, 16, "leakage_mw") if pointers else 0.0
    share = t.sram(leak, bank, pad["width"], "leakage_mw")
    share /= t.sram("hp", bank, pad["width"], "leakage_mw")
    logic = t.one("leakage", "multiplier") * (bits / 32) ** 2
    logic += t.one("leakage", "adder") * psum / 32
    power += pes * lanes * logic * share
    found["leakage.cycles"] = 1e9 * power / hertz(machine["clock"]) * volts / t.voltage
    return found
