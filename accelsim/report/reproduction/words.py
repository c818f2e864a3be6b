"""Definitions of words for the pages of a reproduction; each page has those that occur on it."""

from __future__ import annotations

import re

WORDS = {
    "neuron": "an accounting: words and MACs of error assignment neuron by neuron, every weight, "
    "feedback weight and error value that it takes "
    "(Crafton et al. 2019)",
    "weights-once": "an accounting: the weights that error propagation reads, each once a step, "
    "and two operations a MAC (Han et al. 2020)",
    "machine": "an accounting: cycles, words, bytes or joules of a step that a machine has "
    "executed",
    "depends_on": "an accounting: the longest chain of operations that wait for one another, as "
    "each names those that it depends on; on no machine",
    "trained": "an accounting: test accuracies of our own reduced training runs",
    "EP": "error propagation; FF is the forward pass, WG the weight gradient, WU the weight "
    "update, a step all four",
    "BP": "backpropagation; BPTT: through time",
    "DFA": "direct feedback alignment: the output error reaches each layer by a fixed matrix of "
    "its own",
    "SDFA": "sparse DFA; SDFA-k10 keeps 10 non-zeros of the feedback a neuron, SSDFA one",
    "Revised": "the rule that Han et al. propose: DFA by modules, dilated, grouped and binary; "
    "Revised-G4 has 4 groups",
    "HDFA": "hybrid DFA: a share of the steps is backpropagation, the others follow the revised "
    "rule. HDFA-0.1-G4: a tenth of them, 4 groups; "
    "HDFA-0.1-98%: a tenth, 98 % of the feedback zero",
    "R-50": "ResNet-50 as table 2's printed cells encode it, a list of layers found by fitting; "
    "R-50-real: the network that exists; R-18: ResNet-18",
    "D1": "a convolution with fixed weights that carries a module's error to a layer's map; D2: a "
    "second one behind it. C: the channels of a block",
    "eq13-G1": "equation 13 for one group; words-G4: words of the executed feedback, 4 groups; "
    "bits-G8: the same in bits, 8 groups",
    "triangle": "feedback through time in which a step takes the errors of itself and of later "
    "steps only",
    "tile": "the part of an operation that a machine works on at a time. To stream errors past "
    "feedback matrices once a tile of channels: to "
    "read all errors again for each group of channels that fits the PE array",
    "window": "how many values ahead a PE with zero-skipping looks for one that is not zero",
    "unicast": "e is sent to each PE that takes it by itself; multicast: once to all",
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
