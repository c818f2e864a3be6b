"""Eyeriss as measured (Chen et al., JSSC 2017): processing latency and active PEs of the
convolutions of AlexNet and VGG16.

Nothing is fitted: the mapping follows from shapes, registers and buffer (`docs/pe-systolic.md`),
and the cycles from the mapping.
"""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.machine.architecture import Machine
from accelsim.machine.loading import load_machine
from accelsim.pe.row_stationary.passes import RowMapping, mapped_cycles, row_mapping
from accelsim.pe.row_stationary.section import RowStationaryArray
from accelsim.step.contraction import convolution_nest
from accelsim.step.ops import Contraction, Operand, Pass, Role, Tensor, Use
from accelsim.step.window import Window
from accelsim.studies.validation.check import Check
from accelsim.studies.validation.simulators.systolic import rows

TOLERANCE = 0.20
"""Relative deviation allowed for AlexNet's latencies."""

SOURCE = "Eyeriss, JSSC 2017, table {} (fodlam cde53fd5)"
_TABLE = {"AlexNet": "V", "VGG16": "VI"}
_VGG = (
    "no limit: the chip's mapping was chosen for energy and moves sums more often; "
    "docs/pe-systolic.md"
)


@dataclass(frozen=True)
class Layer:
    """A convolution with a square map and kernel. ``padded``: side of the map including padding."""

    padded: int
    kernel: int
    channels: int
    filters: int
    stride: int = 1
    groups: int = 1

    @property
    def side(self) -> int:
        """Side of the output map."""
        return (self.padded - self.kernel) // self.stride + 1


LAYERS = {
    "CONV1": Layer(227, 11, 3, 96, stride=4),
    "CONV2": Layer(31, 5, 96, 256, groups=2),
    "CONV3": Layer(15, 3, 256, 384),
    "CONV4": Layer(15, 3, 384, 384, groups=2),
    "CONV5": Layer(15, 3, 384, 256, groups=2),
    "CONV1-1": Layer(226, 3, 3, 64),
    "CONV1-2": Layer(226, 3, 64, 64),
    "CONV2-1": Layer(114, 3, 64, 128),
    "CONV2-2": Layer(114, 3, 128, 128),
    "CONV3-1": Layer(58, 3, 128, 256),
    "CONV3-2": Layer(58, 3, 256, 256),
    "CONV3-3": Layer(58, 3, 256, 256),
    "CONV4-1": Layer(30, 3, 256, 512),
    "CONV4-2": Layer(30, 3, 512, 512),
    "CONV4-3": Layer(30, 3, 512, 512),
    "CONV5-1": Layer(16, 3, 512, 512),
    "CONV5-2": Layer(16, 3, 512, 512),
    "CONV5-3": Layer(16, 3, 512, 512),
}
"""AlexNet's five convolutions (the second, fourth and fifth in two groups) and VGG16's thirteen, by
the names in the paper's tables.
"""


def checks() -> list[Check]:
    """Latency and active PEs of every layer, AlexNet's latencies with the chip's own mapping, and
    totals.
    """
    architecture = load_machine("eyeriss-like")
    return [
        *(check for network in _TABLE for check in _network(network, architecture)),
        *_given_mappings(architecture),
    ]


