"""Bench of staging_pe.sv, run by cocotb: one tile after the other through the same PE."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from tests.rtl.driving import compare, measure, pack, reset


@cocotb.test()
async def tiles(dut: Any) -> None:
    data_bits = int(dut.DATA_BITS.value)
    await reset(dut, ["load", "load_row", "load_moving", "load_stationary", "start_rows"])

    async def run(tile: dict[str, Any]) -> tuple[int, list[int]]:
        dut.load.value = 1
        for row, (moving, stationary) in enumerate(
            zip(tile["moving"], tile["stationary"], strict=True)
        ):
            dut.load_row.value = row
            dut.load_moving.value = pack(moving, data_bits)
            dut.load_stationary.value = pack(stationary, data_bits)
            await RisingEdge(dut.clk)
        dut.load.value = 0
        dut.start_rows.value = len(tile["moving"])
        cycles = await measure(dut)
        return cycles, [dut.sum.value.to_signed()]

    await compare(run)
