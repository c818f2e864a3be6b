"""The layers of the workload in the making, and the place of each value of the graph in a map."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.config.registries import LAYERS
from accelsim.errors import Fault, InputError
from accelsim.workload.importers.onnx.inference.graph import Graph, Node
from accelsim.workload.importers.onnx.inference.shapes import Inference
from accelsim.workload.importers.onnx.inference.types import Kind
from accelsim.workload.importers.onnx.views import (
    Atom,
    Atoms,
    Axes,
    Home,
    View,
    extent,
    fresh,
    of_sample,
)
from accelsim.workload.importers.options import ImportOptions
from accelsim.workload.network import INPUT, Shape
from accelsim.workload.section import RESERVED

LONGEST_NAME = 60

AXES = ("rows", "columns", "channels")

Section = dict[str, Any]


class Emitter:
    """``layers`` so far, with the ``sources`` (node and layer) of each, and the ``views`` of values
    that lie in a map.

    A value without a view is `fixed` (weights, and what depends on weights alone) or a side value:
    integers, masks, scales and shapes that are computed beside the maps and cost nothing here.
    """

    def __init__(
        self, path: Path, inference: Inference, graph: Graph, options: ImportOptions
    ) -> None:
        self.path = path
        self.inference = inference
        self.graph = graph
        self.options = options
        self.layers: list[Section] = []
        self.sources: dict[str, Node] = {}
        self.views: dict[str, View] = {}
        self.learned: set[str] = set()
        self.unknown: dict[str, list[str]] = {}
        self.notes: list[str] = []
        self.tokens: dict[str, Axes] = {}
        self.input_name = INPUT
        self._names: set[str] = set(RESERVED)

    # Values

    def view(self, name: str) -> View | None:
        """Where a value lies; None for one that lies in no map."""
        return self.views.get(name)

    def fixed(self, name: str) -> bool:
        """True for weights, and for values that depend on weights alone."""
        return name in self.inference.fixed or name in self.learned

    def constant(self, name: str) -> NDArray[Any] | None:
        """The value of a small constant, else None."""
        return self.inference.constants.get(name) if name else None

    def scalar(self, name: str) -> float | None:
        """The value of a constant of one element, else None."""
        value = self.constant(name)
        return float(value.reshape(-1)[0]) if value is not None and value.size == 1 else None

    def kind(self, name: str) -> Kind:
        """Element type and shape of a value."""
        return self.inference.kinds.get(name, Kind(0, None))

    def shape(self, node: Node, name: str) -> tuple[int, ...]:
        """Shape of a value. Raises InputError if it is not known."""
        shape = self.kind(name).shape
        if shape is None:
            raise self.fault(node, f"the shape of {name} is not known from the file")
        return shape

    def fault(self, node: Node, message: str) -> InputError:
        """A fault at a node of the file."""
        return InputError(Fault(str(self.path), 0, 0, f"{node.place}: {message}"))

    # Layers

    def emit(
        self, node: Node, kind: str, inputs: Sequence[str], part: str = "", **keys: Any
    ) -> str:
        """Add a layer for a node and return its name. ``part`` distinguishes the layers of one
        node.
        """
        name = self.name(f"{node.name or node.outputs[0]}{f'_{part}' if part else ''}")
        self.layers.append({"name": name, "kind": kind, "inputs": tuple(inputs), **keys})
        self.sources[name] = node
        return name

    def name(self, wanted: str) -> str:
        """A name of a layer that is not taken, like ``wanted``."""
        plain = re.sub(r"[^A-Za-z0-9_-]+", "_", wanted).strip("_-") or "layer"
        if len(plain) > LONGEST_NAME:
            plain = plain[-LONGEST_NAME:].lstrip("_-")
        name, count = plain, 1
        while name in self._names:
            count += 1
            name = f"{plain}_{count}"
        self._names.add(name)
        return name

    def known(self, kind: str) -> bool:
        """True if there is such a kind of layer."""
        return kind in LAYERS

    def vector_work(
        self,
        node: Node,
        inputs: Sequence[str],
        shape: tuple[int, int, int],
        operations: int,
        part: str = "",
        passes_errors: bool = True,
    ) -> str:
        """Add a layer of vector work with a map of ``shape`` and ``operations`` per element."""
        height, width, channels = shape
        extents = {"height": height, "width": width, "channels": channels}
        keys = {} if passes_errors else {"passes_errors": False}
        read = tuple(dict.fromkeys(inputs)) or (INPUT,)
        return self.emit(node, "vector_work", read, part, **extents, operations=operations, **keys)

    def distinct(self, node: Node, layers: Sequence[str]) -> list[str]:
        """The layers, with a copy of each that is there more than once: no layer reads a map
        twice.
        """
        result: list[str] = []
        for layer in layers:
            if layer not in result:
                result.append(layer)
                continue
            shape = next((each for each in self.views.values() if each.layer == layer), None)
            at = (1, 1, 1) if shape is None else shape.map_shape
            result.append(self.vector_work(node, [layer], at, 0, "copy"))
        return result

    def not_known(self, node: Node, reason: str = "") -> None:
        """Note that a node becomes vector work. Raises InputError with ``strict``."""
        what = f"{node.domain}.{node.op}" if not node.standard else node.op
        if self.options.strict:
            raise self.fault(
                node, f"has no kind of layer{f': {reason}' if reason else ''} (--strict)"
            )
        self.unknown.setdefault(what, []).append(node.name or node.outputs[0])

    # Order of maps

    def placed(self, view: View, home: Home, node: Node) -> View:
        """The value in a map whose order is ``home``, which has the same atoms. Adds a layer that
        moves the map if it is in another order.
        """
        if view.home == home:
            return view
        before = [atom for group in view.home for atom in group]
        after = [atom for group in home for atom in group]
        shape = View("", (), home).map_shape
        layer, runs = view.layer, runs_of(before, after)
        if not self.known("reshape") or not self.known("transpose") or len(runs) > 3:
            return View(self.vector_work(node, [layer], shape, 0, "order"), view.axes, home)
        at = view.map_shape
        if len(runs) > 1:
            # Runs of atoms become rows, columns and channels, and change their places.
            order = sorted(range(len(runs)), key=lambda run: after.index(runs[run][0]))
            lead = 3 - len(runs)
            split = (*(1,) * lead, *(extent(tuple(run)) for run in runs))
            layer = self.reshaped(node, layer, at, (split[0], split[1], split[2]))
            axes = (*range(lead), *(lead + run for run in order))
            names = tuple(AXES[axis] for axis in axes)
            layer = self.emit(node, "transpose", [layer], "order", axes=names)
            at = (split[axes[0]], split[axes[1]], split[axes[2]])
        return View(self.reshaped(node, layer, at, shape), view.axes, home)

    def reshaped(self, node: Node, layer: str, at: Shape, shape: Shape) -> str:
        """A map of ``shape`` with the words of a layer's map, which has the shape ``at``."""
        if at == shape:
            return layer
        height, width, channels = shape
        extents = {"height": height, "width": width, "channels": channels}
        return self.emit(node, "reshape", [layer], "reshape", **extents)

    def by_axes(
        self,
        view: View,
        node: Node,
        rows: Sequence[int],
        columns: Sequence[int],
        channels: Sequence[int],
    ) -> View:
        """The value in a map whose rows, columns and channels are these axes."""

        def group(axes: Sequence[int]) -> Atoms:
            return tuple(atom for axis in axes for atom in view.sample_axis(axis))

        return self.placed(view, (group(rows), group(columns), group(channels)), node)

    def with_channels(self, view: View, axis: int, node: Node) -> View:
        """The value in a map whose channels are one axis; the other axes stay in their order as
        far as possible.
        """
        wanted = view.sample_axis(axis)
        if view.home[2] == wanted:
            return view
        others = [
            atom
            for number, atoms in enumerate(view.axes)
            if number != axis % len(view.axes)
            for atom in of_sample(atoms)
        ]
        kept = tuple(atom for atom in view.home[0] + view.home[1] + view.home[2] if atom in others)
        if view.home[0] + view.home[1] == kept:
            return self.placed(view, (view.home[0], view.home[1], wanted), node)
        return self.placed(view, (tuple(others), (), wanted), node)

    def set(self, name: str, view: View) -> None:
        """Enter where a value lies."""
        if name:
            self.views[name] = view

    def made(
        self,
        node: Node,
        layer: str,
        axes: Axes,
        rows: Sequence[int] = (),
        columns: Sequence[int] = (),
        channels: Sequence[int] = (),
        output: int = 0,
    ) -> View:
        """Enter an output of a node: the map of ``layer``, with these axes."""
        view = fresh(layer, axes, rows, columns, channels)
        self.set(node.output(output), view)
        return view

    def copied(self, name: str, node: Node) -> None:
        """Give a value whose words are repeated a map of its own."""
        view = self.views[name]
        if not view.repeats:
            return
        shape = view.shape
        axes, rows = default_axes(shape, view)
        channels = (len(shape) - 1,) if shape else ()
        made = fresh("", axes, rows, (), channels)
        layer = self.vector_work(node, [view.layer], made.map_shape, 0, "repeated")
        self.views[name] = View(layer, axes, made.home)

    def materialized(self, name: str, node: Node, like: View | None = None) -> View:
        """A view of a value that lies in no map: its words are read from memory into one, which
        costs no operations.
        """
        view = self.views.get(name)
        if view is not None:
            return view
        shape = self.shape(node, name)
        axes, rows = default_axes(shape, like)
        size = (prod(shape[axis] for axis in rows), 1, shape[-1] if shape else 1)
        maker = self.graph.producers.get(name)
        source = Node(maker.op if maker else "Constant", name, (), (name,))
        layer = self.vector_work(source, [INPUT], size, 0, "read", passes_errors=False)
        view = fresh(layer, axes, rows, (), (len(shape) - 1,) if shape else ())
        self.views[name] = view
        return view


