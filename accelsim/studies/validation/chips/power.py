"""Energy of chips, layer by layer, beside measured power times measured time: EIE's nine layers and
Eyeriss's convolutions of AlexNet and VGG16. Energies are those on the chip, without DRAM.

Nothing is fitted, but two prices stem from these chips: a PE's clock and registers are EIE's, and
that Eyeriss's clocks are never gated was read from its power. Rows of Eyeriss have no limit, as
the chip's own measurement chose its `clock_gating`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from accelsim.cost.energy import EnergyTable
from accelsim.cost.technology import load_technology
from accelsim.experiment.simulate import simulate
from accelsim.layers.convolution import Convolution
from accelsim.layers.fully_connected import FullyConnected
from accelsim.machine.architecture import Machine
from accelsim.machine.loading import load_machine
from accelsim.results.result import Result
from accelsim.studies.validation.check import Check
from accelsim.studies.validation.chips import eie
from accelsim.studies.validation.chips.eyeriss import LAYERS
from accelsim.studies.validation.simulators.systolic import rows
from accelsim.workload.network import INPUT, Layer, Network
from accelsim.zeros.trace import Trace

EIE_WATTS = 0.59
"""Power of EIE's 64 PEs at 800 MHz (ISCA 2016, table of platforms)."""
TOTAL, EACH, LEAST = 0.15, 0.20, 7
"""Limits for EIE: deviation of the nine layers together, and of a layer for at least so many."""
PADS_PER_MAC = (3, 1)
"""Words that a MAC of Eyeriss reads from and writes to the memories of its PE."""
HOPS = 6
"""Sides of a PE that a word of Eyeriss crosses: assumed, half of 12 rows."""

_EIE = "0.59 W times the actual time, Han et al., ISCA 2016 (fodlam cde53fd5)"
_EYERISS = "power times processing time, JSSC 2017 (fodlam cde53fd5)"
_CALIBRATED = "calibrated: clock_gating of the machine follows from this chip's power"


def checks() -> list[Check]:
    """Energies of all layers, and their totals."""
    return [*_of_eie(), *_of_eyeriss()]


def on_chip_uj(result: Result) -> float:
    """Energy without DRAM in uJ."""
    return (result.energy_pj - result.energy_by_component_pj["dram"]) / 1e6


def forward_uj(layer: Layer, machine: Machine, masks: Mapping[str, NDArray[np.bool_]]) -> float:
    """On-chip energy of a layer's forward pass. ``masks``: non-zeros of its input (batch first),
    and of its weights if they are known.
    """
    network = Network(layer.name, layer.in_shape, (layer,))
    named = {f"{layer.name}.{operand}": mask for operand, mask in masks.items()}
    found = simulate(
        network,
        machine,
        rule="bp",
        batch=len(masks["input"]),
        trace=Trace.from_masks(layer.name, "bp", "random", 0, 0, named),
        passes="ff",
        objective="canonical",
    )
    return on_chip_uj(found)


@cache
def eie_layer_uj(name: str) -> float:
    """On-chip energy of one of EIE's layers on the machine `eie`, with random zeros."""
    each = next(layer for layer in eie.layers() if layer.name == name)
    random = np.random.default_rng([2016, *name.encode()])
    shape = (1, 1, each.inputs)
    layer = FullyConnected(name, (INPUT,), (shape,), (1, 1, each.outputs))
    weights = random.random((each.outputs, each.inputs)) < each.weight_density
    inputs = random.random((1, each.inputs)) < each.activation_density
    return forward_uj(layer, load_machine("eie"), {"weight": weights, "input": inputs})


def _of_eie() -> list[Check]:
    results = [
        Check(
            f"EIE {layer.name}",
            "energy on chip",
            EIE_WATTS * layer.actual_us,
            eie_layer_uj(layer.name),
            "uJ",
            "",
            None,
            _EIE,
            "the paper's power is one number for all layers",
        )
        for layer in eie.layers()
    ]
    total = sum(check.measured for check in results)
    expected = sum(check.expected or 0.0 for check in results)
    near = sum(abs(check.deviation or 0.0) <= EACH for check in results)
    cause = (
        "a PE reads a whole line for every column; where it has one word per column (NT-We) its "
        "memories take 3.6 times their share of EIE's power, where it has 15 (NT-Wd) 0.8 times"
    )
    return [
        *results,
        Check(
            "EIE, nine layers",
            "energy on chip",
            expected,
            total,
            "uJ",
            f"within {TOTAL:.0%}",
            abs(total / expected - 1) <= TOTAL,
            _EIE,
            cause,
        ),
        Check(
            "EIE, nine layers",
            f"layers within {EACH:.0%}",
            None,
            near,
            "layers",
            f"at least {LEAST}",
            near >= LEAST,
            _EIE,
            cause,
        ),
    ]


