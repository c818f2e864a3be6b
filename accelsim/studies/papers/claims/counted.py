"""The papers' sentences with numbers, under their own accounting and under others that are as
defensible: no machine involved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import log2

from accelsim.cost.accountings import weights_once
from accelsim.studies.papers.counting import (
    FLOAT_BITS,
    MEGABYTE,
    Cost,
    cost_of,
    float_bits,
    mixed,
    propagating,
)
from accelsim.studies.papers.crafton2019.fig8 import NETWORKS
from accelsim.studies.papers.crafton2019.stack import Stack
from accelsim.studies.papers.han2020 import table2 as han2020_table2
from accelsim.studies.papers.han2020 import table4 as han2020_table4
from accelsim.studies.papers.han2020.printed import TABLE_4, TABLE_4_NETWORKS
from accelsim.studies.papers.outcome import Item, Number, Unit, cell, half_up
from accelsim.workload.loading import load_network

TARGET = "claims"
BATCHES = (1, 4, 16, 64, 256)


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper with a number. ``says``: what it claims, in our words. ``places``:
    decimals that it gives (hundreds: -2).
    """

    name: str
    says: str
    source: str
    unit: Unit
    printed: str
    places: int


CLAIMS = {
    claim.name: claim
    for claim in (
        Claim(
            "memory-99.0%",
            "ResNet-50's EP reads 99.0 % less weight data with G = 8 than with BP",
            "Han 2020, section 4.1",
            "%",
            "99.0",
            1,
        ),
        Claim(
            "operations-60.1%",
            "ResNet-50's EP takes 60.1 % fewer operations with G = 8 than with BP",
            "Han 2020, section 4.1",
            "%",
            "60.1",
            1,
        ),
        Claim(
            "triangle-44.6%",
            "The triangle takes 44.6 % of memory and work off DFA in RNNs",
            "Han 2020, section 4.2",
            "%",
            "44.6",
            1,
        ),
        Claim(
            "sparse-87.9%",
            "Hybrid DFA at 98 % sparsity takes 87.9 % less memory and work than BPTT",
            "Han 2020, section 4.2",
            "%",
            "87.9",
            1,
        ),
        Claim(
            "binary-96.9%",
            "Binary feedback takes 96.9 % less storage",
            "Han 2020, section 3.3.2",
            "%",
            "96.9",
            1,
        ),
        Claim(
            "parallel-35x",
            "EP of 35 time steps can be 35 times faster than BPTT's",
            "Han 2020, section 4.3",
            "x",
            "35",
            0,
        ),
        Claim(
            "movement-6400x",
            "SSDFA moves 6,400 times less data than BP on ImageNet",
            "Crafton 2019, section 4",
            "x",
            "6400",
            -2,
        ),
        Claim(
            "movement-1000x",
            "SSDFA moves 1,000 times less data than DFA on ImageNet",
            "Crafton 2019, section 4",
            "x",
            "1000",
            0,
        ),
        Claim(
            "macs-2x",
            "SSDFA needs nearly half of BP's MACs",
            "Crafton 2019, section 4",
            "x",
            "2",
            0,
        ),
    )
}
"""All but the sentence without a number, that zero-skipping hardware absorbs the dilation
(`claims_dilation`).
"""


def saving(new: Number, old: Number) -> Fraction:
    """Percent that ``new`` is below ``old``; negative when it is above."""
    return 100 * (1 - Fraction(new) / Fraction(old))


OF_ROUNDED_CELLS = Fraction("0.5")
"""Points that a percentage of cells with two decimals moves at most, the smaller being 0.61 here.
"""


def as_claimed(
    claim: Claim,
    reading: str,
    value: Number,
    accounting: str,
    note: str,
    rounded: Number | None = None,
    documented: bool = False,
) -> Item:
    """The reading that the paper's number comes from. ``rounded``: what the paper's rounded cells
    give, where it worked with those.
    """
    own = None if rounded is None else half_up(rounded, claim.places)
    slack = None if rounded is None else OF_ROUNDED_CELLS
    id_, said = f"{TARGET}/{claim.name}/{reading}", f"{claim.says}. {note}"
    return cell(
        TARGET,
        id_,
        claim.unit,
        claim.printed,
        value,
        claim.places,
        accounting,
        rounded=own,
        slack=slack,
        note=said,
        documented=documented,
    )


def otherwise(claim: Claim, reading: str, value: Number, accounting: str, note: str) -> Item:
    """Another reading of the same sentence."""
    return cell(
        TARGET,
        f"{TARGET}/{claim.name}/{reading}",
        claim.unit,
        None,
        value,
        2,
        accounting,
        note=note,
    )


def sized(claim: Claim, reading: str, bits: Number, note: str) -> Item:
    """A size in MB (10^6 bytes), as table 4 of Han et al. gives sizes."""
    return cell(
        TARGET,
        f"{TARGET}/{claim.name}/size/{reading}",
        "MB",
        None,
        Fraction(bits) / 8 / MEGABYTE,
        2,
        "weights-once",
        note=note,
    )


def items() -> list[Item]:
    """Every claim by every way of counting."""
    return [item for count in COUNTED for item in count()]


