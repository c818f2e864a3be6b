"""Layers that put words together: their ops and words worked out by hand, their numbers against
plain formulas, and every fault at its place.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.layers.model import Model
from accelsim.numerics.loss import softmax_loss
from accelsim.results.laws import violations
from accelsim.rules.registry import lower, parse_rule, rule_numerics
from accelsim.step.forms import Form
from accelsim.step.ops import TrainingStep, VectorWork
from accelsim.workload.loading import load_network
from accelsim.workload.network import Network
from accelsim.workload.resize import resized
from tests.reference_networks import numbers
from tests.structure_networks import Keys, conv, layer, shaped, up

RULES = ("bp", "fa", "dfa", "ssdfa", "frozen", "modular", "conv-dfa", "dilated", "revised")


def network(*layers: Keys, side: int = 2, channels: int = 2) -> Network:
    """A network on maps of ``side`` x ``side``, with a classifier of 3 behind its last layer."""
    return shaped("n", *layers, side=side, channels=channels)


def vector(step: TrainingStep) -> dict[str, tuple[list[tuple[str, int]], list[tuple[str, int]]]]:
    """By vector op without the loss and updates: (tensor, words) that it reads, and that it
    writes.
    """
    return {
        op.name: (
            [(each.tensor.name, each.words_read) for each in op.operands],
            [(each.name, each.elements) for each in op.outputs],
        )
        for op in step.ops
        if isinstance(op, VectorWork) and op.layer != "loss" and op.pass_ != "WU"
    }


def forward_of(net: Network, name: str) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """(maps that a layer reads, its output) of a batch of two."""
    model = Model(net, dtype=np.float64)
    model.forward(numbers((2, *net.input_shape), 0.5))
    return tuple(model.maps[each] for each in net.layer(name).inputs), model.maps[name]


def backward_of(net: Network, name: str) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """(an error at a layer's output, the errors that it passes to its inputs)."""
    model = Model(net, dtype=np.float64)
    model.forward(numbers((2, *net.input_shape), 0.5))
    error = numbers((2, *net.layer(name).out_shape), 0.1)
    return error, model.layers[name].backward(error, propagate=True)


def faults(tmp_path: Path, *lines: str) -> list[str]:
    """Faults of a network on maps of 8 x 8 x 3. The first of ``lines`` is line 4 of its file."""
    text = "name: t\ninput: {height: 8, width: 8, channels: 3}\nlayers:\n"
    path = tmp_path / "net.yaml"
    path.write_text(text + "".join(f"  - {{{line}}}\n" for line in lines))
    with pytest.raises(InputError) as error:
        load_network(path)
    return [str(fault).replace(f"{tmp_path}/", "") for fault in error.value.faults]


def check_every_rule(net: Network) -> None:
    """Errors reach the same maps in ops and in numbers, under every rule; runs keep the laws."""
    for rule in RULES:
        step = lower(net, rule, 2)
        model = Model(net, dtype=np.float64)
        _, error = softmax_loss(model.forward(numbers((2, *net.input_shape), 0.5)), np.arange(2))
        errors = rule_numerics(parse_rule(rule), model, seed=0).propagate(error, np.arange(2))
        learning = {op.layer for op in step.ops if op.pass_ == "WG"}
        assert errors.keys() == learning, rule
        updated = {op.layer for op in step.ops if op.pass_ == "WU"}
        assert {name for name, _ in model.gradients()} == updated, rule
    for arch in ("near-memory", "von-neumann"):
        for rule in ("bp", "dfa", "ssdfa"):
            result = simulate(net, arch, rule=rule, batch=2, trace="random:0.5")
            assert violations(result) == []


# concat

BESIDE = (conv("a", 3), conv("b", 1, "input"), layer("both", "concat", "a", "b"))


def test_words_of_maps_side_by_side() -> None:
    """2 samples of 2 x 2: 24 words of one map, 8 of the other."""
    step = lower(network(conv("first", 2), BESIDE[0], conv("b", 1, "first"), BESIDE[2]), "bp", 2)
    assert vector(step) == {
        "both.FF": ([("a.out", 24), ("b.out", 8)], [("both.out", 32)]),
        "both.EP.part0": ([("both.error", 24)], [("a.error", 24)]),
        "both.EP.part1": ([("both.error", 8)], [("b.error", 8)]),
        "first.EP.sum": ([("first.error.b", 16), ("first.error.a", 16)], [("first.error", 16)]),
    }
    for name in ("both.FF", "both.EP.part0"):
        op = step.op(name)
        assert isinstance(op, VectorWork)
        assert (op.vector_ops, op.form) == (0, Form.ADDRESSING)


def test_only_inputs_that_take_an_error_get_a_slice() -> None:
    """Not the network's input; under direct feedback not a map that has feedback of its own."""
    net = network(conv("a", 3), layer("both", "concat", "a", "input"))
    assert set(vector(lower(net, "bp", 1))) == {"both.FF", "both.EP.part0"}
    own = network(*BESIDE, conv("c", 2, "a"), layer("all", "concat", "both", "c"))
    assert set(vector(lower(own, "dfa", 1))) == {
        "both.FF",
        "all.FF",
        "all.EP.part0",
        "all.EP.part1",
        "both.EP.part1",
    }


@pytest.mark.parametrize(("axis", "place"), [("rows", 1), ("columns", 2), ("channels", 3)])
def test_numbers_of_maps_side_by_side(axis: str, place: int) -> None:
    net = network(conv("a", 2), layer("both", "concat", "input", "a", axis=axis))
    (image, a), both = forward_of(net, "both")
    assert np.array_equal(both, np.concatenate([image, a], place))
    error, (first, second) = backward_of(net, "both")
    assert np.array_equal(np.concatenate([first, second], place), error)
    shape = [2, 2, 2]
    shape[place - 1] = 4
    assert net.layer("both").out_shape == tuple(shape)


def test_faults_of_concat(tmp_path: Path) -> None:
    assert faults(
        tmp_path,
        "name: a, kind: conv, out_channels: 2, kernel: 1, stride: 2",
        "name: b, kind: concat, inputs: [input, a]",
        "name: c, kind: concat, inputs: [input, a], axis: rows",
        "name: d, kind: concat, inputs: [a]",
        "name: e, kind: concat, inputs: [a, a], axis: depth",
        "name: fc, kind: fc, out_features: 3",
    ) == [
        "net.yaml:8:51: layers[4].axis must be rows, columns or channels, got depth",
    ]
    assert faults(
        tmp_path,
        "name: a, kind: conv, out_channels: 2, kernel: 1, stride: 2",
        "name: b, kind: concat, inputs: [input, a]",
        "name: c, kind: concat, inputs: [input, a], axis: rows",
        "name: d, kind: concat, inputs: [a]",
        "name: fc, kind: fc, out_features: 3",
    )[:3] == [
        f"net.yaml:{line}:37: layers[{line - 4}].inputs must be {rule}"
        for line, rule in (
            (5, "layers whose maps differ in channels only, got input 8x8x3, a 4x4x2"),
            (6, "layers whose maps differ in rows only, got input 8x8x3, a 4x4x2"),
            (7, "two or more different layers, got a"),
        )
    ]


def test_concat_of_another_width() -> None:
    net = resized(network(conv("a", 8), layer("both", "concat", "a", "input")), 0.5)
    assert net.layer("both").out_shape == (2, 2, 6)
    assert net.output.in_shape == (2, 2, 6)


def test_concat_under_every_rule() -> None:
    check_every_rule(
        network(
            conv("first", 4),
            layer("relu", "relu"),
            conv("a", 3),
            layer("batch", "batch_norm", "first"),
            layer("both", "concat", "a", "batch", "relu"),
            conv("b", 2),
            layer("all", "concat", "b", "both"),
            layer("pool", "max_pool", kernel=2),
        )
    )


# slice


PARTS = (
    conv("a", 4),
    layer("left", "slice", stop=1),
    layer("right", "slice", "a", start=1),
    layer("both", "concat", "right", "left"),
)


def test_words_of_parts_of_a_map() -> None:
    """Parts read their own words; their errors together are the map's, without a sum."""
    net = network(conv("first", 2), *PARTS)
    assert vector(lower(net, "bp", 2)) == {
        "left.FF": ([("a.out", 8)], [("left.out", 8)]),
        "right.FF": ([("a.out", 24)], [("right.out", 24)]),
        "both.FF": ([("right.out", 24), ("left.out", 8)], [("both.out", 32)]),
        "both.EP.part0": ([("both.error", 24)], [("right.error", 24)]),
        "both.EP.part1": ([("both.error", 8)], [("left.error", 8)]),
        "a.EP.join": ([("left.error", 8), ("right.error", 24)], [("a.error", 32)]),
    }


def test_parts_that_overlap_are_summed() -> None:
    """Each list of parts side by side is one map; zeros are between those that leave a gap."""
    step = lower(
        network(
            conv("a", 4),
            layer("left", "slice", stop=3),
            layer("right", "slice", "a", start=1),
            layer("row", "slice", "a", axis="rows", stop=1),
            conv("b", 3, "left"),
            conv("c", 3, "right"),
            conv("d", 3, "row"),
            layer("e", "add", "b", "c"),
            layer("f", "concat", "e", "d", axis="rows"),
        ),
        "bp",
        1,
    )
    joins = {name: op for name, op in vector(step).items() if name.startswith("a.EP")}
    assert joins == {
        "a.EP.join": ([("row.error", 8)], [("a.error.parts.0", 16)]),
        "a.EP.join.1": ([("left.error", 12)], [("a.error.parts.1", 16)]),
        "a.EP.join.2": ([("right.error", 12)], [("a.error.parts.2", 16)]),
        "a.EP.sum": ([(f"a.error.parts.{n}", 16) for n in range(3)], [("a.error", 16)]),
    }
    op = step.op("a.EP.join")
    assert isinstance(op, VectorWork)
    assert (op.form, op.vector_ops) == (Form.OTHER, 0)


def test_a_part_beside_other_readers_of_the_map() -> None:
    step = lower(
        network(conv("a", 4), layer("left", "slice", stop=3), layer("all", "concat", "left", "a")),
        "bp",
        1,
    )
    found = vector(step)
    assert found["a.EP.join"] == ([("left.error", 12)], [("a.error.parts.0", 16)])
    assert found["a.EP.sum"] == (
        [("a.error.all", 16), ("a.error.parts.0", 16)],
        [("a.error", 16)],
    )


@pytest.mark.parametrize("axis", ["rows", "columns", "channels"])
def test_numbers_of_parts(axis: str) -> None:
    place = ["rows", "columns", "channels"].index(axis)
    net = network(layer("it", "slice", axis=axis, start=1, stop=6, step=2), side=7, channels=7)
    (image,), part = forward_of(net, "it")
    assert np.array_equal(part, image.take([1, 3, 5], axis=place + 1))
    error, (whole,) = backward_of(net, "it")
    assert np.array_equal(whole.take([1, 3, 5], axis=place + 1), error)
    assert not whole.take([0, 2, 4, 6], axis=place + 1).any()


def test_faults_of_slice(tmp_path: Path) -> None:
    assert faults(
        tmp_path,
        "name: a, kind: slice, stop: 4",
        "name: b, kind: slice, inputs: [input], start: 2, stop: 2",
        "name: c, kind: slice, inputs: [input], axis: rows, start: 8",
        "name: fc, kind: fc, out_features: 3",
    )[:3] == [
        "net.yaml:4:34: layers[0].stop must be at most the 3 channels of the map, got 4",
        "net.yaml:5:52: layers[1].start must be below stop, 2, got 2",
        "net.yaml:6:64: layers[2].start must be below stop, 8, got 8",
    ]


def test_parts_of_another_width() -> None:
    net = resized(network(*PARTS), 2)
    assert [net.layer(name).out_shape[2] for name in ("left", "right", "both")] == [2, 6, 8]
    with pytest.raises(InputError, match="width must leave left a part of its 4 channels, got 1"):
        resized(network(*PARTS), 0.25)


def test_slices_under_every_rule() -> None:
    check_every_rule(network(*PARTS, conv("c", 4), layer("add", "add", "c", "a")))


# multiply

GATE = (
    conv("a", 4),
    layer("mean", "global_avg_pool"),
    layer("gate", "sigmoid"),
    layer("it", "multiply", "a", "gate"),
)


def test_words_of_a_product() -> None:
    """2 samples of 2 x 2 x 4 times 1 x 1 x 4: one product; backward two, and a sum for the gate."""
    step = lower(network(*GATE), "bp", 2)
    found = vector(step)
    assert found["it.FF"] == ([("a.out", 32), ("gate.out", 8)], [("it.out", 32)])
    assert found["it.EP"] == (
        [("it.error", 32), ("a.out", 32), ("gate.out", 8)],
        [("a.error.it", 32), ("gate.error", 8)],
    )
    work = [step.op(name) for name in ("it.FF", "it.EP")]
    assert [(op.elements, op.ops_per_element) for op in work] == [(32, 1), (32, 3)]


def test_a_product_with_a_map_that_takes_no_error() -> None:
    step = lower(network(conv("a", 2), layer("it", "multiply", "input", "a")), "bp", 1)
    assert vector(step)["it.EP"] == ([("it.error", 8), ("input", 8)], [("a.error", 8)])
    op = step.op("it.EP")
    assert isinstance(op, VectorWork)
    assert op.ops_per_element == 1


def test_numbers_of_a_product() -> None:
    net = network(*GATE, conv("b", 1), layer("all", "multiply", "it", "b", "gate"))
    (a, gate), product = forward_of(net, "it")
    assert np.array_equal(product, a * gate)
    (it, b, _), whole = forward_of(net, "all")
    assert np.allclose(whole, it * b * gate, rtol=1e-15)
    error, (first, second, third) = backward_of(net, "all")
    assert np.allclose(first, error * b * gate, rtol=1e-14)
    assert np.allclose(second, (error * it * gate).sum(axis=3, keepdims=True), rtol=1e-9)
    assert np.allclose(third, (error * it * b).sum(axis=(1, 2), keepdims=True), rtol=1e-9)


def test_faults_of_multiply(tmp_path: Path) -> None:
    assert faults(
        tmp_path,
        "name: a, kind: conv, out_channels: 2, kernel: 1",
        "name: b, kind: multiply, inputs: [input, a]",
        "name: fc, kind: fc, out_features: 3",
    )[:1] == [
        (
            "net.yaml:5:39: layers[1].inputs must be layers whose extents are equal or 1, got "
            "input 8x8x3, a 8x8x2"
        ),
    ]


def test_products_under_every_rule() -> None:
    check_every_rule(network(*GATE, conv("b", 4)))


# resize


def test_words_of_nearest_neighbours() -> None:
    """3 x 3 to 6 x 6: the copies of an element are 4, whose errors take 3 sums."""
    net = network(conv("a", 2), layer("it", "resize", height=6, width=6), side=3)
    step = lower(net, "bp", 2)
    assert vector(step) == {
        "it.FF": ([("a.out", 36)], [("it.out", 144)]),
        "it.EP": ([("it.error", 144)], [("a.error", 36)]),
    }
    forward, back = (step.op(name) for name in ("it.FF", "it.EP"))
    assert (forward.vector_ops, forward.form) == (0, Form.ADDRESSING)
    assert (back.vector_ops, back.form) == (36 * 3, Form.WINDOWS)
    assert (back.row_bound, back.kept, back.taken) == (12, 2 * 36, 2 * 36)


@pytest.mark.parametrize(
    ("height", "width", "mode", "words", "forward", "backward"),
    [
        (6, 5, "nearest", 18, 0, 60),
        (2, 3, "nearest", 12, 0, 12),
        (6, 6, "bilinear", 18, 72 * 7, 72 * 8),
        (3, 6, "bilinear", 18, 36 * 3, 36 * 4),
    ],
)
def test_work_of_resizing(
    height: int, width: int, mode: str, words: int, forward: int, backward: int
) -> None:
    keys = {"height": height, "width": width, "mode": mode}
    step = lower(network(conv("a", 2), layer("it", "resize", **keys), side=3), "bp", 1)
    assert vector(step)["it.FF"][0] == [("a.out", words)]
    assert [step.op(name).vector_ops for name in ("it.FF", "it.EP")] == [forward, backward]


def test_numbers_of_nearest_neighbours() -> None:
    net = network(layer("it", "resize", height=4, width=2), side=3)
    (image,), it = forward_of(net, "it")
    assert np.array_equal(it, image[:, [0, 0, 1, 2]][:, :, [0, 1]])
    error, (back,) = backward_of(net, "it")
    rows = np.stack([error[:, 0] + error[:, 1], error[:, 2], error[:, 3]], axis=1)
    assert np.allclose(back[:, :, :2], rows)
    assert not back[:, :, 2].any()


def test_numbers_of_bilinear_interpolation() -> None:
    """From 2 columns to 4: a quarter and three quarters between the two, and the ends."""
    net = network(layer("it", "resize", height=2, width=4, mode="bilinear"))
    (image,), it = forward_of(net, "it")
    left, right = image[:, :, 0], image[:, :, 1]
    expected = [left, 0.75 * left + 0.25 * right, 0.25 * left + 0.75 * right, right]
    assert np.allclose(it, np.stack(expected, axis=2))
    error, (back,) = backward_of(net, "it")
    e = error.transpose(2, 0, 1, 3)
    assert np.allclose(back[:, :, 0], e[0] + 0.75 * e[1] + 0.25 * e[2])
    assert np.allclose(back[:, :, 1], 0.25 * e[1] + 0.75 * e[2] + e[3])


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_resizing_under_every_rule(mode: str) -> None:
    check_every_rule(
        network(conv("a", 4), layer("it", "resize", height=4, width=4, mode=mode), conv("b", 4))
    )


# reshape and transpose


def test_words_of_another_shape() -> None:
    net = network(
        conv("a", 6),
        layer("flat", "reshape", height=4, width=2),
        layer("turned", "transpose", axes=["channels", "rows", "columns"]),
    )
    assert [net.layer(name).out_shape for name in ("flat", "turned")] == [(4, 2, 3), (3, 4, 2)]
    step = lower(net, "bp", 1)
    assert vector(step) == {
        "flat.FF": ([("a.out", 24)], [("flat.out", 24)]),
        "turned.FF": ([("flat.out", 24)], [("turned.out", 24)]),
        "turned.EP": ([("turned.error", 24)], [("flat.error", 24)]),
        "flat.EP": ([("flat.error", 24)], [("a.error", 24)]),
    }
    assert all(step.op(name).vector_ops == 0 for name in vector(step))


def test_numbers_of_a_channel_shuffle() -> None:
    """Channels 0..5 in 2 groups become 0, 3, 1, 4, 2, 5."""
    net = network(
        layer("apart", "reshape", height=4, width=2),
        layer("turned", "transpose", axes=["rows", "channels", "columns"]),
        layer("again", "reshape", height=2, width=2),
        channels=6,
    )
    model = Model(net, dtype=np.float64)
    image = numbers((2, 2, 2, 6), 0.5)
    model.forward(image)
    assert np.array_equal(model.maps["again"], image[..., [0, 3, 1, 4, 2, 5]])
    error = back = numbers((2, 2, 2, 6), 0.1)
    for name in ("again", "turned", "apart"):
        (back,) = model.layers[name].backward(back, propagate=True)
    assert np.array_equal(back[..., [0, 3, 1, 4, 2, 5]], error)


def test_faults_of_reshape_and_transpose(tmp_path: Path) -> None:
    assert faults(
        tmp_path,
        "name: a, kind: reshape, height: 5",
        "name: b, kind: reshape, inputs: [input], height: 5, width: 2",
        "name: c, kind: reshape, inputs: [input], height: 8, width: 2, channels: 11",
        "name: d, kind: transpose, inputs: [input], axes: [rows, rows, channels]",
        "name: fc, kind: fc, out_features: 3",
    )[:4] == [
        "net.yaml:4:21: layers[0].kind must be given two of height, width and channels, got 2",
        "net.yaml:5:21: layers[1].kind must be a shape of the 192 words of 8x8x3, got 5x2x?",
        "net.yaml:6:21: layers[2].kind must be a shape of the 192 words of 8x8x3, got 8x2x11",
        (
            "net.yaml:7:55: layers[3].axes must be rows, columns, channels in any order, got "
            "rows, rows, channels"
        ),
    ]


def test_shapes_of_another_width() -> None:
    layers = (
        conv("a", 6),
        layer("flat", "reshape", height=4, width=2),
        layer("it", "transpose", axes=["channels", "rows", "columns"]),
    )
    net = resized(network(*layers), 1 / 3)
    assert [each.out_shape for each in net.layers[1:3]] == [(4, 2, 1), (1, 4, 2)]
    with pytest.raises(InputError, match="width must give flat words that 4 rows of 2 columns"):
        resized(network(*layers), 0.5)


def test_shapes_under_every_rule() -> None:
    check_every_rule(
        network(
            conv("a", 6),
            layer("flat", "reshape", height=4, width=2),
            layer("turned", "transpose", axes=["rows", "channels", "columns"]),
            layer("again", "reshape", height=2, width=2),
            conv("b", 2),
        )
    )


# conv_transpose


def test_nests_of_a_transposed_convolution() -> None:
    """3 x 3 to 6 x 6 with 2 x 2 taps: FF visits stride zeros, EP and WG visit none."""
    net = network(conv("a", 4), up("it", 5), side=3)
    step = lower(net, "bp", 2)
    forward, back, gradient = (step.op(f"it.{each}") for each in ("FF", "EP", "WG"))
    assert forward.dense_macs == 2 * 5 * 6 * 6 * 4 * 2 * 2
    assert back.dense_macs == gradient.dense_macs == 2 * 5 * 3 * 3 * 4 * 2 * 2
    operands = {op.name: [each.tensor.name for each in op.operands] for op in step.ops}
    assert operands["it.FF"] == ["a.out", "it.weight"]
    assert operands["it.EP"] == ["it.error", "it.weight"]
    assert operands["it.WG"] == ["it.error", "a.out"]
    assert (forward.nest.transposed, back.nest.transposed) == (False, True)
    weight, made = forward.stationary.tensor, gradient.outputs[0]
    assert (weight.shape, weight.home_channels) == ((5, 2, 2, 4), 5)
    assert (made.elements, made.home_channels) == (80, 0)


@pytest.mark.parametrize(
    ("keys", "shape"),
    [
        ({}, (6, 6)),
        ({"kernel": 3, "padding": 1, "output_padding": 1}, (6, 6)),
        ({"kernel": [3, 1], "stride": [1, 3]}, (5, 7)),
        ({"kernel": 3, "dilation": 2, "stride": 1}, (7, 7)),
        ({"kernel": 5, "stride": 3, "padding": "same"}, (9, 9)),
        ({"kernel": 1, "stride": 3, "padding": "same"}, (9, 9)),
        ({"kernel": 4, "padding": "valid"}, (8, 8)),
        ({"padding": [1, 0, 2, 1]}, (5, 3)),
    ],
)
def test_shapes_of_transposed_convolutions(keys: Keys, shape: tuple[int, int]) -> None:
    assert network(up("it", 2, **keys), side=3).layer("it").out_shape == (*shape, 2)


def test_numbers_of_a_transposed_convolution() -> None:
    """Each element of the input adds its multiple of the kernel at its place."""
    net = network(up("it", 2, kernel=3, padding=1, groups=2), side=3, channels=4)
    model = Model(net, dtype=np.float64)
    weight = model.parameters()["it", "weight"]
    weight[...] = numbers(weight.shape, 0.3)
    image = numbers((2, 3, 3, 4), 0.5)
    model.forward(image)
    whole = np.zeros((2, 7, 7, 2))
    for p, q, group in np.ndindex(3, 3, 2):
        x = image[:, p, q, 2 * group : 2 * group + 2]
        added = np.einsum("nc,rsc->nrs", x, weight[group])
        whole[:, 2 * p : 2 * p + 3, 2 * q : 2 * q + 3, group] += added
    assert np.allclose(model.maps["it"], whole[:, 1:6, 1:6])


def test_faults_of_transposed_convolutions(tmp_path: Path) -> None:
    given = "inputs: [input], kind: conv_transpose, out_channels: 2"
    assert faults(
        tmp_path,
        f"name: a, {given}, kernel: 2, groups: 2",
        f"name: b, {given}, kernel: 2, stride: 2, output_padding: [1, 2]",
        f"name: c, {given}, kernel: 2, padding: 5",
        "name: fc, kind: fc, out_features: 3",
    )[:4] == [
        "net.yaml:4:90: layers[0].groups must be a divisor of the 3 input channels, got 2",
        (
            "net.yaml:5:109: layers[1].output_padding must be at most 1x1, less than stride or "
            "dilation, got 1x2"
        ),
        *(
            f"net.yaml:6:91: layers[2].padding must be less than the 9 {what} of the whole "
            "output, got 5+5"
            for what in ("rows", "columns")
        ),
    ]


def test_transposed_convolutions_under_every_rule() -> None:
    check_every_rule(network(conv("a", 4), layer("relu", "relu"), up("b", 4), up("c", 2, groups=2)))


def test_gradients_pass_the_buffer_on_their_way_to_weights_of_other_pes() -> None:
    """Collected from the PEs that make them, and scattered to those that update."""
    net = network(conv("a", 4), up("it", 5), side=3)
    result = simulate(net, "near-memory", rule="bp", batch=1, trace="dense")
    tensors = {each.name: each for each in result.tensors}
    assert tensors["it.gradient"].place == "global_buffer"
    update = next(op for op in result.ops if op.name == "it.WU")
    assert update.words.global_buffer >= 80
