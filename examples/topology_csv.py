"""Networks from topology files of SCALE-Sim (Samajdar et al. 2018): a simple importer as a plug-in,
for files with the suffix .topology (the built-in one of .csv makes a graph of any list of layers).

A line per layer: name, rows and columns of the input map, of the filter, channels, filters, stride.
Layers follow each other; a map larger than the one that the layer above makes is that map with
zeros around it. A layer whose filter covers its whole map is fully connected.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from accelsim import plugin
from accelsim.config.loader import validate_document
from accelsim.config.source import Document
from accelsim.errors import Fault, InputError
from accelsim.workload.file import Workload
from accelsim.workload.network import Network
from accelsim.workload.resolve import resolve

COLUMNS = ("ifmap height", "ifmap width", "filter height", "filter width", "channels", "num filter")


@plugin.importer(".topology")
def load_network(path: Path) -> Network:
    """Read a topology. InputError with every line that is none."""
    faults: list[Fault] = []
    layers: list[dict[str, Any]] = []
    image: dict[str, int] = {}
    above = (0, 0)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()[1:], 2):
        name, *numbers = [cell.strip() for cell in line.split(",") if cell.strip()] or [""]
        if not name:
            continue
        if len(numbers) != len(COLUMNS) + 1 or not all(cell.isdigit() for cell in numbers):
            rule = f"a name and {len(COLUMNS) + 1} numbers"
            faults.append(Fault(str(path), number, 1, f"a layer must be {rule}, got {line}"))
            continue
        rows, columns, filter_rows, filter_columns, channels, filters, stride = map(int, numbers)
        if not layers:
            image, above = {"height": rows, "width": columns, "channels": channels}, (rows, columns)
        if (filter_rows, filter_columns) == (rows, columns):
            layers.append({"name": name, "kind": "fc", "out_features": filters})
            above = (1, 1)
            continue
        padding = ((rows - above[0]) // 2, (columns - above[1]) // 2)
        layer = {"name": name, "kind": "conv", "out_channels": filters, "stride": stride}
        layers.append({**layer, "kernel": (filter_rows, filter_columns), "padding": padding})
        above = ((rows - filter_rows) // stride + 1, (columns - filter_columns) // stride + 1)
    if faults:
        raise InputError(*faults)
    document = Document(str(path), {"name": path.stem, "input": image, "layers": tuple(layers)})
    return resolve(validate_document(document, Workload), document.place)
