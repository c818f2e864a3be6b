"""SCALE-Sim topology files: the layers made from their lines, the products of each line as
SCALE-Sim counts them, and every fault at its place.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.results.laws import violations
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction, Pass
from accelsim.workload.importers.topology import load_network
from accelsim.workload.network import Network

HEADER = (
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
    "Strides,, Target\n"
)
RESIDUAL = """\
Conv1,224,224,7,7,3,64,2, NPU
Conv2_1a,56,56,3,3,64,64,1, GPU
Conv2_1b,56,56,3,3,64,64,1, GPU
Conv3_1a,56,56,3,3,64,128,2, GPU
Conv3_1b,28,28,3,3,128,128,1, NPU
Conv3_s,56,56,1,1,64,128,2, NPU
Conv3_2a,28,28,3,3,128,128,1, NPU
FC,1,1,1,1,128,1000,1, NPU


"""
"""The form of SCALE-Sim's own Resnet18.csv: pools and padding between the lines, a shortcut, and
text behind the last comma.
"""
INCEPTION = """\
stem, 10, 10, 3, 3, 3, 8, 1,
one, 8, 8, 1, 1, 8, 4, 1, 1:1,
two, 8, 8, 1, 1, 8, 6, 1,
three, 10, 10, 3, 3, 6, 5, 1,
pool proj, 8, 8, 1, 1, 8, 3, 1,
next, 8, 8, 1, 1, 12, 2, 1,
"""
BY_CHANNEL = """\
Conv2D_1, 96, 96, 3, 3, 3, 8, 2, 2
DepthwiseConv2D_1, 48, 48, 3, 3, 8, 1, 1,
Conv2D_2, 48, 48, 1, 1, 8, 16, 1,
FC, 1, 1, 1, 1, 16, 2, 1,
"""
PRODUCTS = """\
Layer,M,N,K,
qkv_1,128,1536,512,
score,512,128,128,
score,512,128,128,2:4
out,128,512,512,
up,128,768,512,
"""


def read(tmp_path: Path, text: str) -> Network:
    path = tmp_path / "small.csv"
    path.write_text(text)
    return load_network(path)


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    return [str(fault).replace(f"{tmp_path}/", "") for fault in error.value.faults]


def inputs(network: Network) -> dict[str, tuple[str, ...]]:
    """By layer with weights: the layers that it reads, or those of the map put together for it."""
    found = {}
    for layer in network.weighted:
        (source,) = layer.inputs
        together = source != "input" and network.layer(source).kind in ("add", "concat")
        names = network.layer(source).inputs if together else (source,)
        found[layer.name] = tuple(
            network.layer(name).inputs[0]
            if name != "input" and network.layer(name).kind in ("resize", "global_avg_pool")
            else name
            for name in names
        )
    return found


def scale_sim_products(line: str) -> int:
    """Products of a convolution (SCALE-Sim, topology_utils.py: topo_calc_hyperparams)."""
    height, width, down, right, channels, filters, stride = map(int, line.split(",")[1:8])
    rows, columns = (
        -(-(extent - taps + stride) // stride) for extent, taps in ((height, down), (width, right))
    )
    return rows * columns * down * right * channels * filters


@pytest.mark.parametrize("text", [RESIDUAL, INCEPTION, BY_CHANNEL])
def test_products_are_those_of_scale_sim(tmp_path: Path, text: str) -> None:
    network = read(tmp_path, HEADER + text)
    found = [
        op.dense_macs
        for op in lower(network, "bp", 1).ops
        if isinstance(op, Contraction) and op.pass_ is Pass.FF
    ]
    assert found == [scale_sim_products(line) for line in text.splitlines() if line]


def test_a_shortcut_reads_the_map_of_the_line_of_its_size(tmp_path: Path) -> None:
    network = read(tmp_path, HEADER + RESIDUAL)
    assert network.input_shape == (224, 224, 3)
    assert inputs(network) == {
        "Conv1": ("input",),
        "Conv2_1a": ("Conv1",),
        "Conv2_1b": ("Conv2_1a",),
        "Conv3_1a": ("Conv2_1b",),
        "Conv3_1b": ("Conv3_1a",),
        "Conv3_s": ("Conv1",),
        "Conv3_2a": ("Conv3_1b", "Conv3_s"),
        "FC": ("Conv3_2a",),
    }
    assert network.layer("Conv2_1b").padding == (1, 1, 1, 1)


def test_branches_are_put_side_by_side(tmp_path: Path) -> None:
    network = read(tmp_path, HEADER + INCEPTION)
    found = inputs(network)
    assert found["next"] == ("one", "three", "pool_proj")
    assert [found[name] for name in ("one", "two", "pool_proj")] == [("stem",)] * 3


def test_convolutions_channel_by_channel(tmp_path: Path) -> None:
    layer = read(tmp_path, HEADER + BY_CHANNEL).layer("DepthwiseConv2D_1")
    assert (layer.divisor, layer.out_shape) == (8, (46, 46, 8))


def test_matrix_products(tmp_path: Path) -> None:
    """Lines that continue no line above read their own part of the input. What no line reads is an
    output.
    """
    network = read(tmp_path, PRODUCTS.replace(",2:4", ","))
    assert network.input_shape == (1, 1, 128 * 512 + 512 * 128)
    assert [layer.name for layer in network.weighted] == ["qkv_1", "score", "score_2", "out", "up"]
    macs = [op.dense_macs for op in lower(network, "bp", 1).ops if isinstance(op, Contraction)]
    assert macs[:5] == [128 * 1536 * 512, *[512 * 128 * 128] * 2, 128 * 512 * 512, 128 * 768 * 512]
    assert network.output.inputs == ("qkv_1-mean", "up-mean")
    assert network.layer("out-words").kind == "reshape"


@pytest.mark.parametrize("rule", ["bp", "dfa"])
@pytest.mark.parametrize("text", [HEADER + INCEPTION, PRODUCTS.replace(",2:4", ",")])
def test_topologies_run(tmp_path: Path, text: str, rule: str) -> None:
    small = text.replace("1536", "9").replace("512", "16").replace("128", "8").replace("768", "5")
    result = simulate(read(tmp_path, small), "near-memory", rule=rule, trace="random:0.5")
    assert violations(result) == []


def test_faults(tmp_path: Path) -> None:
    assert faults(tmp_path, HEADER + "a, 8, 8, 3, 3, 3, 4\nb, 8, 0, 3, x, 3, 4, 1,\n") == [
        "small.csv:2:1: a layer must have a name and 7 numbers, got a, 8, 8, 3, 3, 3, 4",
        "small.csv:3:7: IFMAP width must be an integer from 1 to 16777216, got 0",
        "small.csv:3:13: filter width must be an integer from 1 to 16777216, got x",
    ]
    assert faults(tmp_path, HEADER + "a, 8, 8, 9, 3, 3, 4, 1,\n") == [
        "small.csv:2:1: filter must be no larger than its map, 8x8, got 9x3"
    ]
    assert faults(tmp_path, PRODUCTS) == [
        "small.csv:4:19: sparsity must be 1:1 (a trace says which weights are zero), got 2:4"
    ]
    assert faults(tmp_path, HEADER) == [
        "small.csv:1:1: a topology must have at least one layer, got none"
    ]
    with pytest.raises(InputError, match=r"none\.csv"):
        load_network(tmp_path / "none.csv")
