"""Masks of a real training step: which inputs, errors and derivatives of the weighted layers are not zero."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from accelsim.network import Layer
from accelsim.reference.model import Model
from accelsim.reference.numerics import Array


def capture_masks(model: Model, errors: Mapping[str, Array], samples: int) -> dict[str, NDArray[np.bool_]]:
    """Masks by ``<layer>.<role>`` of the first ``samples`` samples of the step that ran last on the model.

    ``errors`` are the errors at the weighted layers' own outputs. Roles: ``input``, ``error``, and ``mask`` where the input
    map comes from a ReLU, directly or through max-pools: where it is zero the propagated error is not needed. Convolutions' masks are
    (N, H, W, C), fully connected layers' (N, C).
    """
    masks: dict[str, NDArray[np.bool_]] = {}
    for layer in model.network.weighted:
        inputs = _shaped(layer, model.maps[layer.inputs[0]][:samples] != 0)
        masks[f"{layer.name}.input"] = inputs
        masks[f"{layer.name}.error"] = _shaped(layer, errors[layer.name][:samples] != 0)
        if model.network.rectified(layer.inputs[0]):
            masks[f"{layer.name}.mask"] = inputs
    return masks


def _shaped(layer: Layer, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return mask if layer.kind == "conv" else mask.reshape(len(mask), -1)