def eyeriss_machine() -> Machine:
    """The machine `eyeriss-like` in the chip's technology."""
    return load_machine("eyeriss-like", {"technology": "65nm"})


@cache
def eyeriss_layer_uj(name: str, batch: int, zeros: float) -> float:
    """On-chip energy of a layer on `eyeriss-like`, with random zeros of its input."""
    shape = LAYERS[name]
    pad = (shape.padded - 1 - (shape.side - 1) * shape.stride - (shape.kernel - 1)) // 2
    size = shape.padded - 2 * pad
    given, made = (size, size, shape.channels), (shape.side, shape.side, shape.filters)
    layer = Convolution(
        name,
        (INPUT,),
        (given,),
        made,
        kernel=(shape.kernel,) * 2,
        stride=(shape.stride,) * 2,
        padding=(pad,) * 4,
        groups=shape.groups,
    )
    inputs = np.random.default_rng([2017, *name.encode()]).random((batch, *given)) >= zeros
    return forward_uj(layer, eyeriss_machine(), {"input": inputs})


def counted_uj(row: dict[str, str], table: EnergyTable, machine: Machine) -> float:
    """Energy of a layer from the chip's own counters (MACs, zeros, words of the global buffer,
    time) at the simulator's prices.
    """
    bits = machine.precision.activation
    cycles = float(row["processing_ms"]) * 1e-3 * machine.clock_hz
    macs, zeros = float(row["gmacs"]) * 1e9, float(row["zeros_pct"]) / 100
    moved = float(row["buffer_mb"]) * 8e6
    pes = machine.pe_array.rows * machine.pe_array.cols

    def pj(component: str, action: str) -> float:
        return table[component, action].pj

    reads, writes = PADS_PER_MAC
    pads = reads * pj("scratchpad", "read_bits") + writes * pj("scratchpad", "write_bits")
    buffer = (pj("global_buffer", "read_bits") + pj("global_buffer", "write_bits")) / 2
    lanes = pj("control", "clock") + pj("control", "registers")
    clocks = sum(pj(each, "clock") for each in ("noc", "global_buffer", "vector"))
    return (
        macs * (1 - zeros) * (pj("mac", "multiply_add") + bits * pads)
        + macs * zeros * pj("mac", "gated")
        + moved * (buffer + HOPS * pj("noc", "bit_hops"))
        + cycles * (pes * lanes + clocks)
    ) / 1e6


def _of_eyeriss() -> list[Check]:
    machine = eyeriss_machine()
    table = EnergyTable.build(machine, load_technology("65nm"), ())
    results: list[Check] = []
    errors = []
    for row in rows("eyeriss.csv"):
        subject = f"{row['network']} {row['layer']}, batch {row['batch']}"
        expected = float(row["power_mw"]) * float(row["processing_ms"])
        counted = counted_uj(row, table, machine)
        errors.append(abs(counted / expected - 1))
        whole = eyeriss_layer_uj(row["layer"], int(row["batch"]), float(row["zeros_pct"]) / 100)
        results += [
            _eyeriss_row(subject, "energy from the chip's counters", expected, counted),
            _eyeriss_row(subject, "energy on chip, simulated", expected, whole),
        ]
    mean, worst = math.fsum(errors) / len(errors), max(errors)
    return [
        *results,
        Check("Eyeriss, 18 layers", "mean error from counters", None, mean, "", "", None, _EYERISS),
        Check(
            "Eyeriss, 18 layers", "worst error from counters", None, worst, "", "", None, _EYERISS
        ),
    ]


def _eyeriss_row(subject: str, quantity: str, expected: float, measured: float) -> Check:
    return Check(subject, quantity, expected, measured, "uJ", "", None, _EYERISS, _CALIBRATED)
