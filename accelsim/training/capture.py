"""Masks of a real training step: the non-zero inputs, errors and derivatives of the weighted
layers.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from accelsim.layers.model import Model
from accelsim.numerics.arrays import Array
from accelsim.workload.network import Layer


def capture_masks(
    model: Model, errors: Mapping[str, Array], samples: int
) -> dict[str, NDArray[np.bool_]]:
    """Masks by ``<layer>.<role>`` of the first ``samples`` samples of the model's last step.

    ``errors`` are the errors at the outputs of the weighted layers. Roles are ``input``, ``error``,
    and ``mask`` if the input map comes from a ReLU, directly or through max-pools: zero where f' is
    zero, so that the propagated error is not needed. Shapes are (N, H, W, C) for convolutions,
    (N, C) for fully connected layers and (T, N, C) in sequence networks. A layer that no error
    reached has no ``error`` mask.
    """
    masks: dict[str, NDArray[np.bool_]] = {}
    for layer in model.network.weighted:
        if not layer.traced:
            continue
        inputs = _shaped(model, layer, model.maps[layer.inputs[0]] != 0, samples)
        masks[f"{layer.name}.input"] = inputs
        if layer.name in errors:
            masks[f"{layer.name}.error"] = _shaped(model, layer, errors[layer.name] != 0, samples)
        rectifier = model.network.rectifier(layer.inputs[0])
        if rectifier is not None:
            passes = model.layers[rectifier.name].passes(model.maps[layer.inputs[0]])
            masks[f"{layer.name}.mask"] = _shaped(model, layer, passes, samples)
    return masks


def _shaped(model: Model, layer: Layer, mask: NDArray[np.bool_], samples: int) -> NDArray[np.bool_]:
    """A layer's mask in the shape of a trace tensor, limited to ``samples`` samples."""
    if model.network.unrolled:
        steps = model.network.time_steps
        return np.ascontiguousarray(mask.reshape(steps, len(mask) // steps, -1)[:, :samples])
    return mask[:samples].reshape(min(samples, len(mask)), -1) if layer.flattens else mask[:samples]
