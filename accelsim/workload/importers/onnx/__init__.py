"""Importer of ONNX files (extra `onnx`).

`reading` takes the file without its weights, `shapes` infers every shape, `patterns` finds
operators that exporters take apart, `building` walks over the nodes, and `table` says what each
becomes.

May import workload/, config/ and errors.
"""

from __future__ import annotations

from accelsim.workload.importers.onnx.loading import load_network

__all__ = ["load_network"]
