"""Statements of Han et al. 2020 about EP in ResNet-50: 99.0 % less memory, 60.1 %
fewer operations.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims.counted.readings import as_claimed, otherwise, saving
from accelsim.studies.papers.claims.counted.statements import CLAIMS
from accelsim.studies.papers.counting import Cost
from accelsim.studies.papers.han2020 import table2 as han2020_table2
from accelsim.studies.papers.outcome import half_up

LISTED = "The list of layers that table 2 encodes"
FITTED = (
    "The list was found by fitting. It is not ResNet-50: it was chosen because it gives "
    "the printed cells of BP and of the revised rule (not those of DFA). A match therefore "
    "shows only that the sentence follows from the paper's own table. That the paper "
    "counted this way is known with moderate confidence."
)
REAL = (
    "ResNet-50 with bottlenecks of expansion 4; D1 (of 4 C channels) and D2 on every link, "
    "as in VGG16 and R-18."
)


def resnet50() -> Iterator[Item]:
    """Cells for the layer list encoded in table 2, as the paper counts, and for the
    real ResNet-50.
    """
    listed, real = han2020_table2.costs("R-50"), han2020_table2.costs("R-50-real")
    memory, work = CLAIMS["memory-99.0%"], CLAIMS["operations-60.1%"]
    once = "weights-once"
    g8 = "Revised-G8"
    note = f"{LISTED}; 32 bits for BP, 1 bit for the revised rule. {FITTED}"
    yield as_claimed(memory, "paper", saving(listed[g8].bits, listed["BP"].bits), once, note)
    cells = [Fraction(half_up(listed[row].gop, 2)) for row in (g8, "BP")]
    note = f"{LISTED}; the paper computes the percentage from the rounded cells. {FITTED}"
    yield as_claimed(
        work, "paper", saving(listed[g8].ops, listed["BP"].ops), once, note, saving(*cells)
    )
    words = _words_saved(listed)
    yield otherwise(
        memory,
        "same-word-size",
        words,
        once,
        "Words instead of bits: the part of the saving that is not due to feedback of one bit.",
    )
    yield otherwise(memory, "real-network", saving(real[g8].bits, real["BP"].bits), once, REAL)
    yield otherwise(work, "real-network", saving(real[g8].ops, real["BP"].ops), once, REAL)


def _words_saved(known: dict[str, Cost]) -> Fraction:
    """Percentage of words (not bits) saved by G = 8."""
    return saving(known["Revised-G8"].bits * 32, known["BP"].bits)
