"""Energies of the built-in DRAM standards: as their sources have them, within what is measured, and
with the boundary that the machine chooses.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from accelsim.config import catalog
from accelsim.config.loader import load_model
from accelsim.cost.price import Price
from accelsim.dram.energies import DramEnergy
from accelsim.dram.prices import dram_prices
from accelsim.dram.standard import DramSpec
from accelsim.experiment.machine_facts import load_machine
from accelsim.experiment.tables import energy_table, machine_tables
from accelsim.machine.memories import Boundary
from accelsim.studies.validation.chips import dram_power

NAMES = catalog.names("dram")


def standard(name: str) -> DramSpec:
    return load_model(catalog.find("dram", name), DramSpec)


def energies(name: str) -> DramEnergy:
    energy = standard(name).energy
    assert energy is not None
    return energy


def prices(name: str, boundary: Boundary = "core_and_io") -> dict[str, Price]:
    return {price.action: price for price in dram_prices(standard(name), boundary)}


def per_bit(name: str, action: str, boundary: Boundary = "core_and_io") -> float:
    """pJ/bit of a burst."""
    return prices(name, boundary)[action].pj / (8 * standard(name).organisation.burst)


@pytest.mark.parametrize(
    ("name", "core", "pins"),
    [
        # Micron's currents in DRAMSys: 245 and 180 mA at 1.1 V, 149.25 and 54.25 mA for the pins
        ("lpddr4-3200", (2.632, 1.934), (1.603, 0.583)),
        # Micron Y52P; the pins of a write are assumed
        ("lpddr5x-7500", (3.06, 1.97), (0.47, 0.47)),
        # measured on random data, the pins of a read among it
        ("hbm2", (4.943 - 0.8, 3.922), (0.8, 0.8)),
        ("hbm2-pc", (4.943 - 0.8, 3.922), (0.8, 0.8)),
        # DRAMsim3's currents; VDDQ through 34 ohm and the termination
        ("ddr4-2400", (5.727, 4.98), (4.533, 2.178)),
        ("ddr4-3200", (5.4375, 4.594), (3.399, 1.633)),
    ],
)
def test_energy_per_bit(name: str, core: tuple[float, float], pins: tuple[float, float]) -> None:
    for action, inner, outer in zip(("read_burst", "write_burst"), core, pins, strict=True):
        assert per_bit(name, action, "core") == pytest.approx(inner, abs=6e-4)
        assert per_bit(name, action) == pytest.approx(inner + outer, abs=1e-3)


def test_ddr4_core_is_dramsim3s() -> None:
    """DRAMsim3's formulas over its IDD values: VDD 1.2 V, 8 devices, tCK 0.83 ns."""
    energy = energies("ddr4-2400")
    unit = 1.2 * 8 * 0.83
    assert energy.ACT.pj == pytest.approx(unit * (48 * 56 - 43 * 39 - 34 * 17))
    assert energy.RD.pj == pytest.approx(unit * (135 - 43) * 4)
    assert energy.WR.pj == pytest.approx(unit * (123 - 43) * 4)
    assert energy.REF.pj == pytest.approx(unit * (250 - 43) * 420)
    assert energy.active_standby_per_clk.pj == pytest.approx(unit * 43)
    assert energy.precharge_standby_per_clk.pj == pytest.approx(unit * 34)
    assert prices("ddr4-2400")["precharge"].pj == 0


@pytest.mark.parametrize(("name", "rate"), [("ddr4-2400", 2.4), ("ddr4-3200", 3.2)])
def test_ddr4_pins_take_what_termination_takes(name: str, rate: float) -> None:
    """Half of the bits draw VDDQ / (34 + RTT) from VDDQ; strobes are a quarter more."""
    for action, ohm in (("read_burst", 40), ("write_burst", 120)):
        pins = per_bit(name, action) - per_bit(name, action, "core")
        least = 1e3 * 1.2**2 / (34 + ohm) / 2 / rate
        assert pins == pytest.approx(least * 1.25**0.5, rel=1e-4)
        (part,) = (p for p in prices(name)[action].parts if p.primitive.endswith("/io"))
        bits = 8 * standard(name).organisation.burst
        assert part.pj * part.factors[0] / bits == pytest.approx(least, rel=1e-4)
        assert part.pj * part.factors[1] / bits == pytest.approx(1.25 * least, rel=1e-4)


