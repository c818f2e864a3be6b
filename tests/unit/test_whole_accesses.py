"""Whole accesses to scratchpads: a lane that skips pays one per word, streams share them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from accelsim.machine.words import access_bits, line_bits
from accelsim.sim.run import OpRecord
from accelsim.workload.network import Network
from accelsim.zeros.trace import Trace
from tests.random_machines import machine
from tests.reference_networks import Builder
from tests.watched_machine import watch


def network() -> Network:
    """12 inputs, 6 outputs: 72 weights."""
    return Builder("tiny", (1, 1, 12)).add("fc", 6).add("relu").add("fc", 2).network()


def record(name: str, rule: str = "bp", batch: int = 1, **overrides: Any) -> OpRecord:
    """An op on six PEs of two lanes, each with a channel: one lane of each has its output."""
    found = watch(
        network(),
        machine(**overrides),
        rule,
        batch,
        trace=Trace.from_masks("tiny", rule, "random", 0, 0, {}),
    )
    return next(each for each in found.run.records if each.op.name == name)


def test_words_at_their_own_addresses_take_an_access_each() -> None:
    assert access_bits(10, 16, 64) == 10 * 64
    assert access_bits(10, 17, 16) == 10 * 32
    assert access_bits(10, 1, 16) == 10 * 16


def test_neighbouring_words_share_the_accesses_of_their_run() -> None:
    assert line_bits(10, 16, 64) == 3 * 64  # 160 bits
    assert line_bits(10, 16, 64, 2) == 2 * 2 * 64  # 80 bits each
    assert line_bits(10, 1, 16, 3) == 3 * 16  # 4, 3 and 3 bits
    assert line_bits(2, 16, 64, 3) == 2 * 64  # two runs of a word, an empty one


@pytest.mark.parametrize(("width", "access"), [(8, 16), (16, 16), (64, 64)])
def test_a_lane_that_skips_pays_an_access_per_word(width: int, access: int) -> None:
    """72 MACs read both words. Their bits stay 16, whatever the access moves."""
    found = record("fc0.FF", scratchpad__width=width)
    assert found.counts["scratchpad", "read_bits"] == 2 * 72 * access
    assert found.plan.bits["scratchpad_read"] == 2 * 72 * 16


@pytest.mark.parametrize("width", [16, 64])
def test_lanes_of_a_pe_share_the_lines_of_an_operand_buffer(width: int) -> None:
    """Two samples are two positions: the two lanes of a PE share a channel's 12 words, which are 3
    lines of 64 bits. Six channels.
    """
    found = record(
        "fc0.FF",
        batch=2,
        scratchpad__width=width,
        pe_array__operand_buffer=16,
        pe_array__skip={"ff": "none"},
    )
    lines = 12 * 16 // width
    assert found.counts["scratchpad", "read_bits"] == (2 * 6 + 6) * lines * width
    assert found.counts["scratchpad", "buffer_write_bits"] == 6 * 12 * 16
    assert found.counts["scratchpad", "buffer_read_bits"] == 2 * 6 * 12 * 16


def test_a_lane_that_skips_nothing_reads_its_stream_in_order() -> None:
    """12 words of 16 bits are 3 lines of 64, for each operand of six outputs."""
    found = record("fc0.FF", scratchpad__width=64, pe_array__skip={"ff": "none"})
    assert found.counts["scratchpad", "read_bits"] == 2 * 6 * 3 * 64


@pytest.mark.parametrize(("form", "lines"), [("dense", 3), ("csc", 4)])
def test_a_broadcast_array_that_walks_every_word_reads_the_indices_of_the_format(
    form: str, lines: int
) -> None:
    """Two PEs of 10 channels take 12 inputs each: 10 words of 16 bits per input, or of 20 bits with
    an index beside each, in lines of 64. Inputs come from FIFOs.
    """
    found = watch(
        Builder("tiny", (1, 1, 12)).add("fc", 20).network(),
        machine(
            pe_array__kind="broadcast",
            pe_array__lanes=1,
            pe_array__rows=1,
            pe_array__cols=2,
            pe_array__skip={"ff": "moving", "ep": "moving"},
            format__weight=form,
            scratchpad__width=64,
            scratchpad__capacity="64KiB",
            scratchpad__working="8KiB",
        ),
        "bp",
        trace=Trace.from_masks(
            "tiny", "bp", "random", 0, 0, {"fc0.weight": np.ones((20, 12), np.bool_)}
        ),
    )
    ff = next(each for each in found.run.records if each.op.name == "fc0.FF")
    assert ff.counts["scratchpad", "read_bits"] == 2 * 12 * lines * 64


def test_fills_pack_the_words_of_a_pe() -> None:
    """Each PE takes 12 inputs, 3 lines, and a line of mask bits."""
    found = record("fc0.FF", scratchpad__width=64)
    assert found.counts["scratchpad", "write_bits"] == 6 * (3 + 1) * 64
    assert found.plan.bits["scratchpad_write"] == 6 * 12 * (16 + 1)


def test_mask_bits_are_read_line_by_line() -> None:
    """12 positions of 6 outputs, in accesses of 8 bits: two per output and skipped operand."""
    for mode, operands in (("moving", 1), ("both", 2)):
        found = record("fc0.FF", scratchpad__width=8, pe_array__skip={"ff": mode})
        assert found.counts["control", "mask_read"] == operands * 6 * 2 * 8


@pytest.mark.parametrize(("lanes", "of_sums"), [(4, 2), (12, 0)])
def test_each_sample_of_an_outer_product_begins_a_line(lanes: int, of_sums: int) -> None:
    """Five samples of two channels. A lane has a segment of 3 words, whose sums of 32 bits take 2
    lines of 64; or, with 12 lanes, of one word, whose sum is in its accumulator. Per sample it
    reads a line of each operand, and with skipping a line of mask bits.
    """
    for mode in ("none", "both"):
        found = watch(
            Builder("tiny", (1, 1, 12)).add("fc", 2).network(),
            machine(
                pe_array__rows=1,
                pe_array__cols=2,
                pe_array__lanes=lanes,
                pe_array__skip={"wg": mode},
                scratchpad__width=64,
                scratchpad__working="8KiB",
            ),
            "bp",
            batch=5,
            trace=TRACE,
        )
        wg = next(each for each in found.run.records if each.op.name == "fc0.WG")
        lines = 2 * lanes * 5 * 64
        assert wg.counts["control", "mask_read"] == (0 if mode == "none" else 2 * lines)
        if mode == "none":
            assert wg.counts["scratchpad", "read_bits"] == (2 + of_sums) * lines


def test_partial_sums_are_words_of_their_own() -> None:
    """Three samples: 216 MACs read 32-bit sums, in two accesses of 16 bits or one of 64."""
    sums = {}
    for width in (16, 64):
        one, three = (
            watch(network(), machine(scratchpad__width=width), "bp", batch=batch, trace=TRACE)
            for batch in (1, 3)
        )
        reads = [
            next(r for r in run.run.records if r.op.name == "fc0.WG").counts[
                "scratchpad", "read_bits"
            ]
            for run in (one, three)
        ]
        sums[width] = reads[1] - 3 * reads[0]
    assert sums == {16: 216 * 32, 64: 216 * 64}


TRACE = Trace.from_masks("tiny", "bp", "random", 0, 0, {})


def test_words_of_one_bit_are_read_as_mask_bits_are() -> None:
    """Binary feedback: 2 errors to each of 6 outputs. A lane reads its two bits in one access of
    16, and the errors in one each. Products with a sign are additions.
    """
    found = record("fc2.EP", "dfa", precision__feedback=1, scratchpad__width=16)
    macs = 12
    assert (found.counts["mac", "multiply_add"], found.counts["mac", "add"]) == (0, macs)
    assert found.counts["scratchpad", "read_bits"] == macs * 16 + 6 * 16


@pytest.mark.parametrize("policy", ["transposable"])
def test_a_transposed_word_takes_an_access(policy: str) -> None:
    """6 x 2 weights of fc2 in columns."""
    found = record("fc2.EP", scratchpad__width=64, near_memory__transpose=policy)
    assert found.counts["scratchpad", "transposed_read_bits"] == 12 * 64