LISTED = "The list of layers that table 2 encodes"
FITTED = (
    "That list was found by fitting: it is no ResNet-50, and was chosen because it gives the "
    "printed cells of BP and the revised rule (not DFA's), "
    "so that the match says no more than that the sentence follows from the paper's own table; "
    "that it was counted so is known with moderate "
    "confidence."
)
REAL = (
    "ResNet-50 with bottlenecks of expansion 4, D1 (of 4 C channels) and D2 on every link, as "
    "in VGG16 and R-18."
)


def _resnet50() -> Iterator[Item]:
    listed, real = han2020_table2.costs("R-50"), han2020_table2.costs("R-50-real")
    memory, work = CLAIMS["memory-99.0%"], CLAIMS["operations-60.1%"]
    once = "weights-once"
    g8 = "Revised-G8"
    note = f"{LISTED}, 32 bits against 1. {FITTED}"
    yield as_claimed(memory, "paper", saving(listed[g8].bits, listed["BP"].bits), once, note)
    cells = [Fraction(half_up(listed[row].gop, 2)) for row in (g8, "BP")]
    note = f"{LISTED}; the paper takes it from the rounded cells. {FITTED}"
    yield as_claimed(
        work, "paper", saving(listed[g8].ops, listed["BP"].ops), once, note, saving(*cells)
    )
    words = _words_saved(listed)
    yield otherwise(
        memory,
        "same-word-size",
        words,
        once,
        "Words instead of bits: what is not owed to feedback of one bit.",
    )
    yield otherwise(memory, "real-network", saving(real[g8].bits, real["BP"].bits), once, REAL)
    yield otherwise(work, "real-network", saving(real[g8].ops, real["BP"].ops), once, REAL)


def _words_saved(known: dict[str, Cost]) -> Fraction:
    return saving(known["Revised-G8"].bits * 32, known["BP"].bits)


def _recurrent() -> Iterator[Item]:
    known = han2020_table4.costs("RNN")
    triangle, sparse = CLAIMS["triangle-44.6%"], CLAIMS["sparse-87.9%"]
    once = "weights-once"
    yield as_claimed(
        triangle,
        "paper-memory",
        saving(known["Revised"].bits, known["DFA"].bits),
        once,
        "A matrix of its own a time step.",
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
        "One S_fc and one DFA matrix for all time steps, as the equations say, each value read "
        "once a training step: S_fc and the triangle's blocks "
        "are more than the one DFA matrix. Negative: it reads more. Measured rows of one matrix "
        "for all count otherwise: a machine reads a shared "
        "matrix again at every time step over which it could not keep it, DFA's, of twice S_fc's "
        "values, as well as S_fc, but each block once."
    )
    yield otherwise(triangle, "shared-memory", saving(revised, dfa), once, note)
    for name, rule in (("DFA", "DFA"), ("triangle", "Revised")):
        yield sized(
            triangle,
            f"{name}, a matrix a time step",
            known[rule].bits,
            "32 bits a value, as table 4 counts.",
        )
    yield sized(triangle, "DFA, one matrix for all", dfa, "32 bits a value.")
    yield sized(
        triangle,
        "triangle, one S_fc for all",
        revised,
        "S_fc and the blocks of the triangle, 32 bits a value.",
    )
    yield from _sparse()
    yield from _sparse_sizes(known)
    one = cost_of(propagating(network, SPARSE, network.batch))
    shared_hybrid = mixed(HYBRID, {"bp": known["BP"], "revised": one})
    note = "RNN, one S_fc for all time steps, positions included."
    value = saving(shared_hybrid.bits + shared_hybrid.index_bits, known["BP"].bits)
    yield otherwise(sparse, "shared-memory-with-positions", value, once, note)


SPARSE, HYBRID = "revised:binary=true,sparsity=0.98", "hdfa:p=0.1,sparsity=0.98"
ENTRIES = "Rows keep a whole number of entries, as in table 4."
NOT_OUT = frozenset({"RNN/memory", "RNN/operations", "LSTM/operations", "GRU/operations"})
"""Readings of the sentence that are known not to come out as it says."""


def _sparse() -> Iterator[Item]:
    """Hybrid rows at 98 % over BPTT, of all three networks: the sentence names none, and speaks of
    memory and operations alike.

    All are unrounded, by one rule; what the printed cells give stands in the notes.
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
    """Percent that a printed cell of table 4 is below BP's."""
    index = TABLE_4_NETWORKS.index(column)
    return saving(Fraction(TABLE_4[part][row][index]), Fraction(TABLE_4[part]["BP"][index]))


def _apart(claim: Claim, unrounded: Fraction, of_cells: Fraction) -> str:
    """Which of the two rules gives the sentence's number, where not both do."""
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
    """Positions that a value of the backward weights can have, over all time steps."""
    return known["Revised"].bits / FLOAT_BITS


