"""Bench of zero_skip_pe.sv, run by cocotb: one tile after the other through the same PE."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from tests.rtl.driving import compare, measure, pack, reset, unpack


@cocotb.test()
async def tiles(dut: Any) -> None:
    lanes, data_bits, sum_bits = (
        int(dut[name].value) for name in ("LANES", "DATA_BITS", "SUM_BITS")
    )
    place_bits = len(dut.load_place)
    await reset(
        dut,
        [
            "load",
            "load_place",
            "load_moving",
            "load_stationary",
            "start_length",
            "skip_moving",
            "skip_stationary",
        ],
    )

    async def run(tile: dict[str, Any]) -> tuple[int, list[int]]:
        lengths = [len(stream) for stream in tile["moving"]]
        dut.load.value = 1
        for place in range(max(lengths)):
            dut.load_place.value = place
            for side in ("moving", "stationary"):
                dut[f"load_{side}"].value = pack(
                    [stream[place] if place < len(stream) else 1 for stream in tile[side]],
                    data_bits,
                )
            await RisingEdge(dut.clk)
        dut.load.value = 0
        dut.start_length.value = pack(lengths, place_bits)
        dut.skip_moving.value = int(tile["skip"] in {"moving", "both"})
        dut.skip_stationary.value = int(tile["skip"] in {"stationary", "both"})
        cycles = await measure(dut)
        return cycles, unpack(int(dut.sums.value), sum_bits, lanes)

    await compare(run)
