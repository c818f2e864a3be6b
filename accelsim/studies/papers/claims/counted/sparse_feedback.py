"""Statements of Crafton et al. 2019 about sparse direct feedback: words moved, and MACs."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from accelsim.cost.accountings import weights_once
from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims.counted.readings import as_claimed, otherwise
from accelsim.studies.papers.claims.counted.statements import BATCHES, CLAIMS
from accelsim.studies.papers.counting import FLOAT_BITS, float_bits
from accelsim.studies.papers.crafton2019.fig8 import NETWORKS
from accelsim.studies.papers.crafton2019.stack import Stack
from accelsim.workload.loading import load_network


def sparse_feedback() -> Iterator[Item]:
    """Cells for one stack of fully connected layers on ImageNet, under different accountings."""
    stack = Stack(load_network(NETWORKS["ImageNet"]))
    bp, dfa, ssdfa = (stack.neuron(rule) for rule in ("bp", "dfa", "ssdfa"))
    far, near, macs = CLAIMS["movement-6400x"], CLAIMS["movement-1000x"], CLAIMS["macs-2x"]
    yield as_claimed(
        far,
        "paper",
        Fraction(bp.words, ssdfa.words),
        "neuron",
        "Batch 1; e is sent to each neuron separately; each of BP's weights is read once.",
    )
    yield as_claimed(
        near,
        "paper",
        Fraction(dfa.words, ssdfa.words),
        "neuron",
        "Batch 1; e is sent to each neuron separately.",
    )
    yield as_claimed(
        macs,
        "paper",
        Fraction(bp.macs, ssdfa.macs),
        "neuron",
        "BP includes EP into the frozen features.",
    )
    errors, neurons = stack.shape[-1], sum(stack.shape[1:])
    shared = bp.words - neurons - errors
    for batch in BATCHES[1:]:
        value = Fraction(shared + batch * (neurons + errors), batch * ssdfa.words)
        yield otherwise(
            far, f"batch={batch}", value, "neuron", "BP's weights are read once per batch."
        )
        value = Fraction(shared + batch * (neurons + errors), batch * dfa.words)
        yield otherwise(
            near,
            f"bp-over-dfa/batch={batch}",
            value,
            "neuron",
            "For comparison: BP divided by dense DFA.",
        )
    broadcast = errors * (len(stack.shape) - 1)
    note = (
        "e is broadcast: each layer receives the 1,000 errors once, under DFA and SSDFA "
        "alike, so DFA moves no more than SSDFA."
    )
    yield otherwise(
        far,
        "broadcast",
        Fraction(bp.words, min(broadcast, ssdfa.words)),
        "neuron",
        "e is broadcast once to each layer: 3,000 words.",
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
        "Without EP into the frozen features.",
    )
    forward = sum(_forward_macs(stack))
    note = "With the forward pass."
    yield otherwise(
        macs, "with-forward", Fraction(bp.macs + forward, ssdfa.macs + forward), "neuron", note
    )
    note = "With the forward pass, without EP into the frozen features."
    yield otherwise(
        macs,
        "frozen-features-with-forward",
        Fraction(strict.macs + forward, ssdfa.macs + forward),
        "neuron",
        note,
    )


def _stored(stack: Stack, bp: int, dfa: int, ssdfa: int) -> Iterator[Item]:
    """Cells in bits instead of words. They include the feedback that DFA and SSDFA read, which the
    paper leaves out, and the positions that sparse rows need.
    """
    far, near = CLAIMS["movement-6400x"], CLAIMS["movement-1000x"]
    feedback = {rule: _feedback_bits(stack, rule) for rule in ("dfa", "ssdfa")}
    (dense, _), (values, positions) = feedback["dfa"], feedback["ssdfa"]
    sparse = ssdfa * FLOAT_BITS
    each = (
        f"{positions // (values // FLOAT_BITS)} bits of position per feedback value, by "
        "which a neuron finds its error"
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
    """(bits of all feedback values, bits of their positions)."""
    once = weights_once(stack.ops(rule), float_bits)
    return once.bits, once.index_bits


def _forward_macs(stack: Stack) -> list[int]:
    """Forward MACs of each layer."""
    shape = stack.shape
    return [before * after for before, after in pairwise(shape)]
