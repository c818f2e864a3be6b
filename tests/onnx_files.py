"""ONNX files for tests, and what they are imported as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.workload.importers.onnx.building import import_file
from accelsim.workload.importers.onnx.loading import load_network
from accelsim.workload.importers.options import ImportOptions
from accelsim.workload.network import Network

Inputs = Mapping[str, Sequence[int | str]]
Weights = Mapping[str, Sequence[int] | np.ndarray[Any, Any]]


def write(
    path: Path,
    nodes: Sequence[Any],
    inputs: Inputs,
    outputs: Sequence[str],
    weights: Weights | None = None,
    opset: int = 17,
    whole: Sequence[str] = (),
    domains: Sequence[str] = (),
) -> Path:
    """Write a model of ``nodes``. ``weights``: values, or shapes of weights of zeros. ``whole``:
    inputs that are whole numbers.
    """
    from onnx import TensorProto, helper, numpy_helper

    stored = []
    for name, weight in (weights or {}).items():
        array = weight if isinstance(weight, np.ndarray) else np.zeros(weight, np.float32)
        stored.append(numpy_helper.from_array(array, name))
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [
            helper.make_tensor_value_info(
                name, TensorProto.INT64 if name in whole else TensorProto.FLOAT, shape
            )
            for name, shape in inputs.items()
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        stored,
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    model = helper.make_model(graph, opset_imports=opsets)
    path.write_bytes(model.SerializeToString())
    return path


def network(path: Path, **options: Any) -> Network:
    """The network of a file."""
    return load_network(path, ImportOptions(**options))


def layers(path: Path, **options: Any) -> list[dict[str, Any]]:
    """The layers that a file becomes."""
    return list(import_file(path, ImportOptions(**options)).data["layers"])


def fault(path: Path, **options: Any) -> str:
    """The one line that refuses a file, without the path of its folder."""
    with pytest.raises(InputError) as refusal:
        load_network(path, ImportOptions(**options))
    message = str(refusal.value)
    assert "\n" not in message
    return message.replace(f"{path.parent}/", "")


def macs(network: Network) -> int:
    """Products of one sample's forward pass."""
    from accelsim.rules.registry import lower
    from accelsim.step.ops import Contraction, Pass

    step = lower(network, "bp", 1)
    return sum(
        op.nest.macs for op in step.ops if isinstance(op, Contraction) and op.pass_ is Pass.FF
    )
