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
ENTRIES = "Rows keep a whole number of entries, as in table 4."
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
            f"{column}, BP/BDFA 0.1/0.9, values alone, unrounded, as are all three networks "
            f"here; printed cells give {_each(printed['a'])}."
        )
        value = saving(hybrid.bits, bp.bits)
        note += _apart(claim, value, printed["a"][column])
        yield as_claimed(
            claim, f"{column}/memory", value, once, note, documented=f"{column}/memory" in NOT_OUT
        )
        note = (
            f"{column}, unrounded: the operations come to another percentage than the memory that "
            f"the sentence gives for both; printed cells give "
            f"{_each(printed['b'])}. {ENTRIES}"
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
        note = (
            f"{column}, with the 16 and 8 bits beside each sign that say where it stands. {ENTRIES}"
        )
        yield otherwise(claim, f"{column}/memory-with-positions", value, once, note)
        mapped = mixed(
            HYBRID,
            {
                "bp": bp,
                "revised": Cost(known["sparse-98%"].bits + _places(known), known["sparse-98%"].ops),
            },
        )
        note = (
            f"{column}, with a bit for every position instead. Negative: more than BPTT. {ENTRIES}"
        )
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
        (True, False): "only unrounded",
        (False, True): "only from printed cells",
        (False, False): "neither way",
    }
    return f" It comes to {claim.printed} {said[gives]}." if gives in said else ""


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
    yield sized(claim, "BPTT", known["BP"].bits, "RNN's weights, 32 bits a value.")
    yield sized(
        claim,
        "signs",
        sparse.bits,
        "A bit a value that is not zero, as table 4 counts: no position.",
    )
    yield sized(
        claim,
        "positions as stored",
        sparse.index_bits,
        f"16 and 8 bits beside each sign. {ENTRIES}",
    )
    yield sized(claim, "positions as a bitmap", places, "A bit for every position.")
    share = float(sparse.bits / places)
    entropy = -share * log2(share) - (1 - share) * log2(1 - share)
    note = (
        "No code takes less on average for positions drawn with that share of non-zeros: its "
        "binary entropy for every position."
    )
    yield sized(claim, "positions, entropy bound", places * Fraction(entropy), note)
