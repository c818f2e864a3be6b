"""Bench of broadcast_array.sv, run by cocotb: a matrix is loaded once for the vectors that follow
it.
"""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

from tests.rtl.driving import compare, measure, pack, reset, unpack


@cocotb.test()
async def tiles(dut: Any) -> None:
    pes, rows, index_bits, data_bits, sum_bits = (
        int(dut[name].value) for name in ("PES", "ROWS", "INDEX_BITS", "DATA_BITS", "SUM_BITS")
    )
    entry_bits = len(dut.load_place)
    ports = [
        "load_pointer",
        "load_column",
        "load_first",
        "load_entry",
        "load_place",
        "load_weight",
        "load_zeros",
        "start_vector",
        "sum_row",
    ]
    await reset(dut, ports)

    async def load(matrix: dict[str, Any]) -> None:
        dut.load_pointer.value = 1
        for column, firsts in enumerate(zip(*matrix["pointers"], strict=True)):
            dut.load_column.value = column
            dut.load_first.value = pack(firsts, entry_bits)
            await RisingEdge(dut.clk)
        dut.load_pointer.value = 0
        dut.load_entry.value = 1
        for place in range(max(len(entries) for entries in matrix["entries"])):
            here = [
                entries[place] if place < len(entries) else (1, 0) for entries in matrix["entries"]
            ]
            dut.load_place.value = place
            dut.load_weight.value = pack([weight for weight, _ in here], data_bits)
            dut.load_zeros.value = pack([zeros for _, zeros in here], index_bits)
            await RisingEdge(dut.clk)
        dut.load_entry.value = 0

    async def run(tile: dict[str, Any]) -> tuple[int, list[int]]:
        if "matrix" in tile:
            await load(tile["matrix"])
        dut.start_vector.value = pack(tile["vector"], data_bits)
        cycles = await measure(dut)
        sums = []
        for row in range(rows):
            dut.sum_row.value = row
            await FallingEdge(dut.clk)
            sums += unpack(int(dut.sums.value), sum_bits, pes)
        return cycles, sums

    await compare(run)
