"""Modules and the links within them: the paper's own networks by hand, and what cannot be a
module.
"""

from __future__ import annotations

import pytest

from accelsim.errors import InputError
from accelsim.workload.loading import load_network
from accelsim.workload.modules import dilation_of, links, modules_of
from tests.reference_networks import Builder


def kernels(name):
    return {layer: link.kernel_at_source[0] for layer, link in links(load_network(name)).items()}


def test_vgg16_has_the_modules_of_table_2():
    ends = {name: last.name for name, last in modules_of(load_network("vgg16-cifar10")).items()}
    assert [ends[name] for name in ("conv1_2", "conv2_1", "conv2_2")] == ["conv2_2"] * 3
    assert ends["conv3_1"] == "conv3_3"
    assert ends["fc"] == "fc"


def test_kernels_reach_as_far_as_the_chain_and_no_farther_than_the_map():
    # conv2_2 sees 5 of its module's first 16x16 map, 12 of the 32x32 map before the pool (6 of its
    # own: 7, made odd); 2x2 maps take 3.
    found = kernels("vgg16-cifar10")
    assert [
        found[name] for name in ("conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv5_1", "conv5_3")
    ] == [7, 5, 3, 7, 3, 3]
    link = links(load_network("vgg16-cifar10"))["conv1_2"]
    assert (link.field, link.step, link.kernel_at_target, dilation_of(link.kernel_at_target)) == (
        (12, 12),
        (2, 2),
        (13, 13),
        (6, 6),
    )


def test_residual_stages_are_modules_and_short_ways_are_known():
    found = links(load_network("resnet18-cifar10"))
    assert "conv1" not in found, "no error goes into the image"
    assert {name for name, link in found.items() if link.shortcut} == {
        "short3_1",
        "short4_1",
        "short5_1",
    }
    assert {found[name].source.name for name in ("conv3_1a", "short3_1", "conv3_2b")} == {
        "conv3_2b"
    }


def test_recurrent_networks_have_two_modules():
    ends = modules_of(load_network("lstm-wikitext2"))
    assert (ends["embedding"].name, ends["lstm1"].name, ends["fc"].name) == ("lstm1", "lstm1", "fc")


def test_fully_connected_networks_are_one_module():
    assert {last.name for last in modules_of(load_network("cifar10-fc")).values()} == {
        load_network("cifar10-fc").output.name
    }


@pytest.mark.parametrize(
    "ends", [("nowhere",), ("conv3_3", "conv2_2"), ("pool1",), ("conv2_2", "conv2_2")]
)
def test_wrong_modules_are_refused(ends):
    with pytest.raises(
        InputError,
        match="modules must be layers with weights of vgg16-cifar10, in their order, got",
    ):
        links(load_network("vgg16-cifar10"), ends)


@pytest.mark.parametrize("shortcut_first", [True, False])
def test_a_module_may_end_in_one_arm_of_a_block(shortcut_first):
    """One block alone: neither arm leads to the end of the other, both to the sum."""
    builder = Builder("block").conv(4).add("relu")
    if shortcut_first:
        builder.conv(6, side=1, stride=2).conv(6, stride=2, inputs=("relu1",)).add("relu").conv(6)
    else:
        builder.conv(6, stride=2).add("relu").conv(6).conv(6, side=1, stride=2, inputs=("relu1",))
    network = (
        builder.add("add", inputs=("conv2", "conv5") if shortcut_first else ("conv4", "conv5"))
        .add("global_avg_pool")
        .add("fc", 3)
        .network()
    )
    found = links(network, ("conv0", "conv5", "fc8"))
    reaches = {name: link.field for name, link in found.items() if not link.dense}
    # conv5 on its own map; the strided 3x3 with the 3x3 behind it 3 + 2 * 2; the 1x1 shortcut 1.
    expected = (
        {"conv2": (1, 1), "conv3": (7, 7), "conv5": (3, 3)}
        if shortcut_first
        else {"conv2": (7, 7), "conv4": (3, 3), "conv5": (1, 1)}
    )
    assert reaches == expected
