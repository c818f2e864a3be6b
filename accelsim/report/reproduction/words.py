"""Definitions of words for the pages of a reproduction; each page has those that occur on it."""

from __future__ import annotations

import re

WORDS = {
    "neuron": "an accounting: words and MACs of error assignment, counted neuron by neuron: "
    "every weight, feedback weight and error value that is used "
    "(Crafton et al. 2019)",
    "weights-once": "an accounting: the weights that error propagation reads, each once per step, "
    "and two operations per MAC (Han et al. 2020)",
    "machine": "an accounting: cycles, words, bytes or joules of a step that a machine has "
    "executed",
    "depends_on": "an accounting: the longest chain of operations in which each depends on the one "
    "before it, counted in operations, not on a machine",
    "trained": "an accounting: test accuracies of our own reduced training runs",
    "EP": "error propagation; FF is the forward pass, WG the weight gradient, WU the weight "
    "update; a step has all four",
    "BP": "backpropagation; BPTT: through time",
    "DFA": "direct feedback alignment: the output error reaches each layer through its own "
    "fixed matrix",
    "SDFA": "sparse DFA; SDFA-k10 keeps 10 feedback non-zeros per neuron, SSDFA one",
    "Revised": "the rule that Han et al. propose: DFA by modules, dilated, grouped and binary; "
    "Revised-G4 has 4 groups",
    "HDFA": "hybrid DFA: a fraction of the steps uses backpropagation, the others the revised "
    "rule. HDFA-0.1-G4: a tenth of the steps, 4 groups; "
    "HDFA-0.1-98%: a tenth, with 98 % of the feedback zero",
    "R-50": "ResNet-50 as table 2's printed cells encode it: a list of layers found by fitting; "
    "R-50-real: the real network; R-18: ResNet-18",
    "D1": "a convolution with fixed weights that carries a module's error to a layer's map; D2: a "
    "second one after it. C: the channels of a block",
    "eq13-G1": "equation 13 for one group; words-G4: words of the executed feedback, 4 groups; "
    "bits-G8: the same in bits, 8 groups",
    "triangle": "feedback through time in which a step receives only the errors of itself and of "
    "later steps",
    "tile": "the part of an operation that a machine works on at a time. Streaming errors past "
    "feedback matrices once per tile of channels means reading "
    "all errors again for each group of channels that fits the PE array",
    "window": "the number of values among which a zero-skipping PE looks for a non-zero one",
    "unicast": "e is sent separately to each PE that needs it; multicast: once to all",
}
"""Definition of each word. A word occurs in a text as written here, or followed by a hyphen and
more (`SDFA-k10`).
"""
_END = r"(?![A-Za-z0-9])"


def words(text: str) -> dict[str, str]:
    """The entries of `WORDS` that occur in the text of a page."""
    return {
        word: meaning
        for word, meaning in WORDS.items()
        if re.search(rf"(?<![A-Za-z0-9]){re.escape(word)}{_END}", text)
    }
