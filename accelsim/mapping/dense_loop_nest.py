"""Loop nests of dense arrays, as pairs of level and line: systolic folds, and the passes of a
row-stationary array.
"""

from __future__ import annotations

from accelsim.machine.architecture import Architecture
from accelsim.pe.mapping import Mapping
from accelsim.pe.row_stationary.passes import row_mapping
from accelsim.pe.systolic.section import SystolicArray
from accelsim.pe.systolic.traffic import matrix_product

Loops = list[tuple[str, str]]


def dense_loops(mapping: Mapping, architecture: Architecture) -> Loops:
    """The nest of an op on a systolic array, by its dataflow."""
    return (
        _row_stationary(mapping, architecture)
        if architecture.pe_array.keeps_rows
        else _folds(mapping, architecture)
    )


def _folds(mapping: Mapping, architecture: Architecture) -> Loops:
    """M positions, N channels and K words of the reduction of each group: two of them in space, the
    third streams (`kernels.systolic`).
    """
    product, array = matrix_product(mapping.op), SystolicArray.of(architecture.pe_array)
    rows = min(array.rows, mapping.pes)
    cols = mapping.pes // rows
    extents = {"m": product.m, "n": product.n, "k": product.k}
    down, across, streamed = {
        "output_stationary": ("m", "n", "k"),
        "weight_stationary": ("k", "n", "m"),
        "input_stationary": ("k", "m", "n"),
    }[array.dataflow]
    loops = [
        ("global buffer", _turns("group", product.groups, 1)),
        ("global buffer", _turns(down, extents[down], rows)),
        ("global buffer", _turns(across, extents[across], cols)),
        ("PE array", f"parallel {down} over {rows} rows, {across} over {cols} columns of PEs"),
        ("PE array", f"for {streamed} in {extents[streamed]}: multiply, accumulate"),
    ]
    return [(level, line) for level, line in loops if line]


def _row_stationary(mapping: Mapping, architecture: Architecture) -> Loops:
    """Letters as in `RowMapping`."""
    found = row_mapping(mapping.op, architecture, mapping.pes)
    images, filters, channels, rows, cols, taps_down, taps_across = found.shape[:7]
    loops = [
        ("global buffer", _turns("group", found.groups, 1)),
        ("global buffer", _turns("image", images, found.n)),
        ("global buffer", _turns("filter", filters, found.p * found.t)),
        ("global buffer", _turns("channel", channels, found.q * found.r)),
        ("global buffer", _turns("output row", rows, found.e)),
        ("global buffer", _turns("kernel row", taps_down, found.down)),
        ("global buffer", _turns("kernel column", taps_across, found.across)),
        (
            "PE array",
            f"parallel kernel row over {found.down}, output row over {found.e} PEs of a set",
        ),
        (
            "PE array",
            f"parallel channel over r = {found.r} sets, filter over t = {found.t} sets"
            if found.r * found.t > 1
            else "",
        ),
        ("PE", f"for image in {found.n}" if found.n > 1 else ""),
        ("PE", f"for output column in {cols}" if cols > 1 else ""),
        (
            "PE",
            (
                f"for channel in q = {found.q}, filter in p = {found.p}, kernel column in "
                f"{found.across}: multiply, accumulate"
            ),
        ),
    ]
    return [(level, line) for level, line in loops if line]


def _turns(name: str, extent: int, step: int) -> str:
    """A loop over an extent in steps; empty when it has one turn."""
    turns = -(-extent // step)
    return "" if turns == 1 else f"for {name} in {turns}" + (f" x {step}" if step > 1 else "")
