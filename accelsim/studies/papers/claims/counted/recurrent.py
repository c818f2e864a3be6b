"""Statements of Han et al. 2020 about recurrent networks: 44.6 % saved by triangular feedback, 96.9
% by binary feedback.
"""

from __future__ import annotations

from collections.abc import Iterator

from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims.counted.readings import as_claimed, otherwise, saving, sized
from accelsim.studies.papers.claims.counted.sparse import (
    HYBRID,
    SPARSE,
    sparse_hybrid,
    sparse_sizes,
)
from accelsim.studies.papers.claims.counted.statements import CLAIMS
from accelsim.studies.papers.counting import cost_of, mixed, propagating
from accelsim.studies.papers.han2020 import table4 as han2020_table4
from accelsim.workload.loading import load_network


def recurrent() -> Iterator[Item]:
    """Cells for triangular feedback, with one matrix per time step and with one for all, and for
    the sparse hybrid.
    """
    known = han2020_table4.costs("RNN")
    triangle, sparse = CLAIMS["triangle-44.6%"], CLAIMS["sparse-87.9%"]
    once = "weights-once"
    yield as_claimed(
        triangle,
        "paper-memory",
        saving(known["Revised"].bits, known["DFA"].bits),
        once,
        "One matrix per time step.",
    )
    yield as_claimed(
        triangle,
        "paper-operations",
        saving(known["Revised"].ops, known["DFA"].ops),
        once,
        "Dense, all blocks i <= j.",
    )
    network = load_network(han2020_table4.NETWORKS["RNN"])
    shared = {
        rule: cost_of(propagating(network, rule, network.batch)) for rule in ("dfa", "revised")
    }
    revised, dfa = shared["revised"].bits, shared["dfa"].bits
    note = (
        "One S_fc and one DFA matrix for all time steps, as in the equations; each value "
        "is read once per training step. S_fc and the triangle's blocks together are "
        "larger than the one DFA matrix. Negative: the triangle reads more. The measured "
        "rows with one matrix for all count differently: a machine reads a shared matrix "
        "again at every time step through which it could not keep it. This holds for DFA's "
        "matrix, which has twice the values of S_fc, and for S_fc, but each block is read "
        "once."
    )
    yield otherwise(triangle, "shared-memory", saving(revised, dfa), once, note)
    for name, rule in (("DFA", "DFA"), ("triangle", "Revised")):
        yield sized(
            triangle,
            f"{name}, a matrix a time step",
            known[rule].bits,
            "32 bits per value, as table 4 counts.",
        )
    yield sized(triangle, "DFA, one matrix for all", dfa, "32 bits per value.")
    yield sized(
        triangle,
        "triangle, one S_fc for all",
        revised,
        "S_fc and the blocks of the triangle, 32 bits per value.",
    )
    yield from sparse_hybrid()
    yield from sparse_sizes(known)
    one = cost_of(propagating(network, SPARSE, network.batch))
    shared_hybrid = mixed(HYBRID, {"bp": known["BP"], "revised": one})
    note = "RNN, one S_fc for all time steps, positions included."
    value = saving(shared_hybrid.bits + shared_hybrid.index_bits, known["BP"].bits)
    yield otherwise(sparse, "shared-memory-with-positions", value, once, note)


def binary() -> Iterator[Item]:
    """Cells for binary feedback against words of 32 and of 16 bits."""
    claim = CLAIMS["binary-96.9%"]
    network = load_network(han2020_table4.NETWORKS["RNN"])
    dense, binary = (
        cost_of(propagating(network, rule, network.batch))
        for rule in ("dfa:per_step=true", "bdfa:per_step=true")
    )
    yield as_claimed(
        claim,
        "paper",
        saving(binary.bits, dense.bits),
        "weights-once",
        "RNN, 1 bit instead of 32 per value, without the scale of each matrix.",
    )
    note = "Compared with words of 16 bits, which training chips use."
    yield otherwise(
        claim, "against-16-bit", saving(binary.bits, dense.bits / 2), "weights-once", note
    )
