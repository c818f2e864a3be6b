"""Figures of part (c), language models."""

from __future__ import annotations

from matplotlib.figure import Figure

from accelsim.studies.accuracy.figures.panels import dots
from accelsim.studies.accuracy.outcomes import Outcomes

TEXT_CELLS = {"rnn-wikitext2": "RNN", "lstm-wikitext2": "LSTM", "gru-wikitext2": "GRU"}


def perplexity_figure(outcomes: Outcomes) -> Figure | None:
    """Perplexity without the unknown word by rule, one panel per kind of cell."""
    rows = {
        network: [
            each
            for each in outcomes.part("rnn")
            if each.cell.setting.network == network and each.scores("test_perplexity")
        ]
        for network in TEXT_CELLS
    }
    return dots(rows, TEXT_CELLS, "test_perplexity", "perplexity", 1)
