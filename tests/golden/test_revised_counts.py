"""Han et al. 2020, table 2, the Revised cells, from the ops that the rule emits on the shipped
workloads (forensics rule B).

One bit a weight; the fully connected link, dense here, is left out in the table; MACs are counted
at the layers' input maps.
"""

from __future__ import annotations

import pytest

from accelsim.rules.registry import lower
from accelsim.step.ops import Op, Pass, TrainingStep, Use
from accelsim.workload.loading import load_network


def step_of(workload: str, options: str) -> TrainingStep:
    return lower(load_network(workload), f"revised:binary=true,{options}", 1)


def convolutions(step: TrainingStep) -> list[Op]:
    return [op for op in step.ops if op.pass_ is Pass.EP and op.kind in ("conv", "grouped_conv")]


def mebibytes(ops: list[Op]) -> float:
    tensors = {
        operand.tensor.name: operand.tensor
        for op in ops
        for operand in op.operands
        if operand.use is Use.STATIONARY
    }
    assert {tensor.bits for tensor in tensors.values()} == {1}
    return sum(tensor.elements for tensor in tensors.values()) / 8 / 2**20


def gop(ops: list[Op]) -> float:
    return 2 * sum(op.dense_macs for op in ops) / 1e9


@pytest.mark.parametrize(
    ("workload", "groups", "memory", "operations", "printed"),
    [
        ("vgg16-cifar10", 4, 0.53662, 0.26005, ("0.54", "0.26")),
        ("vgg16-cifar10", 8, 0.26831, 0.13002, ("0.27", "0.13")),
        ("resnet18-cifar10", 4, 0.43042, 0.56204, ("0.43", "0.56")),
        ("resnet18-cifar10", 8, 0.22546, 0.30618, ("0.23", "0.31")),
    ],
)
def test_table_2(
    workload: str, groups: int, memory: float, operations: float, printed: tuple[str, str]
) -> None:
    ops = convolutions(step_of(workload, f"groups={groups}"))
    assert (round(mebibytes(ops), 5), round(gop(ops), 5)) == (memory, operations)
    assert (f"{mebibytes(ops):.2f}", f"{gop(ops):.2f}") == printed


def test_the_printed_order_gives_what_errata_3_says() -> None:
    """D2 first, as eq. 7 prints it, is not what table 2 counts (0.54 MB, 0.26 GOP)."""
    ops = convolutions(step_of("vgg16-cifar10", "groups=4,order=printed"))
    assert (f"{mebibytes(ops):.3f}", f"{gop(ops):.3f}") == ("0.464", "0.161")


def test_shortcuts_have_no_groups() -> None:
    """1 x 1 links of ResNet-18's three shortcut convolutions: 172,032 weights whatever the
    groups.
    """
    for groups in (1, 4, 8):
        ops = [
            op
            for op in convolutions(step_of("resnet18-cifar10", f"groups={groups}"))
            if op.layer.startswith("short")
        ]
        assert [op.kind for op in ops] == ["conv"] * 3
        assert mebibytes(ops) * 8 * 2**20 == 172_032
        assert round(gop(ops), 4) == 0.0503


def test_the_fully_connected_link_is_dense_and_left_out() -> None:
    dense = [op for op in step_of("vgg16-cifar10", "groups=4").ops if op.kind == "feedback"]
    assert [(op.layer, op.dense_macs) for op in dense] == [("fc", 512 * 10)]
