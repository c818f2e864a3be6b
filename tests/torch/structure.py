"""Layers that take maps apart, put them together and change their resolution, in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch.nn import functional

from accelsim.workload.network import Layer

Maps = list[torch.Tensor]
Parameters = Mapping[str, torch.Tensor]


def _concat(layer: Layer, inputs: Maps, _: Parameters) -> torch.Tensor:
    return torch.cat(inputs, dim=(2, 3, 1)[layer.axis])


def _multiply(_layer: Layer, inputs: Maps, _: Parameters) -> torch.Tensor:
    product = inputs[0]
    for factor in inputs[1:]:
        product = product * factor
    return product


def _slice(layer: Layer, inputs: Maps, _: Parameters) -> torch.Tensor:
    return inputs[0].index_select((2, 3, 1)[layer.axis], torch.tensor(list(layer.places)))


def _reshape(layer: Layer, inputs: Maps, _: Parameters) -> torch.Tensor:
    return inputs[0].permute(0, 2, 3, 1).reshape(-1, *layer.out_shape).permute(0, 3, 1, 2)


def _transpose(layer: Layer, inputs: Maps, _: Parameters) -> torch.Tensor:
    rows = inputs[0].permute(0, 2, 3, 1).permute(0, *(axis + 1 for axis in layer.order))
    return rows.permute(0, 3, 1, 2)


def _resize(layer: Layer, inputs: Maps, _: Parameters) -> torch.Tensor:
    mode = type(layer).__name__.lower()
    return functional.interpolate(inputs[0], layer.out_shape[:2], mode=mode)


def _conv_transpose(layer: Layer, inputs: Maps, parameters: Parameters) -> torch.Tensor:
    """PyTorch's weights are (C, K/groups, R, S). Its whole output is cut, or filled up with
    zeros.
    """
    weight, groups = parameters["weight"], layer.groups
    outputs, channels = weight.shape[0] // groups, weight.shape[3]
    parts = weight.reshape(groups, outputs, *layer.kernel, channels)
    whole = functional.conv_transpose2d(
        inputs[0],
        parts.permute(0, 4, 1, 2, 3).reshape(-1, outputs, *layer.kernel),
        stride=layer.stride,
        dilation=layer.dilation,
        groups=groups,
    )
    (top, _, left, _), (height, width, _) = layer.padding, layer.out_shape
    below, right = (
        max(0, before + extent - size)
        for before, extent, size in zip((top, left), (height, width), whole.shape[2:], strict=True)
    )
    filled = functional.pad(whole, (0, right, 0, below))
    return filled[:, :, top : top + height, left : left + width]


KINDS: dict[str, Callable[[Layer, Maps, Parameters], torch.Tensor]] = {
    "concat": _concat,
    "multiply": _multiply,
    "slice": _slice,
    "reshape": _reshape,
    "transpose": _transpose,
    "resize": _resize,
    "conv_transpose": _conv_transpose,
}
