"""Key figures of a machine: peak rates, sizes, areas, and warnings of imbalance."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from accelsim.config import catalog
from accelsim.config.source import Document, KeyPath
from accelsim.cost import area
from accelsim.cost.price import Price
from accelsim.cost.uncertainty import unsourced
from accelsim.dram.standard import DramSpec
from accelsim.errors import InputError
from accelsim.experiment.tables import energy_table, machine_tables
from accelsim.machine.architecture import Machine
from accelsim.machine.file_form import file_form
from accelsim.machine.loading import load_machine, read_architecture
from accelsim.results.machine import ListedPrice, MachineDocument, Peaks, PricesDocument
from accelsim.results.result import Result
from accelsim.version import __version__

DEFAULT = "default"
"""Origin of a value that no file gives."""
MOST_LANES = 1 << 20
"""Lanes above which a machine is larger than any chip, probably by a slip."""
MOST_ON_CHIP = 1 << 30
"""Bytes of on-chip memory above which a machine is larger than any chip."""
MOST_AREA_MM2 = 858.0
"""Area of a lithography reticle (mm2). A larger chip cannot be made in one piece."""
MOST_NOC_REUSE = 256
"""MACs per word from the global buffer that the lanes may need without a warning."""
MOST_DRAM_REUSE = 4096
"""MACs per word from DRAM that the lanes may need without a warning."""
CYCLES_PER_OUTPUT = 64
"""Cycles per output of a PE, at which the vector unit must keep up."""


def show_machine(name_or_path: str | Path) -> MachineDocument:
    """The machine document of a built-in machine or a file. InputError with every fault."""
    machine = load_machine(name_or_path)
    path = catalog.find("arch", name_or_path)
    data = file_form(machine)
    spec = machine_tables(machine)
    try:
        areas = area.estimate(machine, spec.technology)
    except InputError:
        areas = ()
    peaks = machine_peaks(machine, spec.dram)
    mm2 = area.total(areas) if areas else None
    return MachineDocument(
        schema_="accelsim.machine/1",
        version=__version__,
        name=machine.name,
        machine=data,
        origins=_origins(data, read_architecture(path), path),
        peaks=peaks,
        area_mm2=mm2,
        area_by_component_mm2=area.by_component(areas) if areas else None,
        warnings=(*size_warnings(machine, mm2), *balance_warnings(machine, peaks)),
    )


def machine_prices(
    name_or_path: str | Path, prices: Path | None = None, result: Result | None = None
) -> tuple[PricesDocument, tuple[Price, ...]]:
    """The prices document of a machine, and the prices.

    ``prices``: a file of prices that replace some. ``result``: a run of the machine, for the shares
    of its energy at these prices. InputError with every fault, and for a run of another machine.
    """
    machine = load_machine(name_or_path)
    tables = machine_tables(machine)
    table, _ = energy_table(machine, tables, prices)
    if result is not None and result.arch != machine.name:
        raise InputError(f"--result must be a result of {machine.name}, got one of {result.arch}")
    listed = table.provenance()
    actions = {} if result is None else result.actions
    energies = unsourced(actions, listed).values()
    weak, energy = (math.fsum(each[place] for each in energies) for place in (0, 1))
    document = PricesDocument(
        schema_="accelsim.prices/1",
        version=__version__,
        machine=machine.name,
        technology=tables.technology.name,
        dram=tables.dram.name,
        result=None if result is None else f"{result.workload}, rule {result.rule}",
        unsourced=weak / energy if energy else None,
        prices=tuple(
            ListedPrice(
                component=each.component,
                action=each.action,
                pj=each.pj,
                low=float(f"{each.low:.6g}"),
                high=float(f"{each.high:.6g}"),
                source=each.source,
                verified=each.verified,
                primitives=tuple(dict.fromkeys(part.primitive for part in each.parts)),
                share=actions.get(f"{each.component}.{each.action}", 0) * each.pj / energy
                if energy
                else None,
            )
            for each in listed
        ),
    )
    return document, listed


def machine_peaks(machine: Machine, dram: DramSpec) -> Peaks:
    """Peak rates and sizes of a machine."""
    array, buffer, noc = machine.pe_array, machine.global_buffer, machine.noc
    pes = array.rows * array.cols
    lanes = pes * array.lanes
    macs = lanes / array.cycles_per_mac(machine.precision)
    bits = machine.precision.activation
    links = 1 if noc.topology == "tree" else noc.buffer_ports
    dram_bytes = dram_bytes_per_second(machine, dram)
    return Peaks(
        lanes=lanes,
        macs_per_second=macs * machine.clock_hz,
        ops_per_second=2.0 * macs * machine.clock_hz,
        scratchpad_bytes=pes * machine.scratchpad.capacity_bytes,
        global_buffer_bytes=buffer.capacity_bytes,
        dram_bytes_per_second=dram_bytes,
        word_bits=bits,
        dram_words_per_cycle=8 * dram_bytes / machine.clock_hz / bits,
        noc_words_per_cycle=links * noc.width_bits / bits,
        global_buffer_words_per_cycle=buffer.banks * buffer.width_bits / bits,
        vector_ops_per_cycle=float(machine.vector_unit.width * machine.vector_unit.ops_per_cycle),
    )


def dram_bytes_per_second(machine: Machine, dram: DramSpec) -> float:
    """Bytes per second of all DRAM channels if every clock carries data."""
    burst = dram.organisation
    channels = dram.channels(machine.dram.channels)
    return channels * burst.burst / (burst.burst_clocks * dram.timing.tck_ps) * 1e12


def size_warnings(machine: Machine, mm2: float | None = None) -> list[str]:
    """Warnings of sizes larger than any chip, which are probably slips."""
    array = machine.pe_array
    pes = array.rows * array.cols
    lanes = pes * array.lanes
    on_chip = pes * machine.scratchpad.capacity_bytes + machine.global_buffer.capacity_bytes
    warnings = []
    if lanes > MOST_LANES:
        warnings.append(
            f"pe_array has {lanes:,} lanes ({array.rows} x {array.cols} PEs x {array.lanes}), more "
            f"than {MOST_LANES:,}: larger than any chip"
        )
    if on_chip > MOST_ON_CHIP:
        warnings.append(
            f"scratchpads and global buffer hold {on_chip / 2**30:,.4g} GiB, more than "
            f"{MOST_ON_CHIP >> 30} GiB: larger than any chip"
        )
    if mm2 is not None and mm2 > MOST_AREA_MM2:
        warnings.append(
            f"the area is {mm2:,.0f} mm2, more than the {MOST_AREA_MM2:.0f} mm2 of a reticle"
        )
    return warnings


def balance_warnings(machine: Machine, peaks: Peaks) -> list[str]:
    """Warnings of parts that are slow compared with the lanes. The texts state the thresholds."""
    warnings = []
    macs = peaks.lanes / machine.pe_array.cycles_per_mac(machine.precision)
    reuse = macs / peaks.noc_words_per_cycle
    if reuse > MOST_NOC_REUSE:
        warnings.append(
            f"the NoC delivers {peaks.noc_words_per_cycle:.3g} words per cycle for {peaks.lanes:,} "
            f"lanes: a word must serve {reuse:,.0f} MACs to keep them busy (warned above "
            f"{MOST_NOC_REUSE}; see noc.width)"
        )
    reuse = macs / peaks.dram_words_per_cycle
    if reuse > MOST_DRAM_REUSE:
        warnings.append(
            f"DRAM delivers {peaks.dram_words_per_cycle:.3g} words per cycle for {peaks.lanes:,} "
            f"lanes: a word must serve {reuse:,.0f} MACs to keep them busy (warned above "
            f"{MOST_DRAM_REUSE}; see dram.channels, dram.standard)"
        )
    pes = machine.pe_array.rows * machine.pe_array.cols
    if peaks.vector_ops_per_cycle * CYCLES_PER_OUTPUT < pes:
        warnings.append(
            f"the vector unit does {peaks.vector_ops_per_cycle:.3g} ops per cycle for {pes:,} PEs: "
            f"it falls behind if each makes an output every {pes / peaks.vector_ops_per_cycle:.0f} "
            f"cycles (warned above {CYCLES_PER_OUTPUT}; see vector_unit.width)"
        )
    return warnings


def _origins(data: dict[str, Any], document: Document, path: Path) -> dict[str, str]:
    """Origin of every value that is not in the machine's own file, by dotted key."""
    origins: dict[str, str] = {}
    for key in _leaves(data):
        place = document.values.get(key)
        if place is None:
            origins[".".join(map(str, key))] = DEFAULT
        elif Path(place.source).resolve() != path.resolve():
            origins[".".join(map(str, key))] = _origin(Path(place.source).resolve())
    return origins


def _origin(path: Path) -> str:
    """Name of a built-in base; the file name of a user's own, which may have the same stem."""
    return path.stem if path.parent == catalog.folder("arch").resolve() else path.name


def _leaves(data: dict[str, Any], above: KeyPath = ()) -> list[KeyPath]:
    """Keys of all values that are not mappings."""
    return [
        leaf
        for key, value in data.items()
        for leaf in (_leaves(value, (*above, key)) if isinstance(value, dict) else [(*above, key)])
    ]
