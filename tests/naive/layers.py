"""Layers of image networks, computed sample by sample and element by element, and the way rules
deliver errors to the maps that weighted layers read.

A map is [row][column][channel]. A convolution's weights are [k][r][s][c of its group], a fully
connected layer's [k][y * W * C + x * C + c].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import exp, log, tanh

from accelsim.workload.network import INPUT, Layer, Network, Shape

Map = list[list[list[float]]]
Weights = dict[str, list]
Landing = Callable[[Layer, dict[str, Map]], Map]
"""(layer, errors at the outputs of this layer and of the weighted layers after it) -> error at its
input map.
"""


def zeros(shape: Shape) -> Map:
    return [[[0.0] * shape[2] for _ in range(shape[1])] for _ in range(shape[0])]


def flat(maps: Map) -> list[float]:
    return [value for row in maps for position in row for value in position]


def shaped(values: list[float], shape: Shape) -> Map:
    _, w, c = shape
    return [
        [[values[(y * w + x) * c + z] for z in range(c)] for x in range(w)] for y in range(shape[0])
    ]


def taps(
    layer: Layer,
) -> Iterator[tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int, int]]]:
    """Every (output, input, weight) of a convolution whose input lies inside the map."""
    (height, width, channels), (rows, columns, outputs) = layer.in_shape, layer.out_shape
    share, own = channels // layer.groups, outputs // layer.groups
    for p in range(rows):
        for q in range(columns):
            for r in range(layer.kernel[0]):
                for s in range(layer.kernel[1]):
                    y = p * layer.stride[0] - layer.padding[0] + r * layer.dilation[0]
                    x = q * layer.stride[1] - layer.padding[2] + s * layer.dilation[1]
                    if 0 <= y < height and 0 <= x < width:
                        for k in range(outputs):
                            for c in range(share):
                                yield (p, q, k), (y, x, k // own * share + c), (k, r, s, c)


def window(layer: Layer, p: int, q: int) -> Iterator[tuple[int, int]]:
    """Positions that one output of an unpadded pool reads."""
    for r in range(layer.kernel[0]):
        for s in range(layer.kernel[1]):
            yield p * layer.stride[0] + r, q * layer.stride[1] + s


def convolve(layer: Layer, maps: Map, weight: list) -> Map:
    made = zeros(layer.out_shape)
    for (p, q, k), (y, x, c), (_, r, s, z) in taps(layer):
        made[p][q][k] += weight[k][r][s][z] * maps[y][x][c]
    return made


def matrix_of(rows: list[list[float]], vector: list[float]) -> list[float]:
    return [sum(w * x for w, x in zip(row, vector, strict=True)) for row in rows]


def forward(network: Network, weights: Weights, image: Map) -> dict[str, Map]:
    """All maps by name, including the image."""
    maps = {INPUT: image}
    for layer in network.layers:
        x = maps[layer.inputs[0]]
        made = zeros(layer.out_shape)
        if layer.kind == "conv":
            made = convolve(layer, x, weights[layer.name])
        elif layer.kind == "fc":
            made = [[matrix_of(weights[layer.name], flat(x))]]
        else:
            for p, row in enumerate(made):
                for q, position in enumerate(row):
                    for k in range(len(position)):
                        if layer.kind == "relu":
                            position[k] = max(0.0, x[p][q][k])
                        elif layer.kind == "relu6":
                            position[k] = max(0.0, min(6.0, x[p][q][k]))
                        elif layer.kind == "tanh":
                            position[k] = tanh(x[p][q][k])
                        elif layer.kind == "max_pool":
                            position[k] = max(x[y][z][k] for y, z in window(layer, p, q))
                        elif layer.kind == "global_avg_pool":
                            position[k] = sum(
                                line[z][k] for line in x for z in range(len(line))
                            ) / (len(x) * len(x[0]))
                        else:
                            position[k] = sum(maps[name][p][q][k] for name in layer.inputs)
        maps[layer.name] = made
    return maps


def local_back(layer: Layer, maps: dict[str, Map], error: Map) -> Map:
    """Error at the (first) input of a layer without weights: max pool, activation, mean, or
    residual branch.
    """
    x, y = maps[layer.inputs[0]], maps[layer.name]
    found = zeros(layer.in_shape)
    for p, row in enumerate(error):
        for q, position in enumerate(row):
            for k, e in enumerate(position):
                if layer.kind == "relu":
                    found[p][q][k] = e if y[p][q][k] > 0 else 0.0
                elif layer.kind == "relu6":
                    found[p][q][k] = e if 0 < x[p][q][k] < 6 else 0.0
                elif layer.kind == "tanh":
                    found[p][q][k] = e * (1 - y[p][q][k] ** 2)
                elif layer.kind == "max_pool":
                    a, b = next((a, b) for a, b in window(layer, p, q) if x[a][b][k] == y[p][q][k])
                    found[a][b][k] += e
                elif layer.kind == "global_avg_pool":
                    for line in found:
                        for place in line:
                            place[k] = e / (len(x) * len(x[0]))
                else:
                    found[p][q][k] = e
    return found


def add_to(total: Map, part: Map) -> None:
    for row, other in zip(total, part, strict=True):
        for position, there in zip(row, other, strict=True):
            for k, value in enumerate(there):
                position[k] += value


def send_down(
    network: Network,
    maps: dict[str, Map],
    name: str,
    error: Map,
    errors: dict[str, Map],
    direct: bool,
) -> None:
    """Add an error at the map ``name`` to the errors of the weighted layers that produced it.

    ``direct``: it stops at a map that has feedback of its own because weighted layers read it.
    """
    if name == INPUT:
        return
    layer = network.layer(name)
    if layer.weighted:
        add_to(errors[name], error)
        return
    for below in layer.inputs:
        if not (direct and any(reader.weighted for reader in network.consumers[below])):
            send_down(network, maps, below, local_back(layer, maps, error), errors, direct)


def weight_gradient(layer: Layer, read: Map, error: Map, gradient: list) -> None:
    """Add one sample's weight gradient to ``gradient``."""
    if layer.kind == "fc":
        for k, e in enumerate(flat(error)):
            for c, x in enumerate(flat(read)):
                gradient[k][c] += e * x
        return
    for (p, q, k), (y, x, c), (_, r, s, z) in taps(layer):
        gradient[k][r][s][z] += error[p][q][k] * read[y][x][c]


