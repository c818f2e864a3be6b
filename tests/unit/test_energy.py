"""Each price against the cited number that it comes from; energy is additive, and an action without
a price is an error.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.config import catalog
from accelsim.config.loader import load_model
from accelsim.cost.counters import ActionCounts
from accelsim.cost.energy import COMPONENTS, EnergyTable
from accelsim.cost.technology import load_technology
from accelsim.dram.prices import dram_prices
from accelsim.dram.standard import DramSpec
from accelsim.errors import InputError
from accelsim.machine.architecture import Machine
from accelsim.machine.loading import load_machine

LPDDR4, DDR4 = (
    load_model(catalog.find("dram", name), DramSpec) for name in ("lpddr4-3200", "ddr4-2400")
)
TECH = load_technology("45nm")
ACTIONS = {
    "mac": {"multiply_add", "gated", "add", "gated_add"},
    "control": {
        "clock",
        "idle_clock",
        "registers",
        "window_select",
        "mask_read",
        "index_read",
        "pointer_read",
        "fifo_write",
        "fifo_read",
    },
    "scratchpad": {
        "read_bits",
        "write_bits",
        "transposed_read_bits",
        "buffer_read_bits",
        "buffer_write_bits",
    },
    "noc": {"bit_hops", "clock"},
    "global_buffer": {"read_bits", "write_bits", "clock"},
    "vector": {"op", "clock"},
    "prng": {"words"},
    "leakage": {"cycles"},
    "dram": {
        "activate",
        "precharge",
        "read_burst",
        "write_burst",
        "refresh",
        "active_standby",
        "precharge_standby",
    },
}


def machine(**sections: Any) -> Machine:
    """256 PEs of four lanes and one 128 KiB bank, with fields of sections replaced:
    precision={"weight": 8}, leakage="hp".
    """
    base = load_machine("near-memory", {"scratchpad.banks": 1})
    changed = {
        name: getattr(base, name).model_copy(update=value) if isinstance(value, dict) else value
        for name, value in sections.items()
    }
    return base.model_copy(update=changed)


TABLE = EnergyTable.build(machine(), TECH, dram_prices(LPDDR4))


def pj(component: str, action: str, **sections: Any) -> float:
    return EnergyTable.build(machine(**sections), TECH, dram_prices(LPDDR4))[component, action].pj


def test_every_action_has_a_price_with_a_source() -> None:
    found: dict[str, set[str]] = {}
    for price in TABLE.provenance():
        found.setdefault(price.component, set()).add(price.action)
        assert price.pj > 0 or (price.component, price.action) == ("dram", "precharge")
        assert len(price.source) > 10
    assert found == ACTIONS


def test_16_bit_multiply_add() -> None:
    """Horowitz: 8-bit 0.2 pJ, 32-bit 3.1 pJ, so 16-bit 0.787 pJ; the 32-bit add 0.1 pJ."""
    assert TABLE["mac", "multiply_add"].pj == pytest.approx(math.sqrt(0.2 * 3.1) + 0.1)


def test_8_bit_multiply_32_bit_add() -> None:
    eight = dict.fromkeys(("weight", "activation", "error", "feedback"), 8)
    assert pj("mac", "multiply_add", precision=eight) == pytest.approx(0.2 + 0.1)


def test_the_widest_operand_sets_the_multiplier() -> None:
    assert pj(
        "mac", "multiply_add", precision={"weight": 4, "activation": 8, "error": 32}
    ) == pytest.approx(3.1 + 0.1)


BIT = 0.009
"""Aladdin: a flip-flop."""
CLOCKED = 1.874 / 1.026
"""EIE: clock over registers."""
ROUTER = 0.680 / 32 + BIT * (1 + CLOCKED)
"""Aladdin: a multiplexer and a flip-flop per bit, with its clock."""


def test_gated_macs_leave_three_percent_and_read_and_test_their_operand() -> None:
    """Accelergy's tables: 0.06595 of 2.20035 pJ. Aladdin: 16 flip-flops, a comparator."""
    left = TABLE["mac", "gated"].pj - 16 * BIT - 0.0295
    ratio = left / TABLE["mac", "multiply_add"].pj
    assert ratio == pytest.approx(0.06595 / 2.20035) == pytest.approx(0.03, abs=0.001)


