"""Costs of error propagation as reproductions count them, on random networks: bits of weights, bits
of positions, and operations.

The closed forms in this file use shapes only: for any network its list of layers, for the revised
rule the drawn structure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.studies.papers.counting import Cost, convolutions, cost_of, propagating
from accelsim.workload.network import Layer, Network
from tests.examples import examples
from tests.naive.counts import LEARNING, MAPS
from tests.random_networks import image_workloads, network_of, sequence_workloads

NETWORKS = st.one_of(image_workloads(), sequence_workloads()).map(network_of)
"""Networks of the kinds that the papers count: none has attention."""
GATES = {"rnn": 1, "lstm": 4, "gru": 3}
WEIGHTED = (*MAPS, "fc", *GATES)


def cost(weights: int, macs: int, bits: int = 32, index_bits: int = 0) -> Cost:
    return Cost(Fraction(weights * bits), Fraction(2 * macs), Fraction(weights * index_bits))


# Any network, from its layers


def propagating_layers(network: Network) -> list[Layer]:
    """Weighted layers that pass an error to a map before which something learns."""
    learns = {"input": False}
    propagating = []
    for layer in network.layers:
        before = any(learns[name] for name in layer.inputs)
        learns[layer.name] = before or layer.kind in LEARNING
        if layer.kind in WEIGHTED and learns[layer.inputs[0]]:
            propagating.append(layer)
    return propagating


def weights(layer: Layer) -> int:
    channels, made = layer.in_shape[2], layer.out_shape[2]
    if layer.kind in MAPS:
        return prod(layer.kernel) * channels * made // layer.groups
    return (
        prod(layer.in_shape) * made
        if layer.kind == "fc"
        else GATES[layer.kind] * made * (channels + made)
    )


def positions(layer: Layer) -> int:
    """Positions of a convolution's input map. EP counts stride zeros too."""
    return layer.in_shape[0] * layer.in_shape[1] if layer.kind in MAPS else 1


@settings(max_examples=examples(200))
@given(NETWORKS, st.integers(1, 3))
def test_backpropagation(network: Network, batch: int) -> None:
    layers = propagating_layers(network)
    words = sum(weights(layer) for layer in layers)
    macs = sum(weights(layer) * positions(layer) for layer in layers) * batch * network.time_steps
    assert cost_of(propagating(network, "bp", batch)) == cost(words, macs)


@settings(max_examples=examples(200))
@given(NETWORKS, st.integers(1, 3), st.booleans(), st.data())
def test_direct_feedback(network: Network, batch: int, per_step: bool, data: st.DataObject) -> None:
    neurons, errors = (
        sum(prod(layer.in_shape) for layer in propagating_layers(network)),
        network.layers[-1].out_shape[2],
    )
    steps = network.time_steps
    copies = steps if per_step else 1
    option = "per_step=true" if per_step else "per_step=false"

    dense = cost(neurons * errors * copies, neurons * errors * batch * steps)
    assert cost_of(propagating(network, f"dfa:{option}", batch)) == dense
    assert cost_of(propagating(network, f"bdfa:{option}", batch)) == cost(
        neurons * errors * copies, neurons * errors * batch * steps, bits=1
    )

    k = data.draw(st.integers(1, errors), label="k")
    sparse = cost(
        neurons * k * copies, neurons * k * batch * steps, index_bits=(errors - 1).bit_length()
    )
    assert cost_of(propagating(network, f"sdfa:k={k},{option}", batch)) == sparse


# The revised rule on convolutional networks, shapes drawn along with the layers


