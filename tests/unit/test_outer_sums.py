"""Partial sums of outer products: room, reads and writes, counted by hand.

The layer has C inputs and six outputs on 2 x 3 PEs of two lanes: PE k works on output k, and each
lane on half of the inputs. Words have 16 bits, partial sums 32.
"""

from __future__ import annotations

import pytest

from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import allocate
from accelsim.pe.mapping import Mapping
from accelsim.results.op import OpResult
from accelsim.results.result import Result
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction
from accelsim.workload.network import Network
from tests.random_machines import machine
from tests.random_networks import network_of
from tests.reference_networks import Builder

WINDOWS = 2 * 2 * 16 * (16 + 16) // 8
"""Bytes of two windows of 16 positions of both operands, for two lanes."""


def network(inputs: int) -> Network:
    return Builder("layer", (1, 1, inputs)).add("fc", 6).network()


def gradient(inputs: int, batch: int, architecture: Machine) -> OpResult:
    result = simulate(network(inputs), architecture, batch=batch, trace="dense")
    assert isinstance(result, Result)
    return next(op for op in result.ops if op.name == "fc0.WG")


def mapped(inputs: int, batch: int, working: int, **keys: int) -> Mapping:
    architecture = machine(scratchpad__working=f"{working}B", **keys)
    step = lower(network(inputs), "bp", batch)
    mapper = Mapper(architecture, allocate(step, architecture, 1))
    op = next(op for op in step.ops if op.name == "fc0.WG")
    assert isinstance(op, Contraction)
    return mapper.map(op)


def errors_sent(mapping: Mapping) -> int:
    (errors,) = mapping.op.operands_of(mapping.op.stationary.use)
    return sum(t.words for t in mapping.transfers if t.tensor == errors.tensor)


@pytest.mark.parametrize("batch", [1, 3])
def test_sums_are_read_and_written_by_every_mac_of_several_samples(batch: int) -> None:
    """4 inputs: 24 MACs a sample, each of which reads both operands. Inputs go to all six PEs,
    errors to one, gradients home. With three samples a lane leaves each of its two outputs twice
    before it is complete: every MAC reads the sum and writes it back.
    """
    found = gradient(4, batch, machine())
    macs, inputs, errors, gradients = 24 * batch, 4 * batch, 6 * batch, 24
    sums = macs if batch > 1 else 0
    assert found.words.local == 2 * macs + 6 * inputs + errors + gradients + 2 * sums
    assert found.bytes.scratchpad_read == 2 * 2 * macs + 4 * sums
    # A mask bit is written beside each word whose zeros are skipped: of both operands in WG.
    filled = 17 * (6 * inputs + errors)
    assert found.bytes.scratchpad_write == -(-(filled + 16 * gradients + 32 * sums) // 8)


def test_a_lane_with_one_output_keeps_its_sum() -> None:
    """2 inputs, one per lane: samples follow each other without another output between them."""
    found = gradient(2, 3, machine())
    assert found.words.local == 2 * 36 + 6 * 6 + 18 + 12


@pytest.mark.parametrize(
    ("inputs", "batch", "spare", "segments", "sums", "passes"),
    [
        # 4 words a lane, 2 lanes, 32 bits: 32 bytes of sums beside the windows.
        (8, 3, 32, 2, 8, 1),
        # Not 32 bytes: the 3 errors take 6, and 16 are left for 2 words of 2 sums: two parts.
        (8, 3, 22, 4, 4, 1),
        # A part of one word a lane needs accumulators alone.
        (8, 3, 14, 8, 0, 1),
        # 16 errors would take all of the 32 bytes, so they are sent again for the second part.
        (12, 16, 32, 4, 6, 2),
    ],
)
def test_sums_take_room_and_a_segment_without_room_is_taken_in_parts(
    inputs: int, batch: int, spare: int, segments: int, sums: int, passes: int
) -> None:
    mapping = mapped(inputs, batch, WINDOWS + spare)
    assert (mapping.positions, mapping.kept_sums) == (segments, sums)
    assert errors_sent(mapping) == 6 * batch * passes


@pytest.mark.parametrize(("working", "passes"), [(144, 1), (143, 2)])
def test_inputs_are_kept_only_beside_the_sums(working: int, passes: int) -> None:
    """12 inputs of 4 samples take 96 bytes, and 12 sums 48. Three PEs have two tiles of channels
    and are sent the inputs again for the second, unless both fit.
    """
    mapping = mapped(12, 4, working, pe_array__rows=1, pe_array__window=1)
    sent = [t.words for t in mapping.transfers if t.tensor == mapping.op.moving.tensor]
    assert (mapping.kept_sums, sent) == (12, [48 * passes])


def test_time_steps_are_samples() -> None:
    """A cell of six units over two steps of one sample. Its inputs are 6 words and the 6 of its
    state: a lane has 6 of the 12 inputs, and every MAC of either step adds to a partial sum.
    """
    cell = network_of(
        {
            "name": "cell",
            "input": {"sequence": 2, "vocabulary": 2},
            "layers": [
                {"name": "embedding", "kind": "embedding", "dim": 6},
                {"name": "cell0", "kind": "rnn", "hidden": 6},
                {"name": "fc", "kind": "fc", "out_features": 2},
            ],
        }
    )
    result = simulate(cell, machine(), batch=1, trace="dense")
    assert isinstance(result, Result)
    found = next(op for op in result.ops if op.name == "cell0.WG")
    macs, inputs, errors, gradients = 2 * 72, 2 * 12, 2 * 6, 72
    assert found.macs.executed == macs
    assert found.words.local == 2 * macs + 6 * inputs + errors + gradients + 2 * macs
