"""Masks of a real training step: which inputs, errors and derivatives of the weighted layers are
not zero.
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
    """Masks by ``<layer>.<role>`` of the first ``samples`` samples of the step that ran last on the
    model.

    ``errors`` are the errors at the weighted layers' own outputs. Roles: ``input``, ``error``, and
    ``mask`` where the input map comes from a ReLU, directly or through max-pools: where it is zero
    the propagated error is not needed. Convolutions' masks are (N, H, W, C), fully connected
    layers' (N, C), those of a sequence network (T, N, C). Layers that no error reached have none of
    it.
    """
    masks: dict[str, NDArray[np.bool_]] = {}
    for layer in model.network.weighted:
        if not layer.traced:
            continue
        inputs = _shaped(model, layer, model.maps[layer.inputs[0]] != 0, samples)
        masks[f"{layer.name}.input"] = inputs
        if layer.name in errors:
            masks[f"{layer.name}.error"] = _shaped(model, layer, errors[layer.name] != 0, samples)
        if model.network.rectified(layer.inputs[0]):
            masks[f"{layer.name}.mask"] = inputs
    return masks


def _shaped(model: Model, layer: Layer, mask: NDArray[np.bool_], samples: int) -> NDArray[np.bool_]:
    if model.network.vocabulary:
        steps = model.network.time_steps
        return np.ascontiguousarray(mask.reshape(steps, len(mask) // steps, -1)[:, :samples])
    return mask[:samples].reshape(min(samples, len(mask)), -1) if layer.flattens else mask[:samples]
