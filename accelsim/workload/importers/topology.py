"""Importer of SCALE-Sim topology files (Samajdar et al. 2018; scalesim-project/SCALE-Sim, v3), one
layer per line.

Convolutions: name, rows and columns of the input map (padding included), rows and columns of the
filter, channels, filters, stride. Matrix products, if the header has M, N and K in any order: name
and the three, for M vectors of K words and N outputs.

A file has no graph. Each line is read as a layer behind those above it:

1. The maps that no line has read yet, side by side, if their channels add up to the line's; else
   those of them that have the line's channels, added up; else one that has as many words.
2. Else the map of a line above that reads a map of this size, such as a shortcut's.
3. Else an input of its own, a part of the network's input.

A map up to one filter larger than its source is the source with zeros around it. Any other size is
a mean over the source (one row and column) or its nearest neighbours. The maps that no line reads
are averaged, and the averages are outputs of the network beside the last line's. There are no
activations, so masks have no zeros of f'.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from accelsim.config.loader import validate_document
from accelsim.config.source import Document
from accelsim.errors import Fault, InputError
from accelsim.workload.file import Workload
from accelsim.workload.network import INPUT, Network, Shape
from accelsim.workload.resolve import resolve
from accelsim.workload.section import RESERVED

CONVOLUTION = (
    "IFMAP height",
    "IFMAP width",
    "filter height",
    "filter width",
    "channels",
    "num filter",
    "stride",
)
PRODUCT = ("M", "N", "K")
BY_CHANNEL = re.compile("DP|dw|depthwise", re.IGNORECASE)
"""Names of lines with one filter that are convolutions channel by channel."""


@dataclass(frozen=True)
class Row:
    """A line: the layer's name, its input map, the filter's rows and columns, filters and stride.
    ``by_channel``: each channel has a filter of its own. ``product``: the rows of the map are
    vectors of a matrix product.
    """

    name: str
    shape: Shape
    kernel: tuple[int, int]
    filters: int
    stride: int = 1
    by_channel: bool = False
    product: bool = False


def load_network(path: str | Path) -> Network:
    """A SCALE-Sim topology: a list of convolutions or matrix products, without a graph.

    Raises InputError with every fault and its line and column.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"workload must be a file of text, got {path}: {error}") from None
    rows = _rows(str(path), text.splitlines())
    document = Document(str(path), {"name": Path(path).stem, **_Chain(rows).workload()})
    return resolve(validate_document(document, Workload), document.place)


def _rows(path: str, lines: list[str]) -> list[Row]:
    """The file's layers. InputError with every fault."""
    header = [cell.strip() for cell in lines[0].split(",")] if lines else []
    columns = [cell for cell in header[1:4] if cell in PRODUCT]
    product = sorted(columns) == sorted(PRODUCT)
    names = tuple(columns) if product else CONVOLUTION
    faults: list[Fault] = []
    rows: list[Row] = []
    taken: set[str] = set(RESERVED)
    for number, line in enumerate(lines[1:], 2):
        if not line.strip(" ,\t"):
            continue
        found = _numbers(path, number, line, names)
        if isinstance(found, list):
            faults += found
            continue
        name = _name(line.split(",")[0], taken)
        if product:
            sizes = dict(zip(names, found, strict=True))
            shape = (sizes["M"], 1, sizes["K"])
            rows.append(Row(name, shape, (1, 1), sizes["N"], product=True))
            continue
        height, width, down, right, channels, filters, stride = found
        if down > height or right > width:
            rule = f"filter must be no larger than its map, {height}x{width}, got {down}x{right}"
            faults.append(Fault(path, number, 1, rule))
        by_channel = channels > 1 and filters == 1 and bool(BY_CHANNEL.search(name))
        shape = (height, width, channels)
        rows.append(Row(name, shape, (down, right), filters, stride, by_channel))
    if not rows and not faults:
        faults.append(Fault(path, 1, 1, "a topology must have at least one layer, got none"))
    if faults:
        raise InputError(*faults)
    return rows


def _numbers(
    path: str, number: int, line: str, names: tuple[str, ...]
) -> tuple[int, ...] | list[Fault]:
    """The numbers of a line, or its faults. Cells behind them are ignored, except for a ratio N:M
    of weights that are not zero.
    """
    cells = line.split(",")
    if len(cells) <= len(names):
        rule = f"a layer must have a name and {len(names)} numbers, got {line.strip()}"
        return [Fault(path, number, 1, rule)]
    numbers: list[int] = []
    faults: list[Fault] = []
    for place, cell in enumerate(cells[1:], 1):
        text = cell.strip()
        column = len(",".join(cells[:place])) + 2 + len(cell) - len(cell.lstrip())
        if place <= len(names):
            right = text.isascii() and text.isdigit() and 1 <= int(text) <= 1 << 24
            if not right:
                rule = f"{names[place - 1]} must be an integer from 1 to {1 << 24}, got {text}"
                faults.append(Fault(path, number, column, rule))
            numbers.append(int(text) if right else 1)
        elif ":" in text and len(set(text.split(":"))) > 1:
            rule = f"sparsity must be 1:1 (a trace says which weights are zero), got {text}"
            faults.append(Fault(path, number, column, rule))
    return faults or tuple(numbers)


