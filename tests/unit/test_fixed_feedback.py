"""Fixed feedback of convolutions on a machine: at home where EP needs it, copied like weights,
never transposed; zeros of a map seen elsewhere.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from accelsim.kernels.bits.bitmaps import to_mask
from accelsim.machine.architecture import Machine
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import Residency, allocate
from accelsim.pe.mapping import Mapping, Route
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction, Op, Pass, Role, Tensor, Use, VectorWork
from accelsim.step.zero_sources import TraceZeros
from accelsim.workload.network import Network
from accelsim.zeros.effectual import effectual_macs
from accelsim.zeros.masks import MaskSource
from accelsim.zeros.trace import Trace
from tests.random_machines import machine
from tests.reference_networks import Builder
from tests.watched_machine import watch


def network() -> Network:
    """A module of three convolutions and one of a classifier: the second's map (6 x 4) is twice the
    last one's (3 x 2).
    """
    builder = (
        Builder("two", (6, 4, 2))
        .conv(3)
        .add("relu")
        .conv(5)
        .add("relu")
        .add("max_pool", kernel=(2, 2), stride=(2, 2))
        .conv(3)
        .add("relu")
    )
    return replace(builder.add("fc", 4).network(), modules=("conv5",))


def placed(rule: str, **overrides: object) -> tuple[Residency, dict[str, Mapping]]:
    architecture: Machine = machine(**overrides)
    step = lower(network(), rule, 1)
    residency = allocate(step, architecture, 1)
    mapper = Mapper(architecture, residency)
    return residency, {op.name: mapper.map(op) for op in step.ops if isinstance(op, Contraction)}


def routes(mapping: Mapping) -> set[Route]:
    return {
        transfer.route
        for transfer in mapping.transfers
        if transfer.tensor.role in (Role.WEIGHT, Role.FEEDBACK)
    }


@pytest.mark.parametrize("transpose", ["remote_read", "psum_reduce", "transposable"])
def test_feedback_is_never_transposed(transpose: str) -> None:
    for rule in ("fa", "dilated"):
        _, mapped = placed(rule, near_memory__transpose=transpose)
        assert mapped["conv2.EP"].reduction_pes == 1
        assert routes(mapped["conv2.EP"]) == set()
        plans = {
            record.op.name: record.plan
            for record in watch(
                network(), machine(near_memory__transpose=transpose), rule
            ).run.records
        }
        assert plans["conv2.EP"].words["remote"] == 0
        assert ("scratchpad", "transposed_read_bits") not in {
            action for action, _ in plans["conv2.EP"].counts
        }
    _, mapped = placed("bp", near_memory__transpose=transpose)
    assert (
        routes(mapped["conv2.EP"])
        == {"remote_read": {Route.PEER}, "psum_reduce": {Route.REDUCE}, "transposable": set()}[
            transpose
        ]
    )


def test_homes_are_the_output_channels_of_ep() -> None:
    step = lower(network(), "fa", 1)
    homes = {
        op.name: tensor.home_channels
        for op in step.ops
        for tensor in stationary(op)
        if op.pass_ is Pass.EP
    }
    assert homes == {"conv2.EP": 3, "conv5.EP": 5, "fc7.EP": 3 * 2 * 3}


def stationary(op: Op) -> list[Tensor]:
    return [operand.tensor for operand in op.operands if operand.use is Use.STATIONARY]


def test_spare_pes_hold_copies_of_a_fixed_convolution() -> None:
    """6 PEs, 3 output channels: two copies; where these don't fit, half the PEs have nothing to
    do.
    """
    residency, mapped = placed("fa")
    assert residency.homes["conv2.feedback"].copies == 2
    assert mapped["conv2.EP"].copies == 2
    assert mapped["conv2.EP"].positions_per_tile == 2 * 2
    dense, _ = placed("dfa")
    assert dense.homes["conv2.feedback"].copies == 1, "rows of a matrix are shared out instead"
    residency, mapped = placed("fa", scratchpad__working="600B", scratchpad__capacity="800B")
    assert residency.homes["conv2.feedback"].spilled > 0
    assert mapped["conv2.EP"].copies == 1
    assert routes(mapped["conv2.EP"]) == {Route.SCATTER}


def test_regenerated_feedback_takes_no_room_and_no_way() -> None:
    residency, mapped = placed("dilated", near_memory__feedback="prng")
    assert not [name for name in residency.homes if "feedback" in name]
    assert routes(mapped["conv2.EP"]) == set()
    plans = {
        record.op.name: record.plan
        for record in watch(network(), machine(near_memory__feedback="prng"), "dilated").run.records
    }
    generated = dict(plans["conv2.EP"].counts)["prng", "words"]
    timing = plans["conv2.EP"].timing
    assert timing is not None
    assert generated == timing.executed - timing.gated > 0


# Zeros of e_L


def lowered(rule: str) -> dict[str, Op]:
    return {op.name: op for op in lower(network(), rule, 2).ops}


def test_zeros_of_a_modules_last_error_are_seen_at_other_resolutions_and_as_a_vector() -> None:
    mask = np.random.default_rng(1).random((2, 3, 2, 3)) < 0.5
    masks = MaskSource(
        Trace.from_masks("two", "revised", "", 0, 0, {"conv5.error": mask}), network(), 2
    )

    def seen(op: Op) -> np.ndarray | None:
        bound = masks.moving(op)
        return None if bound is None else to_mask(bound.words, bound.channels)

    convolved, revised, dense = lowered("conv-dfa"), lowered("revised"), lowered("modular")
    assert np.array_equal(seen(convolved["conv2.EP"]), mask), (
        "a convolution at e_L's own resolution"
    )
    assert np.array_equal(seen(revised["conv2.EP.d1"]), mask.repeat(2, axis=1).repeat(2, axis=2)), (
        "upsampled before D1"
    )
    assert np.array_equal(seen(revised["conv5.EP.d1"]), mask), "no need to upsample"
    assert seen(revised["conv2.EP.d2"]) is None, "what D1 makes is dense"
    assert np.array_equal(seen(dense["conv2.EP"]), mask.reshape(2, 1, 1, 18)), (
        "a matrix over the whole map"
    )
    assert effectual_macs(dense["conv2.EP"], masks) == mask.sum() * 6 * 4 * 3


def test_uneven_resizing_reads_the_nearest_neighbour() -> None:
    mask = np.random.default_rng(2).random((1, 3, 2, 3)) < 0.5
    masks = MaskSource(
        Trace.from_masks("two", "revised", "", 0, 0, {"conv5.error": mask}), network(), 1
    )
    op = lowered("revised")["conv5.EP.d1"]
    moving = op.operands[0]
    resized = replace(
        op,
        operands=(
            replace(moving, zeros=TraceZeros("conv5.error", resized=(5, 7))),
            *op.operands[1:],
        ),
    )
    bound = masks.moving(resized)
    assert bound is not None
    expected = [[mask[0, y * 3 // 5, x * 2 // 7] for x in range(7)] for y in range(5)]
    assert np.array_equal(to_mask(bound.words, 3)[0], expected)
    before = masks.moving(op)
    assert before is not None
    assert np.array_equal(to_mask(before.words, 3), mask), "kept apart from the map at its own size"


def test_masks_of_needed_outputs_go_where_the_error_lands() -> None:
    """f' of the layer's map masks the last contraction at the map's resolution, and none where an
    upsampling follows.
    """
    revised, dilated = lowered("revised"), lowered("dilated")
    assert revised["conv2.EP.d1"].operand(Use.NEEDED) is None
    assert revised["conv2.EP.d2"].operand(Use.NEEDED) is not None
    assert dilated["conv5.EP"].operand(Use.NEEDED) is not None
    assert dilated["conv2.EP"].operand(Use.NEEDED) is None
    upsample = dilated["conv2.EP.upsample"]
    assert isinstance(upsample, VectorWork)
    assert (upsample.function, upsample.elements, upsample.vector_ops) == (
        "upsample",
        2 * 6 * 4 * 3,
        2 * 6 * 4 * 3,
    )
    assert [
        op.kind
        for op in lowered("modular").values()
        if op.pass_ is Pass.EP and isinstance(op, Contraction)
    ] == ["feedback"] * 3