def test_a_pe_of_one_lane_is_eie_s() -> None:
    """EIE, a PE at 800 MHz: clock 1.874 mW, registers 1.026 mW. Its lane has 48 flip-flops; two
    operands of 16 bits and a sum of 32 are 64.
    """
    narrow = {"psum": 16}
    for action, power, share in (("clock", 1.874, CLOCKED), ("registers", 1.026, 1.0)):
        one = pj("control", action, pe_array={"lanes": 1}, precision=narrow)
        assert one * 0.8 == pytest.approx(power)
        wider = pj("control", action, pe_array={"lanes": 1})
        assert wider - one == pytest.approx(16 * BIT * share)


def test_lanes_share_the_sequencer_of_their_pe() -> None:
    whole = (1.874 + 1.026) / 0.8 - 48 * BIT * (1 + CLOCKED)
    lane = 64 * BIT * (1 + CLOCKED)
    for lanes in (1, 4, 16):
        each = sum(
            pj("control", action, pe_array={"lanes": lanes}) for action in ("clock", "registers")
        )
        assert each == pytest.approx(lane + whole / lanes)


def test_a_systolic_pe_has_flip_flops_alone() -> None:
    table = EnergyTable.build(load_machine("systolic-32x32"), TECH, ())
    words = load_machine("systolic-32x32").precision
    bits = 2 * words.weight + words.psum
    assert table["control", "clock"].pj == pytest.approx(bits * BIT * CLOCKED)
    assert table["control", "registers"].pj == pytest.approx(bits * BIT)


@pytest.mark.parametrize(("gating", "left"), [("none", 1.0), ("pe", 0.3), ("lane", 0.1)])
def test_what_idles_keeps_a_part_of_its_clock_and_registers(gating: str, left: float) -> None:
    busy = TABLE["control", "clock"].pj + TABLE["control", "registers"].pj
    assert pj("control", "idle_clock", clock_gating=gating) == pytest.approx(left * busy)
    slots = TABLE["vector", "clock"].pj / 0.1
    assert slots == pytest.approx(machine().vector_unit.width * 3 * 16 * BIT * CLOCKED)
    assert pj("vector", "clock", clock_gating=gating) == pytest.approx(left * slots)


def test_energies_go_with_the_square_of_the_voltage_and_leakage_with_it() -> None:
    low = EnergyTable.build(machine(voltage=0.6), TECH, dram_prices(LPDDR4))
    for price in TABLE.provenance():
        factor = {"dram": 1.0, "leakage": 0.6 / 0.9}.get(price.component, (0.6 / 0.9) ** 2)
        found = low[price.component, price.action]
        assert found.pj == pytest.approx(factor * price.pj)
        assert math.fsum(part.pj for part in found.parts) == pytest.approx(found.pj)


def test_floating_point_has_prices_of_its_own() -> None:
    """Horowitz 2014: 16 bits 1.1 and 0.4 pJ, 32 bits 3.7 and 0.9 pJ."""
    half = pj("mac", "multiply_add", precision={"number_format": "float", "psum": 16})
    assert half == pytest.approx(1.1 + 0.4)
    single = dict.fromkeys(("weight", "activation", "error", "feedback"), 32)
    whole = pj("mac", "multiply_add", precision={**single, "number_format": "float"})
    assert whole == pytest.approx(3.7 + 0.9)
    brain = pj("mac", "multiply_add", precision={"number_format": "bfloat", "psum": 16})
    assert brain < half


def test_levels_add_up_to_their_components() -> None:
    counts = ActionCounts(
        {
            (component, action): 3
            for component, actions in ACTIONS.items()
            for action in sorted(actions)
        }
    )
    levels = TABLE.by_level(counts)
    for component, energy in TABLE.energy(counts).items():
        found = [value for name, value in levels.items() if name.split(".")[0] == component]
        assert math.fsum(found) == pytest.approx(energy)
    assert {"control.sequencer", "control.accumulators", "noc.router"} <= set(levels)


def test_a_product_with_one_bit_is_an_addition() -> None:
    """Horowitz 2014: an add of 32 bits takes 0.1 pJ. Gated, the same part of it as of a MAC."""
    assert TABLE["mac", "add"].pj == pytest.approx(0.1)
    ratios = [
        (TABLE["mac", gated].pj - 16 * BIT - 0.0295) / TABLE["mac", whole].pj
        for gated, whole in (("gated", "multiply_add"), ("gated_add", "add"))
    ]
    assert ratios[0] == pytest.approx(ratios[1])


