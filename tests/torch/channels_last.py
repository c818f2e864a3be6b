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


def _linear(_: Layer, maps: torch.Tensor, parameters: Parameters) -> torch.Tensor:
    return maps @ parameters["weight"].T


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
    "linear": _linear,
    "bias": _shift,
    "positions": _shift,
    "softmax": _softmax,
    "rotary": _rotary,
}


def attention(layer: Layer, inputs: list[torch.Tensor]) -> torch.Tensor:
    """Attention of maps (N, H, W, C), whose positions are tokens."""
    counts = (layer.heads, layer.kv_heads, layer.kv_heads)
    heads = [
        each.flatten(1, 2).unflatten(2, (count, -1)).transpose(1, 2)
        for each, count in zip(inputs, counts, strict=True)
    ]
    heads[1:] = [each.repeat_interleave(layer.sharing, dim=1) for each in heads[1:]]
    mixed = functional.scaled_dot_product_attention(*heads, is_causal=layer.causal)
    return mixed.transpose(1, 2).flatten(2).unflatten(1, inputs[0].shape[1:3])
