"""Layers in PyTorch that work on the channels of each position, or element by element: functions of
(layer, maps (N, H, W, C), parameters).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from accelsim.workload.network import Layer

Parameters = dict[str, torch.Tensor]


def _layer_norm(layer: Layer, maps: torch.Tensor, parameters: Parameters) -> torch.Tensor:
    scale, shift = parameters["scale"], parameters["shift"]
    return functional.layer_norm(maps, maps.shape[3:], scale, shift, layer.epsilon)


def _rms_norm(layer: Layer, maps: torch.Tensor, parameters: Parameters) -> torch.Tensor:
    return functional.rms_norm(maps, maps.shape[3:], parameters["scale"], layer.epsilon)


def _gelu(layer: Layer, maps: torch.Tensor, _: Parameters) -> torch.Tensor:
    return functional.gelu(maps, approximate="none" if layer.form == "erf" else "tanh")


def _shift(_: Layer, maps: torch.Tensor, parameters: Parameters) -> torch.Tensor:
    (parameter,) = parameters.values()
    return maps + parameter


def _softmax(_: Layer, maps: torch.Tensor, __: Parameters) -> torch.Tensor:
    return maps.softmax(-1)


def _rotary(layer: Layer, maps: torch.Tensor, _: Parameters) -> torch.Tensor:
    """Pairs of channels as complex numbers, times numbers of length 1."""
    n, h, w, c = maps.shape
    halves = layer.pairs == "halves"
    heads = maps.reshape(n, h * w, layer.heads, *((2, -1) if halves else (-1, 2)))
    pairs = torch.view_as_complex((heads.transpose(-1, -2) if halves else heads).contiguous())
    half = pairs.shape[-1]
    turns = layer.base ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = torch.arange(h * w, dtype=torch.float64)[:, None, None] * turns
    rotated = torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles))
    return (rotated.transpose(-1, -2) if halves else rotated).reshape(n, h, w, c)


CHANNELS_LAST: dict[str, Callable[[Layer, torch.Tensor, Parameters], torch.Tensor]] = {
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "gelu": _gelu,
    "bias": _shift,
    "positions": _shift,
    "softmax": _softmax,
    "rotary": _rotary,
}
