"""Shapes, products and words of a random ONNX graph, counted in the plainest way while it is made.

It knows nothing of the importer: extents are counted by walking windows over an axis, products by
multiplying extents of ONNX's own shapes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

Shape = tuple[int, ...]


def positions(size: int, kernel: int, stride: int, before: int, after: int, dilation: int) -> int:
    """Windows that fit on an axis, found by moving one along it."""
    count, first = 0, -before
    while first + dilation * (kernel - 1) < size + after:
        count += 1
        first += stride
    return count


@dataclass
class Counted:
    """A graph in the making: its nodes and weights, the shape of each value, and per node that
    costs something its name, products, words of its result and of its weights.
    """

    draw: random.Random
    nodes: list[Any] = field(default_factory=list)
    weights: dict[str, Any] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    macs: dict[str, int] = field(default_factory=dict)
    words: dict[str, int] = field(default_factory=dict)
    weight_words: dict[str, int] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def node(
        self, op: str, inputs: list[str], shape: Shape, macs: int | None = None, **keys: Any
    ) -> str:
        """Add a node with a result of ``shape``; with ``macs`` it costs something."""
        from onnx import helper

        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [f"{name}_out"], name, **keys))
        self.shapes[f"{name}_out"] = shape
        if macs is not None:
            self.macs[name] = macs
            self.words[name] = prod(shape)
        for each in inputs:
            if each in self.open:
                self.open.remove(each)
        self.open.append(f"{name}_out")
        return f"{name}_out"

    def weight(self, shape: Shape, owner: str = "") -> str:
        name = f"w{len(self.weights)}"
        self.weights[name] = shape
        return name

    def constant(self, values: list[int]) -> str:
        name = f"w{len(self.weights)}"
        self.weights[name] = np.array(values, np.int64)
        return name

    # Operators on images

    def conv(self, x: str) -> str:
        n, c, h, w = self.shapes[x]
        draw = self.draw
        groups = draw.choice([g for g in (1, 1, 2, c) if c % g == 0])
        out = groups * draw.randint(1, 3)
        kernel = (draw.randint(1, min(3, h)), draw.randint(1, min(3, w)))
        pads = [draw.randint(0, 2) for _ in range(4)]
        strides = [draw.randint(1, 2), draw.randint(1, 2)]
        spread = [draw.randint(1, 2), draw.randint(1, 2)]
        rows = positions(h, kernel[0], strides[0], pads[0], pads[2], spread[0])
        columns = positions(w, kernel[1], strides[1], pads[1], pads[3], spread[1])
        if min(rows, columns) < 1:
            return x
        macs = n * out * rows * columns * (c // groups) * kernel[0] * kernel[1]
        weight = self.weight((out, c // groups, *kernel))
        keys = {"pads": pads, "strides": strides, "dilations": spread, "group": groups}
        y = self.node("Conv", [x, weight], (n, out, rows, columns), macs, **keys)
        self.weight_words[self.nodes[-1].name] = out * (c // groups) * prod(kernel)
        return y

    def conv_transpose(self, x: str) -> str:
        n, c, h, w = self.shapes[x]
        out, kernel, stride = (
            self.draw.randint(1, 3),
            self.draw.randint(1, 3),
            self.draw.randint(1, 2),
        )
        shape = (n, out, (h - 1) * stride + kernel, (w - 1) * stride + kernel)
        weight = self.weight((c, out, kernel, kernel))
        keys = {"strides": [stride, stride]}
        macs = prod(shape) * c * kernel * kernel  # zeros between the inputs included
        y = self.node("ConvTranspose", [x, weight], shape, macs, **keys)
        self.weight_words[self.nodes[-1].name] = c * out * kernel * kernel
        return y

    def pool(self, x: str) -> str:
        n, c, h, w = self.shapes[x]
        kernel, stride = self.draw.randint(1, 2), self.draw.randint(1, 2)
        if min(h, w) < kernel:
            return x
        shape = (n, c, *(positions(size, kernel, stride, 0, 0, 1) for size in (h, w)))
        op = self.draw.choice(["MaxPool", "AveragePool"])
        return self.node(op, [x], shape, 0, kernel_shape=[kernel] * 2, strides=[stride] * 2)

    def relu(self, x: str) -> str:
        op = self.draw.choice(["Relu", "Tanh", "Sigmoid", "LeakyRelu"])
        return self.node(op, [x], self.shapes[x], 0)

    def add(self, x: str) -> str:
        others = [y for y, shape in self.shapes.items() if shape == self.shapes[x] and y != x]
        if not others:
            return x
        return self.node("Add", [x, self.draw.choice(others)], self.shapes[x], 0)

    def concat(self, x: str) -> str:
        shape = self.shapes[x]
        axis = self.draw.randint(1, len(shape) - 1)
        others = [
            y
            for y, other in self.shapes.items()
            if y != x
            and len(other) == len(shape)
            and other[:axis] + other[axis + 1 :] == shape[:axis] + shape[axis + 1 :]
        ]
        if not others:
            return x
        other = self.draw.choice(others)
        total = shape[axis] + self.shapes[other][axis]
        joined = (*shape[:axis], total, *shape[axis + 1 :])
        return self.node("Concat", [x, other], joined, 0, axis=axis)

    # From images to tokens and vectors

    def tokens(self, x: str) -> str:
        n, c, h, w = self.shapes[x]
        y = self.node("Reshape", [x, self.constant([n, c, h * w])], (n, c, h * w))
        return self.node("Transpose", [y], (n, h * w, c), perm=[0, 2, 1])

    def linear(self, x: str) -> str:
        shape = self.shapes[x]
        features = self.draw.randint(1, 6)
        weight = self.weight((shape[-1], features))
        y = self.node("MatMul", [x, weight], (*shape[:-1], features), prod(shape) * features)
        self.weight_words[self.nodes[-1].name] = shape[-1] * features
        return y

    def attention(self, x: str) -> str:
        n, t, c = self.shapes[x]
        heads = self.draw.choice([h for h in (1, 2, 3) if c % h == 0])
        split = []
        for order in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]):
            y = self.linear_to(x, c)
            y = self.node(
                "Reshape", [y, self.constant([n, t, heads, c // heads])], (n, t, heads, c // heads)
            )
            turned = tuple((n, t, heads, c // heads)[axis] for axis in order)
            split.append(self.node("Transpose", [y], turned, perm=order))
        scores = self.node("MatMul", split[:2], (n, heads, t, t))
        weights = self.node("Softmax", [scores], (n, heads, t, t), axis=-1)
        shape = (n, heads, t, c // heads)
        mixed = self.node("MatMul", [weights, split[2]], shape, 2 * n * t * t * c)
        back = self.node("Transpose", [mixed], (n, t, heads, c // heads), perm=[0, 2, 1, 3])
        return self.node("Reshape", [back, self.constant([n, t, c])], (n, t, c))

    def linear_to(self, x: str, features: int) -> str:
        shape = self.shapes[x]
        weight = self.weight((shape[-1], features))
        y = self.node("MatMul", [x, weight], (*shape[:-1], features), prod(shape) * features)
        self.weight_words[self.nodes[-1].name] = shape[-1] * features
        return y

    def norm(self, x: str) -> str:
        width = self.shapes[x][-1]
        names = [x, self.weight((width,)), self.weight((width,))]
        return self.node("LayerNormalization", names, self.shapes[x], 0, axis=-1)

    def head(self, x: str) -> str:
        """Flatten and Gemm: one class for each sample."""
        n, *rest = self.shapes[x]
        flat = self.node("Flatten", [x], (n, prod(rest)))
        classes = self.draw.randint(2, 5)
        weight = self.weight((classes, prod(rest)))
        macs = n * prod(rest) * classes
        y = self.node("Gemm", [flat, weight], (n, classes), macs, transB=1)
        self.weight_words[self.nodes[-1].name] = prod(rest) * classes
        return y


IMAGES = ("conv", "conv", "conv_transpose", "pool", "relu", "add", "concat")
TOKENS = ("linear", "attention", "norm", "relu", "add", "concat")


def random_graph(seed: int) -> tuple[Counted, Shape, str]:
    """A graph, the shape of its input x and the name of its output."""
    draw = random.Random(seed)
    batch = draw.choice([1, 1, 1, 2])
    shape = (batch, draw.randint(1, 4), draw.randint(3, 8), draw.randint(3, 8))
    graph = Counted(draw)
    graph.shapes["x"] = shape
    graph.open.append("x")
    at = "x"
    for _ in range(draw.randint(2, 7)):
        at = getattr(graph, draw.choice(IMAGES))(at)
    if draw.random() < 0.6:
        at = graph.tokens(at)
        for _ in range(draw.randint(1, 5)):
            at = getattr(graph, draw.choice(TOKENS))(at)
    return graph, shape, graph.head(at)