def _sparse_sizes(known: dict[str, Cost]) -> Iterator[Item]:
    """What the signs, and what their positions, take at 98 % sparsity, a matrix of its own a time
    step: the same for all three networks.
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


def _binary() -> Iterator[Item]:
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
        "RNN, 1 bit against 32, without the scale of each matrix.",
    )
    note = "Against words of 16 bits, which training chips use."
    yield otherwise(
        claim, "against-16-bit", saving(binary.bits, dense.bits / 2), "weights-once", note
    )


def _sparse_feedback() -> Iterator[Item]:
    stack = Stack(load_network(NETWORKS["ImageNet"]))
    bp, dfa, ssdfa = (stack.neuron(rule) for rule in ("bp", "dfa", "ssdfa"))
    far, near, macs = CLAIMS["movement-6400x"], CLAIMS["movement-1000x"], CLAIMS["macs-2x"]
    yield as_claimed(
        far,
        "paper",
        Fraction(bp.words, ssdfa.words),
        "neuron",
        "Batch 1, e sent to each neuron by itself, BP's weights each once.",
    )
    yield as_claimed(
        near,
        "paper",
        Fraction(dfa.words, ssdfa.words),
        "neuron",
        "Batch 1, e sent to each neuron by itself.",
    )
    yield as_claimed(
        macs,
        "paper",
        Fraction(bp.macs, ssdfa.macs),
        "neuron",
        "BP with EP into the frozen features.",
    )
    errors, neurons = stack.shape[-1], sum(stack.shape[1:])
    shared = bp.words - neurons - errors
    for batch in BATCHES[1:]:
        value = Fraction(shared + batch * (neurons + errors), batch * ssdfa.words)
        yield otherwise(
            far, f"batch={batch}", value, "neuron", "BP's weights are read once a batch."
        )
        value = Fraction(shared + batch * (neurons + errors), batch * dfa.words)
        yield otherwise(
            near,
            f"bp-over-dfa/batch={batch}",
            value,
            "neuron",
            "For comparison: BP over dense DFA.",
        )
    broadcast = errors * (len(stack.shape) - 1)
    note = (
        "e broadcast: each layer takes the 1,000 errors once, DFA and SSDFA alike, so that DFA "
        "moves no more than SSDFA."
    )
    yield otherwise(
        far,
        "broadcast",
        Fraction(bp.words, min(broadcast, ssdfa.words)),
        "neuron",
        "e broadcast to each layer once: 3,000 words.",
    )
    yield otherwise(
        near, "broadcast", Fraction(broadcast, min(broadcast, ssdfa.words)), "neuron", note
    )
    yield from _stored(stack, bp.words, dfa.words, ssdfa.words)
    strict = stack.neuron("bp", into_features=False)
    yield otherwise(
        macs,
        "frozen-features",
        Fraction(strict.macs, ssdfa.macs),
        "neuron",
        "Without EP into features that do not learn.",
    )
    forward = sum(_forward_macs(stack))
    note = "With the forward pass."
    yield otherwise(
        macs, "with-forward", Fraction(bp.macs + forward, ssdfa.macs + forward), "neuron", note
    )
    note = "With the forward pass, without EP into features that do not learn."
    yield otherwise(
        macs,
        "frozen-features-with-forward",
        Fraction(strict.macs + forward, ssdfa.macs + forward),
        "neuron",
        note,
    )


def _stored(stack: Stack, bp: int, dfa: int, ssdfa: int) -> Iterator[Item]:
    """The same words in bits, with the feedback that DFA and SSDFA read (which the paper leaves
    out) and the positions that sparse rows need.
    """
    far, near = CLAIMS["movement-6400x"], CLAIMS["movement-1000x"]
    feedback = {rule: _feedback_bits(stack, rule) for rule in ("dfa", "ssdfa")}
    (dense, _), (values, positions) = feedback["dfa"], feedback["ssdfa"]
    sparse = ssdfa * FLOAT_BITS
    each = (
        f"{positions // (values // FLOAT_BITS)} bits of position a feedback value, by which a "
        f"neuron finds its error"
    )
    yield otherwise(
        far,
        "with-positions",
        Fraction(bp * FLOAT_BITS, sparse + positions),
        "neuron",
        f"32-bit words and {each}.",
    )
    note = f"32-bit words, the feedback values that are read, and {each}."
    yield otherwise(
        far,
        "with-values-and-positions",
        Fraction(bp * FLOAT_BITS, sparse + values + positions),
        "neuron",
        note,
    )
    yield otherwise(
        near,
        "with-positions",
        Fraction(dfa * FLOAT_BITS, sparse + positions),
        "neuron",
        f"32-bit words and {each}.",
    )
    yield otherwise(
        near,
        "with-values-and-positions",
        Fraction(dfa * FLOAT_BITS + dense, sparse + values + positions),
        "neuron",
        note,
    )


def _feedback_bits(stack: Stack, rule: str) -> tuple[int, int]:
    """Bits of the values of all feedback, and of their positions."""
    once = weights_once(stack.ops(rule), float_bits)
    return once.bits, once.index_bits


def _forward_macs(stack: Stack) -> list[int]:
    shape = stack.shape
    return [before * after for before, after in pairwise(shape)]


COUNTED: tuple[Callable[[], Iterator[Item]], ...] = (
    _resnet50,
    _recurrent,
    _binary,
    _sparse_feedback,
)
