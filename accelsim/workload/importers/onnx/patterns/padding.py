"""Pad before a convolution or a pool: zeros that the windows' own padding describes."""

from __future__ import annotations

from dataclasses import replace

from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.patterns.finder import Finder


def padded_windows(find: Finder, pad: Node) -> tuple[Node, list[Node]] | None:
    """The convolution or average pool that alone reads the zeros around an image."""
    windows = find.reader(pad, "Conv", "QLinearConv", "ConvInteger")
    if windows is None or windows.inputs[0] != pad.outputs[0]:
        return None
    if pad.attributes.get("mode", "constant") != "constant":
        return None
    value = pad.attributes.get("value", 0.0) if not pad.input(2) else find.scalar(pad.inputs[2])
    known = find.inference.constants.get(pad.input(1)) if pad.input(1) else None
    pads = pad.attributes.get("pads") if known is None else [int(p) for p in known.reshape(-1)]
    if value != 0 or not pads or pad.input(3) or min(pads) < 0:
        return None
    rank = len(pads) // 2
    before, after = list(pads[2:rank]), list(pads[rank + 2 :])
    automatic = windows.attributes.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID")
    if rank < 3 or any(pads[:2]) or any(pads[rank : rank + 2]) or automatic:
        return None
    own = list(windows.attributes.get("pads") or [0] * 2 * (rank - 2))
    total = [a + b for a, b in zip(before + after, own, strict=True)]
    attributes = {**windows.attributes, "pads": total, "auto_pad": "NOTSET"}
    inputs = (pad.inputs[0], *windows.inputs[1:])
    new = replace(windows, inputs=inputs, attributes=attributes, parts=(pad, windows))
    return new, [pad, windows]