def test_scratchpad_bits() -> None:
    """CACTI 7, 45 nm HP, 32 KiB of 64 bits: 14.9248 pJ a read, 12.6898 a write."""
    small: dict[str, Any] = {
        "scratchpad": {"capacity_bytes": 32768, "width_bits": 64},
        "leakage": "hp",
    }
    assert pj("scratchpad", "read_bits", **small) == pytest.approx(14.9248 / 64)
    assert pj("scratchpad", "write_bits", **small) == pytest.approx(12.6898 / 64)
    assert pj("control", "mask_read", **small) == pytest.approx(14.9248 / 64)
    # The price is that of the bits of an access, whatever it yields.
    assert pj("scratchpad", "transposed_read_bits", **small) == pytest.approx(14.9248 / 64)


def test_banked_scratchpads_pay_for_one_bank_and_the_way_to_it() -> None:
    """Four banks of 32 KiB and 16 bits in a square: half its side of wire at 0.1 pJ/bit/mm."""
    bank = TECH.sram("lstp", 32768, 16)
    way = math.sqrt(4 * bank.area_mm2) / 2
    four: dict[str, Any] = {"scratchpad": {"banks": 4}}
    assert pj("scratchpad", "read_bits", **four) == pytest.approx(bank.read_pj / 16 + 0.1 * way)
    assert pj("scratchpad", "write_bits", **four) == pytest.approx(bank.write_pj / 16 + 0.1 * way)
    assert pj("noc", "bit_hops", **four) == pytest.approx(
        0.1 * math.sqrt(4 * bank.area_mm2 + 4 * 0.043238) + ROUTER
    )


def test_global_buffer_bits_travel_to_their_bank() -> None:
    """16 banks of 128 KiB in a square: a bank, and half the square's side of wire at 0.1
    pJ/bit/mm.
    """
    bank = TECH.sram("lstp", 131072, 64)
    reach = math.sqrt(16 * bank.area_mm2) / 2
    assert TABLE["global_buffer", "read_bits"].pj == pytest.approx(bank.read_pj / 64 + 0.1 * reach)
    assert TABLE["global_buffer", "write_bits"].pj == pytest.approx(
        bank.write_pj / 64 + 0.1 * reach
    )


def test_a_hop_is_the_side_of_a_pe_and_a_router() -> None:
    area = TECH.sram("lstp", 131072, 16).area_mm2 + 4 * 0.043238
    assert TABLE["noc", "bit_hops"].pj == pytest.approx(0.1 * math.sqrt(area) + ROUTER)


def test_leakage_of_the_whole_machine() -> None:
    """CACTI at 300 K: 16 mW (HP) or 0.6 uW (LSTP) for 32 KiB; 34 MiB in all, and the logic."""
    for kind in ("hp", "lstp"):
        pad, bank = (TECH.sram(kind, 131072, width) for width in (16, 64))  # type: ignore[arg-type]
        share = pad.leakage_mw / TECH.sram("hp", 131072, 16).leakage_mw
        logic = 1024 * (0.08 / 4 + 0.0024) * share  # a 16-bit multiplier, a 32-bit adder
        assert pj("leakage", "cycles", leakage=kind) == pytest.approx(
            (256 * pad.leakage_mw + 16 * bank.leakage_mw + logic) / 0.8
        )
    assert pj("leakage", "cycles", leakage="hp") / pj("leakage", "cycles", leakage="lstp") > 1e4


def test_leakage_of_a_cycle_goes_with_its_length() -> None:
    assert pj("leakage", "cycles", clock_hz=400_000_000) == pytest.approx(
        2 * TABLE["leakage", "cycles"].pj
    )


def test_generated_feedback_and_vector_operations() -> None:
    assert TABLE["prng", "words"].pj == pytest.approx(16 * 0.009 + 3 * 0.05)
    registers = 3 * 16 * BIT * (1 + CLOCKED)
    assert TABLE["vector", "op"].pj == pytest.approx(math.sqrt(0.2 * 3.1) + 0.05 + registers)