def test_lpddr4_is_that_of_its_currents() -> None:
    """mA and V of MICRON_6Gb_LPDDR4-3200_32bit_A by rail (VDD1, VDD2), clocks of 0.625 ns."""
    energy = energies("lpddr4-3200")

    def over_rails(first: float, second: float) -> float:
        return 0.625 * (1.8 * first + 1.1 * second)

    row = over_rails(3.5 * 97 - 2.25 * 68 - 2 * 29, 45 * 97 - 30 * 68 - 27 * 29)
    assert energy.ACT.pj == pytest.approx(row, rel=1e-5) == pytest.approx(1205, abs=0.5)
    assert energy.REF.pj == pytest.approx(448 * over_rails(10 - 2.25, 90 - 30))
    active, idle = energy.active_standby_per_clk, energy.precharge_standby_per_clk
    assert active.pj / 0.625 == pytest.approx(37.9, abs=0.05)
    assert idle.pj / 0.625 == pytest.approx(34.1, abs=0.05)


def test_lpddr4_is_within_its_interval() -> None:
    """A read is 2.5 to 8.5 pJ/bit; Accelergy's flat 8 pJ/bit lies in it."""
    price = prices("lpddr4-3200")["read_burst"]
    assert (price.low / 512, price.high / 512) == pytest.approx((2.5, 8.5), abs=1e-3)
    assert price.low < price.pj < 512 * 8 < price.high


@pytest.mark.parametrize("name", ["hbm2", "hbm2-pc"])
def test_hbm2_reads_take_what_is_measured(name: str) -> None:
    """All in, with rows, refreshes and standby, against the supply current of 36 stacks that read
    random data: 5.16 pJ/bit.
    """
    assert dram_power.read_pj_per_bit(name) == pytest.approx(5.1585, rel=0.25)
    former = 402 / 256  # DRAMsim3's currents
    assert abs(former / 4.94 - 1) > 0.25


def test_published_energies_are_kept() -> None:
    kept = {check.quantity: check.holds for check in dram_power.checks()}
    assert kept == {
        "read of random data, all in": True,
        "a row of 1 KiB": True,
        "read, all in, average of applications": None,
        "read, all in": True,
    }


def test_half_a_channel_refreshes_and_idles_as_half() -> None:
    """A pseudo channel takes no more than half of what DRAMsim3 has for a channel of 128 bits."""
    energy = energies("hbm2")
    assert energy.REF.pj <= 60840 / 2
    assert energy.active_standby_per_clk.pj <= 66 / 2
    assert energy.precharge_standby_per_clk.pj <= 48 / 2


@pytest.mark.parametrize("name", NAMES)
def test_a_burst_has_a_part_for_core_and_pins(name: str) -> None:
    """Each with its source, which says what the energy covers."""
    energy, whole, core = energies(name), prices(name), prices(name, "core")
    for action, event in (("read_burst", "RD"), ("write_burst", "WR")):
        inner, outer = getattr(energy, event), getattr(energy, f"{event}_IO")
        assert [part.primitive for part in whole[action].parts] == [f"{name}/burst", f"{name}/io"]
        assert whole[action].source == f"{name}: core: {inner.source}; io: {outer.source}"
        assert "PHY" in outer.source
        assert [part.primitive for part in core[action].parts] == [f"{name}/burst"]
        assert core[action].source == (
            f"{name}: {inner.source}; boundary: core, as the machine chooses"
        )
        assert whole[action].pj == pytest.approx(inner.pj + outer.pj)
    for action in ("activate", "refresh", "active_standby", "precharge_standby", "precharge"):
        assert whole[action] == core[action]


def test_a_file_without_data_pins_says_so(tmp_path: Path) -> None:
    head = catalog.find("dram", "hbm2-pc").read_text(encoding="utf-8").partition("\nenergy:")[0]
    energy = "ACT: 1, RD: 2, WR: 3, REF: 4, active_standby_per_clk: 5, precharge_standby_per_clk: 6"
    path = tmp_path / "own.yaml"
    path.write_text(f"{head}\nenergy: {{{energy}}}\n", encoding="utf-8")
    (read,) = (p for p in dram_prices(load_model(path, DramSpec)) if p.action == "read_burst")
    assert (read.pj, read.verified) == (2, False)
    assert read.source == (
        "hbm2-pc: the DRAM file, without a source; boundary: core, the file has no energy of the "
        "data pins"
    )


def test_a_machine_chooses_the_boundary() -> None:
    tables = {}
    for boundary in ("core", "core_and_io"):
        machine = load_machine("near-memory", {"dram.boundary": boundary})
        tables[boundary] = energy_table(machine, machine_tables(machine))[0]
    core, whole = (tables[each]["dram", "read_burst"].pj / 512 for each in tables)
    assert (core, whole) == pytest.approx((2.632, 4.235), abs=1e-3)
    default = load_machine("near-memory")
    assert default.dram.boundary == "core_and_io"