def _name(cell: str, taken: set[str]) -> str:
    """A layer's name that is allowed and new."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", cell.strip()).lstrip("_-") or "layer"
    unique, count = name, 1
    while unique in taken:
        count += 1
        unique = f"{name}_{count}"
    taken.add(unique)
    return unique


class _Chain:
    """The layers of a workload, made from rows. ``shapes``: map of each layer. ``unread``: rows
    whose maps no row has read yet. ``read_by``: by shape, the map that a row of that size reads.
    """

    def __init__(self, rows: list[Row]) -> None:
        self.layers: list[dict[str, Any]] = []
        self.shapes: dict[str, Shape] = {}
        self.unread: list[str] = []
        self.read_by: dict[Shape, str] = {}
        self.inputs: list[Shape] = []
        for row in rows:
            self._row(row)

    def workload(self) -> dict[str, Any]:
        """Keys of the workload: the input, and the layers."""
        *others, last = self.unread
        if others:
            ends = [self._mean(name) for name in (*others, last)]
            self._add(f"{last}.outputs", "concat", (1, 1, 1), *ends)
        if len(self.inputs) == 1:
            height, width, channels = self.inputs[0]
            image = {"height": height, "width": width, "channels": channels}
        else:
            image = {"channels": sum(prod(shape) for shape in self.inputs)}
        only = {"input-0": INPUT} if len(self.inputs) == 1 else {}
        layers = [
            {**layer, "inputs": tuple(only.get(name, name) for name in layer["inputs"])}
            for layer in self.layers
        ]
        return {"input": image, "layers": (*self._parts(), *layers)}

    def _parts(self) -> list[dict[str, Any]]:
        """Layers that take the inputs of rows from the network's, if there are several."""
        found: list[dict[str, Any]] = []
        start = 0
        for number, shape in enumerate(self.inputs if len(self.inputs) > 1 else []):
            keys = dict(zip(("height", "width", "channels"), shape, strict=True))
            stop = start + prod(shape)
            cut = {"start": start, "stop": stop, "inputs": (INPUT,)}
            found.append({"name": f"input-{number}-words", "kind": "slice", **cut})
            found.append({"name": f"input-{number}", "kind": "reshape", **keys})
            start = stop
        return found

    def _add(self, name: str, kind: str, shape: Shape, *inputs: str, **keys: Any) -> str:
        """Append a layer; a name with dots is made one that is allowed."""
        name = name.replace(".", "-")
        self.layers.append({"name": name, "kind": kind, "inputs": inputs, **keys})
        self.shapes[name] = shape
        return name

    def _row(self, row: Row) -> None:
        source = self._source(row)
        self.read_by.setdefault(row.shape, source)
        height, width, _ = row.shape
        if row.product:
            shape = (height, width, row.filters)
            self._add(row.name, "linear", shape, source, out_features=row.filters)
        elif row.kernel == (height, width) and not row.by_channel:
            self._add(row.name, "fc", (1, 1, row.filters), source, out_features=row.filters)
        else:
            self._convolution(row, source)
        self.unread.append(row.name)

    def _convolution(self, row: Row, source: str) -> None:
        """A convolution. SCALE-Sim counts an output for the rest of a map that a stride leaves,
        so there are zeros behind it.
        """
        padding: list[int] = []
        extents: list[int] = []
        for axis in (0, 1):
            whole, taps = row.shape[axis], row.kernel[axis]
            steps = -(-(whole - taps) // row.stride)
            missing = whole - self.shapes[source][axis] if source in self.shapes else 0
            rest = steps * row.stride + taps - whole
            padding += [missing // 2, missing - missing // 2 + rest]
            extents.append(steps + 1)
        channels = row.shape[2] if row.by_channel else row.filters
        self._add(
            row.name,
            "conv",
            (extents[0], extents[1], channels),
            source,
            out_channels=channels,
            kernel=row.kernel,
            stride=row.stride,
            padding=tuple(padding),
            groups=row.shape[2] if row.by_channel else 1,
        )

    # What a row reads

    def _source(self, row: Row) -> str:
        """Name of the map that a row reads. Layers that make it are added."""
        channels = [self.shapes[name][2] for name in self.unread]
        if len(self.unread) > 1 and sum(channels) == row.shape[2]:
            maps = [self._sized(name, row, exactly=True) for name in self.unread]
            self.unread.clear()
            return self._add(f"{row.name}.beside", "concat", row.shape, *maps)
        fitting = [name for name in self.unread if self.shapes[name][2] == row.shape[2]]
        if fitting:
            several = len(fitting) > 1
            maps = [self._sized(name, row, exactly=several) for name in fitting]
            self.unread = [name for name in self.unread if name not in fitting]
            return self._add(f"{row.name}.sum", "add", row.shape, *maps) if several else maps[0]
        for name in reversed(self.unread):
            if prod(self.shapes[name]) == prod(row.shape):
                self.unread.remove(name)
                keys = dict(zip(("height", "width", "channels"), row.shape, strict=True))
                return self._add(f"{row.name}.words", "reshape", row.shape, name, **keys)
        if row.shape in self.read_by:
            return self.read_by[row.shape]
        self.inputs.append(row.shape)
        name = f"input-{len(self.inputs) - 1}"
        self.shapes[name] = row.shape
        return name

    def _sized(self, name: str, row: Row, exactly: bool) -> str:
        """The map of a layer at a row's size, or smaller by less than a filter."""
        height, width, channels = self.shapes[name]
        pairs = zip(row.shape[:2], (height, width), row.kernel, strict=True)
        missing = [(wanted - extent, taps) for wanted, extent, taps in pairs]
        if all(0 <= less < (1 if exactly else taps) for less, taps in missing):
            return name
        if row.shape[:2] == (1, 1):
            return self._mean(name)
        size = {"height": row.shape[0], "width": row.shape[1]}
        return self._add(f"{row.name}.{name}", "resize", (*row.shape[:2], channels), name, **size)

    def _mean(self, name: str) -> str:
        """The mean of a layer's map; the map itself if it is a vector."""
        *sides, channels = self.shapes[name]
        if sides == [1, 1]:
            return name
        return self._add(f"{name}.mean", "global_avg_pool", (1, 1, channels), name)
