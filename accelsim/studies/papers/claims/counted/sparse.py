"""Statement of Han et al. 2020 about hybrid DFA with sparse feedback in recurrent networks: 87.9 %
less than BPTT.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import log2

from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims.counted.readings import as_claimed, otherwise, saving, sized
from accelsim.studies.papers.claims.counted.statements import CLAIMS, Claim
from accelsim.studies.papers.counting import FLOAT_BITS, Cost, mixed
from accelsim.studies.papers.han2020 import table4 as han2020_table4
from accelsim.studies.papers.han2020.printed import TABLE_4, TABLE_4_NETWORKS
from accelsim.studies.papers.outcome import half_up

SPARSE, HYBRID = "revised:binary=true,sparsity=0.98", "hdfa:p=0.1,sparsity=0.98"
ENTRIES = "Each row keeps a whole number of entries, as in our table 4."
NOT_OUT = frozenset({"RNN/memory", "RNN/operations", "LSTM/operations", "GRU/operations"})
"""Readings of the statement that are documented mismatches."""


def sparse_hybrid() -> Iterator[Item]:
    """Cells of the hybrid rows at 98 % sparsity relative to BPTT, for all three networks. The
    statement names no network, and refers to memory and operations alike.

    All values are unrounded; the notes give the result from the printed cells.
    """
    claim, once, row = CLAIMS["sparse-87.9%"], "weights-once", "HDFA-0.1-98%"
    every = {column: han2020_table4.costs(column) for column in han2020_table4.NETWORKS}
    printed = {part: {column: _of_cells(part, column, row) for column in every} for part in "ab"}
    for column, known in every.items():
        bp, hybrid = known["BP"], known[row]
        note = (
            f"{column}, BP/BDFA 0.1/0.9; values without their positions, unrounded, as for "
            f"all three networks here. Printed cells give {_each(printed['a'])}."
        )
        value = saving(hybrid.bits, bp.bits)
        note += _apart(claim, value, printed["a"][column])
        yield as_claimed(
            claim, f"{column}/memory", value, once, note, documented=f"{column}/memory" in NOT_OUT
        )
        note = (
            f"{column}, unrounded. The sentence gives one percentage for memory and "
            f"operations, but the two differ. Printed cells give {_each(printed['b'])}. "
            f"{ENTRIES}"
        )
        value = saving(hybrid.ops, bp.ops)
        yield as_claimed(
            claim,
            f"{column}/operations",
            value,
            once,
            note,
            documented=f"{column}/operations" in NOT_OUT,
        )
        value = saving(hybrid.bits + hybrid.index_bits, bp.bits)
        note = f"{column}, with positions: 16 and 8 bits beside each sign. {ENTRIES}"
        yield otherwise(claim, f"{column}/memory-with-positions", value, once, note)
        mapped = mixed(
            HYBRID,
            {
                "bp": bp,
                "revised": Cost(known["sparse-98%"].bits + _places(known), known["sparse-98%"].ops),
            },
        )
        note = f"{column}, with one bit per position instead. Negative: more than BPTT. {ENTRIES}"
        yield otherwise(
            claim, f"{column}/memory-with-bitmap", saving(mapped.bits, bp.bits), once, note
        )


def _of_cells(part: str, column: str, row: str) -> Fraction:
    """Percentage by which a printed cell of table 4 is below BP's."""
    index = TABLE_4_NETWORKS.index(column)
    return saving(Fraction(TABLE_4[part][row][index]), Fraction(TABLE_4[part]["BP"][index]))


def _apart(claim: Claim, unrounded: Fraction, of_cells: Fraction) -> str:
    """Note that says which calculation gives the statement's number, if not both do."""
    gives = tuple(
        f"{half_up(value, claim.places)}" == claim.printed for value in (unrounded, of_cells)
    )
    said = {
        (True, False): "Only the unrounded value gives",
        (False, True): "Only the printed cells give",
        (False, False): "Neither gives",
    }
    return f" {said[gives]} {claim.printed}." if gives in said else ""


def _each(values: dict[str, Fraction]) -> str:
    return ", ".join(f"{half_up(value, 2)} ({column})" for column, value in values.items())


def _places(known: dict[str, Cost]) -> Fraction:
    """Number of positions that backward-weight values can have, over all time steps."""
    return known["Revised"].bits / FLOAT_BITS


def sparse_sizes(known: dict[str, Cost]) -> Iterator[Item]:
    """Cells of the sizes of signs and positions at 98 % sparsity with one matrix per time step.
    They are equal for all three networks.
    """
    claim, sparse = CLAIMS["sparse-87.9%"], known["sparse-98%"]
    places = _places(known)
    yield sized(claim, "BPTT", known["BP"].bits, "RNN's weights, 32 bits per value.")
    yield sized(
        claim,
        "signs",
        sparse.bits,
        "One bit per non-zero value and no positions, as table 4 counts.",
    )
    yield sized(
        claim,
        "positions as stored",
        sparse.index_bits,
        f"16 and 8 bits beside each sign. {ENTRIES}",
    )
    yield sized(claim, "positions as a bitmap", places, "One bit per position.")
    share = float(sparse.bits / places)
    entropy = -share * log2(share) - (1 - share) * log2(1 - share)
    note = (
        "The binary entropy per position. No code needs less on average if positions are "
        "drawn with this fraction of non-zeros."
    )
    yield sized(claim, "positions, entropy bound", places * Fraction(entropy), note)