def test_what_is_recollected_is_labelled() -> None:
    labelled = {
        (p.component, p.action)
        for p in TABLE.provenance()
        if not p.verified and p.component != "dram"
    }
    assert labelled == {
        ("control", "fifo_read"),
        ("control", "fifo_write"),
        ("scratchpad", "transposed_read_bits"),
        ("vector", "op"),
    }
    for name, further in (("28nm", {("leakage", "cycles")}), ("65nm", None)):
        other = EnergyTable.build(machine(), load_technology(name), dram_prices(LPDDR4))
        weak = {(p.component, p.action) for p in other.provenance() if not p.verified}
        if further is None:  # its factor has no verified source
            memories = {("scratchpad", "read_bits"), ("global_buffer", "read_bits")}
            assert not memories & weak
            assert ("mac", "multiply_add") in weak
        else:
            assert weak == labelled | further


def test_28_nm_scales_logic_but_not_dram() -> None:
    small = EnergyTable.build(machine(), load_technology("28nm"), dram_prices(LPDDR4))
    for component, action in (
        ("mac", "multiply_add"),
        ("mac", "gated"),
        ("control", "clock"),
        ("control", "window_select"),
        ("vector", "op"),
    ):
        assert small[component, action].pj == pytest.approx(0.5815 * TABLE[component, action].pj)
    width = machine().scratchpad.width_bits
    bank = load_technology("28nm").sram("lstp", 131072, width)
    assert small["scratchpad", "read_bits"].pj == pytest.approx(bank.read_pj / width)
    for action in ACTIONS["dram"]:
        assert small["dram", action].pj == TABLE["dram", action].pj
    lane = 0.377 * (638024 - 594786) * 1e-6
    wires = 0.08 * math.sqrt(bank.area_mm2 + 4 * lane)
    assert small["noc", "bit_hops"].pj == pytest.approx(wires + 0.5815 * ROUTER)


def test_an_action_without_a_price_is_an_error() -> None:
    with pytest.raises(InputError) as caught:
        TABLE.energy(ActionCounts({("mac", "multiply"): 1}))
    assert (
        str(caught.value) == "the energy table 45nm must have an entry for mac.multiply, got none"
    )
    silent = EnergyTable.build(
        machine(), TECH, dram_prices(LPDDR4.model_copy(update={"energy": None}))
    )
    with pytest.raises(InputError) as caught:
        silent.total(ActionCounts({("dram", "read_burst"): 1}))
    assert (
        str(caught.value)
        == "the energy table 45nm must have an entry for dram.read_burst, got none"
    )


def test_components_of_a_result() -> None:
    counts = ActionCounts(
        {(component, action): 1 for component, actions in ACTIONS.items() for action in actions}
    )
    energy = TABLE.energy(counts)
    assert tuple(energy) == COMPONENTS
    assert energy["control"] == pytest.approx(
        sum(TABLE["control", action].pj for action in ACTIONS["control"])
        + TABLE["prng", "words"].pj
    )
    assert math.fsum(energy.values()) == pytest.approx(
        math.fsum(price.pj for price in TABLE.provenance())
    )
    assert TABLE.energy(ActionCounts()) == dict.fromkeys(COMPONENTS, 0.0)


some_counts = st.dictionaries(
    st.sampled_from(
        [
            (component, action)
            for component, actions in ACTIONS.items()
            for action in sorted(actions)
        ]
    ),
    st.integers(0, 10**12),
).map(ActionCounts)


@given(some_counts, some_counts)
def test_energy_is_additive(one: ActionCounts, two: ActionCounts) -> None:
    both = TABLE.energy(one + two)
    for component in COMPONENTS:
        assert both[component] == pytest.approx(
            TABLE.energy(one)[component] + TABLE.energy(two)[component]
        )
    assert TABLE.total(one + two) == pytest.approx(TABLE.total(one) + TABLE.total(two))


def test_a_fifo_slot_is_priced_by_its_register_bits() -> None:
    """Aladdin: 0.009 pJ a bit; a 16-bit word and 16 bits that name its column."""
    assert (
        TABLE["control", "fifo_write"].pj
        == TABLE["control", "fifo_read"].pj
        == pytest.approx((16 + 16) * 0.009)
    )


def test_indices_and_pointers_are_bits_of_the_scratchpad() -> None:
    read = TABLE["scratchpad", "read_bits"].pj
    assert TABLE["control", "index_read"].pj == TABLE["control", "pointer_read"].pj == read