def blank(weight: list) -> list:
    """Nested lists of zeros with the shape of ``weight``."""
    return [blank(part) if isinstance(part, list) else 0.0 for part in weight]


def trained(
    network: Network,
    weights: Weights,
    images: list[Map],
    labels: list[int],
    landing: Landing,
    direct: bool,
) -> tuple[float, Weights, dict[str, list[Map]]]:
    """Loss, weight gradients and errors per sample for the mean cross-entropy. ``landing`` gives
    the errors at the maps that weighted layers read.
    """
    gradients = {name: blank(weight) for name, weight in weights.items()}
    found: dict[str, list[Map]] = {layer.name: [] for layer in network.weighted}
    loss = 0.0
    for image, label in zip(images, labels, strict=True):
        maps = forward(network, weights, image)
        scores = [exp(a) for a in flat(maps[network.output.name])]
        chances = [score / sum(scores) for score in scores]
        loss -= log(chances[label]) / len(images)
        output = [(chance - (index == label)) / len(images) for index, chance in enumerate(chances)]
        errors = {layer.name: zeros(layer.out_shape) for layer in network.weighted}
        send_down(network, maps, network.output.name, [[output]], errors, direct)
        for layer in reversed(network.weighted):
            if layer.inputs[0] != INPUT:
                send_down(network, maps, layer.inputs[0], landing(layer, errors), errors, direct)
            weight_gradient(layer, maps[layer.inputs[0]], errors[layer.name], gradients[layer.name])
            found[layer.name].append(errors[layer.name])
    return loss, gradients, found


def transposed(weights: Weights) -> Landing:
    """Landing of backpropagation or feedback alignment, through ``weights`` of the
    layers' shapes.
    """

    def landing(layer: Layer, errors: dict[str, Map]) -> Map:
        error, weight = errors[layer.name], weights[layer.name]
        if layer.kind == "fc":
            columns = [[row[c] for row in weight] for c in range(len(weight[0]))]
            return shaped(matrix_of(columns, flat(error)), layer.in_shape)
        found = zeros(layer.in_shape)
        for (p, q, k), (y, x, c), (_, r, s, z) in taps(layer):
            found[y][x][c] += weight[k][r][s][z] * error[p][q][k]
        return found

    return landing
