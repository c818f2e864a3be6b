"""A workload as YAML that a person can read: a line per layer, with the node that it comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from accelsim.workload.importers.onnx.building import Imported

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./ -]*[A-Za-z0-9_]|[A-Za-z]")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
WIDTH = 100


def workload_text(imported: Imported) -> str:
    """The file's text."""
    data = imported.data
    lines = ["schema: accelsim.workload/1", f"name: {_spelt(data['name'])}"]
    lines.append(f"description: {_spelt(data['description'])}")
    lines.append(f"input: {_spelt(data['input'])}")
    if data["batch"] != 1:
        lines.append(f"batch: {data['batch']}")
    if "outputs" in data:
        lines.append(f"outputs: {_spelt(data['outputs'])}")
    lines += [f"# {line}" for line in imported.notes]
    lines.append("layers:")
    for layer in data["layers"]:
        line = f"  - {_spelt(layer)}"
        node = imported.sources[layer["name"]]
        source = re.sub(r"[^\x20-\x7e]", "?", node.name or node.outputs[0])
        if source != layer["name"]:
            line += f"  # {source}" if len(line) + len(source) + 4 <= WIDTH else ""
        lines.append(line)
    return "\n".join(lines) + "\n"


def _spelt(value: Any) -> str:
    """A value in YAML's flow style."""
    if isinstance(value, Mapping):
        order = sorted(value, key=lambda key: {"name": 0, "kind": 1, "inputs": 2}.get(key, 3))
        return "{" + ", ".join(f"{key}: {_spelt(value[key])}" for key in order) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(_spelt, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