@dataclass
class Drawing:
    """A network under construction. ``links``: links of the current module, each as (elements of
    the target map, its channels, whether it is a shortcut).
    """

    side: int
    channels: int
    layers: list[dict[str, Any]] = field(default_factory=list)
    links: list[tuple[int, int, bool]] = field(default_factory=list)
    above: str = "input"

    def add(self, kind: str, **fields: Any) -> str:
        """Add a layer that reads the previous one, unless ``inputs`` is given."""
        name = f"{kind}{len(self.layers)}"
        self.layers.append({"name": name, "kind": kind, "inputs": [self.above], **fields})
        self.above = name
        return name

    def conv(self, channels: int, kernel: int, stride: int, shortcut: bool = False) -> str:
        """Add a convolution with ceil(side / stride) rows and columns. The first one, which reads
        the image, has no link.
        """
        if self.above != "input":
            self.links.append((self.side**2, self.channels, shortcut))
        return self.add("conv", out_channels=channels, kernel=kernel, stride=stride, padding="same")

    def reads(self, channels: int, stride: int) -> None:
        """Record the channels of the current map and the stride that made it."""
        self.side, self.channels = -(-self.side // stride), channels


@dataclass(frozen=True)
class Drawn:
    """``modules``: (channels at its end, links) of each module. ``head``: neurons that each fully
    connected layer reads.
    """

    network: Network
    modules: list[tuple[int, list[tuple[int, int, bool]]]]
    head: list[int]
    errors: int


@st.composite
def modular_networks(draw: st.DrawFn, groups: int) -> Drawn:
    """Stages of convolutions, pools and residual blocks, each a module with channels divisible by
    the groups, followed by one or two fully connected layers.
    """
    wide = st.integers(1, 3).map(lambda times: groups * times)
    drawing = Drawing(draw(st.integers(4, 9)), draw(st.integers(1, 3)))
    image = {"height": drawing.side, "width": drawing.side, "channels": drawing.channels}
    ends: list[str] = []
    modules = []
    for _ in range(draw(st.integers(1, 3))):
        end, last = "", 0
        # A stage starts with a convolution, so that each has one and no residual block reads the
        # image.
        for block in [
            "conv",
            *draw(st.lists(st.sampled_from(["conv", "bn", "relu", "pool", "block"]), max_size=3)),
        ]:
            if block == "conv":
                channels, stride = draw(wide), draw(st.integers(1, 2))
                end = drawing.conv(channels, draw(st.sampled_from([1, 3])), stride)
                drawing.reads(channels, stride)
                last = channels
            elif block == "pool":
                drawing.add("max_pool", kernel=2, stride=2, padding="same")
                drawing.reads(drawing.channels, 2)
            elif block == "block":
                end = residual(drawing, draw(wide), draw(st.integers(1, 2)))
                last = drawing.channels
            else:
                drawing.add("batch_norm" if block == "bn" else "relu")
        ends.append(end)
        modules.append((last, drawing.links))
        drawing.links = []
    head = [drawing.side**2 * drawing.channels]
    if draw(st.booleans()):
        hidden = draw(st.integers(1, 6))
        drawing.add("fc", out_features=hidden)
        drawing.add("relu")
        head.append(hidden)
    errors = draw(st.integers(2, 5))
    drawing.add("fc", out_features=errors)
    return Drawn(
        network_of({"name": "random", "modules": ends, "input": image, "layers": drawing.layers}),
        modules,
        head,
        errors,
    )


def residual(drawing: Drawing, channels: int, stride: int) -> str:
    """Add two convolutions and, if they change the shape, a 1 x 1 convolution on the shortcut.
    Returns the last convolution of the module.
    """
    start = drawing.above
    around = start
    if stride > 1 or channels != drawing.channels:
        around = drawing.conv(channels, 1, stride, shortcut=True)
        drawing.above = start
    drawing.conv(channels, 3, stride)
    drawing.reads(channels, stride)
    drawing.add("relu")
    end = drawing.conv(channels, 3, 1)
    drawing.add("add", inputs=[drawing.above, around])
    return end


def link_words(end: int, channels: int, shortcut: bool, groups: int) -> int:
    """Words of D1 (3 x 3, ``end`` to ``end`` channels) and D2 (1 x 1, ``end`` to ``channels``),
    both grouped; or of a shortcut's ungrouped 1 x 1 convolution.
    """
    return end * channels if shortcut else 9 * end * end // groups + end * channels // groups


@settings(max_examples=examples(200))
@given(st.data(), st.sampled_from([1, 2, 4]), st.booleans(), st.integers(1, 3))
def test_revised_on_images(data: st.DataObject, groups: int, binary: bool, batch: int) -> None:
    drawn = data.draw(modular_networks(groups))
    bits = 1 if binary else 32
    links = [
        (link_words(end, channels, shortcut, groups), at)
        for end, found in drawn.modules
        for at, channels, shortcut in found
    ]
    words, macs = sum(each for each, _ in links), sum(each * at for each, at in links) * batch
    ops = propagating(drawn.network, f"revised:groups={groups},binary={str(binary).lower()}", batch)
    assert cost_of(convolutions(ops)) == cost(words, macs, bits)

    # The paper's rows leave out the fully connected layers: they are the output's module, whose
    # links are matrices.
    matrices = sum(drawn.head) * drawn.errors
    assert cost_of(ops) == cost(words + matrices, macs + matrices * batch, bits)
    assert cost_of(op for op in ops if op not in convolutions(ops)) == cost(
        matrices, matrices * batch, bits
    )


@settings(max_examples=examples(200))
@given(st.data(), st.sampled_from([1, 2, 4]), st.integers(1, 3))
def test_the_other_rules_on_the_same_networks(data: st.DataObject, groups: int, batch: int) -> None:
    drawn = data.draw(modular_networks(groups))
    neurons = sum(drawn.head) + sum(
        at * channels for _, found in drawn.modules for at, channels, _ in found
    )
    assert cost_of(propagating(drawn.network, "dfa", batch)) == cost(
        neurons * drawn.errors, neurons * drawn.errors * batch
    )
    index_bits = (drawn.errors - 1).bit_length()
    assert cost_of(propagating(drawn.network, "ssdfa", batch)) == cost(
        neurons, neurons * batch, index_bits=index_bits
    )


# The revised rule on sequences


@settings(max_examples=examples(200))
@given(st.data())
def test_revised_on_sequences(data: st.DataObject) -> None:
    """Each cell has a block from state to state for every pair of a time step and an earlier or
    equal one. The last cell has a matrix from the output.
    """
    state, steps, batch = (
        data.draw(st.integers(1, 6)),
        data.draw(st.integers(1, 5)),
        data.draw(st.integers(1, 3)),
    )
    cells, errors = (
        data.draw(st.lists(st.sampled_from(list(GATES)), min_size=1, max_size=2)),
        data.draw(st.integers(2, 30)),
    )
    layers: list[dict[str, Any]] = [{"name": "embedding", "kind": "embedding", "dim": state}]
    layers += [
        {"name": f"cell{index}", "kind": kind, "hidden": state} for index, kind in enumerate(cells)
    ]
    layers.append({"name": "fc", "kind": "fc", "out_features": errors})
    network = network_of(
        {"name": "random", "input": {"sequence": steps, "vocabulary": 9}, "layers": layers}
    )

    percent, per_step, binary = (
        data.draw(st.sampled_from([0, 45, 80, 98])),
        data.draw(st.booleans()),
        data.draw(st.booleans()),
    )
    switches = f"per_step={per_step},binary={binary}".lower()
    rule = f"revised:sparsity={percent / 100},{switches}"
    output, block = (state * kept(length, percent) for length in (errors, state))
    blocks = len(cells) * steps * (steps + 1) // 2
    bits = 1 if binary else 32
    into_output = cost(
        output * (steps if per_step else 1),
        output * steps * batch,
        bits,
        (errors - 1).bit_length() if percent else 0,
    )
    triangle = cost(
        block * blocks, block * blocks * batch, bits, (state - 1).bit_length() if percent else 0
    )
    assert cost_of(propagating(network, rule, batch)) == into_output + triangle


def kept(length: int, percent: int) -> int:
    """Entries that a row keeps: (1 - s) of them, rounded, at least one."""
    exact = Fraction(length * (100 - percent), 100)
    return max(1, round(exact))
