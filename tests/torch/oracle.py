"""The small networks in PyTorch, float64: losses, gradients and errors by automatic
differentiation.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from accelsim.layers.model import Model
from accelsim.workload.network import INPUT, Layer, Network
from tests.reference_networks import batch_of, feedback_of, filled_model
from tests.torch import structure
from tests.torch.channels_last import CHANNELS_LAST, attention

Results = dict[str, np.ndarray]
CELLS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def _padded(maps: torch.Tensor, layer: Layer, fill: float = 0.0) -> torch.Tensor:
    top, bottom, left, right = layer.padding
    return functional.pad(maps, (left, right, top, bottom), value=fill)


def _layer(
    layer: Layer, inputs: list[torch.Tensor], parameters: dict[str, torch.Tensor]
) -> torch.Tensor:
    """One layer on (N, C, H, W) maps."""
    maps = inputs[0]
    if layer.kind == "conv":
        weight = parameters["weight"].permute(0, 3, 1, 2)
        return functional.conv2d(
            _padded(maps, layer),
            weight,
            stride=layer.stride,
            dilation=layer.dilation,
            groups=layer.groups,
        )
    if layer.kind == "fc":
        return functional.linear(maps.permute(0, 2, 3, 1).flatten(1), parameters["weight"])[
            :, :, None, None
        ]
    if layer.kind == "batch_norm":
        return functional.batch_norm(
            maps, None, None, parameters["scale"], parameters["shift"], training=True, eps=1e-5
        )
    if layer.kind in CHANNELS_LAST:
        rows = maps.permute(0, 2, 3, 1)
        return CHANNELS_LAST[layer.kind](layer, rows, parameters).permute(0, 3, 1, 2)
    if layer.kind == "attention":
        rows = [each.permute(0, 2, 3, 1) for each in inputs]
        return attention(layer, rows).permute(0, 3, 1, 2)
    if layer.kind == "max_pool":
        return functional.max_pool2d(_padded(maps, layer, -torch.inf), layer.kernel, layer.stride)
    if layer.kind == "avg_pool":
        return functional.avg_pool2d(_padded(maps, layer), layer.kernel, layer.stride)
    if layer.kind == "global_avg_pool":
        return maps.mean((2, 3), keepdim=True)
    if layer.kind == "add":
        return torch.stack(inputs).sum(0)
    if layer.kind in structure.KINDS:
        return structure.KINDS[layer.kind](layer, inputs, parameters)
    if layer.kind == "embedding":
        return functional.embedding(maps.flatten(), parameters["weight"])[:, :, None, None]
    return {
        "silu": functional.silu,
        "relu": torch.relu,
        "relu6": functional.relu6,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
    }[layer.kind](maps)


def _recurrent(
    layer: Layer, maps: torch.Tensor, weight: torch.Tensor, steps: int, cut: bool
) -> torch.Tensor:
    """PyTorch's own layer on rows (T*N, C, 1, 1) from a state of zeros. ``cut``: the state that a
    time step starts from passes no gradient back.
    """
    channels, hidden = layer.in_shape[2], layer.out_shape[2]
    module = CELLS[layer.kind](channels, hidden, bias=False, dtype=torch.float64)
    weights = {"weight_ih_l0": weight[:, :channels], "weight_hh_l0": weight[:, channels:]}
    state, made = None, []
    for part in maps.reshape(steps, -1, channels).split(1 if cut else steps):
        output, state = torch.func.functional_call(module, weights, (part, state))
        state = tuple(array.detach() for array in state) if layer.kind == "lstm" else state.detach()
        made.append(output)
    return torch.cat(made).reshape(-1, hidden, 1, 1)


def _run(
    network: Network, model: Model, cut: bool
) -> tuple[dict[str, torch.Tensor], dict[tuple[str, str], torch.Tensor]]:
    """Every layer's output, and the parameters. ``cut``: weighted layers read maps, and states of
    their own, through which no gradient flows.
    """
    parameters = {
        key: torch.tensor(array, requires_grad=True) for key, array in model.parameters().items()
    }
    images, _ = batch_of(network)
    model.forward(images)  # so that dropout has drawn
    maps = {
        INPUT: torch.tensor(images)
        if network.vocabulary
        else torch.tensor(images).permute(0, 3, 1, 2)
    }
    read = {layer.inputs[0] for layer in network.weighted}
    for layer in network.layers:
        # Feedback replaces the whole error of a map that a weighted layer reads: nothing flows into
        # it, by shortcuts neither.
        inputs = [
            maps[name].detach() if cut and name in read else maps[name] for name in layer.inputs
        ]
        own = {key: array for (name, key), array in parameters.items() if name == layer.name}
        if layer.kind == "dropout":
            kept = torch.tensor(model.layers[layer.name].kept).permute(0, 3, 1, 2)
            maps[layer.name] = inputs[0] * kept / (1 - layer.rate)
        elif layer.recurrent:
            maps[layer.name] = _recurrent(layer, inputs[0], own["weight"], network.time_steps, cut)
        else:
            maps[layer.name] = _layer(layer, inputs, own)
        if maps[layer.name].requires_grad:
            maps[layer.name].retain_grad()
    return maps, parameters


def _results(
    network: Network,
    loss: float,
    maps: dict[str, torch.Tensor],
    parameters: dict[tuple[str, str], torch.Tensor],
) -> Results:
    found = {"loss": np.array(loss)}
    for (name, key), array in parameters.items():
        found[f"{name}.{key}"] = array.grad.numpy()
    for layer in network.weighted:
        found[f"{layer.name}.error"] = maps[layer.name].grad.permute(0, 2, 3, 1).numpy()
    return found


def backprop(network: Network) -> Results:
    """Loss, the gradient of every parameter (``<layer>.<parameter>``) and the error of every
    weighted layer (``<layer>.error``).
    """
    maps, parameters = _run(network, filled_model(network), cut=False)
    loss = functional.cross_entropy(
        maps[network.output.name].flatten(1), torch.tensor(batch_of(network)[1])
    )
    loss.backward()
    return _results(network, loss.item(), maps, parameters)


def direct_feedback(network: Network) -> Results:
    """The same under direct feedback: the gradient of <feedback, map> summed over maps, each map
    cut off behind its readers.
    """
    maps, parameters = _run(network, filled_model(network), cut=True)
    logits = maps[network.output.name].flatten(1)
    loss = functional.cross_entropy(logits, torch.tensor(batch_of(network)[1]))
    (error,) = torch.autograd.grad(loss, logits, retain_graph=True)
    scalar = (error * logits).sum()
    for name, matrix in feedback_of(network).items():
        target = maps[network.layer(name).inputs[0]]
        scalar = (
            scalar
            + ((error @ torch.tensor(matrix).T) * target.permute(0, 2, 3, 1).flatten(1)).sum()
        )
    scalar.backward()
    return _results(network, loss.item(), maps, parameters)