def forward(name: str, batch: int) -> Contraction:
    """FF op of a layer."""
    layer = LAYERS[name]
    pad = (layer.padded - 1 - (layer.side - 1) * layer.stride - (layer.kernel - 1)) // 2
    window = Window(layer.padded, layer.side, layer.kernel, layer.stride, padding=pad)
    nest = convolution_nest(batch, layer.filters, layer.channels, window, window, layer.groups)
    side, kernel = (layer.side, layer.side), (layer.kernel, layer.kernel)
    inputs = Tensor(f"{name}.input", Role.ACTIVATION, (batch, *nest.moving_map))
    shape = (layer.filters, *kernel, layer.channels // layer.groups)
    weights = Tensor(f"{name}.weight", Role.WEIGHT, shape, persistent=True)
    outputs = Tensor(f"{name}.output", Role.ACTIVATION, (batch, *side, layer.filters))
    operands = (Operand(inputs, Use.MOVING), Operand(weights, Use.STATIONARY))
    return Contraction(f"{name}.FF", name, Pass.FF, operands, (outputs,), (), nest)


def mapping(name: str, batch: int, architecture: Machine) -> RowMapping:
    """Mapping of a layer's FF on the machine."""
    array = architecture.pe_array
    return row_mapping(forward(name, batch), architecture, array.rows * array.cols)


def _network(network: str, architecture: Machine) -> list[Check]:
    published = [row for row in rows("eyeriss.csv") if row["network"] == network]
    limited, source, results, total = network == "AlexNet", SOURCE.format(_TABLE[network]), [], 0.0
    for row in published:
        subject, expected = (
            f"{network} {row['layer']}, batch {row['batch']}",
            int(row["active_pes"]),
        )
        mapped = mapping(row["layer"], int(row["batch"]), architecture)
        milliseconds = mapped.cycles / architecture.clock_hz * 1e3
        total += milliseconds
        choice = f"e={mapped.e} r={mapped.r} t={mapped.t} p={mapped.p} q={mapped.q} n={mapped.n}"
        results.append(
            _latency(
                subject,
                float(row["processing_ms"]),
                milliseconds,
                limited,
                source,
                choice if limited else f"{choice}; {_VGG}",
            )
        )
        holds, note = (mapped.active_pes == expected, choice) if limited else (None, _VGG)
        results.append(
            Check(
                subject,
                "active PEs",
                expected,
                mapped.active_pes,
                "PEs",
                "equal" if limited else "none",
                holds,
                source,
                note,
            )
        )
        results.append(_roofline(subject, row, architecture, source))
    batch = published[0]["batch"]
    measured = sum(float(row["processing_ms"]) for row in published)
    return [
        *results,
        _latency(
            f"{network}, batch {batch}",
            measured,
            total,
            limited,
            source,
            "sum of the layers" if limited else _VGG,
        ),
    ]


def _roofline(subject: str, row: dict[str, str], architecture: Machine, source: str) -> Check:
    """Lower bound of the latency: cycles for the layer's MACs on the published active PEs, or for
    the published buffer volume on the array's buses.
    """
    buses = RowStationaryArray.of(architecture.pe_array)
    words = buses.input_bus + 2 * buses.psum_bus
    moved = float(row["buffer_mb"]) * 1e6 / (words * architecture.precision.psum / 8)
    macs = forward(row["layer"], int(row["batch"])).dense_macs / int(row["active_pes"])
    milliseconds, expected = (
        max(moved, macs) / architecture.clock_hz * 1e3,
        float(row["processing_ms"]),
    )
    buses_bind = "bound by the buses, from the published buffer volume"
    note = buses_bind if moved > macs else "bound by MACs on the published active PEs"
    return Check(
        subject,
        "roofline of the latency",
        expected,
        milliseconds,
        "ms",
        "at most the latency",
        milliseconds <= expected,
        source,
        note,
    )


def _given_mappings(architecture: Machine) -> list[Check]:
    """AlexNet with the chip's published mapping, which isolates the model of a pass."""
    latencies = {row["layer"]: row for row in rows("eyeriss.csv")}
    results, total, source = [], 0.0, f"{SOURCE.format('V')}; mapping of table III"
    for row in rows("eyeriss_mapping.csv"):
        name, batch = row["layer"], int(latencies[row["layer"]]["batch"])
        mapped = mapping(name, batch, architecture)
        taps = int(row["R"])
        choice = (
            taps,
            taps,
            int(row["e"]),
            int(row["r"]),
            int(row["t"]),
            int(row["p"]),
            int(row["q"]),
            int(row["n"]),
        )
        milliseconds = (
            mapped.groups
            * mapped_cycles(mapped.shape, choice, architecture)
            / architecture.clock_hz
            * 1e3
        )
        total += milliseconds
        subject = f"AlexNet {name}, batch {batch}, the chip's mapping"
        results.append(
            _latency(
                subject, float(latencies[name]["processing_ms"]), milliseconds, True, source, ""
            )
        )
    measured = sum(
        float(latencies[row["layer"]]["processing_ms"]) for row in rows("eyeriss_mapping.csv")
    )
    return [
        *results,
        _latency(
            "AlexNet, batch 4, the chip's mapping",
            measured,
            total,
            True,
            source,
            "sum of the layers",
        ),
    ]


def _latency(
    subject: str, expected: float, measured: float, limited: bool, source: str, note: str
) -> Check:
    holds = abs(measured / expected - 1) <= TOLERANCE if limited else None
    limit = f"within {TOLERANCE:.0%}" if limited else "none"
    return Check(
        subject, "processing latency", expected, measured, "ms", limit, holds, source, note
    )