def runs_of(before: Sequence[Atom], after: Sequence[Atom]) -> list[list[Atom]]:
    """The longest runs of atoms in ``before`` that follow each other in ``after`` too."""
    following = dict(itertools.pairwise(after))
    runs: list[list[Atom]] = []
    for atom in before:
        if runs and following.get(runs[-1][-1]) is atom:
            runs[-1].append(atom)
        else:
            runs.append([atom])
    return runs


def default_axes(shape: Sequence[int], like: View | None) -> tuple[Axes, tuple[int, ...]]:
    """(axes, the axes that become rows) of a value whose last axis becomes the channels. An axis
    that counts samples in ``like`` does here too if it has the same extent.
    """
    from accelsim.workload.importers.onnx.views import new_axes

    batch = None
    if like is not None and len(like.axes) == len(shape):
        batch = next(
            (
                axis
                for axis, size in enumerate(shape)
                if size > 1
                and like.axes[axis]
                and all(atom.batch for atom in like.axes[axis])
                and extent(like.axes[axis]) == size
            ),
            None,
        )
    rows = tuple(axis for axis in range(max(0, len(shape) - 1)) if axis != batch)
    return new_axes(shape, batch), rows


def real(value: np.ndarray[Any, Any] | None) -> list[int] | None:
    """A small constant of whole numbers as a list."""
    return None if value is None else [int(each) for each in value.reshape(-1)]
