"""Change of a network's width or vocabulary, so that it can be trained on a workstation."""

from __future__ import annotations

from dataclasses import replace

from accelsim.errors import InputError
from accelsim.workload.network import INPUT, Layer, Network, Shape


def resized(network: Network, width: float = 1.0, vocabulary: int | None = None) -> Network:
    """The network with ``width`` times the channels (rounded, at least 1) in all layers except
    input and output.

    ``vocabulary``: number of different tokens of a sequence network; it is also the number of
    output classes. The name records both changes: ``vgg16-cifar10@0.125``,
    ``lstm-wikitext2@2001-words``.

    Raises InputError if the width is not above 0 and at most 16, if groups no longer divide their
    channels, or if the vocabulary is below 2 or the network does not read text.
    """
    if not 0 < width <= 16:
        raise InputError(f"width must be a number above 0, at most 16, got {width:g}")
    if vocabulary is not None and (not network.vocabulary or vocabulary < 2):
        raise InputError(
            f"vocabulary must be >= 2, of a network that reads text, got {vocabulary} for "
            f"{network.name}"
        )
    if width == 1 and vocabulary is None:
        return network
    words = vocabulary or network.vocabulary
    shapes: dict[str, Shape] = {INPUT: network.input_shape}
    layers: list[Layer] = []
    for layer in network.layers:
        channels = layer.out_shape[2]
        sources = tuple(shapes[name] for name in layer.inputs)
        source = sources[0]
        if layer is network.classifier:
            out_channels = words if network.vocabulary else channels
        elif layer.weighted:
            out_channels = max(1, round(channels * width))
        else:
            out_channels = source[2]
        if source[2] % layer.divisor or out_channels % layer.divisor:
            raise InputError(
                f"width must give {layer.name} channels that its {layer.divisor} groups divide, "
                f"got {width:g}"
            )
        layers.append(layer.resized(sources, out_channels, words))
        shapes[layer.name] = layers[-1].out_shape
    marks = ([f"{width:g}"] if width != 1 else []) + (
        [f"{vocabulary}-words"] if vocabulary is not None else []
    )
    name = f"{network.name}@{'-'.join(marks)}"
    return replace(network, name=name, layers=tuple(layers), vocabulary=words, _by_name={})
